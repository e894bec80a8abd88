/// One transaction on a connection. Its BEGIN goes out with the first statement, and statements without rows are only checked
/// with the next answer that is waited for.
final class PostgresTransaction {
    let path: String
    let link: PostgresLink
    private let opening: [String]
    private let isWriting: Bool
    private var hasBegun = false
    /// What was sent while the caller has seen no answer: a connection that turns out to have been closed while it was idle
    /// is replaced, and all of it is sent again.
    private var unseen: [PostgresCommand]? = []
    private var cursors = 0

    /// - Parameter opening: the statements that begin the transaction.
    init(_ link: PostgresLink, _ opening: [String], isWriting: Bool, path: String) {
        self.link = link
        self.opening = opening
        self.isWriting = isWriting
        self.path = path
        link.begin()
    }

    /// Whether the same body may succeed in another transaction: after a conflict, or when the connection was lost before
    /// anything could be committed.
    ///
    /// - Parameter attempt: how often it has begun.
    func canBeRepeated(_ attempt: Int) -> Bool {
        guard let failure = link.failure?.0 else { return false }
        return isWriting && !isCommitting && attempt < failure.mostAttempts
    }

    /// Whether the connection was lost while the transaction was being committed.
    private(set) var isCommitting = false

    /// A name for a cursor, used once in this transaction.
    func cursorName() -> String {
        cursors += 1
        return "salvage_\(cursors)"
    }

    /// Sends a statement.
    ///
    /// - Parameter rows: receives the rows; nil for a statement without any.
    func send(_ sql: String, _ values: [PostgresValue] = [], into rows: PostgresRows? = nil) throws(CatalogError) {
        try check()
        if !hasBegun {
            hasBegun = true
            for text in opening { transmit(PostgresCommand(sql: text, values: [], rows: nil)) }
        }
        transmit(PostgresCommand(sql: sql, values: values, rows: rows))
        // Answers that nobody reads would fill the buffers until both sides wait for each other.
        if link.unsynced >= Self.mostUnanswered || link.unsyncedBytes >= Self.mostUnansweredBytes { try receive(nil) }
    }

    private static let mostUnanswered = 500
    private static let mostUnansweredBytes = 4 << 20

    private func transmit(_ command: PostgresCommand) {
        link.send(command)
        unseen?.append(command)
    }

    /// Waits for rows of a statement, or for all answers.
    func receive(_ rows: PostgresRows?) throws(CatalogError) {
        link.receive(rows)
        if link.failure?.0.isLost == true, let commands = unseen, !isCommitting {
            unseen = nil
            try link.reconnect()
            for command in commands {
                command.rows?.restart()
                link.send(command)
            }
            link.receive(rows)
        }
        unseen = nil
        try check()
    }

    /// Commits what was written, and waits until it is durable. A reading transaction only ends.
    func commit() throws(CatalogError) {
        try check()
        guard hasBegun else { return }
        if isWriting {
            // What is wrong with the statements is known before their commit leaves, or nobody could tell a lost connection
            // from a lost commit.
            isCommitting = true
            link.send(PostgresCommand(sql: "COMMIT", values: [], rows: nil))
            link.receive(nil)
            guard let failure = link.failure?.0, failure.isLost else {
                isCommitting = false
                return try check()
            }
            throw CatalogError(
                code: .io,
                message:
                    "the connection to PostgreSQL was lost during a commit; it is unknown whether it was committed: "
                    + failure.message,
                path: path, hint: "run the same command again; what was already recorded is not recorded twice")
        }
        end("COMMIT")
    }

    /// Ends a transaction that failed. The error that led here is what counts.
    func rollback() {
        guard hasBegun, !link.isLost else { return }
        end("ROLLBACK")
    }

    /// Whether the connection is in a state that the next transaction can build on.
    private(set) var isReusable = true

    private func end(_ statement: String) {
        guard link.drain(), !link.isLost else {
            isReusable = false
            return
        }
        // Its answer is read by the next transaction.
        link.send(PostgresCommand(sql: statement, values: [], rows: nil))
        link.sync()
    }

    /// Throws the first error of the transaction, which all later statements meet too.
    private func check() throws(CatalogError) {
        guard let (failure, sql) = link.failure else { return }
        throw CatalogError(postgres: failure, sql: sql.isEmpty ? nil : sql, path: path)
    }
}
