import Glibc

/// Tracks the special headers before an entry and hides from libarchive what would take it hours to parse.
///
/// libarchive 3.6 parses access control lists, which we do not keep, in time quadratic in their length: one megabyte
/// costs seconds. No option turns that off, so one byte of each such record's key is replaced before libarchive sees
/// it, which makes the key unknown; ``restore(_:at:)`` undoes that.
struct HeaderChain {
    private enum Body {
        case pax
        /// The Solaris form of a list, whose first byte must be a digit.
        case solaris
        case other
    }

    private static let key = Array("SCHILY.acl.".utf8)
    private static let lastOfKey = UInt8(ascii: ".")
    private static let unknown = UInt8(ascii: "_")

    /// Where the next header block is.
    private var at: UInt64
    private var body: (range: Range<UInt64>, kind: Body)?
    private var ended = false
    /// Whether the entry has a sparse map of the old GNU form, which continues in blocks after its header.
    private(set) var isOldSparse = false
    /// The last bytes of the pax body in earlier pieces: a key may cross pieces.
    private var carry: [UInt8] = []
    /// Offsets at which a dot was replaced.
    private var replaced: [UInt64] = []

    /// A chain whose first header block is at this offset.
    init(from offset: UInt64) { at = offset }

    /// The offset after the entry's own header block; nil until that was seen.
    var end: UInt64? { ended ? at &+ UInt64(TarFormat.blockSize) : nil }

    /// Processes a piece before libarchive sees it; pieces come in order.
    mutating func hide(in piece: UnsafeMutableRawBufferPointer, at start: UInt64) {
        let end = start &+ UInt64(piece.count)
        while true {
            if let (range, kind) = body {
                hide(kind, range, in: piece, at: start)
                guard range.upperBound <= end else { return }
                body = nil
                carry.removeAll()
            }
            guard !ended, at >= start, end &- at >= UInt64(TarFormat.blockSize), at < end else { return }
            let index = Int(at &- start)
            let block = UnsafeRawBufferPointer(rebasing: piece[index..<(index + TarFormat.blockSize)])
            guard let next = SpecialHeader(block) else {
                ended = true
                isOldSparse = block[156] == UInt8(ascii: "S")
                return
            }
            let from = at &+ UInt64(TarFormat.blockSize)
            let kind: Body = next.isPax ? .pax : next.type == UInt8(ascii: "A") ? .solaris : .other
            body = (from..<(from &+ UInt64(next.size)), kind)
            at = from &+ UInt64(next.paddedSize)
        }
    }

    private mutating func hide(
        _ kind: Body, _ range: Range<UInt64>, in piece: UnsafeMutableRawBufferPointer, at start: UInt64
    ) {
        let visible = range.clamped(to: start..<(start &+ UInt64(piece.count)))
        guard kind != .other, !visible.isEmpty else { return }
        let from = Int(visible.lowerBound &- start)
        let part = UnsafeMutableRawBufferPointer(rebasing: piece[from..<(from + visible.count)])
        if kind == .solaris {
            if visible.lowerBound == range.lowerBound { part[0] = UInt8(ascii: "!") }
            return
        }
        let seam = carry + part.prefix(Self.key.count - 1)
        for index in seam.indices.dropLast(Self.key.count - 1) where seam[index...].starts(with: Self.key) {
            let last = index + Self.key.count - 1 - carry.count
            if last >= 0 { replace(last, of: part, at: visible.lowerBound) }
        }
        var searched = 0
        while let base = part.baseAddress,
            let found = memchr(base + searched, Int32(Self.key[0]), part.count - searched)
        {
            let index = UnsafeRawPointer(found) - UnsafeRawPointer(base)
            searched = index + 1
            if part[index...].starts(with: Self.key) {
                replace(index + Self.key.count - 1, of: part, at: visible.lowerBound)
            }
        }
        carry = Array((carry + part.suffix(Self.key.count - 1)).suffix(Self.key.count - 1))
    }

    private mutating func replace(_ index: Int, of part: UnsafeMutableRawBufferPointer, at offset: UInt64) {
        part[index] = Self.unknown
        replaced.append(offset &+ UInt64(index))
    }

    /// Restores the replaced bytes in a copy or piece that starts at this offset of the tar stream.
    func restore(_ bytes: UnsafeMutableRawBufferPointer, at start: UInt64) {
        for offset in replaced where offset >= start && offset &- start < UInt64(bytes.count) {
            bytes[Int(offset &- start)] = Self.lastOfKey
        }
    }
}

/// A header block that describes the entry after it.
struct SpecialHeader {
    let type: UInt8
    /// Bytes of its body.
    let size: Int

    /// libarchive refuses special headers with a larger body.
    static let largestSize = 1 << 20

    /// Reads a block; nil if it is an entry's own header, or special but refused by libarchive.
    init?(_ block: UnsafeRawBufferPointer) {
        guard block.count >= TarFormat.blockSize else { return nil }
        type = block[156]
        switch type {
        case UInt8(ascii: "x"), UInt8(ascii: "X"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K"),
            UInt8(ascii: "A"):
            guard let size = Self.number(UnsafeRawBufferPointer(rebasing: block[124..<136])) else { return nil }
            self.size = size
        // The name of a volume, which has no body.
        case UInt8(ascii: "V"): size = 0
        default: return nil
        }
    }

    var isPax: Bool { type == UInt8(ascii: "x") || type == UInt8(ascii: "X") }

    var paddedSize: Int { (size + TarFormat.blockSize - 1) / TarFormat.blockSize * TarFormat.blockSize }

    /// Reads a size field as libarchive does: octal up to the first other byte, or binary when the top bit is set.
    private static func number(_ field: UnsafeRawBufferPointer) -> Int? {
        var value = 0
        if field[0] & 0x80 != 0 {
            guard field[0] & 0x40 == 0 else { return nil }
            value = Int(field[0] & 0x3f)
            for byte in field.dropFirst() {
                value = value << 8 | Int(byte)
                if value > largestSize { return nil }
            }
            return value
        }
        for byte in field.drop(while: { $0 == 0x20 || $0 == 0x09 }) {
            guard (0x30...0x37).contains(byte) else { break }
            value = value << 3 | Int(byte & 7)
            if value > largestSize { return nil }
        }
        return value
    }
}
