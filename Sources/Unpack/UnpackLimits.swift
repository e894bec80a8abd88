/// What one artifact may cost before unpacking stops; what was read until then is kept and the report says which limit it was.
///
/// The limits are absolute, not ratios: a zero-filled core dump legitimately shrinks a thousand times, so a ratio
/// cannot tell it from a bomb. Every value is a count or a number of bytes; zero means that nothing of it is allowed.
public struct UnpackLimits: Sendable, Equatable {
    /// Inflated bytes of the whole tar stream, headers and padding included.
    public var totalBytes: UInt64 = 8 << 30
    /// Stored bytes of one entry's content; holes are counted by ``holeBytes``.
    public var entryBytes: UInt64 = 4 << 30
    /// Bytes of holes over all entries: they cost no download, yet whoever hashes the content pays for them.
    public var holeBytes: UInt64 = 32 << 30
    /// Entries of one artifact.
    public var entries: UInt64 = 1_000_000
    /// Bytes that precede the content of one entry: its header, its extended headers and its sparse map.
    public var headerBytes: UInt64 = 8 << 20
    /// The same over all entries: a header takes libarchive far longer than content of the same length.
    public var allHeadersBytes: UInt64 = 1 << 30
    /// Pieces of content of one sparse entry; libarchive spends about 80 bytes on each.
    public var extents: UInt64 = 100_000
    /// Bytes of one path or link target; a longer one is cut to this length and flagged.
    public var nameBytes: Int = 64 << 10
    /// Bytes of all paths and link targets together, because whoever indexes them holds them in memory.
    public var allNamesBytes: UInt64 = 32 << 20
    /// Components of a path beyond which the entry is flagged as deep; it is kept all the same.
    public var depth: Int = 128
    /// Damaged 512-byte blocks that are stepped over in search of the next good header.
    public var damagedBlocks: Int = 1 << 18
    /// Times a reader that gave up is replaced by a fresh one behind the damage.
    public var restarts: Int = 64

    /// The limits for artifacts of up to 100 MB compressed.
    public init() {}
}

/// The limit that stopped an artifact or cut an entry.
public enum UnpackLimit: String, Sendable, Equatable {
    /// ``UnpackLimits/totalBytes``.
    case totalBytes = "total_bytes"
    /// ``UnpackLimits/entryBytes``.
    case entryBytes = "entry_bytes"
    /// ``UnpackLimits/holeBytes``.
    case holeBytes = "hole_bytes"
    /// ``UnpackLimits/entries``.
    case entries
    /// ``UnpackLimits/headerBytes``.
    case headerBytes = "header_bytes"
    /// ``UnpackLimits/allHeadersBytes``.
    case allHeadersBytes = "all_headers_bytes"
    /// ``UnpackLimits/extents``.
    case extents
    /// ``UnpackLimits/nameBytes``.
    case nameBytes = "name_bytes"
    /// ``UnpackLimits/allNamesBytes``.
    case allNamesBytes = "all_names_bytes"
    /// ``UnpackLimits/damagedBlocks`` or ``UnpackLimits/restarts``.
    case damage
}
