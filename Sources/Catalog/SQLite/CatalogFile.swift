internal import Glibc

// The file of a catalog that is kept in SQLite.
extension Catalog {
    /// The name of the database file inside a store.
    public static let fileName = "catalog.sqlite"

    /// The name of the file that marks a store being restored from a backup. Until it is gone, no catalog is created or
    /// written: the restore puts the backup's catalog in place last.
    public static let restoreMarker = ".restoring"

    static func filePath(store: String) -> String {
        store.hasSuffix("/") ? store + fileName : store + "/" + fileName
    }

    static func requireFile(_ path: String, store: String) throws(CatalogError) {
        guard access(path, F_OK) != 0 else { return }
        let reason = errno
        guard reason == ENOENT || reason == ENOTDIR else {
            throw CatalogError(
                code: .io, message: "the catalog cannot be reached: \(String(cString: strerror(reason)))", path: path,
                hint: "check the store's owner and mode")
        }
        try requireNoRestore(store: store)
        throw missing(path, store: store)
    }

    static func missing(_ path: String, store: String) -> CatalogError {
        CatalogError(
            code: .missing, message: "there is no catalog in \(store)", path: path,
            hint: "run salvage harvest or salvage ingest first, name the store with --store, "
                + "or rebuild the catalog with salvage reindex")
    }

    /// Throws when the store is being restored from a backup, or a restore was interrupted.
    ///
    /// - Throws: ``CatalogError`` with `restoring`, or with `io` when it cannot be determined now.
    public static func requireNoRestore(store: String) throws(CatalogError) {
        let marker = store + "/" + restoreMarker
        var facts = stat()
        if lstat(marker, &facts) == 0 {
            throw CatalogError(
                code: .restoring, message: "a restore into this store is running or was interrupted", path: store,
                hint: "let salvage restore finish, or run the same one again")
        }
        guard errno == ENOENT || errno == ENOTDIR else {
            throw CatalogError(
                code: .io, message: "the store cannot be read: \(String(cString: strerror(errno)))", path: marker,
                hint: "check the store's owner and mode")
        }
    }

    /// Creates the file with mode 0600: SQLite would use the umask, and gives its WAL files the mode of this file.
    /// Returns false when the file exists.
    static func createFile(_ path: String) throws(CatalogError) -> Bool {
        // With O_EXCL: opening and closing an existing database would drop the locks that another connection of this
        // process holds on it (POSIX locks belong to the process, not to the descriptor).
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor < 0 else {
            Glibc.close(descriptor)
            return true
        }
        let reason = errno
        if reason == EEXIST { return false }
        throw CatalogError(
            code: reason == ENOSPC ? .full : .io,
            message: "the catalog cannot be created: \(String(cString: strerror(reason)))", path: path,
            hint: reason == ENOENT ? "create the store's folder first" : "check the store's owner and mode")
    }
}
