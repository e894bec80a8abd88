internal import Dispatch

/// The index of a store: its sessions, what was collected of each and why anything is missing, the members of their
/// packs, and the crashes found. One SQLite file, `<store>/catalog.sqlite`, or a PostgreSQL database that several machines
/// share.
///
/// Everything but the ledger's history can be rebuilt from the packs (``reindex(home:renew:progress:)``). What a call recorded
/// survives a power cut once it returns: writers commit with `synchronous=FULL` in SQLite, and as `synchronous_commit`
/// says in PostgreSQL. Readers never wait for writers. Calls block; asynchronous code uses ``perform(_:)``.
///
/// In PostgreSQL a call may fail with `io` because the connection was lost while it committed: nobody knows whether it was
/// recorded. Call it again: a pack, a fact or an artifact that is recorded twice is there once.
public final class Catalog: Sendable {
    /// The folder that holds the catalog and the packs; of a shared store, the folder for what stays on this machine.
    public let store: String
    /// Names the database in errors: its file, or its address without a password.
    public var path: String { driver.path }
    /// Whether the catalog was opened read-only, so that writes throw.
    public var readOnly: Bool { driver.isReadOnly }

    /// The database.
    package let driver: any SQLDriver
    private let queue = DispatchQueue(label: "salvage.catalog")

    /// Creates a catalog over an open database.
    ///
    /// - Parameters:
    ///   - store: the folder that holds the packs.
    ///   - driver: the database, with the current tables.
    package init(store: String, driver: any SQLDriver) {
        self.store = store
        self.driver = driver
    }

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
        Catalog(
            store: store,
            driver: try SQLiteDriver.open(store: store, readOnly: readOnly, busyTimeout: busyTimeout))
    }

    /// Closes the database; later calls throw. Otherwise it closes with the last reference.
    public func close() { driver.close() }

    /// Runs blocking catalog work outside the concurrency pool, one call at a time, in the order of the calls.
    public func perform<Result: Sendable>(
        _ work: @escaping @Sendable (Catalog) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try work(self) }) }
        }
    }

    /// Copies the write-ahead log into the database and empties it, so that the database file alone is complete.
    public func checkpoint() throws(CatalogError) { try driver.checkpoint() }

    /// Copies a consistent snapshot of the catalog into a new file (mode 0600) while others may write, and checks the
    /// copy. The copy has no separate write-ahead log. A shared catalog refuses it: `pg_dump` copies a PostgreSQL database.
    ///
    /// - Parameter target: the new file; an existing one is replaced.
    /// - Throws: ``CatalogError``, with `corrupt` when the copy fails SQLite's check because the original is damaged.
    public func copy(to target: String) throws(CatalogError) { try driver.copy(to: target) }

    /// Checks the whole database with the engine's own check (PostgreSQL: the extension `amcheck`, if it is installed), and the
    /// definitions of its tables. Returns one sentence per problem; empty when it is sound.
    ///
    /// - Throws: ``CatalogError`` when the database cannot be read for a reason other than damage.
    public func integrityProblems(limit: Int = 20) throws(CatalogError) -> [String] {
        do throws(CatalogError) { return try driver.check(limit: limit) } catch {
            guard error.code == .corrupt else { throw error }
            return [error.message]
        }
    }
}

// MARK: - Access for the queries and writes in the other files
extension Catalog {
    /// Runs `body` in a read transaction, with one consistent view.
    func read<Result>(_ body: (any SQLConnection) throws(CatalogError) -> Result) throws(CatalogError) -> Result {
        do { return try driver.read(body) } catch { throw CatalogError(error, path: path) }
    }

    /// Like ``read(_:)``, for bodies that run a caller's closure, whose errors are rethrown unchanged.
    func readThrough<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result { try driver.read(body) }

    /// Runs `body` in a write transaction; it may be run more than once (``SQLDriver/write(_:)``).
    func write<Result>(_ body: (any SQLConnection) throws(CatalogError) -> Result) throws(CatalogError) -> Result {
        guard !readOnly else {
            throw CatalogError(code: .readOnly, message: "the catalog was opened read-only", path: path)
        }
        do { return try driver.write(body) } catch { throw CatalogError(error, path: path) }
    }
}
