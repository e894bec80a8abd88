extension PostgresDriver {
    /// Opens a database; see ``Catalog/open(shared:local:readOnly:busyTimeout:)``.
    static func open(uri: String, readOnly: Bool, busyTimeout: Double) throws(CatalogError) -> PostgresDriver {
        let driver = try PostgresDriver(uri: uri, readOnly: readOnly, busyTimeout: busyTimeout)
        do { try driver.adoptLayout() } catch {
            driver.close()
            throw CatalogError(error, path: driver.path)
        }
        return driver
    }

    /// Creates or migrates the tables for writing, or throws when they cannot be used.
    private func adoptLayout() throws {
        var found: PostgresSchema.Layout?
        do {
            found = try read { try PostgresSchema.layout($0) }
        } catch let error as CatalogError where error.code == .corrupt {
            // Without `meta` there is no catalog. One with other columns is not ours.
            let hasMeta = try read { try $0.integer("SELECT CAST(to_regclass('meta') IS NOT NULL AS int)") == 1 }
            if hasMeta {
                throw CatalogError(
                    code: .foreign, message: "the database has a table \"meta\" of another program", path: path,
                    hint: "give salvage a database or a schema of its own")
            }
        }
        if found == nil, isReadOnly {
            throw CatalogError(
                code: .missing, message: "there is no catalog in this database", path: path,
                hint: "run salvage watch or salvage harvest with this store first, and check the search_path of the role")
        }
        if let found {
            if found.isUsable(readOnly: isReadOnly) { return }
            guard found.version < PostgresSchema.version else { throw newer(found) }
            guard !isReadOnly else {
                throw CatalogError(
                    code: .older, message: "the catalog has an older layout (\(found.version) of \(PostgresSchema.version))",
                    path: path, hint: "the next command that writes, such as salvage watch, brings it up to date")
            }
        }
        try write { connection in
            try PostgresSchema.migrate(connection)
            guard let now = try PostgresSchema.layout(connection), now.isUsable(readOnly: false) else {
                throw newer(try PostgresSchema.layout(connection))
            }
        }
    }

    private func newer(_ found: PostgresSchema.Layout?) -> CatalogError {
        let layout = found.map { "\($0.version)" } ?? "none"
        return CatalogError(
            code: .newer,
            message: "the catalog has layout \(layout); this salvage knows layouts up to \(PostgresSchema.version)",
            path: path, hint: "use a newer salvage")
    }

    // MARK: Checking

    func check(limit: Int) throws(CatalogError) -> [String] {
        do {
            var problems = try read { try PostgresObjects.current.differences($0) }
            if problems.isEmpty { problems = try examineIndices() }
            return Array(problems.prefix(max(1, limit)))
        } catch { throw CatalogError(error, path: path) }
    }

    /// Compares each index with its table, if the extension `amcheck` is there and the role may use it.
    private func examineIndices() throws -> [String] {
        let names = try read { connection in
            let rows = try connection.prepare(
                """
                SELECT CAST(i.indexrelid AS bigint), CAST(c.relname AS text) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                    JOIN pg_class t ON t.oid = i.indrelid JOIN pg_am a ON a.oid = c.relam
                WHERE t.relnamespace = CAST(current_schema() AS regnamespace) AND a.amname = 'btree' AND i.indisvalid
                    AND EXISTS(SELECT 1 FROM pg_extension WHERE extname = 'amcheck') ORDER BY c.relname
                """)
            var found: [(key: Int64, name: String)] = []
            while try rows.step() {
                guard PostgresObjects.current.indices.contains(rows.text(1)) else { continue }
                found.append((rows.integer(0), rows.text(1)))
            }
            return found
        }
        var problems: [String] = []
        for (key, name) in names {
            do {
                try read { connection in
                    try connection.prepare("SELECT bt_index_check(CAST(CAST(? AS bigint) AS oid))").bind(1, key).run()
                }
            } catch let error as CatalogError where error.code == .corrupt {
                problems.append("index \(name): \(error.message)")
            } catch let error as CatalogError where error.code == .readOnly { return problems }
        }
        return problems
    }
}

