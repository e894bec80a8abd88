internal import CPostgres

/// The rows of one run of a statement, in the order in which they arrive.
final class PostgresRows {
    /// Results with at least one row each; the first one has the current row.
    private var results: [OpaquePointer] = []
    /// Where `results` begins: taken ones are not moved away one by one.
    private var first = 0
    private var row: Int32 = -1
    /// Whether all rows have arrived.
    var isComplete = false
    /// Whether rows that still arrive are of use.
    var isWanted = true
    /// Number of rows that have arrived.
    private(set) var count = 0

    deinit { clear() }

    /// Adds a result and takes charge of it.
    func append(_ result: OpaquePointer) {
        let rows = Int(salvage_pq_row_count(result))
        count += rows
        guard isWanted, rows > 0 else { return salvage_pq_clear(result) }
        results.append(result)
    }

    /// Drops what has arrived and what will.
    func stop() {
        isWanted = false
        clear()
    }

    /// Forgets what has arrived: the statement is sent again.
    func restart() {
        clear()
        (isComplete, count) = (false, 0)
    }

    private func clear() {
        for result in results[first...] { salvage_pq_clear(result) }
        results.removeAll()
        first = 0
        row = -1
    }

    /// Moves to the next row that has arrived; false when none has.
    func next() -> Bool {
        guard first < results.count else { return false }
        row += 1
        if row < salvage_pq_row_count(results[first]) { return true }
        salvage_pq_clear(results[first])
        first += 1
        row = 0
        if first < results.count {
            if first > 1024 {
                results.removeFirst(first)
                first = 0
            }
            return true
        }
        results.removeAll(keepingCapacity: true)
        first = 0
        row = -1
        return false
    }

    /// The current row's column: its type and bytes; nil for NULL, without a row and for a column that is not there.
    func cell(_ column: Int32) -> (type: UInt32, bytes: UnsafeRawBufferPointer)? {
        guard first < results.count, row >= 0, case let result = results[first],
            column < salvage_pq_column_count(result), salvage_pq_is_null(result, row, column) == 0
        else { return nil }
        let count = Int(salvage_pq_length(result, row, column))
        let bytes = UnsafeRawBufferPointer(start: salvage_pq_value(result, row, column), count: count)
        return (salvage_pq_type(result, column), bytes)
    }
}
