internal import Glibc

extension SQLiteDriver {
    /// Opens the catalog file of a store; see ``Catalog/open(store:readOnly:busyTimeout:)``.
    static func open(store: String, readOnly: Bool, busyTimeout: Double) throws(CatalogError) -> SQLiteDriver {
        let path = Catalog.filePath(store: store)
        if readOnly {
            try Catalog.requireFile(path, store: store)
        } else {
            try Catalog.requireNoRestore(store: store)
            // A restore that starts meanwhile is either detected here or sees the file.
            let isNew = try Catalog.createFile(path)
            do throws(CatalogError) { try Catalog.requireNoRestore(store: store) } catch {
                if isNew { unlink(path) }
                throw error
            }
        }
        let driver = try SQLiteDriver(path: path, readOnly: readOnly, busyTimeout: busyTimeout)
        // secure_delete (on in Debian's build) would overwrite the rows of every replaced pack with zeros.
        try driver.pragma("synchronous = FULL", "secure_delete = OFF", "cache_size = -8192")
        do { try driver.adoptLayout(store: store) } catch { throw CatalogError(error, path: path) }
        return driver
    }

    /// Creates or migrates the tables, or throws when they are not the current ones.
    private func adoptLayout(store: String) throws {
        if !isReadOnly { try pragma("journal_mode = WAL") }
        // In one transaction: another process may migrate the database between reading the header and the tables.
        let found = try transaction("BEGIN") { try checkedVersion($0) }
        guard found != SQLiteSchema.version else { return }
        guard !isReadOnly else {
            // Created by a process that was interrupted.
            let isEmpty = try read { try $0.integer("SELECT count(*) FROM sqlite_master") == 0 }
            if found == 0, isEmpty { throw Catalog.missing(path, store: store) }
            throw CatalogError(
                code: .older, message: "the catalog has an older layout (\(found) of \(SQLiteSchema.version))",
                path: path,
                hint: "any command that writes, such as salvage harvest or salvage reindex, brings it up to date")
        }
        try write { connection in
            // Checked again under the write lock: another process may have migrated it.
            try SQLiteSchema.migrate(connection, from: try checkedVersion(connection))
        }
    }

    private func checkedVersion(_ connection: any SQLConnection) throws(CatalogError) -> Int64 {
        let version = try connection.integer("PRAGMA user_version") ?? 0
        if version > SQLiteSchema.version {
            let isOurs = try SQLiteSchema.isToday(connection)
            throw CatalogError(
                code: .newer,
                message: isOurs
                    ? "the catalog's header says layout \(version), but its tables are those of layout \(SQLiteSchema.version)"
                    : "the catalog has layout \(version); this salvage knows layouts up to \(SQLiteSchema.version)",
                path: path,
                hint: isOurs
                    ? "use the newer salvage that wrote it; if there was none, its header is damaged: "
                        + CatalogError.rebuildHint
                    : "use the newer salvage that wrote it, or move the file away and run salvage reindex")
        }
        guard version >= 0 else {
            throw CatalogError(
                code: .corrupt, message: "the catalog is damaged: its header says layout \(version)", path: path,
                hint: CatalogError.rebuildHint)
        }
        let application = try connection.integer("PRAGMA application_id") ?? 0
        if application == SQLiteSchema.applicationID {
            if version == SQLiteSchema.version { return version }
            guard try SQLiteSchema.isToday(connection) else { return version }
            throw CatalogError(
                code: .corrupt,
                message:
                    "the catalog is damaged: its header says layout \(version), but its tables are those of layout "
                    + "\(SQLiteSchema.version)", path: path, hint: CatalogError.rebuildHint)
        }
        let tables = try connection.integer("SELECT count(*) FROM sqlite_master") ?? 0
        guard application == 0 && version == 0 && tables == 0 else {
            let isOurs = try SQLiteSchema.hasOurTables(connection)
            throw CatalogError(
                code: .foreign,
                message: isOurs
                    ? "the file has the catalog's tables, but its header names another program"
                    : "the file is another program's database", path: path,
                hint: isOurs
                    ? "its header is damaged: \(CatalogError.rebuildHint)"
                    : "choose another store with --store, or move the file away and run salvage reindex")
        }
        return version
    }
}
