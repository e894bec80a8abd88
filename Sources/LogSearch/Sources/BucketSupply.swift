internal import Pack
internal import PackHome

/// A pack of a bucket that a search reads.
public struct BucketPack: Sendable {
    /// Its path relative to the store.
    public var pack: String
    /// Its size in bytes, according to the catalog.
    public var bytes: UInt64
    /// The label of its session.
    public var label: SourceLabel
    /// A flag for each block that may match; nil if that is not known.
    public var flags: [Bool]?
    /// The ranges of those blocks, and last the range of the footer; nil if they are not known.
    public var ranges: [Range<UInt64>]?
    /// Whether no block can match, so that only the footer is read.
    public var isExcluded = false

    /// Creates a value.
    public init(
        pack: String, bytes: UInt64, label: SourceLabel, flags: [Bool]? = nil, ranges: [Range<UInt64>]? = nil
    ) {
        self.pack = pack
        self.bytes = bytes
        self.label = label
        self.flags = flags
        self.ranges = ranges
    }
}

/// The packs of a bucket in the order of a search, opened ahead of their use.
final class BucketSupply {
    private typealias Opened = (pack: BucketPack, reader: Result<PackReader, any Error>)

    /// Most packs that are opened at once. With their ranges, as many as 64 requests are in flight.
    private static let mostAtOnce = 32
    /// Most packs that are open and not searched yet. Each holds at most some megabytes.
    private static let mostAhead = 48

    private let home: any PackHome
    private let readsBinary: Bool
    private let supply: () -> BucketPack?
    private let newer: @Sendable (BucketPack) -> BucketPack?
    private var prefetch: OrderedPrefetch<BucketPack, Opened>?

    init(
        _ home: any PackHome, readsBinary: Bool, newer: @escaping @Sendable (BucketPack) -> BucketPack?,
        _ supply: @escaping () -> BucketPack?
    ) {
        self.home = home
        self.readsBinary = readsBinary
        self.newer = newer
        self.supply = supply
    }

    /// The next pack, without opening it. Not to be mixed with ``nextOpened()``.
    func next() -> BucketPack? { supply() }

    /// The next pack, opened; nil at the end.
    func nextOpened() -> (BucketPack, Result<PackReader, any Error>)? {
        if prefetch == nil {
            prefetch = OrderedPrefetch(threads: Self.mostAtOnce, window: Self.mostAhead, supply: supply) {
                [home, readsBinary, newer] in Self.open($0, or: newer, in: home, readsBinary: readsBinary)
            }
        }
        return prefetch?.take()
    }

    /// Opens a pack, or the one that took its place meanwhile; returns which.
    func open(_ pack: BucketPack) -> (BucketPack, Result<PackReader, any Error>) {
        Self.open(pack, or: newer, in: home, readsBinary: readsBinary)
    }

    private static func open(
        _ pack: BucketPack, or newer: (BucketPack) -> BucketPack?, in home: any PackHome, readsBinary: Bool
    ) -> Opened {
        let opened = open(pack, in: home, readsBinary: readsBinary)
        guard case .failure(let error) = opened, (error as? PackError)?.isAbsence == true, let next = newer(pack)
        else { return (pack, opened) }
        return (next, open(next, in: home, readsBinary: readsBinary))
    }

    private static func open(
        _ pack: BucketPack, in home: any PackHome, readsBinary: Bool
    ) -> Result<PackReader, any Error> {
        Result {
            if let ranges = pack.ranges {
                return try PlannedPack.open(pack.pack, bytes: pack.bytes, ranges: ranges, in: home)
            }
            return try PlannedPack.open(pack.pack, bytes: pack.bytes, in: home) { index, block in
                guard !pack.isExcluded, readsBinary || block.flags.contains(.text) else { return false }
                guard let flags = pack.flags, flags.indices.contains(index) else { return true }
                return flags[index]
            }
        }
    }

    /// Ends the work ahead.
    func stop() { prefetch?.stop() }
}
