/// A tar stream in zstd, xz, bzip2 or lz4, expanded on the caller's thread.
///
/// Holds no more than one piece of the output, however much the input expands to.
final class ExpandedStream: TarStream {
    private let input: ArtifactInput
    private let format: CompressedFormat
    private let decompressor: any Decompressor
    private var rest: UnsafeRawBufferPointer
    private let buffer: UnsafeMutableRawBufferPointer
    private var isBetween = false
    private var isOver = false
    private var soFar = StreamEnd(flags: .otherCompression)

    /// Continues an input whose first piece was already read.
    init(_ format: CompressedFormat, first: UnsafeRawBufferPointer, input: ArtifactInput) {
        self.format = format
        self.input = input
        rest = first
        decompressor = format.makeDecompressor()
        buffer = .allocate(byteCount: inflatedPieceSize, alignment: 4096)
    }

    deinit { buffer.deallocate() }

    func next() -> UnsafeMutableRawBufferPointer {
        var filled = 0
        while !isOver, filled < buffer.count {
            filled += fill(UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
        }
        return UnsafeMutableRawBufferPointer(rebasing: buffer[..<filled])
    }

    var end: StreamEnd {
        var end = soFar
        end.compressedBytes = consumed
        return end
    }

    private var consumed: UInt64 { input.offset &- UInt64(rest.count) }

    /// Runs one step of the decompressor, or skips what is between two streams; returns the bytes produced.
    private func fill(_ room: UnsafeMutableRawBufferPointer) -> Int {
        if rest.isEmpty { rest = input.next() }
        if isBetween {
            lookBehindStream()
            return 0
        }
        let step = decompressor.step(rest, into: room)
        rest = UnsafeRawBufferPointer(rebasing: rest[min(step.consumed, rest.count)...])
        switch step.state {
        case .running:
            if step.produced == 0, step.consumed == 0 {
                rest.isEmpty
                    ? stop(.truncated, "the input ends inside the \(format.rawValue) data")
                    : stop(.gzipDamaged, "the decompressor makes no progress")
            }
        case .ended:
            soFar.members += 1
            if soFar.members > 1 { soFar.flags.insert(.severalMembers) }
            isBetween = true
        case .damaged(let message): stop(.gzipDamaged, "the \(format.rawValue) data is damaged: \(message)")
        case .tooLarge: stop(.limit, "the \(format.rawValue) data needs more memory than a reader may use")
        }
        return step.produced
    }

    private func lookBehindStream() {
        guard !rest.isEmpty else { return finish() }
        guard let start = rest.firstIndex(where: { $0 != 0 }) else {
            rest = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        rest = UnsafeRawBufferPointer(rebasing: rest[start...])
        guard format.mayBegin(with: rest[0]) else {
            soFar.flags.insert(.trailingData)
            return finish()
        }
        isBetween = false
    }

    private func stop(_ flag: UnpackFlags, _ message: String) {
        soFar.flags.insert(flag)
        soFar.fault = UnpackFault(layer: .gzip, offset: consumed, message: message)
        finish()
    }

    private func finish() {
        if let code = input.failure {
            soFar.flags.insert(.readError)
            soFar.fault = UnpackFault(layer: .input, offset: input.offset, message: "read failed with errno \(code)")
        }
        isOver = true
    }
}
