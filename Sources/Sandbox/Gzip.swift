import CZlib

/// Makes pieces of gzip streams (RFC 1952), for archives assembled from prepared parts.
enum Gzip {
    static let header: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]

    /// Compresses the bytes to a complete member.
    static func member(_ bytes: [UInt8]) -> [UInt8] {
        header + deflate(bytes, last: true) + trailer(crc: checksum(bytes), size: bytes.count)
    }

    /// Deflates the bytes without header or trailer. `last` ends the stream; else another part can follow.
    static func deflate(_ bytes: [UInt8], last: Bool) -> [UInt8] {
        var stream = z_stream()
        guard
            deflateInit2_(
                &stream, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return [] }
        defer { deflateEnd(&stream) }
        let room = Int(deflateBound(&stream, UInt(bytes.count))) + 16
        var input = bytes
        return [UInt8](unsafeUninitializedCapacity: room) { output, filled in
            input.withUnsafeMutableBufferPointer { source in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(room)
                CZlib.deflate(&stream, last ? Z_FINISH : Z_SYNC_FLUSH)
                filled = room - Int(stream.avail_out)
            }
        }
    }

    static func checksum(_ bytes: [UInt8]) -> UInt {
        bytes.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
    }

    static func trailer(crc: UInt, size: Int) -> [UInt8] {
        [UInt32(truncatingIfNeeded: crc), UInt32(truncatingIfNeeded: size)].flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
    }
}

/// Turns a plain stream into gzip members of at most 64 KiB each, as some writers do.
final class MemberSplitter: ByteSupply {
    private let source: any ByteSupply

    init(_ source: any ByteSupply) { self.source = source }

    func next() throws -> [UInt8]? { try source.next().map(Gzip.member) }
}

/// A gzip member that is written piece by piece.
final class GzipStream {
    private var stream = z_stream()
    private var crc: UInt = 0
    private var size = 0
    private var begun = false

    init() throws(SandboxError) {
        guard
            deflateInit2_(
                &stream, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw SandboxError("zlib is out of memory") }
    }

    deinit { deflateEnd(&stream) }

    /// Compresses the bytes into `output`; the last call ends the member.
    func write(_ bytes: UnsafeRawBufferPointer, last: Bool, into output: inout [UInt8]) {
        if !begun {
            output += Gzip.header
            begun = true
        }
        let input = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
        crc = bytes.isEmpty ? crc : crc32(crc, input, UInt32(bytes.count))
        size += bytes.count
        stream.next_in = input
        stream.avail_in = UInt32(bytes.count)
        var room = 0
        repeat {
            let piece = [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, filled in
                stream.next_out = buffer.baseAddress
                stream.avail_out = UInt32(buffer.count)
                deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH)
                room = Int(stream.avail_out)
                filled = buffer.count - room
            }
            output += piece
        } while room == 0
        if last { output += Gzip.trailer(crc: crc, size: size) }
    }
}
