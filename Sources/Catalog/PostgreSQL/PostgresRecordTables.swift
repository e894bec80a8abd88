extension PostgresSchema {
    /// What people decided, and symbols.
    static let recordTables = ""
}
