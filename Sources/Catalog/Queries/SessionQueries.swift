public import Model
import Text

extension Catalog {
    /// Returns the id of the session that has this id, or of the only session whose id starts with it.
    ///
    /// - Throws: ``CatalogError`` with `unknownSession`, or with `ambiguousSession`, which names some of the sessions.
    public func resolve(_ prefix: String) throws(CatalogError) -> String {
        try read { (connection) throws(CatalogError) in try connection.resolve(prefix).id }
    }

    /// The session with exactly this id; nil when there is none.
    public func session(_ id: String) throws(CatalogError) -> SessionRecord? {
        try read { (connection) throws(CatalogError) in
            let query = try SessionQuery(connection, "WHERE s.id = ?", [.text(id)], limit: 1)
            return try query.next()
        }
    }

    /// The selected sessions, all in memory; for many, use ``forEachSession(_:_:)``. Running sessions come first, then
    /// the others, latest end first.
    public func sessions(_ selection: Selection = Selection()) throws(CatalogError) -> [SessionRecord] {
        try read { (connection) throws(CatalogError) in
            let query = try SessionQuery(connection, selection)
            var records: [SessionRecord] = []
            while let record = try query.next() { records.append(record) }
            return records
        }
    }

    /// Calls `body` with each selected session, from one consistent view. Running sessions come first, then the others,
    /// latest end first.
    ///
    /// The connection is in use meanwhile: `body` must not use this catalog.
    /// - Throws: ``CatalogError``, or what the closure throws.
    public func forEachSession(
        _ selection: Selection = Selection(), _ body: (SessionRecord) throws -> Void
    ) throws {
        try readThrough { connection in
            let query = try SessionQuery(connection, selection)
            while let record = try query.next() { try body(record) }
        }
    }

    /// The number of selected sessions, at most the selection's limit.
    public func count(_ selection: Selection = Selection()) throws(CatalogError) -> Int {
        try read { (connection) throws(CatalogError) in
            let filter = try Filter.sessions(selection, on: connection)
            var query = "SELECT count(*) FROM sessions s\(filter.sql)"
            if let limit = selection.limit {
                // Ends at the limit instead of counting all.
                query =
                    "SELECT count(*) FROM (SELECT 1 FROM sessions s\(filter.sql) LIMIT \(max(0, limit))) AS selected"
            }
            return Int(clamping: try connection.integer(query, filter.values) ?? 0)
        }
    }

    /// The ledger's rows of a session's artifacts, sorted by name.
    public func artifacts(_ session: String) throws(CatalogError) -> [ArtifactRecord] {
        try read { (connection) throws(CatalogError) in
            let query = try connection.prepare(
                ArtifactColumns.select + " WHERE s.id = ?1 ORDER BY a.artifact")
            query.bind(1, session)
            var records: [ArtifactRecord] = []
            while try query.step() { records.append(ArtifactColumns.record(query)) }
            return records
        }
    }

    /// The artifacts in these states, earliest deadline first: the work left after a restart.
    public func artifacts(
        in states: [ArtifactState], sessions: [SessionState] = []
    ) throws(CatalogError) -> [ArtifactRecord] {
        try read { (connection) throws(CatalogError) in
            var filter = Filter()
            filter.add("a.state IN (\(states.map { "'\($0.rawValue)'" }.joined(separator: ",")))")
            if !sessions.isEmpty {
                filter.add("s.state IN (\(sessions.map { "'\($0.rawValue)'" }.joined(separator: ",")))")
            }
            let query = try connection.prepare(
                ArtifactColumns.select + filter.sql + " ORDER BY s.deadline IS NULL, s.deadline, s.key, a.artifact")
            var records: [ArtifactRecord] = []
            while try query.step() { records.append(ArtifactColumns.record(query)) }
            return records
        }
    }

