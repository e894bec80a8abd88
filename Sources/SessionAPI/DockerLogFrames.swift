/// Takes the frames of the Docker engine's raw log stream out of a log, should they have leaked into it.
///
/// Docker's attach format (Engine API, "Stream format") puts eight bytes before every piece of output: the stream
/// (1 stdout, 2 stderr; 0, stdin, occurs in no log), three zeros, and the length as a big-endian 32-bit number. A log that
/// begins so is framed; any other is passed on untouched. Bytes are passed on as soon as they are known not to be a header.
///
/// Zeros are no header, however many there are. Frames without content are held back until one with content follows; more
/// than `mostEmptyFrames` of them in a row are no frames but bytes of the log.
public struct DockerLogFrames: Sendable {
    /// Where output was written to.
    public enum Stream: UInt8, Sendable {
        /// Standard output.
        case stdout = 1
        /// Standard error.
        case stderr = 2
    }

    /// What the log has turned out to be.
    public enum Mode: Sendable, Equatable {
        /// Too few bytes to tell.
        case undecided
        /// No frames; bytes pass untouched.
        case plain
        /// Frames are being taken out.
        case framed
        /// Frames were taken out until a header made no sense; from there on bytes pass untouched.
        case broken
    }

    /// What the log has turned out to be so far.
    public private(set) var mode = Mode.undecided
    /// Frames taken out so far.
    public private(set) var frames = 0
    /// True when the log ended inside a frame; known after `finish`.
    public private(set) var endedInsideFrame = false

    /// Most frames without content that are taken for frames, in a row.
    static let mostEmptyFrames = 64

    /// The first bytes of the headers without content that are held back.
    private var empty: [UInt8] = []
    private var header: (UInt64, count: Int) = (0, 0)
    private var remaining = 0
    private var stream = Stream.stdout

    /// A reader for one log from its beginning.
    public init() {}

    /// Takes in the next bytes and passes on what is log; `stream` is nil where it is not known.
    /// - Parameters:
    ///   - bytes: the next bytes of the log, any number.
    ///   - emit: called with pieces of the log in order; a piece is valid during the call only.
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

    /// Tells that the log has ended and passes on what was held back: the beginning of a header.
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
        // Lengths of 16 MiB and more do not occur: the engine cuts output at 16 KiB.
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

    /// Holds a header without content back, or gives up on frames when there are too many of them in a row.
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
