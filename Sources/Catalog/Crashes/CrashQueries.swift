public import Model

/// A crash, or an error that the process survived, as listed in the catalog, with its record.
public struct CrashRow: IdentifiedSession, Sendable, Equatable {
    /// The crash's id.
    public var crash: String
    /// Whose crash it is; host, labels and creation are not read.
    public var identity: SessionIdentity
    /// When it happened (ms since 1970); nil when unknown.
    public var time: Int64?
    /// The kind of evidence, such as `core`, `minidump` or `log`.
    public var kind: String
    /// The signal's name.
    public var signal: String?
    /// The exception's name or code.
    public var exception: String?
    /// The crashed thread's name, otherwise its number.
    public var thread: String?
    /// The signature, which groups crashes of the same bug.
    public var signature: String
    /// The quality of the signature.
    public var signatureQuality: String?
    /// The hash of the stack.
    public var stackHash: String?
    /// The whole record: one JSON object.
    public var json: [UInt8]
}

extension Catalog {
    /// The selected crashes, newest first, all in memory; for many, use ``forEachCrash(_:_:)``.
    public func crashes(_ selection: Selection = Selection()) throws(CatalogError) -> [CrashRow] {
        try read { (connection) throws(CatalogError) in
            let query = try Self.crashQuery(connection, selection)
            var rows: [CrashRow] = []
            while try query.step() { rows.append(Self.crash(query)) }
            return rows
        }
    }

    /// Calls `body` with each selected crash, newest first; `body` must not use this catalog.
    ///
    /// - Throws: ``CatalogError``, or what the closure throws.
    public func forEachCrash(_ selection: Selection = Selection(), _ body: (CrashRow) throws -> Void) throws {
        try readThrough { connection in
            let query = try Self.crashQuery(connection, selection)
            while try query.step() { try body(Self.crash(query)) }
        }
    }

    /// Returns the crashes that `text` names, in pack order, at most 1000. It names, in this order: the crash with this
    /// id; the crashes of the session with this id; the only crash whose id starts with it; the crashes of the only
    /// session whose id starts with it.
    ///
    /// - Throws: ``CatalogError`` with `unknownSession` or `ambiguousSession`.
    public func crashes(named text: String) throws(CatalogError) -> [CrashRow] {
        try read { (connection) throws(CatalogError) in
            func rows(_ condition: String, _ values: [SQLValue]) throws(CatalogError) -> [CrashRow] {
                let query = try connection.prepare(
                    CrashRows.select + " WHERE \(condition) ORDER BY c.session, c.ordinal LIMIT 1000"
                ).bind(values)
                var found: [CrashRow] = []
                while try query.step() { found.append(Self.crash(query)) }
                return found
            }
            let exact = try rows("c.id = ?", [.text(text)])
            if !exact.isEmpty { return exact }
            let ofSession = try rows("s.id = ?", [.text(text)])
            if !ofSession.isEmpty || text.isEmpty { return ofSession }
            let candidates = try NameCandidates(text, on: connection)
            if candidates.crashes.count == 1 { return try rows("c.id = ?", [.text(candidates.crashes[0])]) }
            guard candidates.sessions.count == 1 else { throw try candidates.failure(on: connection) }
            return try rows("c.session = ?", [.integer(candidates.sessions[0].key)])
        }
    }

    static func crashQuery(
        _ connection: any SQLConnection, _ selection: Selection, after cursor: PageCursor? = nil
    ) throws(CatalogError) -> any SQLStatement {
        // SQLite would read all crashes in the order of time until enough are found, however few are selected.
        var filter = try Filter.crashes(selection, bySession: !selection.sessions.isEmpty, on: connection)
        cursor?.add(to: &filter, table: "c")
        let limit = selection.limit.map { " LIMIT \(max(0, $0))" } ?? ""
        let order = " ORDER BY c.at DESC, c.key DESC"
        guard !limit.isEmpty, selection.sessions.isEmpty, !selection.signatures.isEmpty else {
            return try connection.prepare(CrashRows.select + filter.sql + order + limit).bind(filter.values)
        }
        // The newest crashes of a signature are chosen in an index; only their rows are read.
        let hint = connection.hint(index: "crashes_signature")
        return try connection.prepare(
            """
            \(CrashRows.select) WHERE c.key IN (SELECT c.key FROM crashes c\(hint)\(filter.sql)\(order)\(limit))\(order)
            """
        ).bind(filter.values)
    }

    static func crash(_ row: any SQLStatement) -> CrashRow {
        CrashRow(
            crash: row.text(0),
            identity: SessionIdentity(
                id: row.text(1), image: row.text(2), tag: row.textOrNil(3), location: row.textOrNil(4)),
            time: row.integerOrNil(5), kind: row.text(6), signal: row.textOrNil(7), exception: row.textOrNil(8),
            thread: row.textOrNil(9), signature: row.text(10),
            signatureQuality: row.textOrNil(11), stackHash: row.textOrNil(12), json: row.blob(13))
    }
}

private enum CrashRows {
    static let select = """
        SELECT c.id, s.id, s.image, s.tag, s.location, c.time, c.kind, c.signal, c.exception, c.thread, g.text,
            c.quality, c.stack_hash, c.json, c.at, c.key
        FROM crashes c JOIN sessions s ON s.key = c.session JOIN signatures g ON g.id = c.signature
        """
}
