internal import Unpack

/// Text in UTF-16 as a source in UTF-8, as the readers of text want it.
enum UTF16Content {
    /// Longer text is read up to here; logs in UTF-16 are those of one program's start.
    private static let limit = 64 << 20
    private static let sampled = 4096
    private static let fewestUnits = 16

    /// The order of a file's bytes: by its mark, else by its first characters.
    static func order(head: UnsafeRawBufferPointer) -> UTF16Order? { UTF16Order(head: head) ?? unmarked(head) }

    /// Tools that append to each other's files leave the mark out: most units of a log are ASCII then.
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

    /// The text, and whether all of it is there.
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
