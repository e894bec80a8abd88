internal import CSQLite
internal import Glibc

extension Catalog {
    /// Copies a consistent snapshot of the catalog into a new file (mode 0600) while others may write, and checks the
    /// copy. The copy has no separate write-ahead log.
    ///
    /// - Parameter target: the new file; an existing one is replaced.
    /// - Throws: ``CatalogError``, with `corrupt` when the copy fails SQLite's check because the original is damaged.
    public func copy(to target: String) throws(CatalogError) {
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(target + suffix) }
        let descriptor = Glibc.open(target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw CatalogError(
                code: errno == ENOSPC ? .full : .io,
                message: "the copy of the catalog cannot be created: \(String(cString: strerror(errno)))", path: target)
        }
        Glibc.close(descriptor)
        try read { (connection) throws(CatalogError) in
            var opened: OpaquePointer?
            let code = sqlite3_open_v2(target, &opened, SQLITE_OPEN_READWRITE, nil)
            defer { sqlite3_close(opened) }
            guard code == SQLITE_OK, let copy = opened else {
                throw CatalogError(sqlite: code, message: "the copy of the catalog cannot be opened", path: target)
            }
            try Self.copyPages(from: connection.handle, to: copy, target)
            let result = Connection(handle: copy, path: target)
            try result.execute("PRAGMA journal_mode = DELETE")
            let check = try result.prepare("PRAGMA quick_check(1)")
            let verdict = try check.step() ? check.text(0) : "no result"
            guard verdict == "ok" else {
                throw CatalogError(
                    code: .corrupt, message: "the catalog is damaged: \(verdict)", path: path,
                    hint: "salvage reindex rebuilds it from the packs; the last backup has an earlier copy")
            }
        }
    }

    /// The sessions' packs, with their sizes in bytes as recorded.
    public func packSizes() throws(CatalogError) -> [String: UInt64] {
        try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare("SELECT pack, pack_bytes FROM sessions WHERE pack IS NOT NULL")
            var sizes: [String: UInt64] = [:]
            while try rows.step() { sizes[rows.text(0)] = rows.unsigned(1) }
            return sizes
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
