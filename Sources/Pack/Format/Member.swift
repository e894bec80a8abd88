/// The kind of a member.
public enum MemberKind: UInt8, Sendable, CaseIterable {
    /// A log: text with one record per line.
    case log = 0
    /// A crash dump or crash report.
    case crashDump = 1
    /// Other text.
    case text = 2
    /// Other bytes.
    case binary = 3
    /// A directory; no content.
    case directory = 4
    /// A symbolic link; its target is `linkTarget`.
    case symlink = 5
    /// A hard link; the path it points to is `linkTarget`.
    case hardlink = 6
    /// A character or block device; no content.
    case device = 7
    /// A named pipe; no content.
    case fifo = 8

    /// The name in JSON output.
    public var name: String {
        switch self {
        case .log: "log"
        case .crashDump: "crash_dump"
        case .text: "text"
        case .binary: "binary"
        case .directory: "directory"
        case .symlink: "symlink"
        case .hardlink: "hardlink"
        case .device: "device"
        case .fifo: "fifo"
        }
    }

    /// Whether its blocks are cut after newlines and carry filters.
    public var isText: Bool { self == .log || self == .text }
}

/// Properties of a member. Bits 16 to 31 are free for the program that writes the pack.
public struct MemberFlags: OptionSet, Sendable, Hashable {
    /// The bits as stored.
    public var rawValue: UInt32

    /// Creates flags from stored bits; unknown bits are kept.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// The archive ended within the member: the content is incomplete.
    public static let truncated = MemberFlags(rawValue: 1 << 0)
    /// The archive is damaged: the content may be wrong.
    public static let corrupt = MemberFlags(rawValue: 1 << 1)
    /// Set-uid, set-gid or sticky bits were removed from `mode`.
    public static let setuidStripped = MemberFlags(rawValue: 1 << 2)
    /// The holes are too large to hash: `sha256` leaves out the hole at which their total exceeds
    /// `PackFormat.hashedHoleLimit`, and all later ones.
    public static let hashOmitsHoles = MemberFlags(rawValue: 1 << 3)
    /// The pack's holes are too large to hash: `sha256` leaves out all of this member's.
    public static let hashOmitsAllHoles = MemberFlags(rawValue: 1 << 8)
    /// The archive holds another member of the same path; this is not the last one.
    public static let shadowed = MemberFlags(rawValue: 1 << 4)
    /// The content is that of a compressed file (`.gz`, `.zst` and so on), decompressed.
    public static let decompressed = MemberFlags(rawValue: 1 << 5)
    /// A limit was reached: the content is incomplete.
    public static let limited = MemberFlags(rawValue: 1 << 6)
    /// The path in the archive is absolute or contains `..`; it is kept as data only.
    public static let unsafePath = MemberFlags(rawValue: 1 << 7)

    /// The content is the text of another member, or of a file inside it, converted from UTF-16 to UTF-8.
    public static let transcoded = MemberFlags(rawValue: 1 << 9)
    /// Redaction rules were applied to the content; it may differ from what the container wrote.
    public static let redacted = MemberFlags(rawValue: 1 << 10)
    /// The content ends with zeros that were never written: the file shrank while it was archived.
    public static let zeroPadded = MemberFlags(rawValue: 1 << 11)

    /// Most bytes of holes that are part of the hash.
    var hashedHoles: UInt64 { contains(.hashOmitsAllHoles) ? 0 : PackFormat.hashedHoleLimit }
}

/// A run of zeros in a member that is recorded and not stored.
public struct Hole: Sendable, Hashable {
    /// Byte offset in the member.
    public var offset: UInt64
    /// Length in bytes, at least 1.
    public var length: UInt64

    /// Creates a hole.
    public init(offset: UInt64, length: UInt64) {
        self.offset = offset
        self.length = length
    }
}

