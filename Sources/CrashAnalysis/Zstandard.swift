internal import CZstd

/// Unpacks zstd frames of bounded length, as systemd-coredump leaves them.
enum Zstandard {
    /// No larger window is accepted: 128 MiB, what `zstd --long` needs at its default.
    private static let windowLog: Int32 = 27

    /// The plain bytes, at most about `limit` of them; what could be unpacked where the stream is broken. Nil when
    /// nothing could.
    static func unpack(_ source: any ByteSource, limit: Int) -> (bytes: [UInt8], complete: Bool)? {
        guard let decoder = ZSTD_createDCtx() else { return nil }
        defer { ZSTD_freeDCtx(decoder) }
        _ = ZSTD_DCtx_setParameter(decoder, ZSTD_d_windowLogMax, windowLog)
        var plain: [UInt8] = []
        var output = [UInt8](repeating: 0, count: 1 << 17)
        var offset: UInt64 = 0
        var pending = 1
        while true {
            let input = source.bytes(at: offset, count: 1 << 17)
            guard !input.isEmpty else { return plain.isEmpty ? nil : (plain, pending == 0) }
            offset += UInt64(input.count)
            var used = 0
            var more = true
            while more {
                let (produced, status, consumed) = input.withUnsafeBytes { from in
                    output.withUnsafeMutableBytes { into -> (Int, Int, Int) in
                        var reading = ZSTD_inBuffer(src: from.baseAddress, size: from.count, pos: used)
                        var writing = ZSTD_outBuffer(dst: into.baseAddress, size: into.count, pos: 0)
                        let status = ZSTD_decompressStream(decoder, &writing, &reading)
                        return (writing.pos, status, reading.pos)
                    }
                }
                plain += output[..<produced]
                guard ZSTD_isError(status) == 0, plain.count <= limit else {
                    return plain.isEmpty ? nil : (plain, false)
                }
                more = consumed < input.count || produced == output.count
                if consumed == used, produced == 0 { more = false }
                used = consumed
                pending = status
            }
        }
    }
}
