import Bytes
import Digest
public import Pack

/// One sealed block of a followed log, and the places of its parts in the file of sealed blocks.
///
/// The file is a legal zstd file: a skippable frame (magic 0x184D2A57) before each block's frame describes the block,
/// so `zstd -dc` prints the log. All numbers are little-endian; `storage/README.md` has the layout.
public struct LiveBlock: Sendable, Equatable {
    /// Offset of the block in the log, in bytes.
    public var rawOffset: UInt64
    /// Raw size in bytes, at most `PackFormat.blockSize`.
    public var rawSize: Int
    /// Number of its first line, from 1.
    public var firstLine: UInt64
    /// Number of newlines in it.
    public var lines: UInt32
    /// Earliest and latest time of its lines in milliseconds since 1970, inherited ones included; nil when unknown.
    public var times: ClosedRange<Int64>?
    /// Time of the last line that has one, in milliseconds since 1970; the next block inherits it.
    public var lastTime: Int64?
    /// Whether its last line continues in the next block.
    public var endsMidLine: Bool
    /// The log's time format, as `LogTime.TimeFormat` numbers it.
    public var timeFormat: UInt8
    /// Places where a crash report may begin.
    public var anchors: [BlockAnchor]
    /// The first eight bytes of the SHA-256 of each 4 KiB, by which a replay is recognised.
    public var chunks: [UInt64]
    /// Offset of the filter in the file, in bytes.
    public var filterOffset: UInt64 = 0
    /// Length of the filter in bytes; 0 when there is none.
    public var filterSize: Int
    /// The filter's format.
    public var filterFormat: UInt16
    /// Offset of the zstd frame in the file, in bytes.
    public var frameOffset: UInt64 = 0
    /// Length of the frame in bytes.
    public var frameSize: Int
    /// CRC-32C of the frame.
    public var frameChecksum: UInt32

    /// Number of bytes that one entry of ``chunks`` covers.
    public static let chunkSize = 4096
    static let magic: UInt32 = 0x184D_2A57
    static let mark: UInt32 = 0x3142_4C53
    static let fixedSize = 80
    /// The largest header, in bytes: 64 chunks, the largest filter, and all the anchors that are kept.
    static let largestHeader = 8 + fixedSize + 64 * 8 + mostAnchors * 8 + BlockFilter.maxSize
    /// The maximum number of anchors of one block; more would add nothing.
    static let mostAnchors = 256

    /// Offset of the next block's header in the file.
    var end: UInt64 { frameOffset &+ UInt64(frameSize) }

    /// The hash of a chunk.
    static func hash(_ chunk: some Collection<UInt8>) -> UInt64 {
        SHA256.digest(chunk).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Encodes the header, which precedes the frame.
    func encoded(filter: UnsafeRawBufferPointer) -> [UInt8] {
        var body = ByteWriter(capacity: Self.fixedSize + anchors.count * 8 + chunks.count * 8 + filter.count)
        body.put(UInt32(frameSize))
        body.put(frameChecksum)
        body.put(rawOffset)
        body.put(UInt32(rawSize))
        body.put(lines)
        body.put(firstLine)
        body.put(times?.lowerBound ?? Int64.min)
        body.put(times?.upperBound ?? Int64.min)
        body.put(lastTime ?? Int64.min)
        body.put(UInt16(endsMidLine ? 1 : 0))
        body.put(timeFormat)
        body.put(UInt8(truncatingIfNeeded: BlockFilter.format))
        body.put(UInt32(filter.count))
        body.put(UInt32(anchors.count))
        body.put(UInt32(chunks.count))
        for anchor in anchors {
            body.put(anchor.offset)
            body.put(anchor.id)
            body.put(UInt16(0))
        }
        for chunk in chunks { body.put(chunk) }
        body.put(bytes: filter)
        let checksum = body.bytes.withUnsafeBytes { BlockSealer.checksum($0) }
        var head = ByteWriter(capacity: 16)
        for value in [Self.magic, UInt32(body.bytes.count + 8), Self.mark, checksum] {
            head.put(value)
        }
        return head.bytes + body.bytes
    }

    /// Reads the header at `offset` of the file.
    ///
    /// - Parameter bytes: the file's content from `offset` on, including the whole header.
    /// - Returns: nil when there is no complete, undamaged header.
    init?(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) {
        guard bytes.count >= 8 + Self.fixedSize else { return nil }
        func take<T: FixedWidthInteger>(_ place: Int, _: T.Type = T.self) -> T {
            T(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: T.self))
        }
        let size = Int(take(4, UInt32.self))
        guard take(0) == Self.magic, take(8) == Self.mark, size >= Self.fixedSize, size <= bytes.count - 8,
            size <= Self.largestHeader,
            take(12) == BlockSealer.checksum(UnsafeRawBufferPointer(rebasing: bytes[16..<8 + size]))
        else { return nil }
        frameSize = Int(take(16, UInt32.self))
        frameChecksum = take(20)
        rawOffset = take(24)
        rawSize = Int(take(32, UInt32.self))
        lines = take(36)
        firstLine = take(40)
        let (low, high, last) = (take(48, Int64.self), take(56, Int64.self), take(64, Int64.self))
        times = low != Int64.min && low <= high ? low...high : nil
        lastTime = last != Int64.min ? last : nil
        endsMidLine = take(72, UInt16.self) & 1 != 0
        timeFormat = bytes[74]
        // Blocks of the first format left this byte 0.
        filterFormat = UInt16(max(bytes[75], 1))
        let (filterBytes, places, hashes) = (
            Int(take(76, UInt32.self)), Int(take(80, UInt32.self)), Int(take(84, UInt32.self))
        )
        guard places <= Self.mostAnchors, hashes <= 64, filterBytes <= BlockFilter.maxSize,
            size == Self.fixedSize + places * 8 + hashes * 8 + filterBytes, rawSize <= PackFormat.blockSize,
            frameSize <= PackFormat.blockSize + 4096, hashes == (rawSize + Self.chunkSize - 1) / Self.chunkSize
        else { return nil }
        let variable = 8 + Self.fixedSize
        anchors = (0..<places).map { BlockAnchor(offset: take(variable + $0 * 8), id: take(variable + $0 * 8 + 4)) }
        chunks = (0..<hashes).map { take(variable + places * 8 + $0 * 8) }
        filterSize = filterBytes
        filterOffset = offset &+ UInt64(8 + size - filterBytes)
        frameOffset = offset &+ UInt64(8 + size)
    }

    /// A block about to be written.
    init(
        rawOffset: UInt64, rawSize: Int, firstLine: UInt64, lines: UInt32, facts: BlockInspection, endsMidLine: Bool,
        timeFormat: UInt8, chunks: [UInt64], frame: UnsafeRawBufferPointer
    ) {
        self.rawOffset = rawOffset
        self.rawSize = rawSize
        self.firstLine = firstLine
        self.lines = lines
        if let low = facts.minTime, let high = facts.maxTime, low <= high { times = low...high }
        lastTime = facts.lastTime
        self.endsMidLine = endsMidLine
        self.timeFormat = timeFormat
        anchors = Array(facts.anchors.prefix(Self.mostAnchors))
        self.chunks = chunks
        filterSize = 0
        filterFormat = BlockFilter.format
        frameSize = frame.count
        frameChecksum = BlockSealer.checksum(frame)
    }
}
