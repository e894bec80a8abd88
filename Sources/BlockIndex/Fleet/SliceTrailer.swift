internal import Bytes
internal import CFilter
internal import Pack

/// The last bytes of a slice: where its head is.
///
///      0 u64 offset of the head    8 u64 length of the slice   16 u32 stored and 20 u32 raw length of the head
///     24 u32 CRC-32C of the stored head                         28 u32 version: 1
///     32 u32 0                    36 u32 CRC-32C of the 36 bytes before                40 "SALVSLIC"
struct SliceTrailer {
    var head: Range<UInt64>
    var rawSize: UInt32
    var checksum: UInt32

    /// Reads a trailer; nil when it is not valid, or is not of a slice of this length.
    init?(_ bytes: UnsafeRawBufferPointer, size: UInt64) {
        guard bytes.count == SliceFormat.trailerSize, bytes.suffix(8).elementsEqual(SliceFormat.magic),
            bytes.integer(at: 28, as: UInt32.self) == SliceFormat.version,
            salvage_crc32c(0, bytes.baseAddress, 36) == bytes.integer(at: 36, as: UInt32.self),
            bytes.integer(at: 8, as: UInt64.self) == size, let offset = bytes.integer(at: 0, as: UInt64.self),
            let stored = bytes.integer(at: 16, as: UInt32.self), let raw = bytes.integer(at: 20, as: UInt32.self),
            let checksum = bytes.integer(at: 24, as: UInt32.self), offset <= size,
            UInt64(stored) + UInt64(SliceFormat.trailerSize) == size - offset
        else { return nil }
        head = offset..<offset + UInt64(stored)
        rawSize = raw
        self.checksum = checksum
    }

    /// Encodes the head and the trailer, which end a slice.
    /// - Parameter offset: the length of what is before them.
    static func encode(_ head: SliceHead, at offset: UInt64, _ sealer: BlockSealer) throws(PackError) -> [UInt8] {
        let raw = head.encoded()
        var out = ByteWriter()
        for start in stride(from: 0, to: raw.count, by: SliceFormat.headFrame) {
            let part = Array(raw[start..<min(start + SliceFormat.headFrame, raw.count)])
            let frame = try SliceCodec.compress(part, sealer)
            out.put(UInt32(frame.count))
            out.put(UInt32(part.count))
            out.put(bytes: frame)
        }
        let stored = out.bytes.count
        let crc = out.bytes.withUnsafeBytes { salvage_crc32c(0, $0.baseAddress, $0.count) }
        var trailer = ByteWriter(capacity: SliceFormat.trailerSize)
        trailer.put(offset)
        trailer.put(offset + UInt64(stored + SliceFormat.trailerSize))
        trailer.put(UInt32(stored))
        trailer.put(UInt32(raw.count))
        trailer.put(crc)
        trailer.put(SliceFormat.version)
        trailer.put(UInt32(0))
        trailer.put(trailer.bytes.withUnsafeBytes { salvage_crc32c(0, $0.baseAddress, $0.count) })
        trailer.put(bytes: SliceFormat.magic)
        out.put(bytes: trailer.bytes)
        return out.bytes
    }

    /// Decodes the stored head; nil when it is damaged.
    func decode(_ stored: [UInt8], size: UInt64, _ sealer: BlockSealer) -> SliceHead? {
        guard UInt64(stored.count) == UInt64(head.count),
            stored.withUnsafeBytes({ salvage_crc32c(0, $0.baseAddress, $0.count) }) == checksum
        else { return nil }
        var raw: [UInt8] = []
        let isWhole = stored.withUnsafeBytes { bytes -> Bool in
            var reader = ByteReader(bytes)
            while reader.remaining > 0 {
                guard let length = reader.integer(UInt32.self), let content = reader.integer(UInt32.self),
                    content <= UInt32(SliceFormat.headFrame), let frame = reader.run(Int(length)),
                    let part = SliceCodec.decompress(frame, rawSize: Int(content), sealer)
                else { return false }
                raw += part
            }
            return raw.count == Int(rawSize)
        }
        return isWhole ? SliceHead(raw, size: size) : nil
    }
}

/// Compresses parts of a slice, each at most one block long.
enum SliceCodec {
    static func compress(_ bytes: [UInt8], _ sealer: BlockSealer) throws(PackError) -> [UInt8] {
        try bytes.withUnsafeBytes { raw in
            Result { () throws(PackError) in Array(try sealer.seal(raw)) }
        }.get()
    }

    /// Nil when the frame is damaged, or its content is not `rawSize` bytes.
    static func decompress(_ frame: UnsafeRawBufferPointer, rawSize: Int, _ sealer: BlockSealer) -> [UInt8]? {
        guard rawSize > 0 else { return [] }
        var raw = [UInt8](repeating: 0, count: rawSize)
        let isSound = raw.withUnsafeMutableBytes { room in (try? sealer.open(frame, into: room)) != nil }
        return isSound ? raw : nil
    }
}
