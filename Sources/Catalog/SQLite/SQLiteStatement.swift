internal import CSQLite

/// A compiled statement of an SQLite connection.
final class SQLiteStatement: SQLStatement {
    private let handle: OpaquePointer
    private let database: OpaquePointer
    private let path: String

    init(_ sql: String, on connection: SQLiteConnection) throws(CatalogError) {
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v2(connection.handle, sql, -1, &prepared, nil)
        guard code == SQLITE_OK, let prepared else { throw connection.error(code) }
        handle = prepared
        database = connection.handle
        path = connection.path
    }

    deinit { sqlite3_finalize(handle) }

    func step() throws(CatalogError) -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        if code != SQLITE_DONE {
            let error = CatalogError(sqlite: code, message: String(cString: sqlite3_errmsg(database)), path: path)
            sqlite3_reset(handle)
            throw error
        }
        sqlite3_reset(handle)
        return false
    }

    func reset() { sqlite3_reset(handle) }

    // MARK: Binding. A failed bind (a position out of range) shows up in tests as a wrong row.

    func bindNull(_ position: Int32) { sqlite3_bind_null(handle, position) }

    func bindInteger(_ position: Int32, _ value: Int64) { sqlite3_bind_int64(handle, position, value) }

    func bindText(_ position: Int32, _ bytes: UnsafeBufferPointer<UInt8>) {
        bytes.withMemoryRebound(to: CChar.self) { text in
            // An empty buffer may have no address, which SQLite would take for NULL.
            guard let base = text.baseAddress else {
                sqlite3_bind_text(handle, position, "", 0, transient)
                return
            }
            let encoding = UInt8(truncatingIfNeeded: SQLITE_UTF8)
            sqlite3_bind_text64(handle, position, base, UInt64(text.count), transient, encoding)
        }
    }

    func bindBlob(_ position: Int32, _ bytes: UnsafeRawBufferPointer) {
        if bytes.isEmpty {
            sqlite3_bind_zeroblob(handle, position, 0)
        } else {
            sqlite3_bind_blob64(handle, position, bytes.baseAddress, UInt64(bytes.count), transient)
        }
    }

    // MARK: Reading

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func integerOrNil(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func textOrNil(_ column: Int32) -> String? {
        guard let base = sqlite3_column_text(handle, column) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self)
    }

    func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let base = sqlite3_column_blob(handle, column)
        let count = Int(sqlite3_column_bytes(handle, column))
        return UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : count)
    }
}

/// `SQLITE_TRANSIENT`, which makes SQLite copy the bound value. Swift does not import the macro, which is a cast.
private var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
