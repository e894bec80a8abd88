public import Catalog

extension Store {
    /// The row of the crash that was added last; 0 without crashes.
    ///
    /// - Throws: `CatalogError`.
    public func lastCrashRow() throws(CatalogError) -> Int64 { try catalog().lastCrashRow() }

    /// The crashes that were added after a row, in the order in which they were added.
    ///
    /// - Throws: `CatalogError`.
    public func arrivals(after row: Int64, limit: Int) throws(CatalogError) -> [CrashArrival] {
        try catalog().arrivals(after: row, limit: limit)
    }
}
