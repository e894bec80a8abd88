public import Model

extension Catalog {
    /// A page of the selected sessions: running ones first, then the others, latest end first. The selection's own limit does
    /// not apply.
    ///
    /// - Parameters:
    ///   - selection: the sessions.
    ///   - cursor: where the page before ended; nil for the first.
    ///   - limit: the most sessions.
    public func sessionPage(
        _ selection: Selection = Selection(), after cursor: PageCursor? = nil, limit: Int
    ) throws(CatalogError) -> Page<SessionRecord> {
        try read { (connection) throws(CatalogError) in
            let limit = max(1, limit)
            let query = try SessionQuery(connection, selection, after: cursor, limit: limit)
            var rows: [SessionRecord] = []
            var last: PageCursor?
            while rows.count < limit, let record = try query.next() {
                rows.append(record)
                last = PageCursor(isRunning: record.state == .running, at: query.at, key: query.key)
            }
            return Page(rows: rows, next: rows.count < limit ? nil : last)
        }
    }

    /// A page of the selected crashes, newest first. The selection's own limit does not apply.
    ///
    /// - Parameters:
    ///   - selection: the crashes.
    ///   - cursor: where the page before ended; nil for the first.
    ///   - limit: the most crashes.
    public func crashPage(
        _ selection: Selection = Selection(), after cursor: PageCursor? = nil, limit: Int
    ) throws(CatalogError) -> Page<CrashRow> {
        try read { (connection) throws(CatalogError) in
            let limit = max(1, limit)
            var selection = selection
            selection.limit = limit
            let query = try Self.crashQuery(connection, selection, after: cursor)
            var rows: [CrashRow] = []
            var last: PageCursor?
            while try query.step() {
                rows.append(Self.crash(query))
                last = PageCursor(at: query.integer(14), key: query.integer(15))
            }
            return Page(rows: rows, next: rows.count < limit ? nil : last)
        }
    }
}
