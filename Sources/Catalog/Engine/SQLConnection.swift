package import Text

/// A connection to the catalog's database, valid only inside the closure that receives it.
///
/// Every query is one text for all engines. It uses only what they share:
/// - placeholders `?` in order, or `?1`, `?2`, … by number; never both in one text;
/// - `INSERT … ON CONFLICT`, `RETURNING`, `coalesce`, `CASE`, `CAST`, `EXISTS`, `LIMIT`;
/// - integers for times and truth values, compared with numbers (`survived = 0`, never `NOT survived`);
/// - text that is compared and sorted by its bytes (PostgreSQL: columns with `COLLATE "C"`);
/// - `NULLS FIRST` where an ascending order may meet NULL: engines differ in where they put it;
/// - no `?` but for placeholders, and no empty `IN ()`.
///
/// Globs and index hints are worded by the connection, sums and ranges of prefixes by ``PortableSQL``.
package protocol SQLConnection {
    /// Names the database in errors; see ``SQLDriver/path``.
    var path: String { get }

    /// Compiles one statement.
    ///
    /// - Throws: ``CatalogError``, with `corrupt` when a table or column is missing. A remote engine tells of it when the
    ///   statement runs.
    func prepare(_ sql: String) throws(CatalogError) -> any SQLStatement

    /// Compiles a query over many rows during which other statements run: a remote engine then fetches a page at a time and
    /// keeps no more in memory. Its parameters are bound before it first steps.
    ///
    /// - Parameter pageSize: how many rows are fetched at a time.
    func prepare(_ sql: String, pageSize: Int) throws(CatalogError) -> any SQLStatement

    /// Runs statements without placeholders and without rows, separated by semicolons. A remote engine may only queue them;
    /// their errors are then thrown by the next statement that returns rows, or when the transaction is committed.
    func execute(_ sql: String) throws(CatalogError)

    /// The condition that a column matches a glob, with the answers of `Glob.matches`. The condition has one `?`.
    ///
    /// - Parameters:
    ///   - column: the column's name in the query.
    ///   - glob: a glob without a separator.
    func glob(_ column: String, _ glob: Glob) -> SQLCondition

    /// Whether each answer costs a round trip over a network: then one statement over many rows is better than many over few.
    var isRemote: Bool { get }

    /// Whether the table `members` exists. A shared catalog leaves the members in their packs.
    var storesMembers: Bool { get }

    /// The end of a query of one table whose rows this transaction will change: until it ends, other transactions that ask the
    /// same wait. Empty for an engine with one writer at a time.
    var rowLock: String { get }

    /// Lets no other transaction that calls this run until this one ends: the numbers of rows that they add are then in the
    /// order in which they become visible. Nothing to do for an engine with one writer at a time.
    func orderCommits() throws(CatalogError)

    /// The hint, written after a table's name and alias, to read the table through an index; empty for an engine without
    /// hints.
    func hint(index: String) -> String
}

/// A condition with one placeholder, and the placeholder's value.
package struct SQLCondition: Sendable {
    /// The condition; it contains `?` once.
    package var sql: String
    /// The value to bind.
    package var value: SQLValue

    /// Creates a condition.
    package init(sql: String, value: SQLValue) {
        self.sql = sql
        self.value = value
    }
}

/// A value for a query that is built at run time.
package enum SQLValue: Sendable, Equatable {
    /// A 64-bit number.
    case integer(Int64)
    /// Text; it may contain any character, NUL included.
    case text(String)
}

extension SQLConnection {
    package func prepare(_ sql: String, pageSize: Int) throws(CatalogError) -> any SQLStatement { try prepare(sql) }

    package var isRemote: Bool { false }

    package var storesMembers: Bool { true }

    package var rowLock: String { "" }

    package func orderCommits() throws(CatalogError) {}

    /// The statement that deletes the members of a session, where there are any.
    func deleteMembers(of key: Int64) -> String {
        storesMembers ? "DELETE FROM members WHERE session = \(key);" : ""
    }

    /// The first column of the first row as a number; nil without a row, or when it is NULL.
    package func integer(_ sql: String, _ values: [SQLValue] = []) throws(CatalogError) -> Int64? {
        let statement = try prepare(sql).bind(values)
        return try statement.step() ? statement.integerOrNil(0) : nil
    }
}
