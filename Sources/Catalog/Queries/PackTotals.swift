extension Catalog {
    /// The sessions' packs, with their sizes in bytes as recorded.
    public func packSizes() throws(CatalogError) -> [String: UInt64] {
        try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare("SELECT pack, pack_bytes FROM sessions WHERE pack IS NOT NULL")
            var sizes: [String: UInt64] = [:]
            while try rows.step() { sizes[rows.text(0)] = rows.unsigned(1) }
            return sizes
        }
    }
}

extension Catalog {
    /// The number of sessions with a pack and the packs' total size in bytes, in every engine; see ``packTotals(store:)`` for
    /// a catalog that is not open.
    public func packTotals() throws(CatalogError) -> (packs: Int, bytes: UInt64) {
        try read { (connection) throws(CatalogError) in
            let totals = try connection.prepare(
                "SELECT count(*), \(PortableSQL.sum("pack_bytes")) FROM sessions WHERE pack IS NOT NULL")
            guard try totals.step() else { return (0, 0) }
            return (Int(clamping: totals.integer(0)), totals.unsigned(1))
        }
    }
}
