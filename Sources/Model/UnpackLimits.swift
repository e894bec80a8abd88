/// What one artifact may cost before unpacking stops; what was read until then is kept, and the report names the limit.
///
/// The limits are absolute, not ratios: a zero-filled core dump legitimately shrinks a thousand times, so a ratio
/// cannot tell it from a bomb. Every value is a count or a number of bytes, and zero allows nothing, except ``time``.
///
/// One value from the configuration's `limits.unpack` to the child that unpacks. A limit has the name of its key there; to
/// add one, add its property and, if users may set it, its line in ``keys``.
public struct UnpackLimits: Sendable, Equatable, Codable {
    /// Inflated bytes of the whole tar stream, headers and padding included.
    public var totalSize: UInt64 = 8 << 30
    /// Stored bytes of one entry's content; holes are counted by ``holeBytes``.
    public var entrySize: UInt64 = 4 << 30
    /// Bytes of holes over all entries: they cost no download, but hashing the content covers them.
    public var holeBytes: UInt64 = 32 << 30
    /// Entries of one artifact.
    public var entries: UInt64 = 1_000_000
    /// Bytes that precede the content of one entry: its header, its extended headers and its sparse map.
    public var header: UInt64 = 8 << 20
    /// The same over all entries: a header takes libarchive far longer than content of the same length.
    public var allHeadersBytes: UInt64 = 1 << 30
    /// Pieces of content of one sparse entry; libarchive spends about 80 bytes on each.
    public var sparseExtents: UInt64 = 100_000
    /// Bytes of one path or link target; a longer one is cut to this length and flagged.
    public var nameBytes: Int = 64 << 10
    /// Bytes of all paths and link targets together: an index of them is held in memory.
    public var allNamesBytes: UInt64 = 32 << 20
    /// Components of a path above which the entry is flagged as deep; it is still kept.
    public var depth: Int = 128
    /// Damaged 512-byte blocks that are skipped in search of the next good header.
    public var damagedBlocks: Int = 1 << 18
    /// The most new readers started after damage, each replacing one that gave up.
    public var restarts: Int = 64

    /// Bytes that the compressed logs of one artifact may expand to; 0 leaves them compressed.
    public var expandedSize: UInt64 = 2 << 30
    /// How long a child may go without progress, in milliseconds.
    public var time: Int64 = 300_000

    /// The default limits, for artifacts of up to 100 MB compressed.
    public init() {}
}

extension UnpackLimits {
    /// How the configuration writes a limit, and where it is stored.
    public enum Key: Sendable {
        /// A size such as `64KiB`.
        case size(any WritableKeyPath<UnpackLimits, UInt64> & Sendable)
        /// A whole number from 1.
        case count(any WritableKeyPath<UnpackLimits, UInt64> & Sendable)
        /// A duration such as `5m`.
        case duration(any WritableKeyPath<UnpackLimits, Int64> & Sendable)
    }

    /// The keys of `limits.unpack`, in the order of docs/configuration.md. The other limits are fixed.
    public static let keys: [(name: String, key: Key)] = [
        ("header", .size(\.header)), ("entries", .count(\.entries)), ("entry_size", .size(\.entrySize)),
        ("total_size", .size(\.totalSize)), ("sparse_extents", .count(\.sparseExtents)),
        ("expanded_size", .size(\.expandedSize)), ("time", .duration(\.time)),
    ]
}

/// The limit that stopped an artifact or cut an entry.
public enum UnpackLimit: String, Sendable, Equatable {
    /// ``UnpackLimits/totalSize``.
    case totalSize = "total_size"
    /// ``UnpackLimits/entrySize``.
    case entrySize = "entry_size"
    /// ``UnpackLimits/holeBytes``.
    case holeBytes = "hole_bytes"
    /// ``UnpackLimits/entries``.
    case entries
    /// ``UnpackLimits/header``.
    case header = "header"
    /// ``UnpackLimits/allHeadersBytes``.
    case allHeadersBytes = "all_headers_bytes"
    /// ``UnpackLimits/sparseExtents``.
    case sparseExtents = "sparse_extents"
    /// ``UnpackLimits/nameBytes``.
    case nameBytes = "name_bytes"
    /// ``UnpackLimits/allNamesBytes``.
    case allNamesBytes = "all_names_bytes"
    /// ``UnpackLimits/damagedBlocks`` or ``UnpackLimits/restarts``.
    case damage
}
