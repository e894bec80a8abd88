import Catalog
import LogSearch
public import Model
import Terminal

/// Which part of the sessions a search reads, and how much it may read of a shared store.
public struct SearchScope: Sendable, Equatable {
    /// One of several parts of the sessions; nil for all.
    public var shard: SessionShard?
    /// Read everything that is selected, however much that is.
    public var allowsAll = false

    /// Most bytes of logs that a search of a shared store reads without being asked to, if nothing narrows it: some
    /// minutes of a good connection.
    public static let mostUnasked: UInt64 = 32 << 30

    /// Creates a scope of all sessions.
    public init(shard: SessionShard? = nil, allowsAll: Bool = false) {
        self.shard = shard
        self.allowsAll = allowsAll
    }

    /// The refusal, with what the search would read.
    static func tooLarge(
        _ size: Catalog.SearchSize, _ query: LiteralQuery, _ options: SearchOptions
    ) -> StoreError {
        let why =
            options.invert || options.members != .matching
            ? "lines or files that do not match can be anywhere"
            : options.usesFilters ? "the pattern has no fixed text to look up" : "filters are not used"
        return StoreError(
            .searchTooLarge,
            "the search would read all \(size.packs) selected packs, \(SizeText.binary(size.packBytes)) with "
                + "\(SizeText.binary(size.bytes)) of logs: \(why)",
            hint: "select sessions, such as with --since 2d, or allow it with --all", kind: .invalid)
    }
}
