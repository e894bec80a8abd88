/// The tables of a shared catalog and the steps from one version to the next.
///
/// The table `meta` has one row: the layout, the oldest layouts whose programs may still read and write it, and what a
/// program needs to find the packs. Several versions of salvage may work on one store during an upgrade: a later
/// layout is used as long as it allows that.
enum PostgresSchema {
    /// The steps; one that was released is never edited.
    static let steps = [tables, workTables, recordTables, filterTables]

    static var version: Int64 { Int64(steps.count) }

    /// The oldest layout whose programs can read the current one. Raise it when a step changes what their queries use.
    static let readableBy: Int64 = 4
    /// The oldest layout whose programs can write the current one. Raise it when a step asks more of a writer.
    static let writableBy: Int64 = 4

    /// The table that all others are found by. It can be created by several programs at once.
    static let meta = """
        CREATE TABLE IF NOT EXISTS meta(
            application text COLLATE "C" PRIMARY KEY CHECK (application = 'salvage'), version bigint NOT NULL,
            readable_by bigint NOT NULL, writable_by bigint NOT NULL, store_id uuid NOT NULL, packs text COLLATE "C",
            endpoint text COLLATE "C", region text COLLATE "C", path_style bigint)
        """

    /// The layout of a database, and the oldest layouts of programs that it lets in.
    struct Layout: Equatable {
        var version: Int64
        var readableBy: Int64
        var writableBy: Int64

        /// Whether a program of the current layout may use it as it is.
        func isUsable(readOnly: Bool) -> Bool {
            version == PostgresSchema.version
                || version > PostgresSchema.version
                    && (readOnly ? readableBy : max(readableBy, writableBy)) <= PostgresSchema.version
        }
    }

    /// The layout of the database; nil when `meta` is empty.
    static func layout(_ connection: any SQLConnection) throws(CatalogError) -> Layout? {
        let row = try connection.prepare("SELECT version, readable_by, writable_by FROM meta")
        defer { row.reset() }
        guard try row.step() else { return nil }
        return Layout(version: row.integer(0), readableBy: row.integer(1), writableBy: row.integer(2))
    }

    /// Creates the tables, or brings those of an earlier layout up to date, in one transaction.
    static func migrate(_ connection: any SQLConnection) throws(CatalogError) {
        try connection.execute("\(meta); LOCK TABLE meta IN SHARE ROW EXCLUSIVE MODE")
        // Read again under the lock: another program may have done it.
        let found = try layout(connection)
        guard found.map({ $0.version < version }) ?? true else { return }
        for step in steps.dropFirst(Int(clamping: max(0, found?.version ?? 0))) { try connection.execute(step) }
        let values = "\(version), \(readableBy), \(writableBy)"
        if found == nil {
            try connection.execute(
                """
                INSERT INTO meta(version, readable_by, writable_by, application, store_id)
                VALUES(\(values), 'salvage', gen_random_uuid())
                """)
        } else {
            try connection.execute("UPDATE meta SET (version, readable_by, writable_by) = (\(values))")
        }
    }
}
