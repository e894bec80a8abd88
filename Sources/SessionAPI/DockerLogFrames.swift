/// Removes the frame headers of Docker's raw log stream from a log, if a server passed them through.
///
/// Docker's attach format (Engine API, "Stream format") puts eight bytes before every piece of output: the stream
/// (1 stdout, 2 stderr; 0, stdin, never occurs in a log), three zeros, and the length as a big-endian 32-bit number. A
/// log that begins with such a header is framed; any other passes unchanged. Bytes are passed on as soon as they cannot
/// be part of a header.
///
/// A run of zeros is not a header. Headers of empty frames are held back until a frame with content follows; more than
/// `mostEmptyFrames` in a row are bytes of the log, not frames.
public struct DockerLogFrames: Sendable {
    /// Where the output was written.
    public enum Stream: UInt8, Sendable {
        /// Standard output.
        case stdout = 1
        /// Standard error.
        case stderr = 2
    }

    /// What kind of log this is.
    public enum Mode: Sendable, Equatable {
        /// Too few bytes to tell.
        case undecided
        /// No frames; bytes pass unchanged.
        case plain
        /// Frame headers are being removed.
        case framed
        /// Frame headers were removed until one was invalid; from there on bytes pass unchanged.
        case broken
    }

    /// What kind of log this is, as far as known.
    public private(set) var mode = Mode.undecided
    /// Number of frames removed so far.
    public private(set) var frames = 0
    /// True when the log ended inside a frame; valid after `finish`.
    public private(set) var endedInsideFrame = false

    /// Most empty frames in a row that are still treated as frames.
    static let mostEmptyFrames = 64

    /// The first byte of each held-back header of an empty frame.
    private var empty: [UInt8] = []
    private var header: (UInt64, count: Int) = (0, 0)
    private var remaining = 0
    private var stream = Stream.stdout

    /// Creates a reader for one log, from its start.
    public init() {}

    /// Takes the next bytes and passes on the log without frame headers; `stream` is nil where it is unknown.
    /// - Parameters:
    ///   - bytes: the next bytes of the log, any number.
    ///   - emit: called with pieces of the log in order; a piece is valid only during the call.
    public mutating func push(
        _ bytes: UnsafeRawBufferPointer, emit: (_ stream: Stream?, _ piece: UnsafeRawBufferPointer) -> Void
    ) {
        var index = 0
        while index < bytes.count {
            switch mode {
            case .plain, .broken:
                emit(nil, UnsafeRawBufferPointer(rebasing: bytes[index...]))
                return
            case .undecided, .framed:
                if remaining > 0 {
                    let count = min(remaining, bytes.count - index)
                    emit(stream, UnsafeRawBufferPointer(rebasing: bytes[index..<index + count]))
                    remaining -= count
                    index += count
                } else {
                    takeHeaderByte(bytes[index], emit: emit)
                    index += 1
                }
            }
        }
    }

    /// Ends the log and passes on what was held back, such as an incomplete header.
    public mutating func finish(emit: (_ stream: Stream?, _ piece: UnsafeRawBufferPointer) -> Void) {
        endedInsideFrame = remaining > 0 || (mode == .framed && header.count > 0)
        if mode == .framed {
            frames += empty.count
            empty = []
        }
        release(emit)
        if mode == .undecided { mode = .plain }
    }

    private mutating func takeHeaderByte(
        _ byte: UInt8, emit: (_ stream: Stream?, _ piece: UnsafeRawBufferPointer) -> Void
    ) {
        let position = header.count
        header = (header.0 << 8 | UInt64(byte), position + 1)
        let fits: Bool
        switch position {
        case 0: fits = byte == 1 || byte == 2
        case 1...3: fits = byte == 0
        // Lengths of 16 MiB and more do not occur: the engine splits output at 16 KiB.
        case 4: fits = byte == 0
        default: fits = true
        }
        guard fits else {
            mode = mode == .framed ? .broken : .plain
            release(emit)
            return
        }
        guard header.count == 8 else { return }
        guard header.0 & 0xFFFF_FFFF != 0 else { return takeEmpty(emit) }
        frames += empty.count + 1
        empty.removeAll(keepingCapacity: true)
        stream = Stream(rawValue: UInt8(truncatingIfNeeded: header.0 >> 56)) ?? .stdout
        remaining = Int(truncatingIfNeeded: header.0 & 0xFFFF_FFFF)
        header = (0, 0)
        mode = .framed
    }

    /// Holds back the header of an empty frame, or stops removing frames when there are too many in a row.
    private mutating func takeEmpty(_ emit: (_ stream: Stream?, _ piece: UnsafeRawBufferPointer) -> Void) {
        if empty.count < Self.mostEmptyFrames {
            empty.append(UInt8(truncatingIfNeeded: header.0 >> 56))
            header = (0, 0)
        } else {
            mode = mode == .framed ? .broken : .plain
            release(emit)
        }
    }

    private mutating func release(_ emit: (_ stream: Stream?, _ piece: UnsafeRawBufferPointer) -> Void) {
        for first in empty {
            let bytes: [UInt8] = [first, 0, 0, 0, 0, 0, 0, 0]
            bytes.withUnsafeBytes { emit(nil, $0) }
        }
        empty.removeAll(keepingCapacity: true)
        let count = header.count
        guard count > 0 else { return }
        let word = (header.0 << (UInt64(8 - count) * 8)).bigEndian
        header = (0, 0)
        withUnsafeBytes(of: word) { emit(nil, UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
}
