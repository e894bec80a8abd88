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
