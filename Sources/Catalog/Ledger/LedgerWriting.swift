import Model
internal import Pack
import Text

extension Catalog {
    /// Number of requests kept per session; older ones are deleted.
    public static let requestsKept = 200

    /// Records one step of a harvest in one transaction. A poll of 10,000 sessions is one call.
    ///
    /// Artifacts and requests of an unknown session create its row, so that nothing is dropped.
    public func record(_ batch: LedgerBatch) throws(CatalogError) {
        guard !batch.isEmpty else { return }
        try write { (connection) throws(CatalogError) in
            let ledger = try LedgerWriter(connection)
            try ledger.expect(batch)
            for update in batch.sessions { try ledger.apply(update) }
            for artifact in batch.artifacts { try ledger.put(artifact) }
            for request in batch.requests { try ledger.append(request) }
            for session in batch.released { try ledger.release(session) }
        }
    }

    /// Records facts and states of sessions; see ``record(_:)``.
    public func record(sessions: [SessionUpdate]) throws(CatalogError) { try record(LedgerBatch(sessions: sessions)) }
}

/// The statements of one ledger transaction, prepared once.
final class LedgerWriter {
    /// The harvest's rows lack what ingest found in an archive: for the same artifact, those findings are kept.
    private static let keepsFindings = "?11 IS NULL AND ?3 IN ('collected', 'incomplete')"

    private let connection: any SQLConnection
    /// The keys of rows that this transaction has locked.
    private var keys: ByteDictionary<Int64> = [:]
    /// The numbers of the sessions' last requests, as far as they are known.
    private var sequences: [Int64: Int64] = [:]
    /// The sessions whose rows this transaction has created.
    private(set) var created: ByteSet = []
    private let find: any SQLStatement
    private let insert: any SQLStatement
    private let update: any SQLStatement
    private let dropLabels: any SQLStatement
    private let putLabel: any SQLStatement
    private let putArtifact: any SQLStatement
    private let lastRequest: any SQLStatement
    private let putRequest: any SQLStatement
    private let trimRequests: any SQLStatement
    private let dropDownloads: any SQLStatement

    init(_ connection: any SQLConnection) throws(CatalogError) {
        self.connection = connection
        find = try connection.prepare("SELECT key FROM sessions WHERE id = ?1\(connection.rowLock)")
        insert = try connection.prepare(
            "INSERT INTO sessions(id, state) VALUES(?1, 'running') ON CONFLICT DO NOTHING RETURNING key")
        update = try connection.prepare(SessionColumns.update)
        dropLabels = try connection.prepare("DELETE FROM labels WHERE session = ?1")
        putLabel = try connection.prepare(
            """
            INSERT INTO labels(session, key, value) VALUES(?1, ?2, ?3)
            ON CONFLICT(session, key) DO UPDATE SET value = excluded.value
            """)
        putArtifact = try connection.prepare(
            """
            INSERT INTO artifacts(session, artifact, state, reason, status, identifier, tries, bytes,
                first_try, last_try, verdict, flags, sha256, next_try)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
            ON CONFLICT(session, artifact) DO UPDATE SET state = ?3, reason = ?4, status = ?5, identifier = ?6,
                tries = ?7, bytes = ?8, first_try = ?9, last_try = ?10, next_try = ?14,
                verdict = CASE WHEN \(Self.keepsFindings) THEN artifacts.verdict ELSE ?11 END,
                flags = CASE WHEN \(Self.keepsFindings) THEN artifacts.flags ELSE ?12 END,
                sha256 = CASE WHEN \(Self.keepsFindings) THEN artifacts.sha256 ELSE ?13 END
            """)
        lastRequest = try connection.prepare("SELECT max(seq) FROM requests WHERE session = ?1")
        putRequest = try connection.prepare(
            """
            INSERT INTO requests(session, seq, at, artifact, endpoint, status, bytes, identifier, outcome)
            VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """)
        trimRequests = try connection.prepare("DELETE FROM requests WHERE session = ?1 AND seq <= ?2")
        dropDownloads = try connection.prepare(
            "DELETE FROM downloads WHERE session = (SELECT key FROM sessions WHERE id = ?1)")
    }

    /// Returns the key of a session's row, creating the row if needed. Until the transaction ends, no other one changes the
    /// session.
    func key(of session: String) throws(CatalogError) -> Int64 {
        if let key = keys[session] { return key }
        // A row that is there neither before nor after the attempt to add it was removed in between.
        for _ in 0..<3 {
            for statement in [find, insert] {
                guard try statement.bind(1, session).step() else { continue }
                let key = statement.integer(0)
                statement.reset()
                keys[session] = key
                if statement === insert { created.insert(session) }
                return key
            }
        }
        throw CatalogError(
            code: .database, message: "creating a session's row failed", path: connection.path, session: session)
    }

