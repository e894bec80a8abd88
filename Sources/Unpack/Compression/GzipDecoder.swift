/// Inflates a gzip file of any number of members and classifies what follows them.
struct GzipDecoder {
    private enum Phase {
        case header(GzipHeaderParser)
        case body
        /// After a member: another one, zero padding, garbage or the end.
        case between
        case padding
        case ended
    }

    private let input: ArtifactInput
    private let inflater: any Inflater
    private var piece: UnsafeRawBufferPointer
    private var phase = Phase.header(GzipHeaderParser())

    private var end = StreamEnd()

    /// What is known so far.
    var soFar: StreamEnd {
        var result = end
        result.compressedBytes = consumed
        return result
    }

    /// Continues an input whose first piece was already read.
    init(first: UnsafeRawBufferPointer, input: ArtifactInput, backend: InflateBackend) {
        self.input = input
        piece = first
        inflater = backend.makeInflater()
    }

    /// Inflates until `output` is full or the end is reached; returns the number of bytes.
    mutating func fill(_ output: UnsafeMutableRawBufferPointer) -> Int {
        var filled = 0
        while filled < output.count {
            switch phase {
            case .header(let parser): readHeader(parser)
            case .body: filled += inflate(UnsafeMutableRawBufferPointer(rebasing: output[filled...]))
            case .between: lookBehindMember()
            case .padding: skipPadding()
            case .ended: return filled
            }
        }
        return filled
    }

    private var consumed: UInt64 { input.offset &- UInt64(piece.count) }

    /// Reads more input when none is left; false at the end of the input.
    private mutating func haveInput() -> Bool {
        if piece.isEmpty { piece = input.next() }
        return !piece.isEmpty
    }

    private mutating func advance(_ count: Int) {
        piece = UnsafeRawBufferPointer(rebasing: piece[count...])
    }

    private mutating func stop(_ flag: UnpackFlags, _ message: String) {
        end.flags.insert(flag)
        end.fault = UnpackFault(layer: .gzip, offset: consumed, message: message)
        finish()
    }

    private mutating func finish() {
        if let code = input.failure {
            end.flags.insert(.readError)
            end.fault = UnpackFault(layer: .input, offset: input.offset, message: "read failed with errno \(code)")
        }
        phase = .ended
    }

    private mutating func readHeader(_ parser: GzipHeaderParser) {
        var parser = parser
        guard haveInput() else { return stop(.truncated, "the input ends inside a gzip header") }
        let (used, result) = parser.take(piece)
        advance(used)
        switch result {
        case .more: phase = .header(parser)
        case .damaged(let message): stop(.gzipDamaged, message)
        case .done:
            guard inflater.startMember() else { return stop(.gzipDamaged, "cannot start the inflater") }
            phase = .body
        }
    }

    private mutating func inflate(_ room: UnsafeMutableRawBufferPointer) -> Int {
        let have = haveInput()
        let step = inflater.inflate(piece, into: room)
        if step.consumed > 0 { advance(step.consumed) }
        switch step.state {
        case .running:
            guard step.consumed == 0, step.produced == 0 else { break }
            have
                ? stop(.gzipDamaged, "the inflater makes no progress")
                : stop(.truncated, "the input ends inside a gzip member")
        case .finished:
            end.members += 1
            if end.members > 1 { end.flags.insert(.severalMembers) }
            phase = .between
        case .mismatch: stop(.checksumMismatch, "the CRC-32 or the length of a gzip member does not match its content")
        case .damaged(let message): stop(.gzipDamaged, message)
        }
        return step.produced
    }

    private mutating func lookBehindMember() {
        guard haveInput() else { return finish() }
        switch piece[0] {
        case 0: phase = .padding
        case 0x1f where piece.count == 1 || piece[1] == 0x8b: phase = .header(GzipHeaderParser())
        default: rubbish()
        }
    }

    private mutating func skipPadding() {
        guard haveInput() else { return finish() }
        guard let other = piece.firstIndex(where: { $0 != 0 }) else { return advance(piece.count) }
        advance(other)
        rubbish()
    }

    private mutating func rubbish() {
        end.flags.insert(.trailingData)
        finish()
    }
}
