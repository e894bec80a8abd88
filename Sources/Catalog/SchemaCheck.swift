internal import GRDB
internal import Glibc

extension Schema {
    /// In what the tables and indices of a database differ from those of today's layout, one sentence each.
    ///
    /// SQLite takes the text of its schema as it stands: a letter that changed on the disk gives a column another name.
    static func differences(_ connection: Connection) throws(CatalogError) -> [String] {
        let found = try objects(connection)
        return try today().sorted { $0.key < $1.key }.compactMap { name, text in
            guard let here = found[name] else { return "the catalog has no \(name)" }
            return here == text ? nil : "the catalog's definition of \(name) is not that of layout \(version)"
        }
    }

    /// Whether a database has exactly the tables and indices of today's layout, whatever its header says.
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

    /// What a database that was made by this version holds.
    private static func today() throws(CatalogError) -> [String: String] {
        do {
            return try DatabaseQueue().inDatabase { database in
                let connection = try Connection(database, path: ":memory:")
                for step in steps { try connection.execute(step) }
                return try objects(connection)
            }
        } catch { throw CatalogError(error, path: ":memory:") }
    }

    /// The text of each table and index, by its kind and name; those that SQLite makes by itself have none.
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
    /// What is wrong with the part of the header for which SQLite takes a file to be one that it may only read; nil where
    /// that is sound, or the file cannot be read now, which opening the catalog says.
    ///
    /// For a process that does not have the catalog open: to close the file lets go the locks that its connections hold.
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
        return "the header says format \(header[18]) for writing, which there is not"
    }

    /// Whether the database that could not be opened is salvage's and only its header says otherwise: that it is another
    /// program's, although it has the catalog's tables, or of a later layout, although its tables are today's.
    static func hasWrongHeader(_ error: CatalogError) throws(CatalogError) -> Bool {
        guard let path = error.path else { return false }
        if error.code == .readOnly { return headerProblem(path: path) != nil }
        guard error.code == .foreign || error.code == .newer else { return false }
        var configuration = Configuration()
        configuration.readonly = true
        do {
            let database = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? database.close() }
            return try database.inDatabase { database in
                let connection = try Connection(database, path: path)
                return try error.code == .newer ? Schema.isToday(connection) : Schema.hasOurTables(connection)
            }
        } catch {
            let failure = CatalogError(error, path: path)
            // Whose a schema is that cannot be read, nobody can tell.
            guard failure.code == .corrupt else { throw failure }
            return false
        }
    }
}
