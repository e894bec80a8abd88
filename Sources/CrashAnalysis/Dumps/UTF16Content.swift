internal import Unpack

/// Converts UTF-16 text to UTF-8, which the text parsers read.
enum UTF16Content {
    /// The most bytes of UTF-8 kept of one text: a UTF-16 log covers one run of one program.
    private static let limit = 64 << 20
    private static let sampled = 4096
    private static let fewestUnits = 16

    /// Returns the byte order, from the byte order mark or else the first characters; nil when it is not UTF-16.
    static func order(head: UnsafeRawBufferPointer) -> UTF16Order? { UTF16Order(head: head) ?? unmarked(head) }

    /// Detects the order without a byte order mark, which tools that append to each other's files leave out: at least
    /// 90 % of a log's units are ASCII.
    private static func unmarked(_ head: UnsafeRawBufferPointer) -> UTF16Order? {
        var little = 0
        var big = 0
        var count = 0
        for at in stride(from: 0, to: min(head.count, sampled) - 1, by: 2) {
            count += 1
            if isPlain(head[at]), head[at + 1] == 0 { little += 1 }
            if isPlain(head[at + 1]), head[at] == 0 { big += 1 }
        }
        guard count >= fewestUnits else { return nil }
        if little * 10 >= count * 9 { return .littleEndian }
        return big * 10 >= count * 9 ? .bigEndian : nil
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7f || byte == 0x09 || byte == 0x0a || byte == 0x0d || byte == 0x1b
    }

    /// Returns the text in UTF-8, and whether it is complete.
    static func plain(_ source: any ByteSource, _ order: UTF16Order) -> (text: any ByteSource, isWhole: Bool) {
        let plain = MemoryScratch(limit: limit)
        var transcoder = UTF16Transcoder(order)
        var offset: UInt64 = 0
        var hasRoom = true
        while hasRoom {
            let piece = source.bytes(at: offset, count: 1 << 17)
            guard !piece.isEmpty else { break }
            offset += UInt64(piece.count)
            piece.withUnsafeBytes { bytes in
                transcoder.push(bytes) { hasRoom = hasRoom && plain.append($0) }
            }
        }
        transcoder.finish { hasRoom = hasRoom && plain.append($0) }
        return (plain, hasRoom)
    }
}
