internal import CSQLite
internal import Glibc

extension SQLiteDriver {
    func copy(to target: String) throws(CatalogError) {
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(target + suffix) }
        let descriptor = Glibc.open(target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw CatalogError(
                code: errno == ENOSPC ? .full : .io,
                message: "the copy of the catalog cannot be created: \(String(cString: strerror(errno)))", path: target)
        }
        Glibc.close(descriptor)
        do { try transaction("BEGIN") { try copy($0, to: target) } } catch { throw CatalogError(error, path: path) }
    }

    private func copy(_ connection: SQLiteConnection, to target: String) throws(CatalogError) {
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(target, &opened, SQLITE_OPEN_READWRITE, nil)
        defer { sqlite3_close(opened) }
        guard code == SQLITE_OK, let copy = opened else {
            throw CatalogError(sqlite: code, message: "the copy of the catalog cannot be opened", path: target)
        }
        try Self.copyPages(from: connection.handle, to: copy, target)
        let result = SQLiteConnection(handle: copy, path: target)
        try result.execute("PRAGMA journal_mode = DELETE")
        let check = try result.prepare("PRAGMA quick_check(1)")
        let verdict = try check.step() ? check.text(0) : "no result"
        guard verdict == "ok" else {
            throw CatalogError(
                code: .corrupt, message: "the catalog is damaged: \(verdict)", path: path,
                hint: "salvage reindex rebuilds it from the packs; the last backup has an earlier copy")
        }
    }

    private static func copyPages(
        from source: OpaquePointer, to copy: OpaquePointer, _ target: String
    ) throws(CatalogError) {
        guard let backup = sqlite3_backup_init(copy, "main", source, "main") else {
            throw CatalogError(
                sqlite: sqlite3_errcode(copy), message: String(cString: sqlite3_errmsg(copy)), path: target)
        }
        // All pages in one step: the surrounding read transaction keeps the snapshot, so the copy never restarts.
        let stepped = sqlite3_backup_step(backup, -1)
        let finished = sqlite3_backup_finish(backup)
        guard stepped == SQLITE_DONE, finished == SQLITE_OK else {
            throw CatalogError(
                sqlite: finished == SQLITE_OK ? stepped : finished, message: String(cString: sqlite3_errmsg(copy)),
                path: target)
        }
    }
}
