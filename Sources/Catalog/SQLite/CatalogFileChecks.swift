internal import Clocks
internal import Glibc

// What can be found out about the file without opening the catalog.
extension Catalog {
    /// Checks the header field whose damage makes SQLite treat the file as read-only. Returns the problem; nil when the
    /// field is valid or the file cannot be read now, which opening the catalog reports.
    ///
    /// Only for a process that does not have the catalog open: closing the file releases the locks of its connections.
    public static func headerProblem(store: String) -> String? {
        headerProblem(path: filePath(store: store))
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
            return try SQLiteDriver(path: path, readOnly: true).direct { connection in
                return try error.code == .newer
                    ? SQLiteSchema.isToday(connection) : SQLiteSchema.hasOurTables(connection)
            }
        } catch {
            let failure = CatalogError(error, path: path)
            // With an unreadable schema, the owner is unknown.
            guard failure.code == .corrupt else { throw failure }
            return false
        }
    }

    /// The number of sessions with a pack and the packs' total size in bytes; nil when the catalog cannot be read or
    /// has another layout.
    ///
    /// A search of all sessions needs nothing else from the catalog, so this skips the setup of a ``Catalog``, which
    /// would take longer than the search.
    public static func packTotals(store: String) -> (packs: Int, bytes: UInt64)? {
        let path = filePath(store: store)
        guard let driver = try? SQLiteDriver(path: path, readOnly: true, busyTimeout: 2) else { return nil }
        return try? driver.direct { connection in
            guard try connection.integer("PRAGMA application_id") == SQLiteSchema.applicationID,
                try connection.integer("PRAGMA user_version") == SQLiteSchema.version
            else { return nil }
            let totals = try connection.prepare(
                "SELECT count(*), total(pack_bytes) FROM sessions WHERE pack IS NOT NULL")
            guard try totals.step() else { return nil }
            return (Int(clamping: totals.integer(0)), totals.unsigned(1))
        }
    }

    /// Whether another connection holds the catalog's write lock now; also false when that cannot be determined.
    ///
    /// Waits at most 0.2 seconds. Only for a process that is about to exit: closing the connection releases the locks
    /// of the process's other connections.
    public static func isHeld(store: String) -> Bool {
        do throws(CatalogError) {
            let catalog = try open(store: store, busyTimeout: 0.2)
            try catalog.write { (_) throws(CatalogError) in }
            return false
        } catch {
            return error.code == .busy
        }
    }
}

// MARK: - A damaged file
extension Catalog {
    /// Whether a file name in the store is that of a damaged database that was renamed.
    public static func isSetAside(_ name: String) -> Bool { name.hasPrefix(fileName + ".damaged-") }

    /// Renames the database and its log to `catalog.sqlite.damaged-<seconds since 1970>`. No process may have it open.
    ///
    /// - Returns: its new path.
    /// - Throws: ``CatalogError`` with `io`.
    public static func setAside(store: String) throws(CatalogError) -> String {
        let path = filePath(store: store)
        let target = "\(path).damaged-\(WallClock.now() / 1000)"
        // The write-ahead log goes first: left behind, it would be replayed into the new database.
        for suffix in ["-wal", "-shm", ""] where rename(path + suffix, target + suffix) != 0 && errno != ENOENT {
            throw CatalogError(
                code: .io, message: "the damaged catalog cannot be renamed: \(String(cString: strerror(errno)))",
                path: path + suffix, hint: "check the store's owner and mode")
        }
        return target
    }
}
