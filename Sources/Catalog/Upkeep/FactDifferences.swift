import Model
internal import Pack
import Text

/// Compares the columns that queries select by with the facts in a session's pack. The ledger may be newer than the
/// pack, so facts that the pack lacks and facts that a later ledger update changes are not compared.
struct FactDifferences {
    private let connection: any SQLConnection
    private let contents: PackContents
    private(set) var found: [String] = []

    init(_ connection: any SQLConnection, _ contents: PackContents) {
        self.connection = connection
        self.contents = contents
    }

    /// Compares the session's row, labels, artifacts and crashes.
    mutating func compare() throws(CatalogError) {
        guard let (key, isSettled) = try compareSession() else { return }
        if isSettled { try compareLabels(key) }
        try compareArtifacts(key)
        try compareCrashes(key, isSettled: isSettled)
    }

    private mutating func note(_ what: String, _ row: String?, _ pack: String?) {
        if !Self.isSame(row, pack) {
            found.append("the catalog has \(what) \(row ?? "none"), the pack has \(pack ?? "none")")
        }
    }

    private mutating func note(_ what: String, _ row: Int64?, _ pack: Int64?) {
        if row != pack { note(what, row.map { "\($0)" }, pack.map { "\($0)" }) }
    }

    private static func isSame(_ row: String?, _ pack: String?) -> Bool {
        guard let row, let pack else { return row == nil && pack == nil }
        return row.hasSameBytes(as: pack)
    }

    // MARK: The session

    /// Returns the row's key, and whether the pack has the ledger's latest facts about the session.
    private mutating func compareSession() throws(CatalogError) -> (key: Int64, isSettled: Bool)? {
        let facts = contents.facts
        let row = try connection.prepare(
            """
            SELECT key, state, source, image, tag, location, host, created, exited, at,
                coalesce(exited, first_seen_exited, created, first_seen, 0), bytes, crashes,
                (SELECT count(*) FROM crashes c WHERE c.session = s.key AND c.survived = 0)
            FROM sessions s WHERE id = ?1
            """
        ).bind(1, facts.session)
        guard try row.step() else { return nil }
        defer { row.reset() }
        let state = SessionState(rawValue: row.text(1))
        if state == nil { found.append("the catalog has the unknown state \(row.text(1))") }
        let source = row.textOrNil(2)
        if !SettledRow.isKnown(source: source) { note("source", source, facts.source) }
        note("the sort time", row.integer(9), row.integer(10))
        let (bytes, overflow) = contents.members.reduce((UInt64(0), false)) { sum, member in
            let (next, over) = sum.0.addingReportingOverflow(member.size)
            return (next, sum.1 || over)
        }
        note("bytes of members", row.integer(11), overflow ? .max : Int64(clamping: bytes))
        if row.integer(12) != row.integer(13) {
            let crashes = counted(row.integer(12), "crash", "crashes")
            found.append("the catalog counts \(crashes) but has rows for \(row.integer(13))")
        }
        guard SettledRow.isSettled(state, source: source, facts) else { return (row.integer(0), false) }
        if !facts.image.isEmpty { note("image", row.text(3), facts.image) }
        for (what, column, fact) in [
            ("tag", 4, facts.tag), ("location", 5, facts.location), ("host", 6, facts.host),
        ] as [(String, Int32, String?)] where fact != nil {
            note(what, row.textOrNil(column), fact)
        }
        if let created = facts.created { note("created", row.integerOrNil(7), created) }
        // Sessions ingested by earlier versions have no end in their row; here it is derived from the members.
        if let exited = facts.exited, facts.source != "ingest" || row.integerOrNil(8) != nil {
            note("exited", row.integerOrNil(8), exited)
        }
        return (row.integer(0), true)
    }

    private mutating func compareLabels(_ key: Int64) throws(CatalogError) {
        let rows = try connection.prepare("SELECT key, value FROM labels WHERE session = ?1").bind(1, key)
        var labels: ByteDictionary<String> = [:]
        while try rows.step() { labels[rows.text(0)] = rows.text(1) }
        for (name, value) in contents.facts.labels { note("label \(name)", labels[name], value) }
    }

    // MARK: The artifacts

