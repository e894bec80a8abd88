import Text

/// A transaction of a PostgreSQL database as a connection, valid only inside the closure that receives it.
struct PostgresConnection: SQLConnection {
    let transaction: PostgresTransaction

    var path: String { transaction.path }

    var storesMembers: Bool { false }

    var isRemote: Bool { true }

    var rowLock: String { " FOR UPDATE" }

    func prepare(_ sql: String) throws(CatalogError) -> any SQLStatement {
        PostgresStatement(sql, in: transaction, pageSize: nil)
    }

    func prepare(_ sql: String, pageSize: Int) throws(CatalogError) -> any SQLStatement {
        PostgresStatement(sql, in: transaction, pageSize: max(1, pageSize))
    }

    func execute(_ sql: String) throws(CatalogError) {
        for statement in PostgresText.split(sql) { try transaction.send(statement) }
    }

    func orderCommits() throws(CatalogError) {
        // One row that every program has: a lock of a table would stop its vacuum.
        try execute("SELECT version FROM meta FOR UPDATE")
    }

    func glob(_ column: String, _ glob: Glob) -> SQLCondition {
        SQLCondition(sql: "\(column) ~ ?", value: .text(glob.postgres ?? glob.description))
    }

    func hint(index: String) -> String { "" }
}