    /// Reads or creates the rows of a batch's sessions all at once, where one after the other would be a round trip each.
    func expect(_ batch: LedgerBatch) throws(CatalogError) {
        guard connection.isRemote else { return }
        let ids = batch.sessions.map(\.session) + batch.artifacts.map(\.session) + batch.requests.map(\.session)
        // Sorted: writers that lock the same rows in the same order do not deadlock.
        let sessions = ByteSet(ids).sorted { $0.precedesInBytes($1) }
        try readKeys(of: sessions, "SELECT key, id FROM sessions WHERE id IN", connection.rowLock)
        let missing = sessions.filter { keys[$0] == nil }
        try readKeys(
            of: missing, "INSERT INTO sessions(id, state) VALUES", " ON CONFLICT DO NOTHING RETURNING key, id",
            value: "(?,'running')")
        for session in missing where keys[session] != nil { created.insert(session) }
        try readSequences(of: ByteSet(batch.requests.map(\.session)).compactMap { keys[$0] })
    }

    /// Runs a statement over many sessions, which returns keys and ids.
    private func readKeys(
        of sessions: [String], _ start: String, _ end: String, value: String? = nil
    ) throws(CatalogError) {
        var pages: [any SQLStatement] = []
        for page in Pages(sessions, size: PortableSQL.pageSize) {
            let values =
                value.map { [String](repeating: $0, count: page.count).joined(separator: ",") }
                ?? "(\(PortableSQL.placeholders(page.count))) ORDER BY id"
            let rows = try connection.prepare("\(start) \(values)\(end)").bind(page.map { .text($0) })
            try rows.start()
            pages.append(rows)
        }
        for rows in pages { while try rows.step() { keys[rows.text(1)] = rows.integer(0) } }
    }

    private func readSequences(of keys: [Int64]) throws(CatalogError) {
        for page in Pages(keys, size: PortableSQL.pageSize) {
            let places = PortableSQL.placeholders(page.count)
            let rows = try connection.prepare(
                "SELECT session, max(seq) FROM requests WHERE session IN (\(places)) GROUP BY session")
            rows.bind(page.map { .integer($0) })
            for key in page { sequences[key] = 0 }
            while try rows.step() { sequences[rows.integer(0)] = rows.integer(1) }
        }
    }

    /// The number of a session's last request.
    private func lastSequence(_ key: Int64) throws(CatalogError) -> Int64 {
        if let last = sequences[key] { return last }
        lastRequest.bind(1, key)
        defer { lastRequest.reset() }
        return try lastRequest.step() ? lastRequest.integer(0) : 0
    }

    /// Notes the key of a row that this transaction has read with ``SQLConnection/rowLock``.
    func note(_ key: Int64, of session: String) { keys[session] = key }

    func apply(_ change: SessionUpdate) throws(CatalogError) {
        let key = try key(of: change.session)
        if change.restart { try restart(key) }
        SessionColumns.bind(change, to: update)
        try update.bind(1, key).run()
        if change.setsLabels || !change.labels.isEmpty { try replaceLabels(of: key, with: change.labels) }
    }

    func replaceLabels(of key: Int64, with labels: ByteDictionary<String>) throws(CatalogError) {
        try dropLabels.bind(1, key).run()
        for (name, value) in labels { try putLabel.bind(1, key).bind(2, name).bind(3, value).run() }
    }

    func put(_ record: ArtifactRecord) throws(CatalogError) {
        try put(record.entry, nextTry: record.nextTry, session: key(of: record.session))
    }

    func put(_ entry: ArtifactEntry, nextTry: Int64?, session key: Int64) throws(CatalogError) {
        putArtifact.bind(1, key).bind(2, entry.artifact).bind(3, entry.state.rawValue).bind(4, entry.reason)
        putArtifact.bind(5, entry.status).bind(6, entry.identifier).bind(7, entry.tries).bind(8, entry.bytes)
        putArtifact.bind(9, entry.firstTry).bind(10, entry.lastTry).bind(11, entry.verdict?.rawValue)
        try putArtifact.bind(12, entry.flags.joined(separator: " ")).bind(13, entry.sha256).bind(14, nextTry).run()
    }

    func append(_ request: RequestRecord) throws(CatalogError) {
        let key = try key(of: request.session)
        let sequence = try lastSequence(key) &+ 1
        sequences[key] = sequence
        putRequest.bind(1, key).bind(2, sequence).bind(3, request.at).bind(4, request.artifact)
        putRequest.bind(5, request.endpoint).bind(6, request.status).bind(7, request.bytes)
        try putRequest.bind(8, request.identifier).bind(9, request.outcome).run()
        let oldest = sequence - Int64(Catalog.requestsKept)
        if oldest > 0 { try trimRequests.bind(1, key).bind(2, oldest).run() }
    }

    /// Deletes the records of a session's packed downloads.
    func release(_ session: String) throws(CatalogError) { try dropDownloads.bind(1, session).run() }

    private func restart(_ key: Int64) throws(CatalogError) {
        sequences[key] = 0
        try connection.execute(
            """
            \(SessionColumns.restart(key))
            DELETE FROM artifacts WHERE session = \(key);
            DELETE FROM requests WHERE session = \(key);
            DELETE FROM downloads WHERE session = \(key);
            """)
    }
}