/// The metadata of a member, known before its content.
public struct MemberHeader: Sendable, Equatable {
    /// Index into the artifacts given to `finish`.
    public var artifact: UInt32
    /// The path as spelled in the archive: raw bytes, never used as a file name.
    public var path: [UInt8]
    /// Its kind, which decides how its blocks are cut and whether they have filters.
    public var kind: MemberKind
    /// Unix mode bits, kept as data.
    public var mode: UInt32
    /// Time of last change, in nanoseconds since 1970 UTC.
    public var mtime: Int64
    /// User id of the owner, kept as data.
    public var uid: UInt32
    /// Group id, kept as data.
    public var gid: UInt32
    /// The target of a link, raw bytes.
    public var linkTarget: [UInt8]?
    /// Timestamp format of its lines, as numbered by LogTime; 0 when it has none.
    public var timeFormat: UInt8
    /// The first counter value in milliseconds, for formats that count from a start; otherwise 0.
    public var counterStart: Int64 = 0

    /// Creates a header; path and kind are required.
    public init(
        artifact: UInt32 = 0, path: [UInt8], kind: MemberKind, mode: UInt32 = 0o644, mtime: Int64 = 0,
        uid: UInt32 = 0, gid: UInt32 = 0, linkTarget: [UInt8]? = nil, timeFormat: UInt8 = 0
    ) {
        self.artifact = artifact
        self.path = path
        self.kind = kind
        self.mode = mode
        self.mtime = mtime
        self.uid = uid
        self.gid = gid
        self.linkTarget = linkTarget
        self.timeFormat = timeFormat
    }
}

/// One file of an artifact, as stored in a pack.
public struct Member: Sendable, Equatable {
    /// Index into the pack's artifacts.
    public var artifact: UInt32
    /// The path as spelled in the archive: raw bytes.
    public var path: [UInt8]
    /// Its kind.
    public var kind: MemberKind
    /// Timestamp format of its lines, as numbered by LogTime; 0 when it has none.
    public var timeFormat: UInt8
    /// The first counter value in milliseconds, for formats that count from a start; otherwise 0.
    public var counterStart: Int64
    /// Its properties.
    public var flags: MemberFlags
    /// Unix mode bits, kept as data.
    public var mode: UInt32
    /// User id of the owner, kept as data.
    public var uid: UInt32
    /// Group id, kept as data.
    public var gid: UInt32
    /// Time of last change, in nanoseconds since 1970 UTC.
    public var mtime: Int64
    /// Logical size in bytes, holes included.
    public var size: UInt64
    /// Its share of the compressed bytes; 0 until the pack is finished.
    public var stored: UInt64
    /// Number of lines of its stored content, including a last one without a newline; 0 until the pack is finished.
    public var lineCount: UInt64
    /// Index of its first block; meaningless when none of its content is stored.
    public var firstBlock: UInt32
    /// Byte offset of its content in that block's raw bytes.
    public var blockOffset: UInt32
    /// SHA-256 (32 bytes) of the logical content, holes as zeros.
    public var sha256: [UInt8]
    /// The target of a link, raw bytes.
    public var linkTarget: [UInt8]?
    /// Runs of zeros that are not stored: sorted, disjoint, within `size`.
    public var holes: [Hole]

    /// Creates a member without content from its header.
    public init(_ header: MemberHeader) {
        artifact = header.artifact
        path = header.path
        kind = header.kind
        timeFormat = header.timeFormat
        counterStart = header.counterStart
        flags = []
        mode = header.mode
        uid = header.uid
        gid = header.gid
        mtime = header.mtime
        size = 0
        stored = 0
        lineCount = 0
        firstBlock = 0
        blockOffset = 0
        sha256 = []
        linkTarget = header.linkTarget
        holes = []
    }

    /// Bytes of content stored in blocks: the logical size less the holes.
    public var contentSize: UInt64 {
        holes.reduce(size) { $0 &- $1.length }
    }

    /// The header to begin a copy of it with.
    public var header: MemberHeader {
        var header = MemberHeader(
            artifact: artifact, path: path, kind: kind, mode: mode, mtime: mtime, uid: uid, gid: gid,
            linkTarget: linkTarget, timeFormat: timeFormat)
        header.counterStart = counterStart
        return header
    }
}
