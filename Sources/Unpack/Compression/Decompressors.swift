import CBzip2
import CLZ4
import CLZMA
import CZstd

/// gzip by ISA-L or zlib, with header and trailer checked as for whole artifacts.
final class GzipDecompressor: Decompressor {
    private let inflater: any Inflater = InflateBackend.preferred.makeInflater()
    private var header: GzipHeaderParser? = GzipHeaderParser()

    func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecompressionStep {
        if var parser = header {
            let (used, result) = parser.take(input)
            switch result {
            case .more:
                header = parser
                return DecompressionStep(consumed: used, produced: 0, state: .running)
            case .damaged(let message): return DecompressionStep(consumed: used, produced: 0, state: .damaged(message))
            case .done:
                header = nil
                let isReady = inflater.startMember()
                return DecompressionStep(
                    consumed: used, produced: 0, state: isReady ? .running : .damaged("cannot start the inflater"))
            }
        }
        let step = inflater.inflate(input, into: output)
        let state: DecompressionStep.State =
            switch step.state {
            case .running: .running
            case .finished: .ended
            case .mismatch: .damaged("the CRC-32 or the length of a gzip member does not match its content")
            case .damaged(let message): .damaged(message)
            }
        if step.state == .finished { header = GzipHeaderParser() }
        return DecompressionStep(consumed: step.consumed, produced: step.produced, state: state)
    }
}

/// zstd by libzstd.
final class ZstdDecompressor: Decompressor {
    private let context: OpaquePointer?

    init() {
        context = ZSTD_createDCtx()
        let windowLog = Int32(Int.bitWidth - 1 - largestWindow.leadingZeroBitCount)
        if let context { _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, windowLog) }
    }

    deinit { ZSTD_freeDCtx(context) }

    func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecompressionStep {
        guard let context else { return DecompressionStep(consumed: 0, produced: 0, state: .tooLarge) }
        var from = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var into = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let code = ZSTD_decompressStream(context, &into, &from)
        let state: DecompressionStep.State
        if ZSTD_isError(code) != 0 {
            let isLarge = ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge
            state = isLarge ? .tooLarge : .damaged(String(cString: ZSTD_getErrorName(code)))
        } else {
            state = code == 0 && (from.pos > 0 || into.pos > 0) ? .ended : .running
        }
        return DecompressionStep(consumed: from.pos, produced: into.pos, state: state)
    }
}

/// xz by liblzma.
final class XzDecompressor: Decompressor {
    private let stream: UnsafeMutablePointer<lzma_stream>
    private var isOpen = false

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: lzma_stream())
    }

    deinit {
        lzma_end(stream)
        stream.deallocate()
    }

    func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecompressionStep {
        if !isOpen {
            // The memory limit: the window, and what liblzma needs besides.
            let opened = lzma_stream_decoder(stream, UInt64(largestWindow) + (2 << 20), 0)
            guard opened == LZMA_OK else { return DecompressionStep(consumed: 0, produced: 0, state: .tooLarge) }
            isOpen = true
        }
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = input.count
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = output.count
        let code = lzma_code(stream, LZMA_RUN)
        let state: DecompressionStep.State
        switch code {
        case LZMA_OK, LZMA_BUF_ERROR: state = .running
        case LZMA_STREAM_END:
            state = .ended
            isOpen = false
        case LZMA_MEMLIMIT_ERROR, LZMA_MEM_ERROR: state = .tooLarge
        case LZMA_FORMAT_ERROR: state = .damaged("not an xz header")
        case LZMA_OPTIONS_ERROR: state = .damaged("unsupported xz options")
        default: state = .damaged("damaged xz data")
        }
        return DecompressionStep(
            consumed: input.count - stream.pointee.avail_in, produced: output.count - stream.pointee.avail_out,
            state: state)
    }
}

