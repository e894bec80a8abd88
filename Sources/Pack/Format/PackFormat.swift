import Bytes
import CFilter
import Text

/// Constants of the pack format. `storage/README.md` describes the format byte by byte.
public enum PackFormat {
    /// The version that is written, and the latest that can be read.
    public static let version: UInt32 = 1
    /// Most raw bytes in one block.
    public static let blockSize = 256 << 10
    /// The zstd level of blocks: on logs, level 1 is denser and faster than level 3.
    public static let level: Int32 = 1
    /// Holes of a member beyond this many bytes in total are not hashed: hashing 2^63 zeros would never end.
    public static let hashedHoleLimit: UInt64 = 4 << 30
    /// Most bytes of holes hashed in one pack: an archive may claim any number of sparse members.
    static let hashedHoleBudget: UInt64 = 16 << 30
    /// Most bytes of filters of one pack kept beside it rather than in it. A search opens a larger pack anyway.
    public static let mostFiltersAside = 4 << 20
    /// The last bytes of every pack.
    static let magic = Array("SALVPACK".utf8)
    /// Length of the fixed trailer.
    static let trailerSize = 48
    /// Magic numbers of the skippable frames (RFC 8878, 3.1.2), little-endian.
    static let filterFrame: UInt32 = 0x184D_2A5A
    static let footerFrame: UInt32 = 0x184D_2A5F
    static let skippableMask: UInt32 = 0xFFFF_FFF0
    static let skippableBase: UInt32 = 0x184D_2A50
    /// First four bytes of a zstd frame, little-endian.
    static let zstdMagic: UInt32 = 0xFD2F_B528
    /// Most raw bytes of a section; a larger claim is treated as damage.
    static let maxSectionSize: UInt64 = 512 << 20
    /// Most bytes of a block's frame: the worst case of zstd for a full block, rounded up.
    static let maxFrameSize = blockSize + 4096

    static func crc32c(_ bytes: UnsafeRawBufferPointer, continuing crc: UInt32 = 0) -> UInt32 {
        salvage_crc32c(crc, bytes.baseAddress, bytes.count)
    }

    static func crc32c(_ bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { crc32c($0) }
    }
}

/// The sections of a footer; readers ignore unknown numbers.
enum SectionID: UInt32, CaseIterable {
    case session = 1
    case artifacts = 2
    case members = 3
    case blocks = 4
    case crashes = 5
}

/// One row of the footer's directory.
struct SectionEntry: Equatable {
    static let size = 40
    static let compressed: UInt32 = 1

    var id: UInt32
    var flags: UInt32
    /// Absolute byte offset in the file.
    var offset: UInt64
    var storedSize: UInt64
    var rawSize: UInt64
    /// CRC-32C of the stored bytes.
    var checksum: UInt32

    func write(to out: inout ByteWriter) {
        out.put(id)
        out.put(flags)
        out.put(offset)
        out.put(storedSize)
        out.put(rawSize)
        out.put(checksum)
        out.put(UInt32(0))
    }

    static func read(from cursor: inout ByteReader) throws(PackError) -> SectionEntry {
        let entry = SectionEntry(
            id: try cursor.take(), flags: try cursor.take(), offset: try cursor.take(), storedSize: try cursor.take(),
            rawSize: try cursor.take(), checksum: try cursor.take())
        _ = try cursor.take(UInt32.self)
        return entry
    }
}

/// The fixed-size end of a pack.
struct Trailer: Equatable {
    /// Absolute byte offset of the footer's skippable frame.
    var footerOffset: UInt64
    /// Bytes from there to the end of the file.
    var footerLength: UInt64
    /// Absolute byte offset of the directory of sections, which ends at the trailer.
    var directoryOffset: UInt64
    var sectionCount: UInt32
    var directoryChecksum: UInt32
    var version: UInt32

    var bytes: [UInt8] {
        var out = ByteWriter()
        out.put(footerOffset)
        out.put(footerLength)
        out.put(directoryOffset)
        out.put(sectionCount)
        out.put(directoryChecksum)
        out.put(version)
        out.put(PackFormat.crc32c(out.bytes))
        out.put(bytes: PackFormat.magic)
        return out.bytes
    }

    /// Reads the last bytes of a file of `fileSize` bytes; `bytes` are its last `trailerSize`.
    init(_ bytes: UnsafeRawBufferPointer, fileSize: UInt64) throws(PackError) {
        guard bytes.count == PackFormat.trailerSize, bytes.suffix(8).elementsEqual(PackFormat.magic) else {
            throw PackError(
                .notAPack, "the file does not end with a pack's trailer", offset: fileSize,
                hint: "it is truncated, unfinished or not a pack; `zstd -dc` prints the content of its frames")
        }
        var cursor = ByteReader(bytes)
        footerOffset = try cursor.take()
        footerLength = try cursor.take()
        directoryOffset = try cursor.take()
        sectionCount = try cursor.take()
        directoryChecksum = try cursor.take()
        version = try cursor.take()
        let checksum: UInt32 = try cursor.take()
        guard checksum == PackFormat.crc32c(UnsafeRawBufferPointer(rebasing: bytes[..<36])) else {
            throw PackError(.damagedFooter, "the trailer's checksum is wrong", offset: fileSize)
        }
        guard version >= 1, version <= PackFormat.version else {
            throw PackError(
                .unsupportedVersion, "the pack has version \(version); this salvage reads up to \(PackFormat.version)",
                hint: "use the version of salvage that wrote it, or a later one")
        }
        let trailerOffset = fileSize - UInt64(PackFormat.trailerSize)
        let (end, overflow) = footerOffset.addingReportingOverflow(footerLength)
        guard !overflow, end == fileSize else {
            throw PackError(
                .damagedFooter,
                "the trailer describes a file of \(counted(end, "byte")); this one has \(fileSize)", offset: fileSize)
        }
        let (directorySize, tooMany) = UInt64(sectionCount).multipliedReportingOverflow(by: UInt64(SectionEntry.size))
        guard !tooMany, directoryOffset >= footerOffset &+ 8, directoryOffset <= trailerOffset,
            trailerOffset - directoryOffset == directorySize
        else {
            throw PackError(.damagedFooter, "the trailer's directory is outside the footer", offset: fileSize)
        }
    }

    init(
        footerOffset: UInt64, footerLength: UInt64, directoryOffset: UInt64, sectionCount: UInt32,
        directoryChecksum: UInt32, version: UInt32 = PackFormat.version
    ) {
        self.footerOffset = footerOffset
        self.footerLength = footerLength
        self.directoryOffset = directoryOffset
        self.sectionCount = sectionCount
        self.directoryChecksum = directoryChecksum
        self.version = version
    }
}
