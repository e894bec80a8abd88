import Glibc

/// How a pack is written.
public struct PackOptions: Sendable {
    /// Threads that compress; 0 does all work on the caller's thread.
    public var workers: Int
    /// Whether blocks of text get filters.
    public var filters: Bool
    /// Whether filters are handed back with the summary instead of being written, as long as they are few: at most
    /// `PackFormat.mostFiltersAside` bytes. More are written into the pack all the same.
    public var filtersAside = false
    /// The zstd level of blocks.
    public var level: Int32

    /// Bytes of holes that may be hashed over all members; see `PackFormat.hashedHoleBudget`.
    var hashedHoleBudget = PackFormat.hashedHoleBudget

    /// Most threads that are used: more would pass the memory bound of 24 MiB, and one producer cannot feed them.
    public static let maxWorkers = 8

    /// Options; by default as many workers as this process may use cores.
    public init(workers: Int? = nil, filters: Bool = true, level: Int32 = PackFormat.level) {
        self.workers = min(max(workers ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)), 0), Self.maxWorkers)
        self.filters = filters
        self.level = level
    }
}

/// What came of writing a pack.
public struct PackSummary: Sendable {
    /// Size of the file in bytes.
    public var fileSize: UInt64
    /// Number of members.
    public var members: Int
    /// Number of blocks.
    public var blocks: Int
    /// Raw bytes in all blocks.
    public var rawBytes: UInt64
    /// Bytes of all frames.
    public var storedBytes: UInt64
    /// Bytes of all filters.
    public var filterBytes: UInt64
    /// The filter of each block, empty where it has none, of the format that is written today; nil when filters were
    /// written into the pack.
    public var filtersAside: [[UInt8]]?
}
