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
                hint: "run salvage watch or salvage harvest with this store first, or check the role's search_path")
        }
        if let found {
            if found.isUsable(readOnly: isReadOnly) { return }
            guard found.version < PostgresSchema.version else { throw newer(found) }
            guard !isReadOnly else {
                throw CatalogError(
                    code: .older,
                    message: "the catalog has an older layout (\(found.version) of \(PostgresSchema.version))",
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
