internal import CZlib

/// Unpacks zlib and gzip streams of bounded length.
enum Inflate {
    /// Appends the plain bytes to `scratch` until the stream ends, is broken, or `scratch` is full.
    ///
    /// - Returns: whether the whole stream was unpacked.
    static func unpack(_ source: any ByteSource, into scratch: any DumpScratch) -> Bool {
        var stream = z_stream()
        // Adding 32 to the window bits makes zlib detect zlib or gzip by the header.
        guard inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            return false
        }
        defer { inflateEnd(&stream) }
        var offset: UInt64 = 0
        var output = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var input = source.bytes(at: offset, count: 1 << 16)
            guard !input.isEmpty else { return false }
            let count = input.count
            var status = Z_OK
            var used = 0
            var hasRoom = true
            while used < count, status == Z_OK, hasRoom {
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
                hasRoom = output.withUnsafeBytes { scratch.append(UnsafeRawBufferPointer(rebasing: $0[..<produced])) }
                if status == Z_OK, produced == 0, stream.avail_in == 0 { break }
            }
            offset += UInt64(used)
            guard hasRoom else { return false }
            if status == Z_STREAM_END { return true }
            guard status == Z_OK || status == Z_BUF_ERROR, used > 0 else { return false }
        }
    }
}
