import CZlib

/// Builds tar archives block by block, broken ones too.
struct TarBuilder {
    var bytes: [UInt8] = []

    struct Fields {
        var name: [UInt8] = []
        var mode = "0000644\0"
        var uid = "0000000\0"
        var size = "00000000000\0"
        var modified = "00000000000\0"
        var type: UInt8 = UInt8(ascii: "0")
        var link: [UInt8] = []
        var magic = "ustar\u{0}00"
        /// Written over the finished block before its checksum is computed, as (offset, bytes).
        var patches: [(Int, [UInt8])] = []
    }

    static func octal(_ value: Int, width: Int) -> String {
        let digits = String(value, radix: 8)
        return String(repeating: "0", count: max(0, width - 1 - digits.count)) + digits + "\0"
    }

    static func header(_ fields: Fields) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: some Collection<UInt8>, at offset: Int, limit: Int) {
            for (index, byte) in bytes.prefix(limit).enumerated() { block[offset + index] = byte }
        }
        put(fields.name, at: 0, limit: 100)
        put(fields.mode.utf8, at: 100, limit: 8)
        put(fields.uid.utf8, at: 108, limit: 8)
        put(fields.uid.utf8, at: 116, limit: 8)
        put(fields.size.utf8, at: 124, limit: 12)
        put(fields.modified.utf8, at: 136, limit: 12)
        block[156] = fields.type
        put(fields.link, at: 157, limit: 100)
        put(fields.magic.utf8, at: 257, limit: 8)
        for (offset, bytes) in fields.patches { put(bytes, at: offset, limit: 512 - offset) }
        for index in 148..<156 { block[index] = 0x20 }
        let sum = block.reduce(0) { $0 + Int($1) }
        put((octal(sum, width: 7) + " ").utf8, at: 148, limit: 8)
        return block
    }

    mutating func add(_ fields: Fields) { bytes += Self.header(fields) }

    mutating func pad() {
        let rest = bytes.count % 512
        if rest > 0 { bytes += [UInt8](repeating: 0, count: 512 - rest) }
    }

    mutating func file(_ name: String, _ content: [UInt8], type: Character = "0") {
        add(
            Fields(
                name: Array(name.utf8), size: Self.octal(content.count, width: 12),
                type: type.asciiValue ?? 0))
        bytes += content
        pad()
    }

    mutating func file(_ name: String, _ content: String) { file(name, Array(content.utf8)) }

    mutating func link(_ name: String, to target: String, type: Character) {
        add(Fields(name: Array(name.utf8), type: type.asciiValue ?? 0, link: Array(target.utf8)))
    }

    /// One pax record with its own length in front.
    static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let body = Array(" \(key)=".utf8) + value + [0x0a]
        var length = body.count + 1
        while String(length).utf8.count + body.count != length { length += 1 }
        return Array(String(length).utf8) + body
    }

    mutating func pax(_ records: [UInt8], type: Character = "x") {
        file("PaxHeaders/x", records, type: type)
    }

    /// The end-of-archive blocks.
    mutating func end(blocks: Int = 2) { bytes += [UInt8](repeating: 0, count: 512 * blocks) }
}

/// Compresses with zlib into one gzip member.
func gzip(_ bytes: [UInt8], level: Int32 = 6) -> [UInt8] {
    var stream = z_stream()
    let version = ZLIB_VERSION
    deflateInit2_(
        &stream, level, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY, version, Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))) + 64)
    let produced = input.withUnsafeMutableBufferPointer { source in
        output.withUnsafeMutableBufferPointer { target in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            stream.next_out = target.baseAddress
            stream.avail_out = UInt32(target.count)
            _ = deflate(&stream, Z_FINISH)
            return target.count - Int(stream.avail_out)
        }
    }
    return Array(output[..<produced])
}

/// Compresses something too large to hold: `pieces` calls of `piece` give the bytes.
func gzipPieces(_ pieces: Int, level: Int32 = 1, _ piece: (Int) -> [UInt8]) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
        &stream, level, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
        Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var result: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 1 << 18)
    for index in 0..<pieces {
        var input = piece(index)
        let last = index == pieces - 1
        input.withUnsafeMutableBufferPointer { source in
            stream.next_in = source.baseAddress
            stream.avail_in = UInt32(source.count)
            while true {
                let left = room.withUnsafeMutableBufferPointer { target in
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(target.count)
                    _ = deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH)
                    return Int(stream.avail_out)
                }
                result += room[..<(room.count - left)]
                if left > 0 { break }
            }
        }
    }
    return result
}
