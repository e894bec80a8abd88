/// What a member is.
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

/// What is remarkable about a member. Bits 16 to 31 are free for the program that fills the pack.
public struct MemberFlags: OptionSet, Sendable, Hashable {
    /// The bits as stored.
    public var rawValue: UInt32

    /// Flags from their stored bits; unknown ones are kept.
    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Its archive ended before the member did: the content is a beginning.
    public static let truncated = MemberFlags(rawValue: 1 << 0)
    /// Its archive was damaged while it was read: the content may be wrong.
    public static let corrupt = MemberFlags(rawValue: 1 << 1)
    /// Set-uid, set-gid or sticky bits were removed from `mode`.
    public static let setuidStripped = MemberFlags(rawValue: 1 << 2)
    /// The holes are too large to hash: `sha256` leaves out those from the one on that passes
    /// `PackFormat.hashedHoleLimit` in total.
    public static let hashOmitsHoles = MemberFlags(rawValue: 1 << 3)
    /// The pack's holes are too large to hash: `sha256` leaves out all of this member's.
    public static let hashOmitsAllHoles = MemberFlags(rawValue: 1 << 8)
    /// The archive holds another member of the same path; this is not the last one.
    public static let shadowed = MemberFlags(rawValue: 1 << 4)
    /// The content is what a compressed member (`.gz`, `.zst` and so on) holds, not the bytes of the archive.
    public static let decompressed = MemberFlags(rawValue: 1 << 5)
    /// A limit stopped it: the content is a beginning.
    public static let limited = MemberFlags(rawValue: 1 << 6)
    /// The path in the archive was absolute or held `..`, and is kept as data only.
    public static let unsafePath = MemberFlags(rawValue: 1 << 7)

    /// The content is the text of another member, or of what that holds, turned from UTF-16 into UTF-8.
    public static let transcoded = MemberFlags(rawValue: 1 << 9)
    /// Redaction rules were applied to the content; it may differ from what the container wrote.
    public static let redacted = MemberFlags(rawValue: 1 << 10)
    /// The content ends in zeros that were never written: the file shrank while it was archived.
    public static let zeroPadded = MemberFlags(rawValue: 1 << 11)

    /// How many bytes of holes are part of the hash, at most.
    var hashedHoles: UInt64 { contains(.hashOmitsAllHoles) ? 0 : PackFormat.hashedHoleLimit }
}

/// A run of zeros in a member that is recorded and not stored.
public struct Hole: Sendable, Hashable {
    /// Where it begins in the member, in bytes.
    public var offset: UInt64
    /// How long it is, in bytes; at least 1.
    public var length: UInt64

    /// A hole of `length` bytes at `offset`.
    public init(offset: UInt64, length: UInt64) {
        self.offset = offset
        self.length = length
    }
}

/// What is known of a member before its content is.
public struct MemberHeader: Sendable, Equatable {
    /// Index into the artifacts given to `finish`.
    public var artifact: UInt32
    /// The path as the archive spelled it: raw bytes, never used as a file name.
    public var path: [UInt8]
    /// What it is; decides how its blocks are cut and whether they carry filters.
    public var kind: MemberKind
    /// Unix mode bits, as data.
    public var mode: UInt32
    /// Time of last change, in nanoseconds since 1970 UTC.
    public var mtime: Int64
    /// Owner, as data.
    public var uid: UInt32
    /// Group, as data.
    public var gid: UInt32
    /// Where a link points, raw bytes.
    public var linkTarget: [UInt8]?
    /// Timestamp format of its lines, as the log search names them; 0 when it has none.
    public var timeFormat: UInt8
    /// What its first stamp shows, in milliseconds, where the format counts from a start; else 0.
    public var counterStart: Int64 = 0

    /// A header; path and kind are required.
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

/// One file of an artifact, as the pack keeps it.
public struct Member: Sendable, Equatable {
    /// Index into the pack's artifacts.
    public var artifact: UInt32
    /// The path as the archive spelled it: raw bytes.
    public var path: [UInt8]
    /// What it is.
    public var kind: MemberKind
    /// Timestamp format of its lines, as the log search names them; 0 when it has none.
    public var timeFormat: UInt8
    /// What its first stamp shows, in milliseconds, where the format counts from a start; else 0.
    public var counterStart: Int64
    /// What is remarkable about it.
    public var flags: MemberFlags
    /// Unix mode bits, as data.
    public var mode: UInt32
    /// Owner, as data.
    public var uid: UInt32
    /// Group, as data.
    public var gid: UInt32
    /// Time of last change, in nanoseconds since 1970 UTC.
    public var mtime: Int64
    /// Logical size in bytes, holes included.
    public var size: UInt64
    /// Its share of the compressed bytes; 0 until the pack is finished.
    public var stored: UInt64
    /// Lines of its stored content, a last one without a newline included; 0 until the pack is finished.
    public var lineCount: UInt64
    /// Index of the block in which it begins; meaningless when nothing of it is stored.
    public var firstBlock: UInt32
    /// Where in that block's raw bytes it begins.
    public var blockOffset: UInt32
    /// SHA-256 (32 bytes) of the logical content, holes as zeros.
    public var sha256: [UInt8]
    /// Where a link points, raw bytes.
    public var linkTarget: [UInt8]?
    /// Runs of zeros that are not stored: in order, not touching each other, within `size`.
    public var holes: [Hole]

    /// A member of no content from its header.
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

    /// Bytes of content that stand in blocks: the logical size less the holes.
    public var contentSize: UInt64 {
        holes.reduce(size) { $0 &- $1.length }
    }

    /// The header that would begin a copy of it.
    public var header: MemberHeader {
        var header = MemberHeader(
            artifact: artifact, path: path, kind: kind, mode: mode, mtime: mtime, uid: uid, gid: gid,
            linkTarget: linkTarget, timeFormat: timeFormat)
        header.counterStart = counterStart
        return header
    }
}
