extension Catalog {
    /// Names the harvesters of a shared store that were seen in the last minute, by the database's clock.
    package func presentHarvesters() throws(CatalogError) -> [String] {
        guard isShared else { return [] }
        return try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare(
                "SELECT id FROM harvester WHERE seen > clock_timestamp() - interval '60 seconds' ORDER BY id")
            var names: [String] = []
            while try rows.step() { names.append(rows.text(0)) }
            return names
        }
    }
}
