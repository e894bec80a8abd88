/// A pack with blocks that may match, found in objects of filters.
public struct FilterCandidate: Sendable, Equatable {
    /// The pack's path relative to the store.
    public var pack: String
    /// Its size in bytes.
    public var bytes: UInt64
    /// A flag for each block that may match; nil when the pack itself must be asked.
    public var flags: [Bool]?
    /// Where the blocks and the footer are; nil if that is not known.
    public var places: PackPlaces?

    /// Creates a candidate.
    public init(pack: String, bytes: UInt64, flags: [Bool]?, places: PackPlaces?) {
        self.pack = pack
        self.bytes = bytes
        self.flags = flags
        self.places = places
    }

    /// The ranges that a search of the pack reads: the blocks that may match, and the footer; nil if they are not known.
    public var ranges: [Range<UInt64>]? {
        guard let places, let flags, places.footer < bytes else { return nil }
        var ranges = zip(places.blocks, flags).filter(\.1).map { block, _ in
            block.offset..<block.offset + UInt64(block.storedSize)
        }
        ranges.append(places.footer..<bytes)
        return ranges
    }
}

/// What objects of filters say about a query.
public struct FilterFindings: Sendable {
    /// The packs that may match, in the order of the objects.
    public var candidates: [FilterCandidate] = []
    /// Objects, or parts of them, that could not be read. Which packs they hold is not known.
    public var failures: [(object: FilterObject, error: BlockIndexError)] = []
    /// Number of bytes of filters that were requested, from the cache or the bucket.
    public var bytesRead: UInt64 = 0

    /// Creates findings of nothing.
    public init() {}
}
