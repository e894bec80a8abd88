internal import CSQLite

/// The driver for one SQLite file.
///
/// Source of the calls and their result codes: https://www.sqlite.org/c3ref/intro.html.
final class SQLiteDriver: SQLDriver {
    let path: String
    let isReadOnly: Bool
    /// Guards the connection for the length of a transaction. It is recursive: a nested transaction then fails with an error
    /// from SQLite and does not wait for itself.
    nonisolated(unsafe) private let mutex: OpaquePointer?
    nonisolated(unsafe) private var handle: OpaquePointer?

    /// Opens a file without looking at its tables; `:memory:` is a database of its own that is never written.
    ///
    /// - Parameters:
    ///   - path: the file. It is created unless `readOnly` is set.
    ///   - readOnly: whether the file is opened for reading only.
    ///   - busyTimeout: seconds to wait for another connection's lock.
    /// - Throws: ``CatalogError`` by SQLite's result code.
    init(path: String, readOnly: Bool = false, busyTimeout: Double = 0) throws(CatalogError) {
        self.path = path
        isReadOnly = readOnly
        mutex = sqlite3_mutex_alloc(SQLITE_MUTEX_RECURSIVE)
        let access = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        var opened: OpaquePointer?
        // Without SQLite's own mutex: `mutex` is held around every use.
        let code = sqlite3_open_v2(path, &opened, access | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened else {
            let message = String(cString: opened.map { sqlite3_errmsg($0) } ?? sqlite3_errstr(code))
            sqlite3_close_v2(opened)
            // Every property is set, so `deinit` runs and frees the mutex.
            throw CatalogError(sqlite: code, message: message, path: path)
        }
        handle = opened
        sqlite3_extended_result_codes(opened, 1)
        sqlite3_busy_timeout(opened, Int32(clamping: Int(busyTimeout * 1000)))
    }

    deinit {
        sqlite3_close_v2(handle)
        sqlite3_mutex_free(mutex)
    }

    var isShared: Bool { false }

    var storesMembers: Bool { true }

    func close() {
        sqlite3_mutex_enter(mutex)
        defer { sqlite3_mutex_leave(mutex) }
        sqlite3_close_v2(handle)
        handle = nil
    }

    func read<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        try transaction("BEGIN", body)
    }

    func write<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        // Takes the write lock at the start, so that the transaction cannot fail midway as busy.
        try transaction("BEGIN IMMEDIATE", body)
    }

    func check(limit: Int) throws(CatalogError) -> [String] {
        do {
            return try read { connection in
                let check = try connection.prepare("PRAGMA integrity_check(\(max(1, limit)))")
                var problems: [String] = []
                while try check.step() { problems.append(check.text(0)) }
                if problems == ["ok"] { problems = [] }
                return problems + (try SQLiteSchema.differences(connection))
            }
        } catch { throw CatalogError(error, path: path) }
    }

    func checkpoint() throws(CatalogError) { try pragma("wal_checkpoint(TRUNCATE)") }

    /// Runs pragmas that return nothing of interest, outside any transaction.
    func pragma(_ pragmas: String...) throws(CatalogError) {
        do {
            try direct { connection in for pragma in pragmas { try connection.execute("PRAGMA \(pragma)") } }
        } catch { throw CatalogError(error, path: path) }
    }

    /// Runs `body` outside any transaction, while no other thread uses the connection.
    ///
    /// - Throws: what `body` throws, and ``CatalogError`` if the connection is closed.
    func direct<Result>(_ body: (SQLiteConnection) throws -> Result) throws -> Result {
        sqlite3_mutex_enter(mutex)
        defer { sqlite3_mutex_leave(mutex) }
        guard let handle else {
            throw CatalogError(code: .database, message: "the catalog is closed", path: path)
        }
        return try body(SQLiteConnection(handle: handle, path: path))
    }

    /// Runs `body` in a transaction and commits it. An error rolls it back.
    ///
    /// - Parameter begin: the statement that starts the transaction.
    func transaction<Result>(_ begin: String, _ body: (SQLiteConnection) throws -> Result) throws -> Result {
        try direct { connection in
            try connection.execute(begin)
            do {
                let result = try body(connection)
                try connection.execute("COMMIT")
                return result
            } catch {
                // SQLite has already rolled back after some errors, a full disk among them. What went wrong is `error`; a
                // rollback that fails too leaves the transaction to the next one, which then cannot begin.
                if sqlite3_get_autocommit(connection.handle) == 0 { try? connection.execute("ROLLBACK") }
                throw error
            }
        }
    }
}
