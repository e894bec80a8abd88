/// A database engine under the catalog: one open database, its transactions, and its upkeep.
///
/// The catalog's queries are one SQL text for all engines (``SQLConnection``). What cannot be worded alike belongs to the
/// driver: how a database is opened, created and migrated, the list of its tables, the integrity check, the backup copy. Each
/// driver has its own `open`, which refuses a database that it cannot use with `missing`, `corrupt`, `older`, `newer` or
/// `foreign`, and never mistakes one that cannot be read now for a missing one. `Tests/CatalogTests` runs its suites against
/// every driver.
///
/// Calls block. A driver may be used by several threads; a transaction within another one of the same thread is refused.
package protocol SQLDriver: AnyObject, Sendable {
    /// Names the database in errors: the path of its file, or its address without a password.
    var path: String { get }

    /// Whether the database was opened for reading only.
    var isReadOnly: Bool { get }

    /// Whether several machines share the database.
    var isShared: Bool { get }

    /// Whether it has the packs' members; otherwise they are read from the packs.
    var storesMembers: Bool { get }

    /// Runs `body` in a transaction that sees one consistent state and never waits for writers.
    ///
    /// - Throws: what `body` throws, and ``CatalogError`` if the database is closed or the transaction cannot begin.
    func read<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result

    /// Runs `body` in a transaction that is allowed to write from its start, and commits it. What it wrote survives a power cut
    /// once this returns. An error rolls it back.
    ///
    /// An engine with one writer at a time waits at the start, so that it cannot fail midway as busy. A shared one runs `body`
    /// again, in a new transaction, when another transaction was in its way or the connection was lost before the commit:
    /// `body` must change nothing outside the database that a second run would spoil.
    ///
    /// - Throws: what `body` throws, and ``CatalogError`` if the transaction cannot begin or be committed.
    func write<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result

    /// Checks the whole database and the definitions of its tables.
    ///
    /// - Parameter limit: the most problems that the engine's own check reports.
    /// - Returns: one sentence per problem; empty when the database is sound.
    /// - Throws: ``CatalogError`` when the database cannot be read.
    func check(limit: Int) throws(CatalogError) -> [String]

    /// Copies a consistent snapshot into a new file (mode 0600) while others may write, and checks the copy.
    ///
    /// - Parameter target: the new file; an existing one is replaced.
    /// - Throws: ``CatalogError``, with `corrupt` when the copy fails its check because the original is damaged.
    func copy(to target: String) throws(CatalogError)

    /// Brings pending writes into the database's main file, if the engine keeps them apart.
    func checkpoint() throws(CatalogError)

    /// Closes the database; later calls throw. Otherwise it closes with the last reference.
    func close()
}