    /// Every kept request of a session, oldest first.
    public func requests(_ session: String) throws(CatalogError) -> [RequestRecord] {
        try read { (connection) throws(CatalogError) in
            let query = try connection.prepare(
                """
                SELECT r.at, r.artifact, r.endpoint, r.status, r.bytes, r.identifier, r.outcome
                FROM requests r JOIN sessions s ON s.key = r.session WHERE s.id = ?1 ORDER BY r.seq
                """
            ).bind(1, session)
            var records: [RequestRecord] = []
            while try query.step() {
                records.append(
                    RequestRecord(
                        session: session, at: query.integer(0), artifact: query.textOrNil(1),
                        endpoint: query.text(2), status: query.integerOrNil(3).map { Int(clamping: $0) },
                        bytes: query.unsigned(4), identifier: query.textOrNil(5), outcome: query.text(6)))
            }
            return records
        }
    }

    /// The number of requests ever made for a session, including those no longer kept.
    public func requestCount(_ session: String) throws(CatalogError) -> Int {
        try read { (connection) throws(CatalogError) in
            let sql = "SELECT max(r.seq) FROM requests r JOIN sessions s ON s.key = r.session WHERE s.id = ?"
            return Int(clamping: try connection.integer(sql, [.text(session)]) ?? 0)
        }
    }
}

/// Reads sessions with their labels and newest crashes, a page at a time: one query brings the labels of a whole page, and
/// one its crashes, because one for each session takes longer than everything else, above all over a network.
final class SessionQuery {
    private var rows: any SQLStatement
    /// The statement to read after `rows`.
    private var others: (any SQLStatement)?
    private var left: Int
    private let labels: any SQLStatement
    private let crashes: any SQLStatement
    private let pageSize: Int
    private var page: [SessionRecord] = []
    private var keys: [Int64] = []
    private var position = 0
    private var times: [Int64] = []
    /// The sort key of the session that ``next()`` returned last (ms since 1970).
    private(set) var at: Int64 = 0
    /// Its row's key.
    private(set) var key: Int64 = 0

    /// Running sessions come first: they have no end to sort by, and are current. There are two statements so that each
    /// uses an index, and a short list out of many sessions needs no full sort.
    convenience init(_ connection: any SQLConnection, _ selection: Selection) throws(CatalogError) {
        let filter = try Filter.sessions(selection, on: connection)
        let order = " ORDER BY s.at DESC, s.id"
        var running = filter
        running.add("s.state = 'running'")
        var ended = filter
        ended.add("s.state <> 'running'")
        try self.init(connection, running.sql + order, running.values, limit: selection.limit)
        others = try Self.statement(connection, ended.sql + order, ended.values, pageSize: pageSize)
    }

    /// The sessions after those of an earlier page, in an order that is the same in every page.
    convenience init(
        _ connection: any SQLConnection, _ selection: Selection, after cursor: PageCursor?, limit: Int
    ) throws(CatalogError) {
        let order = " ORDER BY s.at DESC, s.key DESC"
        var ended = try Filter.sessions(selection, on: connection)
        var running = ended
        running.add("s.state = 'running'")
        ended.add("s.state <> 'running'")
        guard cursor?.isRunning != false else {
            cursor?.add(to: &ended, table: "s")
            try self.init(connection, ended.sql + order, ended.values, limit: limit)
            return
        }
        cursor?.add(to: &running, table: "s")
        try self.init(connection, running.sql + order, running.values, limit: limit)
        others = try Self.statement(connection, ended.sql + order, ended.values, pageSize: pageSize)
    }

    init(
        _ connection: any SQLConnection, _ tail: String, _ values: [SQLValue], limit: Int? = nil
    ) throws(CatalogError) {
        left = max(0, limit ?? .max)
        pageSize = max(1, min(PortableSQL.pageSize, left))
        rows = try Self.statement(connection, tail, values, pageSize: pageSize)
        labels = try connection.prepare(
            """
            SELECT session, key, value FROM labels WHERE session IN (\(PortableSQL.placeholders(pageSize)))
            """)
        // Neither the order nor `survived` may tempt the engine to an index that begins with `survived`: it would read all
        // crashes instead of those of a page.
        crashes = try connection.prepare(
            """
            SELECT c.session, c.id, coalesce(c.signal, c.exception, c.kind), g.text, c.at, c.key
            FROM crashes c JOIN signatures g ON g.id = c.signature
            WHERE c.survived + 0 = 0 AND c.session IN (\(PortableSQL.placeholders(pageSize)))
            """)
    }

