internal import CPostgres

/// A statement that was sent and whose results have not all arrived.
struct PostgresCommand {
    let sql: String
    let values: [PostgresValue]
    /// Receives the rows; nil when none are wanted.
    var rows: PostgresRows?
}

/// One connection to the server, as a queue of statements and their results. Used by one thread at a time.
///
/// Statements are sent without waiting, and their results arrive in the same order (libpq's pipeline mode,
/// https://www.postgresql.org/docs/15/libpq-pipeline-mode.html). After an error the server skips everything up to the next
/// mark, which ``sync()`` sends.
final class PostgresLink {
    private enum Entry {
        case command(PostgresCommand)
        case mark
    }

    private var handle: OpaquePointer
    private let address: PostgresAddress
    /// What was sent and is not answered, oldest first.
    private var queue: [Entry] = []
    private var head = 0
    private var hasBegun = false
    private var isSynced = true
    /// The first error since ``begin()``.
    private(set) var failure: (PostgresFailure, sql: String)?
    /// Number of statements sent since the last mark.
    private(set) var unsynced = 0
    /// Number of bytes sent with them.
    private(set) var unsyncedBytes = 0

    /// - Parameter patiently: whether a server that is away is waited for; see ``PostgresAddress/connect(patiently:)``.
    init(_ address: PostgresAddress, patiently: Bool) throws(CatalogError) {
        self.address = address
        handle = try address.connect(patiently: patiently)
    }

    deinit { salvage_pq_close(handle) }

    /// Whether the connection cannot be used any more.
    var isLost: Bool { failure?.0.isLost == true || salvage_pq_is_lost(handle) != 0 }

    /// Starts the bookkeeping of a transaction. Answers to the end of the one before may still be on their way.
    func begin() { failure = nil }

    /// Replaces a lost connection by a new one. What was sent and not answered is forgotten.
    func reconnect() throws(CatalogError) {
        let new = try address.connect(patiently: true)
        salvage_pq_close(handle)
        handle = new
        queue.removeAll()
        (head, hasBegun, isSynced, failure, unsynced, unsyncedBytes) = (0, false, true, nil, 0, 0)
    }

    // MARK: Sending

    /// Queues a statement.
    func send(_ command: PostgresCommand) {
        if !transmit(handle, command) { note(PostgresFailure(message: lostMessage, isLost: true), command.sql) }
        queue.append(.command(command))
        isSynced = false
        unsynced += 1
        unsyncedBytes += command.values.reduce(command.sql.utf8.count) { $0 + $1.size }
    }

    /// Sends what is queued and a mark behind it.
    func sync() {
        guard !isSynced else { return }
        isSynced = true
        (unsynced, unsyncedBytes) = (0, 0)
        queue.append(.mark)
        if salvage_pq_sync(handle) == 0 { note(PostgresFailure(message: lostMessage, isLost: true), nil) }
    }

    /// Notices that the server closed the connection while it was idle.
    func examine() {
        receive(nil)
        // The first look reads the server's last words, the second one the end.
        for _ in 0..<2 where salvage_pq_look(handle) == 0 {
            return note(PostgresFailure(message: lostMessage, isLost: true), nil)
        }
    }

    // MARK: Receiving

    /// Waits until rows have arrived, or all of them have; until everything sent is answered if `rows` is nil. The rows
    /// of other statements before them are kept. An error is left in ``failure``.
    func receive(_ rows: PostgresRows?) {
        sync()
        while head < queue.count {
            // The rest will not be answered.
            if isLost { return forgetQueue() }
            switch queue[head] {
            case .mark: receiveMark()
            case .command(let command):
                if receive(command, streaming: rows != nil && command.rows === rows) { return }
                if let rows, rows.isComplete { return }
            }
        }
    }

    /// Receives what is on its way and drops it. Returns false when it is much: closing the connection is then faster.
    func drain() -> Bool {
        for case .command(let command) in queue[head...] { command.rows?.stop() }
        sync()
        var results = 0
        while head < queue.count {
            if isLost { forgetQueue() }
            guard head < queue.count else { break }
            switch queue[head] {
            case .mark: receiveMark()
            case .command(let command): _ = receive(command, streaming: false)
            }
            results += 1
            if results > Self.mostDrained { return false }
        }
        return true
    }

