internal import CZlib

/// Unpacks gzip and zlib streams of bounded length.
enum Inflate {
    /// The plain bytes, at most `limit` of them; what could be unpacked where the stream is broken. Nil when nothing
    /// could.
    static func unpack(_ source: any ByteSource, limit: Int) -> (bytes: [UInt8], complete: Bool)? {
        var stream = z_stream()
        // 32 added to the window bits: zlib tells gzip from zlib by the header.
        guard inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            return nil
        }
        defer { inflateEnd(&stream) }
        var plain: [UInt8] = []
        var offset: UInt64 = 0
        var output = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var input = source.bytes(at: offset, count: 1 << 16)
            guard !input.isEmpty else { return plain.isEmpty ? nil : (plain, false) }
            let count = input.count
            var status = Z_OK
            var used = 0
            while used < count, status == Z_OK {
                let produced = input.withUnsafeMutableBytes { from in
                    output.withUnsafeMutableBytes { into -> Int in
                        stream.next_in = from.baseAddress?.assumingMemoryBound(to: UInt8.self).advanced(by: used)
                        stream.avail_in = UInt32(count - used)
                        stream.next_out = into.baseAddress?.assumingMemoryBound(to: UInt8.self)
                        stream.avail_out = UInt32(into.count)
                        status = inflate(&stream, Z_NO_FLUSH)
                        used = count - Int(stream.avail_in)
                        return into.count - Int(stream.avail_out)
                    }
                }
                plain += output[..<produced]
                guard plain.count <= limit else { return (plain, false) }
                if status == Z_OK, produced == 0, stream.avail_in == 0 { break }
            }
            offset += UInt64(used)
            if status == Z_STREAM_END { return (plain, true) }
            if status != Z_OK, status != Z_BUF_ERROR { return plain.isEmpty ? nil : (plain, false) }
            if used == 0 { return plain.isEmpty ? nil : (plain, false) }
        }
    }
}