    private static func statement(
        _ connection: any SQLConnection, _ tail: String, _ values: [SQLValue], pageSize: Int
    ) throws(CatalogError) -> any SQLStatement {
        let sql = SessionColumns.select(extra: ", s.at") + " " + tail
        return try connection.prepare(sql, pageSize: pageSize).bind(values)
    }

    func next() throws(CatalogError) -> SessionRecord? {
        if position == page.count { try readPage() }
        guard position < page.count else { return nil }
        defer { position += 1 }
        (at, key) = (times[position], keys[position])
        return page[position]
    }

    private func readPage() throws(CatalogError) {
        page.removeAll(keepingCapacity: true)
        keys.removeAll(keepingCapacity: true)
        times.removeAll(keepingCapacity: true)
        position = 0
        // Both answers are on their way at once.
        if left > 0 {
            try rows.start()
            try others?.start()
        }
        while page.count < pageSize, left > 0 {
            guard try step() else {
                // Another step would start the statement again.
                left = 0
                break
            }
            left -= 1
            keys.append(rows.integer(0))
            times.append(rows.integer(SessionColumns.count))
            page.append(SessionColumns.record(rows))
        }
        guard let last = keys.last else { return }
        // The keys of a short page are filled up with its last one.
        for index in 0..<pageSize { labels.bind(Int32(index + 1), index < keys.count ? keys[index] : last) }
        let places = Dictionary(zip(keys, keys.indices)) { first, _ in first }
        let crashed = keys.filter { key in places[key].map { page[$0].crashes > 0 } ?? false }
        if let last = crashed.last {
            for index in 0..<pageSize { crashes.bind(Int32(index + 1), index < crashed.count ? crashed[index] : last) }
        }
        try labels.start()
        if !crashed.isEmpty { try crashes.start() }
        while try labels.step() {
            guard let place = places[labels.integer(0)] else { continue }
            page[place].labels[labels.text(1)] = labels.text(2)
        }
        if !crashed.isEmpty { try readCrashes(places) }
    }

    private func readCrashes(_ places: [Int64: Int]) throws(CatalogError) {
        var newest: [Int: (at: Int64, key: Int64)] = [:]
        while try crashes.step() {
            guard let place = places[crashes.integer(0)] else { continue }
            let crash = (at: crashes.integer(4), key: crashes.integer(5))
            if let other = newest[place], other > crash { continue }
            newest[place] = crash
            page[place].newestCrash = SessionCrash(
                crash: crashes.text(1), reason: crashes.text(2), signature: crashes.text(3))
        }
    }

    private func step() throws(CatalogError) -> Bool {
        while try !rows.step() {
            guard let next = others else { return false }
            rows = next
            others = nil
        }
        return true
    }
}

/// The columns of an artifact's row.
enum ArtifactColumns {
    static let select = select(extra: "", join: "JOIN")

    /// The query with further columns from position 14.
    static func select(extra: String, join: String) -> String {
        """
        SELECT s.id, a.artifact, a.state, a.reason, a.status, a.identifier, a.tries, a.bytes, a.first_try, a.last_try,
            a.verdict, a.flags, a.sha256, a.next_try\(extra)
        FROM sessions s \(join) artifacts a ON a.session = s.key
        """
    }

    static func record(_ row: any SQLStatement) -> ArtifactRecord {
        let entry = ArtifactEntry(
            artifact: row.text(1), state: ArtifactState(rawValue: row.text(2)) ?? .failed, reason: row.textOrNil(3),
            status: row.integerOrNil(4).map { Int(clamping: $0) }, identifier: row.textOrNil(5),
            tries: Int(clamping: row.integer(6)), bytes: row.unsigned(7), firstTry: row.integerOrNil(8),
            lastTry: row.integerOrNil(9), verdict: row.textOrNil(10).map(ArchiveVerdict.init(rawValue:)),
            flags: row.text(11).split(separator: " ").map(String.init), sha256: row.textOrNil(12))
        return ArtifactRecord(session: row.text(0), entry: entry, nextTry: row.integerOrNil(13))
    }
}