/// bzip2 by libbz2.
final class Bzip2Decompressor: Decompressor {
    private let stream: UnsafeMutablePointer<bz_stream>
    private var isOpen = false

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: bz_stream())
    }

    deinit {
        if isOpen { BZ2_bzDecompressEnd(stream) }
        stream.deallocate()
    }

    func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecompressionStep {
        if !isOpen {
            stream.initialize(to: bz_stream())
            guard BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else {
                return DecompressionStep(consumed: 0, produced: 0, state: .tooLarge)
            }
            isOpen = true
        }
        let available = min(input.count, 1 << 30)
        stream.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?
            .assumingMemoryBound(to: CChar.self)
        stream.pointee.avail_in = UInt32(available)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: CChar.self)
        stream.pointee.avail_out = UInt32(min(output.count, 1 << 30))
        let room = Int(stream.pointee.avail_out)
        let code = BZ2_bzDecompress(stream)
        let state: DecompressionStep.State
        switch code {
        case BZ_OK: state = .running
        case BZ_STREAM_END:
            state = .ended
            BZ2_bzDecompressEnd(stream)
            isOpen = false
        case BZ_MEM_ERROR: state = .tooLarge
        case BZ_DATA_ERROR_MAGIC: state = .damaged("not a bzip2 header")
        default: state = .damaged("damaged bzip2 data")
        }
        return DecompressionStep(
            consumed: available - Int(stream.pointee.avail_in), produced: room - Int(stream.pointee.avail_out),
            state: state)
    }
}

/// LZ4 frames by liblz4, which verifies the checksums of headers, blocks and contents, and the length of the content
/// where the header has it. It needs at most two blocks of 4 MiB.
final class LZ4Decompressor: Decompressor {
    private var context: OpaquePointer?
    private var headerIsRead = false
    /// The number of bytes that liblz4 expects: the rest of the current part, and the size field of the next block.
    private var expected = 0

    private static let sizeField = 4

    init() { LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION)) }

    deinit { LZ4F_freeDecompressionContext(context) }

    func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> DecompressionStep {
        guard let context else { return DecompressionStep(consumed: 0, produced: 0, state: .tooLarge) }
        var step = DecompressionStep(consumed: 0, produced: 0, state: .running)
        // Byte by byte, so that no block is decoded before it is known whether the frame needs a dictionary.
        while !headerIsRead, step.consumed < input.count {
            let byte = UnsafeRawBufferPointer(rebasing: input[step.consumed..<(step.consumed + 1)])
            let part = decompress(byte, into: UnsafeMutableRawBufferPointer(start: nil, count: 0), context)
            step.consumed += part.consumed
            step.state = part.state
            guard part.state == .running else { return step }
            var information = LZ4F_frameInfo_t()
            var none = 0
            headerIsRead = LZ4F_isError(LZ4F_getFrameInfo(context, &information, nil, &none)) == 0
            guard information.dictID == 0 else {
                step.state = .damaged("the LZ4 frame needs a dictionary")
                return step
            }
        }
        guard headerIsRead else { return step }
        // Not beyond the current block: on an error liblz4 drops what the same call has decoded before.
        let wanted = expected > Self.sizeField ? expected - Self.sizeField : max(expected, 1)
        let rest = input[step.consumed...].prefix(wanted)
        let part = decompress(UnsafeRawBufferPointer(rebasing: rest), into: output, context)
        step.consumed += part.consumed
        step.produced = part.produced
        step.state = part.state
        if part.state == .ended { headerIsRead = false }
        return step
    }

    private func decompress(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, _ context: OpaquePointer
    ) -> DecompressionStep {
        var consumed = input.count
        var produced = output.count
        let code = LZ4F_decompress(context, output.baseAddress, &produced, input.baseAddress, &consumed, nil)
        guard LZ4F_isError(code) == 0 else {
            return DecompressionStep(consumed: consumed, produced: 0, state: Self.failure(code))
        }
        expected = code
        return DecompressionStep(consumed: consumed, produced: produced, state: code == 0 ? .ended : .running)
    }

    private static func failure(_ code: Int) -> DecompressionStep.State {
        switch LZ4F_getErrorCode(code) {
        case LZ4F_ERROR_allocation_failed: .tooLarge
        case LZ4F_ERROR_frameType_unknown: .damaged("not an LZ4 frame")
        case LZ4F_ERROR_headerVersion_wrong, LZ4F_ERROR_reservedFlag_set: .damaged("unsupported LZ4 header")
        case LZ4F_ERROR_headerChecksum_invalid: .damaged("the checksum of an LZ4 header does not match")
        case LZ4F_ERROR_maxBlockSize_invalid: .damaged("an LZ4 block has an invalid size")
        case LZ4F_ERROR_blockChecksum_invalid: .damaged("the checksum of an LZ4 block does not match")
        case LZ4F_ERROR_contentChecksum_invalid: .damaged("the checksum of an LZ4 frame does not match")
        case LZ4F_ERROR_frameSize_wrong: .damaged("an LZ4 frame does not have the length in its header")
        default: .damaged("damaged LZ4 data")
        }
    }
}
