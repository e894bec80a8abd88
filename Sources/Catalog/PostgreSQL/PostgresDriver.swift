internal import Dispatch
internal import Glibc
internal import Synchronization

/// The driver for a PostgreSQL database that several machines share.
///
/// A transaction has a connection of its own, so that threads work in parallel. A connection that was closed while idle is
/// replaced without anybody noticing. One that is lost in the middle ends a reading transaction with an error and repeats a
/// writing one from its start; if it is lost during the commit, the error says that nobody knows whether it was committed, and
/// the caller does the same again: what the catalog records is idempotent.
final class PostgresDriver: SQLDriver {
    let path: String
    let isReadOnly: Bool
    private let address: PostgresAddress
    private let pool = Mutex(Pool())
    private let room = DispatchSemaphore(value: PostgresDriver.mostConnections)

    /// The most connections at once.
    static let mostConnections = 8
    /// How long a writing transaction may wait for its next statement before the server ends it, in milliseconds.
    private static let longestPause = 60_000

    private struct Pool {
        /// Connections that no transaction uses; the last one was used last.
        var idle: [Idle] = []
        var isClosed = false
        /// Threads with a transaction.
        var threads: Set<pthread_t> = []
    }

    /// A connection on its way between threads.
    private struct Idle: @unchecked Sendable {
        // Unchecked: whoever takes it out of the pool is the only one that has it.
        let link: PostgresLink
    }

    /// Prepares connections to a database without making one.
    ///
    /// - Parameters:
    ///   - uri: the address, as libpq reads it.
    ///   - readOnly: whether only to read.
    ///   - busyTimeout: seconds to wait for another transaction's lock.
    /// - Throws: ``CatalogError`` with `io` when the client library or the address cannot be used.
    init(uri: String, readOnly: Bool, busyTimeout: Double) throws(CatalogError) {
        address = try PostgresAddress(uri, busyTimeout: busyTimeout)
        path = address.shown
        isReadOnly = readOnly
    }

    var isShared: Bool { true }

    var storesNUL: Bool { false }

    var storesMembers: Bool { false }

    func close() {
        let links = pool.withLock { pool in
            defer { pool.idle = [] }
            pool.isClosed = true
            return pool.idle
        }
        _ = consume links
    }

    func checkpoint() throws(CatalogError) { try requireOpen() }

    func copy(to target: String) throws(CatalogError) {
        try requireOpen()
        throw CatalogError(
            code: .database, message: "a catalog in PostgreSQL cannot be copied into a file", path: path,
            hint: "pg_dump --format=custom --file=catalog.dump, with this address, makes a consistent copy")
    }

    // MARK: Transactions

    func read<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        try alone {
            try run(["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"], isWriting: false, body) { _ in }
        }
    }

    func write<Result>(_ body: (any SQLConnection) throws -> Result) throws -> Result {
        let opening = [
            // Rows are locked before they are changed, and what a transaction that was waited for has committed is read.
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", "SET LOCAL lock_timeout = \(address.lockTimeout)",
            // A machine that is stopped or cut off within a transaction must not keep its locks from all others: without
            // this, until the server's keepalives end the connection, after two hours by default.
            "SET LOCAL idle_in_transaction_session_timeout = \(Self.longestPause)",
        ]
        return try alone {
            var attempt = 1
            while true {
                var isRepeated = false
                do {
                    return try run(opening, isWriting: true, body) { isRepeated = $0.canBeRepeated(attempt) }
                } catch {
                    guard isRepeated else { throw error }
                    // Both would meet again if they waited equally long.
                    usleep(UInt32.random(in: 1000...(5000 << UInt32(min(attempt, 7)))))
                    attempt += 1
                }
            }
        }
    }

    /// Runs `body` in one transaction.
    ///
    /// - Parameter failed: receives the transaction after an error.
    private func run<Result>(
        _ opening: [String], isWriting: Bool, _ body: (any SQLConnection) throws -> Result,
        failed: (PostgresTransaction) -> Void
    ) throws -> Result {
        let link = try take(isWriting: isWriting)
        let transaction = PostgresTransaction(link, opening, isWriting: isWriting, path: path)
        defer { giveBack(link, isReusable: transaction.isReusable && !link.isLost) }
        do {
            let result = try body(PostgresConnection(transaction: transaction))
            try transaction.commit()
            return result
        } catch {
            failed(transaction)
            transaction.rollback()
            throw error
        }
    }

    /// Refuses a transaction within another one: all connections could be taken by threads that wait for a second one.
    private func alone<Result>(_ body: () throws -> Result) throws -> Result {
        let thread = pthread_self()
        let isFirst = pool.withLock { $0.threads.insert(thread).inserted }
        guard isFirst else {
            throw CatalogError(
                code: .database, message: "the catalog was used within a transaction of its own", path: path)
        }
        defer { pool.withLock { _ = $0.threads.remove(thread) } }
        return try body()
    }

    // MARK: Connections

    private func requireOpen() throws(CatalogError) {
        guard !pool.withLock({ $0.isClosed }) else {
            throw CatalogError(code: .database, message: "the catalog is closed", path: path)
        }
    }

    private func take(isWriting: Bool) throws(CatalogError) -> PostgresLink {
        try requireOpen()
        guard room.wait(timeout: .now() + .seconds(60)) == .success else {
            throw CatalogError(
                code: .busy, message: "all \(Self.mostConnections) connections to PostgreSQL are in use", path: path,
                hint: "try again when fewer queries run")
        }
        do throws(CatalogError) {
            while let link = pool.withLock({ $0.idle.popLast() })?.link {
                link.begin()
                // A reading transaction replaces a connection when its first answer does not come.
                if isWriting { link.examine() }
                if !link.isLost { return link }
            }
            return try connect()
        } catch {
            room.signal()
            throw error
        }
    }

    private func giveBack(_ link: PostgresLink, isReusable: Bool) {
        let idle = Idle(link: link)
        if isReusable { pool.withLock { if !$0.isClosed { $0.idle.append(idle) } } }
        room.signal()
    }

    /// Whether a connection was ever made.
    private let hasConnected = Atomic(false)

    private func connect() throws(CatalogError) -> PostgresLink {
        let link = try PostgresLink(address, patiently: hasConnected.load(ordering: .relaxed))
        hasConnected.store(true, ordering: .relaxed)
        return link
    }
}
