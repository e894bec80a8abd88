internal import Unpack

/// Converts UTF-16 text to UTF-8, which the text parsers read.
enum UTF16Content {
    /// The most bytes of UTF-8 kept of one text: a UTF-16 log covers one run of one program.
    private static let limit = 64 << 20

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
