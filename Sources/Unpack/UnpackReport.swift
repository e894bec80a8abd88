public import Model

/// Facts about an artifact that refine its ``ArchiveVerdict``.
public struct UnpackFlags: OptionSet, Sendable, Hashable {
    /// The bits, in the order of ``names``.
    public let rawValue: UInt32

    /// A set from its bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes other than zero follow the last gzip member.
    public static let trailingData = UnpackFlags(rawValue: 1 << 0)
    /// Something other than zero follows the end-of-archive blocks, for example a second archive.
    public static let dataAfterEnd = UnpackFlags(rawValue: 1 << 1)
    /// The artifact is a tar archive without gzip around it.
    public static let plainTar = UnpackFlags(rawValue: 1 << 2)
    /// The gzip stream has more than one member.
    public static let severalMembers = UnpackFlags(rawValue: 1 << 3)
    /// A limit was reached; ``UnpackReport/limit`` says which.
    public static let limit = UnpackFlags(rawValue: 1 << 4)
    /// The end-of-archive blocks are missing.
    public static let missingEnd = UnpackFlags(rawValue: 1 << 5)
    /// A single zero block is found where two belong.
    public static let loneZeroBlock = UnpackFlags(rawValue: 1 << 6)
    /// The input ended inside a gzip member or inside an entry.
    public static let truncated = UnpackFlags(rawValue: 1 << 7)
    /// A gzip member's header or deflate data is damaged, or the data of another compression.
    public static let gzipDamaged = UnpackFlags(rawValue: 1 << 8)
    /// A gzip member's CRC-32 or length does not match its content.
    public static let checksumMismatch = UnpackFlags(rawValue: 1 << 9)
    /// A tar header is damaged.
    public static let tarDamaged = UnpackFlags(rawValue: 1 << 10)
    /// Entries were found after damage by searching for the next good header; they may be content of a lost entry.
    public static let resynchronised = UnpackFlags(rawValue: 1 << 11)
    /// libarchive warned about the headers of some entries; the first warnings are in the report.
    public static let warnings = UnpackFlags(rawValue: 1 << 12)
    /// The artifact, or the tar stream inside its gzip, has no bytes.
    public static let empty = UnpackFlags(rawValue: 1 << 13)
    /// The artifact itself could not be read to its end, for example because of a disk error.
    public static let readError = UnpackFlags(rawValue: 1 << 14)
    /// The archive is compressed by something other than gzip: zstd, xz, bzip2 or lz4, detected by its first bytes.
    public static let otherCompression = UnpackFlags(rawValue: 1 << 15)
    /// The content of an entry ends in zeros that were never written: the file shrank while it was archived.
    public static let zeroPadded = UnpackFlags(rawValue: 1 << 16)

    private static let table: [(UnpackFlags, String)] = [
        (.trailingData, "trailing_data"), (.dataAfterEnd, "data_after_end"), (.plainTar, "plain_tar"),
        (.severalMembers, "several_members"), (.limit, "limit"), (.missingEnd, "missing_end"),
        (.loneZeroBlock, "lone_zero_block"), (.truncated, "truncated"), (.gzipDamaged, "gzip_damaged"),
        (.checksumMismatch, "checksum_mismatch"), (.tarDamaged, "tar_damaged"), (.resynchronised, "resynchronised"),
        (.warnings, "warnings"), (.empty, "empty"), (.readError, "read_error"),
        (.otherCompression, "other_compression"), (.zeroPadded, "zero_padded"),
    ]

    /// The names of the set flags as reports and the ledger spell them.
    public var names: [String] { Self.table.filter { contains($0.0) }.map(\.1) }
}

/// The first thing that was wrong with an artifact.
public struct UnpackFault: Error, Sendable, Equatable {
    /// Where an offset counts from.
    public enum Layer: String, Sendable {
        /// The artifact's own bytes.
        case gzip
        /// The tar stream after inflating.
        case tar
        /// Reading the artifact from its descriptor.
        case input
    }

    /// The layer that found it.
    public var layer: Layer
    /// Bytes from the start of that layer's stream; for gzip an upper bound, because input is buffered in bits.
    public var offset: UInt64
    /// What was wrong, in lower case without a full stop.
    public var message: String

    /// A fault at an offset of a layer.
    public init(layer: Layer, offset: UInt64, message: String) {
        self.layer = layer
        self.offset = offset
        self.message = message
    }
}

/// What unpacking one artifact found.
public struct UnpackReport: Sendable, Equatable {
    /// The verdict on the whole artifact.
    public internal(set) var verdict = ArchiveVerdict.ok
    /// Facts that refine the verdict.
    public internal(set) var flags: UnpackFlags = []
    /// The first limit that was reached, when ``UnpackFlags/limit`` is set.
    public internal(set) var limit: UnpackLimit?
    /// Entries passed to the sink, cut ones included.
    public internal(set) var entries: UInt64 = 0
    /// Entries passed to the sink whose content is not whole.
    public internal(set) var cutEntries: UInt64 = 0
    /// Content bytes passed to the sink, holes not included.
    public internal(set) var bytes: UInt64 = 0
    /// Bytes of holes passed to the sink.
    public internal(set) var holeBytes: UInt64 = 0
    /// Bytes of the artifact that were read.
    public internal(set) var compressedBytes: UInt64 = 0
    /// Bytes of the tar stream.
    public internal(set) var inflatedBytes: UInt64 = 0
    /// Whole gzip members, zero for a plain tar.
    public internal(set) var members: UInt64 = 0
    /// The first fault, if any.
    public internal(set) var firstError: UnpackFault?
    /// libarchive's first warnings, at most sixteen; text from the library, not from the archive.
    public internal(set) var warnings: [String] = []
    /// The first bytes of something that is not an archive, at most 4 KiB: often a server's error text.
    public internal(set) var head: [UInt8] = []

    init() {}

    /// Makes the verdict worse, never better: `corrupt` outranks `incomplete`, which outranks `ok`.
    mutating func lower(to worse: ArchiveVerdict) {
        switch (verdict, worse) {
        case (.ok, _), (.incomplete, .corrupt), (_, .notAnArchive): verdict = worse
        default: break
        }
    }

    mutating func note(_ fault: UnpackFault) {
        if firstError == nil { firstError = fault }
    }

    mutating func hit(_ which: UnpackLimit, at offset: UInt64) {
        flags.insert(.limit)
        if limit == nil { limit = which }
        lower(to: .incomplete)
        note(UnpackFault(layer: .tar, offset: offset, message: "limit reached: \(which.rawValue)"))
    }
}