/// The tables, columns and indices that the steps of the layout create, as far as they have names.
struct PostgresObjects {
    /// The columns of each table.
    private(set) var tables: [String: Set<String>] = [:]
    private(set) var indices: Set<String> = []

    static let current = PostgresObjects(steps: [PostgresSchema.meta] + PostgresSchema.steps)

    /// Reads the statements of steps: `CREATE TABLE`, `CREATE INDEX`, `ALTER TABLE … ADD COLUMN` and `DROP`.
    init(steps: [String]) {
        for statement in steps.flatMap({ PostgresText.split($0) }) { read(statement) }
    }

    private mutating func read(_ statement: String) {
        var words = statement.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
        let kinds = words.prefix(8).map { $0.uppercased() }
        for word in ["UNIQUE", "IF", "NOT", "EXISTS"] {
            if let index = words.prefix(6).firstIndex(where: { $0.uppercased() == word }) { words.remove(at: index) }
        }
        guard kinds.count > 2, words.count > 2 else { return }
        switch (kinds[0], words[1].uppercased()) {
        case ("CREATE", "TABLE"): tables[words[2]] = Self.columns(statement)
        case ("CREATE", "INDEX"): indices.insert(words[2])
        case ("ALTER", "TABLE"):
            guard words.count > 5, words[3].uppercased() == "ADD", words[4].uppercased() == "COLUMN" else { return }
            tables[words[2], default: []].insert(words[5])
        case ("DROP", "TABLE"): tables[words[2]] = nil
        case ("DROP", "INDEX"): indices.remove(words[2])
        default: break
        }
    }

    /// The first word of each part of the outermost parentheses.
    private static func columns(_ statement: String) -> Set<String> {
        var (depth, parts) = (0, [""])
        for character in statement {
            switch character {
            case "(":
                depth += 1
                if depth > 1 { parts[parts.count - 1].append(character) }
            case ")":
                depth -= 1
                if depth == 0 { return names(parts) }
                parts[parts.count - 1].append(character)
            case "," where depth == 1: parts.append("")
            default: if depth > 0 { parts[parts.count - 1].append(character) }
            }
        }
        return names(parts)
    }

    private static func names(_ parts: [String]) -> Set<String> {
        let words = parts.compactMap { part in
            part.split { $0.isWhitespace || $0 == "(" }.first.map(String.init)
        }
        return Set(words.filter { !["PRIMARY", "UNIQUE", "CHECK", "CONSTRAINT", "FOREIGN", "EXCLUDE"].contains($0) })
    }

    /// One sentence for each table, column or index that the database lacks. What it has besides is someone else's.
    func differences(_ connection: any SQLConnection) throws(CatalogError) -> [String] {
        var columns: [String: Set<String>] = [:]
        let rows = try connection.prepare(
            """
            SELECT CAST(table_name AS text), CAST(column_name AS text) FROM information_schema.columns
            WHERE table_schema = current_schema()
            """)
        while try rows.step() { columns[rows.text(0), default: []].insert(rows.text(1)) }
        var valid: [String: Bool] = [:]
        let found = try connection.prepare(
            """
            SELECT CAST(c.relname AS text), CAST(i.indisvalid AS int) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE c.relnamespace = CAST(current_schema() AS regnamespace)
            """)
        while try found.step() { valid[found.text(0)] = found.integer(1) == 1 }
        var problems: [String] = []
        for (table, names) in tables.sorted(by: { $0.key < $1.key }) {
            guard let here = columns[table] else {
                problems.append("the catalog has no table \(table)")
                continue
            }
            for name in names.subtracting(here).sorted() { problems.append("table \(table) has no column \(name)") }
        }
        for index in indices.sorted() where valid[index] != true {
            problems.append(
                valid[index] == nil
                    ? "the catalog has no index \(index)" : "index \(index) is not valid; REINDEX INDEX \(index) mends it")
        }
        return problems
    }
}