    private mutating func compareArtifacts(_ key: Int64) throws(CatalogError) {
        let rows = try connection.prepare(
            """
            SELECT artifact, state, tries, last_try, bytes, verdict, flags, sha256 FROM artifacts WHERE session = ?1
            ORDER BY artifact
            """
        ).bind(1, key)
        var known: ByteSet = []
        var packed: ByteDictionary<ArtifactEntry> = [:]
        for entry in contents.artifacts { packed[entry.artifact] = entry }
        while try rows.step() {
            let name = rows.text(0)
            known.insert(name)
            let state = ArtifactState(rawValue: rows.text(1))
            if state == nil { found.append("the catalog has the unknown state \(rows.text(1)) for \(name)") }
            guard let entry = packed[name] else { continue }
            // A later attempt that brought nothing new omits these or keeps them.
            if let sum = entry.sha256, let row = rows.textOrNil(7) { note("SHA-256 of \(name)", row, sum) }
            if let verdict = entry.verdict, let row = rows.textOrNil(5) {
                note("verdict on \(name)", row, verdict.rawValue)
                note("flags of \(name)", rows.text(6), entry.flags.joined(separator: " "))
            }
            let isSameTry = rows.integerOrNil(3) == entry.lastTry && rows.integer(2) == Int64(entry.tries)
            if state == entry.state, isSameTry {
                note("bytes of \(name)", rows.integer(4), Int64(clamping: entry.bytes))
            }
        }
        for entry in contents.artifacts where !known.contains(entry.artifact) {
            found.append("the catalog has no row for artifact \(entry.artifact)")
        }
    }

    // MARK: The crashes

    /// Records are renewed when symbols or rules change. So a row's identity is compared with the pack, and the columns
    /// that queries sort and group by with the stored record.
    private mutating func compareCrashes(_ key: Int64, isSettled: Bool) throws(CatalogError) {
        let rows = try connection.prepare(
            """
            SELECT c.id, c.json, c.kind, c.signal, c.exception, c.thread, c.quality, c.stack_hash, g.text, c.survived,
                c.time, c.at, i.text, t.text, l.text
            FROM crashes c LEFT JOIN signatures g ON g.id = c.signature LEFT JOIN names i ON i.id = c.image
                LEFT JOIN names t ON t.id = c.tag LEFT JOIN names l ON l.id = c.location
            WHERE c.session = ?1 ORDER BY c.ordinal
            """
        ).bind(1, key)
        var count = 0
        while try rows.step() {
            defer { count += 1 }
            guard contents.crashes.indices.contains(count) else { continue }
            if !isSound(rows, packed: CrashColumns(json: contents.crashes[count]), count, isSettled) {
                found.append("the catalog's row of crash \(count) differs from the pack")
            }
        }
        if count != contents.crashes.count {
            found.append(
                "the catalog has \(counted(count, "crash", "crashes")), the pack \(contents.crashes.count)")
        }
    }

    private func isSound(_ row: any SQLStatement, packed: CrashColumns, _ ordinal: Int, _ isSettled: Bool) -> Bool {
        let facts = contents.facts
        let record = CrashColumns(json: row.blob(1))
        let id = packed.id ?? "\(facts.session)#\(ordinal)"
        guard row.text(0).hasSameBytes(as: id), (record.id ?? id).hasSameBytes(as: id) else { return false }
        let columns = [record.signal, record.exception, record.thread, record.quality, record.stackHash]
        for (column, text) in columns.enumerated() {
            guard Self.isSame(row.textOrNil(Int32(column + 3)), text) else { return false }
        }
        let kind = row.text(2)
        // Renewing a record keeps the kind and time of the first analysis.
        guard kind == record.kind ?? "unknown" || kind == packed.kind ?? "unknown",
            Self.isSame(row.textOrNil(8), record.signature ?? "unknown"),
            row.integer(9) == (CrashRecord.isCrash(kind: kind) ? 0 : 1)
        else { return false }
        let time = row.integerOrNil(10)
        guard time == record.time || time == packed.time, time == nil || time == row.integer(11) else { return false }
        // Image, tag and location are the session's, which the ledger may know better than the pack.
        guard isSettled else { return true }
        let image = facts.image.isEmpty ? nil : facts.image
        return [(12, image), (13, facts.tag), (14, facts.location)].allSatisfy { column, fact in
            fact == nil || Self.isSame(row.textOrNil(Int32(column)), fact)
        }
    }
}
