internal import LogSearch

/// Sorts printed lines by time: in memory, and in a temporary file once they are too many. One thread at a time uses it.
struct TimeSorter {
    private let order: TimeOrder
    /// Most selected lines that are returned; context lines are not counted.
    private let limit: Int?
    private var bytes: [UInt8] = []
    private var entries: [Entry] = []
    private var sequence: UInt64 = 0
    /// The number of lines in memory at which those beyond the limit are dropped.
    private var pruneAt: Int
    private var spill: SpillFile?
    /// Why lines are missing; the search ends then.
    private(set) var failure: LogSearchError?

    /// One line. Its bytes are in memory from `start` on.
    private struct Entry {
        let key: TimeKey
        var start: Int
        let count: Int
    }

    init(_ order: TimeOrder, limit: Int?) {
        self.order = order
        self.limit = limit
        pruneAt = max(4096, 2 * min(limit ?? 0, 1 << 32))
    }

    /// Adds a line, in the order in which lines of the same time are returned.
    mutating func add(time: Int64, isSelected: Bool, _ line: UnsafeRawBufferPointer) {
        guard failure == nil else { return }
        sequence += 1
        entries.append(
            Entry(
                key: TimeKey(time: order.isReversed ? ~time : time, sequence: sequence, isSelected: isSelected),
                start: bytes.count, count: line.count))
        bytes.append(contentsOf: line)
        let isFull = bytes.count >= order.memory || entries.count >= order.memory / 32
        if let limit, isFull || entries.count >= pruneAt {
            prune(limit)
            pruneAt = max(pruneAt, 2 * entries.count)
        }
        if bytes.count >= order.memory || entries.count >= order.memory / 32 { spillAll() }
    }

    /// Drops lines that can no longer be returned.
    private mutating func prune(_ limit: Int) {
        sort()
        entries.removeLast(entries.count - Self.prefix(entries.lazy.map(\.key), limit))
        var kept: [UInt8] = []
        for index in entries.indices {
            let entry = entries[index]
            entries[index].start = kept.count
            kept += bytes[entry.start..<entry.start + entry.count]
        }
        bytes = kept
    }

    /// The number of lines up to the last one within a limit of selected lines.
    private static func prefix(_ keys: some Collection<TimeKey>, _ limit: Int) -> Int {
        var (count, selected) = (0, 0)
        for key in keys {
            if key.isSelected {
                if selected >= limit { break }
                selected += 1
            }
            count += 1
        }
        return count
    }

    private mutating func sort() { entries.sort { $0.key < $1.key } }

    private mutating func spillAll() {
        sort()
        do throws(LogSearchError) {
            let file: SpillFile
            if let spill { file = spill } else { file = try SpillFile(most: order.disk) }
            spill = file
            file.beginRun()
            for entry in entries { try file.add(entry.key, bytes[entry.start..<entry.start + entry.count]) }
            try file.endRun()
        } catch { failure = error }
        entries.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
    }

    /// Passes all lines in order; `take` returns false to end. Call it once.
    mutating func drain(_ take: (UnsafeRawBufferPointer) -> Bool) {
        guard failure == nil else { return }
        var selected = 0
        /// Whether a line is within the limit, and the reader wants it.
        func pass(_ key: TimeKey, _ line: UnsafeRawBufferPointer) -> Bool {
            if key.isSelected, let limit {
                if selected >= limit { return false }
                selected += 1
            }
            return take(line)
        }
        if spill == nil {
            sort()
            bytes.withUnsafeBytes { all in
                for entry in entries {
                    let line = UnsafeRawBufferPointer(rebasing: all[entry.start..<entry.start + entry.count])
                    guard pass(entry.key, line) else { return }
                }
            }
            return
        }
        if !entries.isEmpty { spillAll() }
        guard failure == nil, let spill else { return }
        do throws(LogSearchError) { try spill.merge(pass) } catch { failure = error }
    }
}

/// The place of a line in an order by time.
struct TimeKey: Comparable {
    let time: Int64
    let sequence: UInt64
    let isSelected: Bool

    static func < (left: TimeKey, right: TimeKey) -> Bool {
        left.time != right.time ? left.time < right.time : left.sequence < right.sequence
    }
}
