internal import CZlib
public import Files
internal import Glibc

/// Makes pieces of gzip streams (RFC 1952), for archives assembled from prepared parts.
public enum Gzip {
    /// The header of a member, without a name or a time.
    public static let header: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]

    /// Compresses the bytes to a complete member.
    public static func member(_ bytes: [UInt8]) -> [UInt8] {
        header + deflate(bytes, last: true) + trailer(crc: checksum(bytes), size: bytes.count)
    }

    /// Deflates the bytes without header or trailer. `last` ends the stream; else another part can follow.
    public static func deflate(_ bytes: [UInt8], last: Bool) -> [UInt8] {
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

    /// Computes the CRC-32 of the bytes.
    public static func checksum(_ bytes: [UInt8]) -> UInt {
        bytes.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
    }

    /// Makes the end of a member: the CRC-32 and the size of its content.
    public static func trailer(crc: UInt, size: Int) -> [UInt8] {
        [UInt32(truncatingIfNeeded: crc), UInt32(truncatingIfNeeded: size)].flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
        }
    }
}

/// A gzip member that is written piece by piece.
public final class GzipStream {
    private var stream = z_stream()
    private var crc: UInt = 0
    private var size = 0
    private var begun = false

    /// Prepares a member; `level` is zlib's, from 1 to 9.
    public init(level: Int32) throws(FileFailure) {
        guard
            deflateInit2_(
                &stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw FileFailure("start zlib", "", errno: ENOMEM) }
    }

    deinit { deflateEnd(&stream) }

    /// Compresses the bytes and returns what is finished of the member, which may be nothing; the last call ends it.
    public func compressed(_ bytes: [UInt8], last: Bool = false) -> [UInt8] {
        var output = begun ? [] : Gzip.header
        begun = true
        size += bytes.count
        bytes.withUnsafeBufferPointer { input in
            if !input.isEmpty { crc = crc32(crc, input.baseAddress, UInt32(input.count)) }
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(input.count)
            var room = 0
            repeat {
                let piece = [UInt8](unsafeUninitializedCapacity: 64 << 10) { buffer, filled in
                    stream.next_out = buffer.baseAddress
                    stream.avail_out = UInt32(buffer.count)
                    deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH)
                    room = Int(stream.avail_out)
                    filled = buffer.count - room
                }
                output += piece
            } while room == 0
        }
        return last ? output + Gzip.trailer(crc: crc, size: size) : output
    }
}
