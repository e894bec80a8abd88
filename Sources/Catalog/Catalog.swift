internal import Dispatch
internal import Glibc

/// The index of a store: its sessions, what was collected of each and why anything is missing, the members of their
/// packs, and the crashes found. One SQLite file, `<store>/catalog.sqlite`.
///
/// Everything but the ledger's history can be rebuilt from the packs (``reindex(renew:progress:)``). Writers commit
/// with `synchronous=FULL`: what a call recorded survives a power cut once it returns. Readers never wait for writers
/// (WAL). Calls block; asynchronous code uses ``perform(_:)``.
public final class Catalog: Sendable {
    /// The folder that holds the catalog and the packs.
    public let store: String
    /// The database file.
    public let path: String
    /// Whether the catalog was opened read-only, so that writes throw.
    public let readOnly: Bool

    private let database: SQLiteDatabase
    private let queue = DispatchQueue(label: "salvage.catalog")

    private init(store: String, path: String, readOnly: Bool, database: SQLiteDatabase) {
        self.store = store
        self.path = path
        self.readOnly = readOnly
        self.database = database
    }

    /// The name of the database file inside a store.
    public static let fileName = "catalog.sqlite"

    /// The name of the file that marks a store being restored from a backup. Until it is gone, no catalog is created or
    /// written: the restore puts the backup's catalog in place last.
    public static let restoreMarker = ".restoring"

    /// Opens the catalog of a store.
    ///
    /// For writing, a missing file is created (mode 0600) and an older one migrated to the current schema; the folder
    /// must exist. For reading, nothing is created or changed.
    ///
    /// - Parameters:
    ///   - store: the store's folder.
    ///   - readOnly: whether to allow queries only.
    ///   - busyTimeout: seconds to wait for another process's lock.
    /// - Throws: ``CatalogError`` with `missing`, `corrupt`, `older`, `newer`, `foreign`, `io`, `busy` or, for writing while
    ///   a restore is not finished, `restoring`.
    public static func open(
        store: String, readOnly: Bool = false, busyTimeout: Double = 15
    ) throws(CatalogError) -> Catalog {
        let path = store.hasSuffix("/") ? store + fileName : store + "/" + fileName
        if readOnly {
            try requireFile(path, store: store)
        } else {
            try requireNoRestore(store: store)
            // A restore that starts meanwhile is either detected here or sees the file.
            let isNew = try createFile(path)
            do throws(CatalogError) { try requireNoRestore(store: store) } catch {
                if isNew { unlink(path) }
                throw error
            }
        }
        let database = try SQLiteDatabase(path: path, readOnly: readOnly, busyTimeout: busyTimeout)
        let catalog = Catalog(store: store, path: path, readOnly: readOnly, database: database)
        try catalog.direct { (connection) throws(CatalogError) in
            // secure_delete (on in Debian's build) would overwrite the rows of every replaced pack with zeros.
            try connection.execute("PRAGMA synchronous = FULL; PRAGMA secure_delete = OFF; PRAGMA cache_size = -8192")
        }
        try catalog.adoptSchema()
        return catalog
    }

    /// Closes the connection; later calls throw. Otherwise the connection closes with the last reference.
    public func close() { database.close() }

    /// Runs blocking catalog work outside the concurrency pool, one call at a time, in the order of the calls.
    public func perform<Result: Sendable>(
        _ work: @escaping @Sendable (Catalog) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try work(self) }) }
        }
    }

    /// Copies the write-ahead log into the database and empties it, so that the database file alone is complete.
    public func checkpoint() throws(CatalogError) {
        try direct { (connection) throws(CatalogError) in
            try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        }
    }

    private func adoptSchema() throws(CatalogError) {
        if !readOnly {
            try direct { (connection) throws(CatalogError) in try connection.execute("PRAGMA journal_mode = WAL") }
        }
        // In one transaction: another process may migrate the database between reading the header and the tables.
        let found = try read { (connection) throws(CatalogError) in try checkedVersion(connection) }
        guard found != Schema.version else { return }
        guard !readOnly else {
            // Created by a process that was interrupted.
            let isEmpty = try read { (connection) throws(CatalogError) in
                try connection.integer("SELECT count(*) FROM sqlite_master") == 0
            }
            if found == 0, isEmpty { throw Self.missing(path, store: store) }
            throw CatalogError(
                code: .older, message: "the catalog has an older layout (\(found) of \(Schema.version))", path: path,
                hint: "any command that writes, such as salvage harvest or salvage reindex, brings it up to date")
        }
        try write { (connection) throws(CatalogError) in
            // Checked again under the write lock: another process may have migrated it.
            try Schema.migrate(connection, from: try checkedVersion(connection))
        }
    }

    private func checkedVersion(_ connection: Connection) throws(CatalogError) -> Int64 {
        let version = try connection.integer("PRAGMA user_version") ?? 0
        if version > Schema.version {
            let isOurs = try Schema.isToday(connection)
            throw CatalogError(
                code: .newer,
                message: isOurs
                    ? "the catalog's header says layout \(version), but its tables are those of layout \(Schema.version)"
                    : "the catalog has layout \(version); this salvage knows layouts up to \(Schema.version)",
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
        if application == Schema.applicationID {
            if version == Schema.version { return version }
            guard try Schema.isToday(connection) else { return version }
            throw CatalogError(
                code: .corrupt,
                message:
                    "the catalog is damaged: its header says layout \(version), but its tables are those of layout "
                    + "\(Schema.version)", path: path, hint: CatalogError.rebuildHint)
        }
        let tables = try connection.integer("SELECT count(*) FROM sqlite_master") ?? 0
        guard application == 0 && version == 0 && tables == 0 else {
            let isOurs = try Schema.hasOurTables(connection)
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

// MARK: - Access for the queries and writes in the other files
extension Catalog {
    /// Runs `body` in a read transaction, with one consistent view.
    func read<Result>(_ body: (Connection) throws(CatalogError) -> Result) throws(CatalogError) -> Result {
        do { return try readThrough(body) } catch { throw CatalogError(error, path: path) }
    }

    /// Like ``read(_:)``, for bodies that run a caller's closure, whose errors are rethrown unchanged.
    func readThrough<Result>(_ body: (Connection) throws -> Result) throws -> Result {
        try database.transaction("BEGIN", body)
    }

    /// Runs `body` in a write transaction. It takes the write lock at the start, so that it cannot fail midway as busy.
    func write<Result>(_ body: (Connection) throws(CatalogError) -> Result) throws(CatalogError) -> Result {
        guard !readOnly else {
            throw CatalogError(code: .readOnly, message: "the catalog was opened read-only", path: path)
        }
        do { return try database.transaction("BEGIN IMMEDIATE", body) } catch { throw CatalogError(error, path: path) }
    }

    /// Runs `body` outside any transaction, for pragmas.
    private func direct<Result>(_ body: (Connection) throws(CatalogError) -> Result) throws(CatalogError) -> Result {
        do { return try database.direct(body) } catch { throw CatalogError(error, path: path) }
    }

    private static func requireFile(_ path: String, store: String) throws(CatalogError) {
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

    private static func missing(_ path: String, store: String) -> CatalogError {
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
    private static func createFile(_ path: String) throws(CatalogError) -> Bool {
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
