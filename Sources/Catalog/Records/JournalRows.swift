/// A journal that a shared catalog keeps.
package enum CatalogJournal: String, Sendable {
    /// What people decided about signatures.
    case decisions
}

/// A line of a journal in a shared catalog.
package struct CatalogJournalLine: Sendable, Equatable {
    /// Its number, from 1 in the order in which lines were added.
    package var number: Int64
    /// The line, without a newline.
    package var bytes: [UInt8]

    /// Creates a line.
    package init(number: Int64, bytes: [UInt8]) {
        self.number = number
        self.bytes = bytes
    }
}

extension Catalog {
    /// All lines of a journal of a shared catalog, in the order in which they were added.
    ///
    /// - Parameter largest: the most bytes that the lines may have together.
    /// - Throws: ``CatalogError``, with `database` when the journal is larger.
    package func lines(
        of journal: CatalogJournal, largest: Int
    ) throws(CatalogError) -> [CatalogJournalLine] {
        try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare("SELECT seq, line FROM journal WHERE kind = ?1 ORDER BY seq")
            rows.bind(1, journal.rawValue)
            var lines: [CatalogJournalLine] = []
            var total = 0
            while try rows.step() {
                let line = CatalogJournalLine(number: rows.integer(0), bytes: rows.blob(1))
                total += line.bytes.count
                guard total <= largest else {
                    throw CatalogError(
                        code: .database, message: "the journal of \(journal.rawValue) is larger than \(largest) bytes",
                        path: connection.path)
                }
                lines.append(line)
            }
            return lines
        }
    }

    /// Adds a line after the last one that its writer has read. When this returns true, the line survives a power cut of
    /// the database's machine as any commit does.
    ///
    /// The table's key decides between two writers, so no lock is needed: the second waits for the first to commit and then
    /// adds nothing.
    ///
    /// - Parameters:
    ///   - last: the number of the last line; 0 without one.
    ///   - time: in milliseconds since 1970.
    /// - Returns: false if another line was added meanwhile: the caller reads the journal again.
    /// - Throws: ``CatalogError``. If the connection is lost during the commit, the line may have been added.
    package func append(
        _ line: [UInt8], to journal: CatalogJournal, after last: Int64, at time: Int64
    ) throws(CatalogError) -> Bool {
        try write { (connection) throws(CatalogError) in
            let put = try connection.prepare(
                """
                INSERT INTO journal(kind, seq, at, line) VALUES(?1, ?2, ?3, ?4)
                ON CONFLICT(kind, seq) DO NOTHING RETURNING seq
                """)
            put.bind(1, journal.rawValue).bind(2, last + 1).bind(3, time).bind(4, blob: line)
            return try put.returnsRow()
        }
    }
}

extension SQLStatement {
    /// Runs the statement to its end; whether it returned a row.
    func returnsRow() throws(CatalogError) -> Bool {
        let found = try step()
        if found { try run() }
        return found
    }
}
