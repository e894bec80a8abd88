/// The tables of a shared catalog and the steps from one version to the next.
enum PostgresSchema {
    /// The steps; one that was released is never edited.
    static let steps = [workTables, recordTables]
}
