import CZstd
import Text

/// Compresses blocks into zstd frames (RFC 8878) with content size and checksum. One per thread.
final class FrameCompressor {
    private let context: OpaquePointer

    init(level: Int32) throws(PackError) {
        guard let context = ZSTD_createCCtx() else {
            throw PackError(.resources, "no memory for a zstd compressor")
        }
        self.context = context
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1)
    }

    deinit {
        ZSTD_freeCCtx(context)
    }

    static func bound(_ count: Int) -> Int { ZSTD_compressBound(count) }

    /// Writes one frame to `frame`, which must have room for `bound(raw.count)` bytes, and returns its length.
    func compress(
        _ raw: UnsafeRawBufferPointer, into frame: UnsafeMutableRawBufferPointer
    ) throws(PackError) -> Int {
        let size = ZSTD_compress2(context, frame.baseAddress, frame.count, raw.baseAddress, raw.count)
        guard ZSTD_isError(size) == 0 else {
            throw PackError(.resources, "zstd: \(String(cString: ZSTD_getErrorName(size)))")
        }
        return size
    }

    func compress(_ raw: [UInt8]) throws(PackError) -> [UInt8] {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bound(raw.count), alignment: 16)
        defer { room.deallocate() }
        let source = UnsafeMutableRawBufferPointer.allocate(byteCount: max(raw.count, 1), alignment: 16)
        defer { source.deallocate() }
        source.copyBytes(from: raw)
        let size = try compress(UnsafeRawBufferPointer(rebasing: source[..<raw.count]), into: room)
        return Array(room[..<size])
    }
}

/// Compresses a stream of known size into one zstd frame.
final class FrameStream {
    private let context: OpaquePointer
    private let room: UnsafeMutableRawBufferPointer

    init(level: Int32, size: UInt64) throws(PackError) {
        guard let context = ZSTD_createCCtx() else {
            throw PackError(.resources, "no memory for a zstd compressor")
        }
        self.context = context
        room = .allocate(byteCount: ZSTD_CStreamOutSize(), alignment: 64)
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1)
        ZSTD_CCtx_setPledgedSrcSize(context, size)
    }

    deinit {
        ZSTD_freeCCtx(context)
        room.deallocate()
    }

    /// Compresses the next bytes and passes finished output to `take`.
    func push(
        _ raw: UnsafeRawBufferPointer, _ take: (UnsafeRawBufferPointer) throws(PackError) -> Void
    ) throws(PackError) {
        var input = ZSTD_inBuffer(src: raw.baseAddress, size: raw.count, pos: 0)
        while input.pos < input.size { _ = try step(&input, ZSTD_e_continue, take) }
    }

    /// Ends the frame; throws when the number of bytes pushed is not the announced size.
    func finish(_ take: (UnsafeRawBufferPointer) throws(PackError) -> Void) throws(PackError) {
        var input = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
        while try step(&input, ZSTD_e_end, take) > 0 {}
    }

    private func step(
        _ input: inout ZSTD_inBuffer, _ how: ZSTD_EndDirective,
        _ take: (UnsafeRawBufferPointer) throws(PackError) -> Void
    ) throws(PackError) -> Int {
        var output = ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
        let left = ZSTD_compressStream2(context, &output, &input, how)
        guard ZSTD_isError(left) == 0 else {
            throw PackError(.resources, "zstd: \(String(cString: ZSTD_getErrorName(left)))")
        }
        if output.pos > 0 { try take(UnsafeRawBufferPointer(rebasing: room[..<output.pos])) }
        return left
    }
}

/// Decodes zstd frames whose size is known. One per thread.
final class FrameDecompressor {
    private let context: OpaquePointer

    init() throws(PackError) {
        guard let context = ZSTD_createDCtx() else {
            throw PackError(.resources, "no memory for a zstd decompressor")
        }
        self.context = context
    }

    deinit {
        ZSTD_freeDCtx(context)
    }

    /// The content size in the frame's header; nil when it has none or is not a zstd frame.
    static func contentSize(_ frame: UnsafeRawBufferPointer) -> UInt64? {
        let size = ZSTD_getFrameContentSize(frame.baseAddress, frame.count)
        // The two highest values are ZSTD_CONTENTSIZE_UNKNOWN and ZSTD_CONTENTSIZE_ERROR.
        return size < UInt64.max - 1 ? size : nil
    }

    /// Decodes one frame, which must fill `raw` exactly; verifies the frame's checksum.
    func decompress(
        _ frame: UnsafeRawBufferPointer, into raw: UnsafeMutableRawBufferPointer
    ) throws(PackError) {
        let size = ZSTD_decompressDCtx(context, raw.baseAddress, raw.count, frame.baseAddress, frame.count)
        guard ZSTD_isError(size) == 0 else {
            throw PackError(.damagedBlock, "zstd: \(String(cString: ZSTD_getErrorName(size)))")
        }
        guard size == raw.count else {
            throw PackError(.damagedBlock, "the frame contains \(counted(size, "byte")); expected \(raw.count)")
        }
    }
}