    private static let mostDrained = 2000

    /// Receives one result of the command at the head. Returns whether rows arrived that are waited for.
    private func receive(_ command: PostgresCommand, streaming: Bool) -> Bool {
        if !hasBegun {
            hasBegun = true
            // One row at a time takes constant memory; as a whole, the rows take the least while others are waited for.
            if streaming { _ = salvage_pq_one_by_one(handle) }
        }
        guard let result = salvage_pq_next(handle) else {
            command.rows?.isComplete = true
            hasBegun = false
            pop()
            return false
        }
        switch salvage_pq_status(result) {
        case Int32(SALVAGE_PQ_ONE_ROW), Int32(SALVAGE_PQ_ROWS):
            let count = salvage_pq_row_count(result)
            guard let rows = command.rows else {
                salvage_pq_clear(result)
                return false
            }
            rows.append(result)
            return streaming && rows.isWanted && count > 0
        case Int32(SALVAGE_PQ_COMMAND), Int32(SALVAGE_PQ_SKIPPED), Int32(SALVAGE_PQ_EMPTY): break
        default: note(PostgresFailure(result, isLost: salvage_pq_is_lost(handle) != 0), command.sql)
        }
        salvage_pq_clear(result)
        return false
    }

    private func receiveMark() {
        guard let result = salvage_pq_next(handle) else {
            // Only the end of a lost connection has no mark.
            if salvage_pq_is_lost(handle) == 0 { return pop() }
            return note(PostgresFailure(message: lostMessage, isLost: true), nil)
        }
        let status = salvage_pq_status(result)
        if status == Int32(SALVAGE_PQ_SYNC) {
            pop()
        } else if status == Int32(SALVAGE_PQ_ERROR) {
            note(PostgresFailure(result, isLost: salvage_pq_is_lost(handle) != 0), nil)
        }
        salvage_pq_clear(result)
    }

    private func pop() {
        head += 1
        guard head == queue.count || head > 1024 else { return }
        queue.removeFirst(head)
        head = 0
    }

    private func forgetQueue() {
        for case .command(let command) in queue[head...] { command.rows?.isComplete = true }
        queue.removeAll()
        isSynced = true
        (head, hasBegun) = (0, false)
        if failure == nil { note(PostgresFailure(message: lostMessage, isLost: true), nil) }
    }

    /// Keeps the first error; that the connection is lost is added to it.
    private func note(_ new: PostgresFailure, _ sql: String?) {
        if failure == nil {
            failure = (new, sql ?? "")
        } else if new.isLost {
            failure?.0.isLost = true
        }
    }

    private var lostMessage: String {
        let text = PostgresFailure.line(String(cString: salvage_pq_error(handle)))
        return text.isEmpty ? "the server closed the connection" : text
    }
}

extension PostgresValue {
    /// The number of bytes that are sent.
    fileprivate var size: Int {
        switch self {
        case .null: 0
        case .integer: 8
        case .text(let bytes), .bytes(let bytes): bytes.count
        }
    }
}

/// Queues a statement with its values in binary format. Returns false when the connection is lost.
private func transmit(_ handle: OpaquePointer, _ command: PostgresCommand) -> Bool {
    guard !command.values.isEmpty else { return salvage_pq_send(handle, command.sql, 0, nil, nil, nil, nil) != 0 }
    // One buffer for all values; an empty one has an address, or it would be NULL.
    var bytes: [UInt8] = []
    var places: [Int?] = []
    var lengths: [Int32] = []
    for value in command.values {
        let start = bytes.count
        switch value {
        case .null: places.append(nil)
        case .integer(let number):
            places.append(start)
            withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
        case .text(let text), .bytes(let text):
            places.append(start)
            bytes += text
        }
        lengths.append(Int32(clamping: bytes.count - start))
    }
    bytes.append(0)
    return bytes.withUnsafeBytes { buffer in
        let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
        let pointers = places.map { place in place.flatMap { at in base.map { $0 + at } } }
        let formats = [Int32](repeating: 1, count: places.count)
        return salvage_pq_send(
            handle, command.sql, Int32(places.count), command.values.map(\.type), pointers, lengths, formats) != 0
    }
}
