/// A crash that was added to the catalog.
public struct CrashArrival: Sendable, Equatable {
    /// Its row, which grows with each crash that is added.
    public let row: Int64
    /// The crash's id.
    public let crash: String
    /// The session's id.
    public let session: String
}

extension Catalog {
    /// The row of the crash that was added last; 0 without crashes.
    public func lastCrashRow() throws(CatalogError) -> Int64 {
        try read { (connection) throws(CatalogError) in
            try connection.integer("SELECT max(key) FROM crashes", []) ?? 0
        }
    }

    /// The crashes that were added after a row, in the order in which they were added. Errors that a process survived are
    /// left out.
    public func arrivals(after row: Int64, limit: Int) throws(CatalogError) -> [CrashArrival] {
        try read { (connection) throws(CatalogError) in
            // Plainly compared, `survived` leads to an index with another order, of which all rows are read.
            let query = try connection.prepare(
                """
                SELECT c.key, c.id, s.id FROM crashes c JOIN sessions s ON s.key = c.session
                WHERE c.key > ? AND c.survived + 0 = 0 ORDER BY c.key LIMIT \(max(0, limit))
                """
            ).bind([.integer(row)])
            var found: [CrashArrival] = []
            while try query.step() {
                found.append(CrashArrival(row: query.integer(0), crash: query.text(1), session: query.text(2)))
            }
            return found
        }
    }
}
