internal import Glibc

extension Schema {
    /// Compares the tables and indices of a database with the current layout. Returns one sentence per difference.
    ///
    /// SQLite trusts the text of its schema: a letter that changed on disk renames a column.
    static func differences(_ connection: Connection) throws(CatalogError) -> [String] {
        let found = try objects(connection)
        return try today().sorted { $0.key < $1.key }.compactMap { name, text in
            guard let here = found[name] else { return "the catalog has no \(name)" }
            return here == text ? nil : "the catalog's definition of \(name) differs from layout \(version)"
        }
    }

    /// Whether a database has exactly the tables and indices of the current layout, whatever its header says.
    static func isToday(_ connection: Connection) throws(CatalogError) -> Bool {
        try objects(connection) == today()
    }

    /// Whether a database has every table of the first layout, by name.
    static func hasOurTables(_ connection: Connection) throws(CatalogError) -> Bool {
        let found = try objects(connection)
        return ["names", "sessions", "labels", "artifacts", "requests", "members", "signatures", "crashes"].allSatisfy {
            found["table \($0)"] != nil
        }
    }

    /// The tables and indices of a database created by this version.
    private static func today() throws(CatalogError) -> [String: String] {
        do {
            return try SQLiteDatabase(path: ":memory:").direct { connection in
                for step in steps { try connection.execute(step) }
                return try objects(connection)
            }
        } catch { throw CatalogError(error, path: ":memory:") }
    }

    /// The SQL text of each table and index, keyed by type and name, without those that SQLite creates itself.
    private static func objects(_ connection: Connection) throws(CatalogError) -> [String: String] {
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

extension Catalog {
    /// Checks the header field whose damage makes SQLite treat the file as read-only. Returns the problem; nil when the
    /// field is valid or the file cannot be read now, which opening the catalog reports.
    ///
    /// Only for a process that does not have the catalog open: closing the file releases the locks of its connections.
    public static func headerProblem(store: String) -> String? {
        headerProblem(path: store.hasSuffix("/") ? store + fileName : store + "/" + fileName)
    }

    private static func headerProblem(path: String) -> String? {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        var header = [UInt8](repeating: 0, count: 20)
        guard pread(descriptor, &header, header.count, 0) == header.count,
            header.starts(with: Array("SQLite format 3\0".utf8)), !(1...2).contains(header[18])
        else { return nil }
        return "the header has the unknown write format \(header[18])"
    }

    /// Whether only the header of a database that could not be opened is wrong: it names another program although the
    /// tables are the catalog's, or a later layout although the tables are the current ones.
    static func hasWrongHeader(_ error: CatalogError) throws(CatalogError) -> Bool {
        guard let path = error.path else { return false }
        if error.code == .readOnly { return headerProblem(path: path) != nil }
        guard error.code == .foreign || error.code == .newer else { return false }
        do {
            return try SQLiteDatabase(path: path, readOnly: true).direct { connection in
                return try error.code == .newer ? Schema.isToday(connection) : Schema.hasOurTables(connection)
            }
        } catch {
            let failure = CatalogError(error, path: path)
            // With an unreadable schema, the owner is unknown.
            guard failure.code == .corrupt else { throw failure }
            return false
        }
    }
}
