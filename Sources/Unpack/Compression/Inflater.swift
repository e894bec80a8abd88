import CISAL
import CZlib

/// The library that inflates.
public enum InflateBackend: String, Sendable, CaseIterable {
    /// Intel's ISA-L, about three times as fast as zlib.
    case isal
    /// zlib.
    case zlib

    /// ISA-L, or zlib where ISA-L is not installed. Read this before confining the process: ISA-L is loaded from a
    /// file.
    public static let preferred: InflateBackend = salvage_isal_is_available() != 0 ? .isal : .zlib
}

/// What one call of an inflater did.
struct InflateStep {
    enum State: Equatable {
        /// More input or more room for output is needed.
        case running
        /// The member's deflate data and its trailer (CRC-32 and length) were read and are valid.
        case finished
        /// The member's trailer does not match its content.
        case mismatch
        /// The deflate data is damaged.
        case damaged(String)
    }

    var consumed: Int
    var produced: Int
    var state: State
}

/// Inflates gzip members (RFC 1952) from the end of their header to the end of their trailer.
///
/// The header is parsed by ``GzipHeaderParser`` for all backends, so that they cannot disagree about it.
protocol Inflater: AnyObject {
    /// Prepares for the next member.
    func startMember() -> Bool
    /// Inflates from `input` to `output`; at most 1 GiB of either is used.
    func inflate(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> InflateStep
}

extension InflateBackend {
    func makeInflater() -> any Inflater {
        switch self {
        case .isal where salvage_isal_is_available() != 0: ISALInflater()
        case .isal, .zlib: ZlibInflater()
        }
    }
}

/// Both libraries count a piece's bytes in 32 bits.
private let largestPiece = 1 << 30

/// Both libraries declare their input as mutable, but do not write to it.
private func mutableBytes(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutablePointer<UInt8>? {
    UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: UInt8.self)
}

/// ISA-L's inflate with its own check of the trailer.
final class ISALInflater: Inflater {
    private let state: UnsafeMutablePointer<inflate_state>

    init() {
        state = .allocate(capacity: 1)
        salvage_isal_init(state)
    }

    deinit { state.deallocate() }

    func startMember() -> Bool {
        salvage_isal_reset(state)
        state.pointee.crc_flag = UInt32(ISAL_GZIP_NO_HDR_VER)
        return true
    }

    func inflate(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> InflateStep {
        let available = min(input.count, largestPiece)
        let room = min(output.count, largestPiece)
        state.pointee.next_in = mutableBytes(input)
        state.pointee.avail_in = UInt32(available)
        state.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        state.pointee.avail_out = UInt32(room)
        let code = salvage_isal_inflate(state)
        let step: InflateStep.State =
            switch code {
            case ISAL_DECOMP_OK, ISAL_END_INPUT, ISAL_OUT_OVERFLOW:
                state.pointee.block_state == ISAL_BLOCK_FINISH ? .finished : .running
            case ISAL_INCORRECT_CHECKSUM: .mismatch
            case ISAL_INVALID_BLOCK: .damaged("invalid deflate block")
            case ISAL_INVALID_SYMBOL: .damaged("invalid deflate symbol")
            case ISAL_INVALID_LOOKBACK: .damaged("deflate distance too far back")
            default: .damaged("deflate error \(code)")
            }
        // On damaged data ISA-L may return more bytes than this call took: those that earlier calls left in its bit
        // buffer.
        return InflateStep(
            consumed: max(0, available - Int(state.pointee.avail_in)),
            produced: room - Int(state.pointee.avail_out), state: step)
    }
}

/// zlib's inflate; a plain gzip header is fed to it before each member so that it checks the trailer itself.
final class ZlibInflater: Inflater {
    private let stream: UnsafeMutablePointer<z_stream>
    private let usable: Bool

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let gzipOnly = MAX_WBITS + 16
        usable = inflateInit2_(stream, gzipOnly, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    }

    deinit {
        if usable { inflateEnd(stream) }
        stream.deallocate()
    }

    func startMember() -> Bool {
        guard usable, inflateReset(stream) == Z_OK else { return false }
        var header: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8) =
            (0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3)
        var nothing: UInt8 = 0
        return withUnsafeMutableBytes(of: &header) { bytes in
            stream.pointee.next_in = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_in = UInt32(bytes.count)
            return withUnsafeMutablePointer(to: &nothing) { room in
                stream.pointee.next_out = room
                stream.pointee.avail_out = 0
                let code = CZlib.inflate(stream, Z_NO_FLUSH)
                return (code == Z_OK || code == Z_BUF_ERROR) && stream.pointee.avail_in == 0
            }
        }
    }

    func inflate(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> InflateStep {
        let available = min(input.count, largestPiece)
        let room = min(output.count, largestPiece)
        stream.pointee.next_in = mutableBytes(input)
        stream.pointee.avail_in = UInt32(available)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room)
        let state = step(CZlib.inflate(stream, Z_NO_FLUSH))
        if state == .mismatch {
            // On a wrong CRC-32 zlib leaves the length after it unread, which still belongs to the member.
            stream.pointee.avail_in -= min(stream.pointee.avail_in, unreadTrailer)
        }
        return InflateStep(
            consumed: available - Int(stream.pointee.avail_in), produced: room - Int(stream.pointee.avail_out),
            state: state)
    }

    /// Bytes of the trailer that zlib has not read when it reports a mismatch.
    private var unreadTrailer: UInt32 {
        guard let text = stream.pointee.msg else { return 0 }
        return String(cString: text) == "incorrect data check" ? 4 : 0
    }

    private func step(_ code: Int32) -> InflateStep.State {
        switch code {
        case Z_OK, Z_BUF_ERROR: return .running
        case Z_STREAM_END: return .finished
        default:
            let message = stream.pointee.msg.map { String(cString: $0) } ?? "deflate error \(code)"
            return message == "incorrect data check" || message == "incorrect length check"
                ? .mismatch : .damaged(message)
        }
    }
}
