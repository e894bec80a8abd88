extension SQLiteSchema {
    /// Compares the tables and indices of a database with the current layout. Returns one sentence per difference.
    ///
    /// SQLite trusts the text of its schema: a letter that changed on disk renames a column.
    static func differences(_ connection: any SQLConnection) throws(CatalogError) -> [String] {
        let found = try objects(connection)
        return try today().sorted { $0.key < $1.key }.compactMap { name, text in
            guard let here = found[name] else { return "the catalog has no \(name)" }
            return here == text ? nil : "the catalog's definition of \(name) differs from layout \(version)"
        }
    }

    /// Whether a database has exactly the tables and indices of the current layout, whatever its header says.
    static func isToday(_ connection: any SQLConnection) throws(CatalogError) -> Bool {
        try objects(connection) == today()
    }

    /// Whether a database has every table of the first layout, by name.
    static func hasOurTables(_ connection: any SQLConnection) throws(CatalogError) -> Bool {
        let found = try objects(connection)
        return ["names", "sessions", "labels", "artifacts", "requests", "members", "signatures", "crashes"].allSatisfy {
            found["table \($0)"] != nil
        }
    }

    /// The tables and indices of a database created by this version.
    private static func today() throws(CatalogError) -> [String: String] {
        do {
            return try SQLiteDriver(path: ":memory:").direct { connection in
                for step in steps { try connection.execute(step) }
                return try objects(connection)
            }
        } catch { throw CatalogError(error, path: ":memory:") }
    }

    /// The SQL text of each table and index, keyed by type and name, without those that SQLite creates itself.
    private static func objects(_ connection: any SQLConnection) throws(CatalogError) -> [String: String] {
        let rows = try connection.prepare(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite@_%' ESCAPE '@'")
        var found: [String: String] = [:]
        while try rows.step() {
            let words = rows.text(2).split { $0.isWhitespace }
            found["\(rows.text(0)) \(rows.text(1))"] = words.joined(separator: " ")
        }
        return found
    }
}
