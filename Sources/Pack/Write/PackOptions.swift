import Glibc

/// How a pack is written.
public struct PackOptions: Sendable {
    /// Number of compressing threads; 0 does all work on the caller's thread.
    public var workers: Int
    /// Whether blocks of text get filters.
    public var filters: Bool
    /// Whether filters are returned in the summary instead of being written. If they exceed
    /// `PackFormat.mostFiltersAside` bytes, they are still written into the pack.
    public var filtersAside = false
    /// The zstd level of blocks.
    public var level: Int32

    /// Most bytes of holes to hash, over all members; see `PackFormat.hashedHoleBudget`.
    var hashedHoleBudget = PackFormat.hashedHoleBudget

    /// Most threads: more would exceed the memory bound of 24 MiB, and one producer cannot feed them.
    public static let maxWorkers = 8

    /// Creates options; by default with one worker per online core.
    public init(workers: Int? = nil, filters: Bool = true, level: Int32 = PackFormat.level) {
        self.workers = min(max(workers ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)), 0), Self.maxWorkers)
        self.filters = filters
        self.level = level
    }
}

/// Statistics of a written pack.
public struct PackSummary: Sendable {
    /// Size of the file in bytes.
    public var fileSize: UInt64
    /// Number of members.
    public var members: Int
    /// Number of blocks.
    public var blocks: Int
    /// Raw bytes in all blocks.
    public var rawBytes: UInt64
    /// Compressed bytes of all blocks.
    public var storedBytes: UInt64
    /// Bytes of filters written into the pack.
    public var filterBytes: UInt64
    /// The filter of each block in the current format, empty for a block without one; nil when filters were written
    /// into the pack.
    public var filtersAside: [[UInt8]]?
}
