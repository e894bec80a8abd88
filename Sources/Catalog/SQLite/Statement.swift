internal import CSQLite

/// A prepared SQLite statement, valid only inside one access to the database.
///
/// Text is bound and read with explicit lengths. Session ids and paths come from outside and may contain a NUL; text that ends
/// at it would make two ids equal.
final class Statement {
    private let handle: OpaquePointer
    private let database: OpaquePointer
    private let path: String

    init(_ sql: String, on connection: Connection) throws(CatalogError) {
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v2(connection.handle, sql, -1, &prepared, nil)
        guard code == SQLITE_OK, let prepared else { throw connection.error(code) }
        handle = prepared
        database = connection.handle
        path = connection.path
    }

    deinit { sqlite3_finalize(handle) }

    /// Moves to the next row. Returns false at the end, after which the statement can be bound again.
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

    /// Runs a statement and ignores its rows.
    func run() throws(CatalogError) { while try step() {} }

    /// Ends reading before the last row.
    func reset() { sqlite3_reset(handle) }
}

// MARK: - Binding; positions start at 1. A failed bind (a position out of range) shows up in tests as a wrong row.
extension Statement {
    @discardableResult func bind(_ position: Int32, _ value: Int64?) -> Statement {
        if let value { sqlite3_bind_int64(handle, position, value) } else { sqlite3_bind_null(handle, position) }
        return self
    }

    @discardableResult func bind(_ position: Int32, _ value: Int?) -> Statement {
        bind(position, value.map { Int64($0) })
    }

    /// SQLite's integers are signed: larger values are clamped.
    @discardableResult func bind(_ position: Int32, _ value: UInt64?) -> Statement {
        bind(position, value.map { Int64(clamping: $0) })
    }

    @discardableResult func bind(_ position: Int32, _ value: String?) -> Statement {
        guard var value else {
            sqlite3_bind_null(handle, position)
            return self
        }
        value.withUTF8 { bytes in
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
        return self
    }

    @discardableResult func bind(_ position: Int32, blob value: [UInt8]?) -> Statement {
        guard let value else {
            sqlite3_bind_null(handle, position)
            return self
        }
        if value.isEmpty {
            sqlite3_bind_zeroblob(handle, position, 0)
        } else {
            sqlite3_bind_blob64(handle, position, value, UInt64(value.count), transient)
        }
        return self
    }

    @discardableResult func bind(_ values: [Value]) -> Statement {
        for (index, value) in values.enumerated() {
            let position = Int32(truncatingIfNeeded: index + 1)
            switch value {
            case .integer(let number): bind(position, number)
            case .text(let text): bind(position, text)
            }
        }
        return self
    }

    /// A value for a query that is built at run time.
    enum Value {
        case integer(Int64)
        case text(String)
    }
}

// MARK: - Reading; columns start at 0.
extension Statement {
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func integerOrNil(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func unsigned(_ column: Int32) -> UInt64 { UInt64(clamping: integer(column)) }

    func text(_ column: Int32) -> String { textOrNil(column) ?? "" }

    func textOrNil(_ column: Int32) -> String? {
        guard let base = sqlite3_column_text(handle, column) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self)
    }

    func blob(_ column: Int32) -> [UInt8] { withBlob(column) { Array($0) } }

    func blobOrNil(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : blob(column) }

    func withBlob<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let base = sqlite3_column_blob(handle, column)
        let count = Int(sqlite3_column_bytes(handle, column))
        return body(UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : count))
    }
}

/// `SQLITE_TRANSIENT`, which makes SQLite copy the bound value. Swift does not import the macro, which is a cast.
private var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

/// A database connection, valid only inside the closure that receives it.
struct Connection {
    let handle: OpaquePointer
    let path: String

    func prepare(_ sql: String) throws(CatalogError) -> Statement { try Statement(sql, on: self) }

    /// Runs statements that return no rows, separated by semicolons.
    func execute(_ sql: String) throws(CatalogError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(code) }
    }

    /// The first column of the first row, as a number.
    func integer(_ sql: String, _ values: [Statement.Value] = []) throws(CatalogError) -> Int64? {
        let statement = try prepare(sql).bind(values)
        return try statement.step() ? statement.integerOrNil(0) : nil
    }

    /// Number of rows changed by the last statement.
    var changes: Int { Int(sqlite3_changes(handle)) }

    func error(_ code: Int32) -> CatalogError {
        CatalogError(sqlite: code, message: String(cString: sqlite3_errmsg(handle)), path: path)
    }
}
