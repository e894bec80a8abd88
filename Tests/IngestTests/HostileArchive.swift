import CZlib
import Glibc

/// Writes a `.tar.gz` to a file piece by piece, valid or not.
final class HostileArchive {
    private let file: UnsafeMutablePointer<FILE>?
    private let stream: UnsafeMutablePointer<z_stream>
    private var room = [UInt8](repeating: 0, count: 256 << 10)
    private var waiting: [UInt8] = []
    /// Bytes of the tar so far.
    private(set) var position = 0

    init(path: String, level: Int32 = 1) {
        file = fopen(path, "w")
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        deflateInit2_(
            stream, level, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
    }

    /// Flushes the buffer and ends the gzip member; `behind` follows it unchanged.
    func close(_ behind: [UInt8] = []) {
        push(Z_FINISH)
        deflateEnd(stream)
        stream.deallocate()
        fwrite(behind, 1, behind.count, file)
        fclose(file)
    }

    func raw(_ bytes: some Collection<UInt8>) {
        waiting += bytes
        position += bytes.count
        if waiting.count > 1 << 20 { push(Z_NO_FLUSH) }
    }

    private func push(_ how: Int32) {
        waiting.withUnsafeMutableBufferPointer { source in
            stream.pointee.next_in = source.baseAddress
            stream.pointee.avail_in = UInt32(source.count)
            while true {
                let left = room.withUnsafeMutableBufferPointer { target in
                    stream.pointee.next_out = target.baseAddress
                    stream.pointee.avail_out = UInt32(target.count)
                    _ = deflate(stream, how)
                    return Int(stream.pointee.avail_out)
                }
                fwrite(room, 1, room.count - left, file)
                if left > 0 { break }
            }
        }
        waiting.removeAll(keepingCapacity: true)
    }

    func zeros(_ count: Int) {
        let piece = [UInt8](repeating: 0, count: 1 << 20)
        var left = count
        while left > 0 {
            raw(piece.prefix(left))
            left -= piece.count
        }
    }

    // MARK: tar

    /// A number in octal with a NUL at the end, as in header fields.
    static func octal(_ value: Int, width: Int) -> [UInt8] {
        let digits = String(value, radix: 8)
        return Array((String(repeating: "0", count: max(0, width - 1 - digits.count)) + digits).utf8) + [0]
    }

    /// One header block; `size` and `patches` are written unchanged.
    func header(
        _ name: [UInt8], size: [UInt8] = octal(0, width: 12), type: Character = "0", link: String = "",
        mode: Int = 0o644, magic: String = "ustar\u{0}00", patches: [(Int, [UInt8])] = []
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: some Collection<UInt8>, _ at: Int, _ limit: Int) {
            for (index, byte) in bytes.prefix(limit).enumerated() { block[at + index] = byte }
        }
        put(name, 0, 100)
        put(Self.octal(mode, width: 8), 100, 8)
        put(Self.octal(0, width: 8), 108, 8)
        put(Self.octal(0, width: 8), 116, 8)
        put(size, 124, 12)
        put(Self.octal(1_700_000_000, width: 12), 136, 12)
        block[156] = type.asciiValue ?? 0
        put(link.utf8, 157, 100)
        put(magic.utf8, 257, 8)
        for (at, bytes) in patches { put(bytes, at, 512 - at) }
        for index in 148..<156 { block[index] = 0x20 }
        put(Self.octal(block.reduce(0) { $0 + Int($1) }, width: 7) + [0x20], 148, 8)
        raw(block)
    }

    func pad() { if position % 512 > 0 { zeros(512 - position % 512) } }

    func file(_ name: [UInt8], _ content: [UInt8], type: Character = "0", mode: Int = 0o644) {
        header(name, size: Self.octal(content.count, width: 12), type: type, mode: mode)
        raw(content)
        pad()
    }

    func file(_ name: String, _ content: String) { file(Array(name.utf8), Array(content.utf8)) }

    /// A file whose content is its name, so that a test can check it.
    func good(_ name: String) { file(name, name) }

    func link(_ name: String, to target: String, type: Character) {
        header(Array(name.utf8), type: type, link: target)
    }

    /// One pax record with its own length in front.
    static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let body = Array(" \(key)=".utf8) + value + [0x0a]
        var length = body.count + 1
        while String(length).utf8.count + body.count != length { length += 1 }
        return Array(String(length).utf8) + body
    }

    func pax(_ records: [UInt8], type: Character = "x") { file(Array("PaxHeaders/x".utf8), records, type: type) }

    func pax(_ records: [(String, String)], type: Character = "x") {
        pax(records.flatMap { Self.record($0.0, Array($0.1.utf8)) }, type: type)
    }

    func end(blocks: Int = 2) { zeros(512 * blocks) }
}

/// A gzip file that inflates to `bytes` bytes: one line, repeated.
func bomb(bytes: Int) -> [UInt8] {
    var stream = z_stream()
    deflateInit2_(
        &stream, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    defer { deflateEnd(&stream) }
    var lines = [UInt8](repeating: 0x61, count: 1 << 20)
    for index in 1...(lines.count / 64) { lines[index * 64 - 1] = 0x0a }
    var result = [UInt8](repeating: 0, count: bytes / 300 + 4096)
    let made = result.withUnsafeMutableBufferPointer { target in
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(target.count)
        for round in 0..<(bytes >> 20) {
            lines.withUnsafeMutableBufferPointer { source in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                _ = deflate(&stream, round + 1 == bytes >> 20 ? Z_FINISH : Z_NO_FLUSH)
            }
        }
        return target.count - Int(stream.avail_out)
    }
    return Array(result[..<made])
}
