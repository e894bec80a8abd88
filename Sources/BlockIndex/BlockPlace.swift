internal import Bytes
public import Pack

/// Where a block is in its pack: enough to request its bytes before the pack's tables are read.
public struct BlockPlace: Sendable, Hashable {
    /// Offset of the frame in the pack, in bytes; below 2^48.
    public var offset: UInt64
    /// Length of the frame in bytes; below 2^24.
    public var storedSize: UInt32
    /// Length of the frame's content in bytes; below 2^23.
    public var rawSize: UInt32
    /// Whether the content is text. Other content is searched only on request.
    public var isText: Bool

    /// Creates a place.
    public init(offset: UInt64, storedSize: UInt32, rawSize: UInt32, isText: Bool) {
        self.offset = offset
        self.storedSize = storedSize
        self.rawSize = rawSize
        self.isText = isText
    }

    /// Length of an encoded place in bytes.
    static let size = 12
    private static let binaryMark: UInt32 = 1 << 23

    /// The place at the start of `bytes`; nil when they are too few.
    init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard let low = bytes.integer(at: offset, as: UInt32.self),
            let middle = bytes.integer(at: offset + 4, as: UInt32.self),
            let high = bytes.integer(at: offset + 8, as: UInt32.self)
        else { return nil }
        self.offset = UInt64(low) | UInt64(middle & 0xFFFF) << 32
        storedSize = middle >> 16 | (high & 0xFF) << 16
        rawSize = high >> 8 & ~Self.binaryMark
        isText = high >> 8 & Self.binaryMark == 0
    }

    /// Appends the place: 48 bits of offset, 24 of stored size, 23 of raw size, and one that is set for content that is not
    /// text.
    func write(to out: inout ByteWriter) {
        let raw = rawSize | (isText ? 0 : Self.binaryMark)
        out.put(UInt32(truncatingIfNeeded: offset))
        out.put(UInt32(truncatingIfNeeded: offset >> 32 & 0xFFFF) | (storedSize & 0xFFFF) << 16)
        out.put(storedSize >> 16 & 0xFF | raw << 8)
    }

    /// Whether the place can be encoded.
    var fits: Bool { offset < 1 << 48 && storedSize < 1 << 24 && rawSize < Self.binaryMark }
}

/// Where the parts of a pack are that a search reads.
public struct PackPlaces: Sendable, Equatable {
    /// Offset of the footer, which ends with the pack.
    public var footer: UInt64
    /// The place of each block.
    public var blocks: [BlockPlace]

    /// Creates the places of a pack.
    public init(footer: UInt64, blocks: [BlockPlace]) {
        self.footer = footer
        self.blocks = blocks
    }

    /// The places in an open pack.
    public init(_ reader: PackReader) {
        footer = reader.footerOffset
        blocks = reader.blocks.map {
            BlockPlace(
                offset: $0.offset, storedSize: $0.storedSize, rawSize: $0.rawSize, isText: $0.flags.contains(.text))
        }
    }

    /// Whether they can be encoded, and lie within a pack of this size.
    func isValid(packBytes: UInt64) -> Bool {
        footer <= packBytes
            && blocks.allSatisfy { $0.fits && $0.offset <= footer && UInt64($0.storedSize) <= footer - $0.offset }
    }
}
