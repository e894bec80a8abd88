extension PostgresSchema {
    /// What harvesters share: their work, its leases, the rates of the API, and what may be deleted from the bucket.
    static let workTables = ""
}
