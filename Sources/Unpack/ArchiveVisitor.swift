/// The type of an entry, as its tar header gives it.
public enum EntryKind: String, Sendable, Equatable {
    /// A regular file, or a type unknown to us, which POSIX says to treat as one.
    case file
    /// A directory.
    case directory
    /// A symbolic link; its target is data and is never followed.
    case symlink
    /// A hard link to another path of the archive; pax archives may give it content of its own.
    case hardlink
    /// A character device.
    case characterDevice = "character_device"
    /// A block device.
    case blockDevice = "block_device"
    /// A named pipe.
    case fifo
    /// A socket.
    case socket
}

/// Oddities of one entry that a reader of the archive should know about.
public struct EntryFlags: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt16

    /// A set from its bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The path or link target was longer than ``UnpackLimits/nameBytes`` and is cut.
    public static let nameCut = EntryFlags(rawValue: 1 << 0)
    /// The path or link target contains a NUL byte, at which most other tools would cut it.
    public static let nulInName = EntryFlags(rawValue: 1 << 1)
    /// The path is empty.
    public static let emptyName = EntryFlags(rawValue: 1 << 2)
    /// The path has more components than ``UnpackLimits/depth``.
    public static let deep = EntryFlags(rawValue: 1 << 3)
    /// The entry was found after damage and may be content of a lost entry.
    public static let afterDamage = EntryFlags(rawValue: 1 << 4)
    /// The entry is after the end-of-archive blocks, where other tools do not look.
    public static let afterEnd = EntryFlags(rawValue: 1 << 5)
    /// The content has holes.
    public static let sparse = EntryFlags(rawValue: 1 << 6)
    /// The entry's headers are partly damaged: its metadata, or how its content was put together, may be wrong.
    public static let damagedHeader = EntryFlags(rawValue: 1 << 8)
    /// The entry carries content that is not part of a file, for example GNU's directory lists; it was skipped.
    public static let contentPassedOver = EntryFlags(rawValue: 1 << 7)
}

/// Everything an archive says about one entry. None of it has been checked, so none of it may be used as a file name.
public struct EntryHeader: Sendable, Equatable {
    /// The path's bytes exactly as the archive holds them: any byte may occur, also NUL, `..` and a leading slash.
    public internal(set) var path: [UInt8] = []
    /// The type.
    public internal(set) var kind: EntryKind = .file
    /// The link target's bytes, for symbolic and hard links.
    public internal(set) var linkTarget: [UInt8]?
    /// Bytes of content the header announces, holes included; the archive may hold less.
    public internal(set) var size: UInt64 = 0
    /// Permission, set-user-id, set-group-id and sticky bits (0o7777).
    public internal(set) var mode: UInt32 = 0
    /// Owner's number, which may be negative or larger than 32 bits.
    public internal(set) var uid: Int64 = 0
    /// Group's number, which may be negative or larger than 32 bits.
    public internal(set) var gid: Int64 = 0
    /// Time of last change, seconds since 1970; may be negative.
    public internal(set) var modifiedSeconds: Int64 = 0
    /// Nanoseconds within that second, 0 to 999,999,999.
    public internal(set) var modifiedNanoseconds: Int64 = 0
    /// Major number of a device.
    public internal(set) var deviceMajor: UInt64 = 0
    /// Minor number of a device.
    public internal(set) var deviceMinor: UInt64 = 0
    /// Oddities.
    public internal(set) var flags: EntryFlags = []
    /// Offset of the entry's first header block in the tar stream.
    public internal(set) var offset: UInt64 = 0

    init() {}

    /// Time of last change in nanoseconds since 1970, clamped to 64 bits.
    public var modified: Int64 {
        let (product, overflow) = modifiedSeconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return modifiedSeconds < 0 ? .min : .max }
        let (sum, carried) = product.addingReportingOverflow(modifiedNanoseconds)
        return carried ? .max : sum
    }
}

/// How the content of one entry ended.
public struct EntryOutcome: Sendable, Equatable {
    /// The ways an entry can end.
    public enum State: String, Sendable, Equatable {
        /// All announced content was delivered.
        case complete
        /// The stream ended before the content did.
        case truncated
        /// The sparse map or the data is contradictory; what was delivered may be wrong.
        case damaged
        /// A limit was reached; the rest was skipped.
        case limited
    }

    /// How it ended.
    public var state: State
    /// Content bytes delivered, holes not included.
    public var bytes: UInt64
    /// Bytes of holes delivered.
    public var holeBytes: UInt64
    /// The content ends in zeros that were never written: the file shrank while it was archived.
    public var isZeroPadded = false
}

/// Receives the entries of an archive in archive order.
///
/// For each entry: `begin`, then `data` and `hole` in ascending order without gaps or overlaps, then `end`. Directories,
/// devices and links have no content, except hard links of pax archives. Pointers are valid during the call only.
/// A thrown error stops unpacking and is rethrown.
public protocol ArchiveVisitor<Failure> {
    /// What the sink may throw; `Never` for sinks that cannot fail.
    associatedtype Failure: Error

    /// An entry starts.
    mutating func begin(_ entry: EntryHeader) throws(Failure)
    /// Content of the entry; `offset` is the number of content and hole bytes delivered before.
    mutating func data(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(Failure)
    /// A run of zeros that the archive does not store.
    mutating func hole(_ length: UInt64, at offset: UInt64) throws(Failure)
    /// The entry ended.
    mutating func end(_ outcome: EntryOutcome) throws(Failure)
}

/// A sink that drops everything, for judging an archive without keeping it.
public struct NullSink: ArchiveVisitor {
    /// Dropping cannot fail.
    public typealias Failure = Never

    /// A sink that drops everything.
    public init() {}

    /// Drops an entry's header.
    public mutating func begin(_ entry: EntryHeader) {}
    /// Drops content.
    public mutating func data(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) {}
    /// Drops a hole.
    public mutating func hole(_ length: UInt64, at offset: UInt64) {}
    /// Drops an entry's end.
    public mutating func end(_ outcome: EntryOutcome) {}
}
