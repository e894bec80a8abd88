internal import CSQLite
import Text

/// A connection to an SQLite file, valid only inside the closure that receives it.
struct SQLiteConnection: SQLConnection {
    let handle: OpaquePointer
    let path: String

    func prepare(_ sql: String) throws(CatalogError) -> any SQLStatement { try SQLiteStatement(sql, on: self) }

    func execute(_ sql: String) throws(CatalogError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(code) }
    }

    func glob(_ column: String, _ glob: Glob) -> SQLCondition {
        SQLCondition(sql: "\(column) GLOB ?", value: .text(glob.sqlite ?? glob.description))
    }

    func hint(index: String) -> String { " INDEXED BY \(index)" }

    func error(_ code: Int32) -> CatalogError {
        CatalogError(sqlite: code, message: String(cString: sqlite3_errmsg(handle)), path: path)
    }
}
