/// How a tar stream ended, and what was found on the way.
struct StreamEnd: Sendable, Equatable {
    /// The fault of the stream's own layer, if any.
    var fault: UnpackFault?
    /// ``UnpackFlags`` of the gzip layer.
    var flags: UnpackFlags = []
    var compressedBytes: UInt64 = 0
    var members: UInt64 = 0
}

/// The bytes of a tar archive, piece by piece.
protocol TarStream: AnyObject {
    /// Returns the next piece, valid until the next call, which the caller may modify; empty at the end.
    ///
    /// Every piece but the last is a multiple of 512 bytes.
    func next() -> UnsafeMutableRawBufferPointer
    /// What is known of the end; final once ``next()`` has returned an empty piece.
    var end: StreamEnd { get }
}

/// Bytes per piece of inflated data: small enough for the caches, large enough for the 32 KiB of history that ISA-L
/// copies for each. Measured from 128 KiB to 1 MiB, this was the fastest.
let inflatedPieceSize = 256 << 10

/// A tar stream that is not compressed.
final class PlainStream: TarStream {
    private let input: ArtifactInput
    private var rest: UnsafeRawBufferPointer
    private let buffer: UnsafeMutableRawBufferPointer

    /// Continues an input whose first piece was already read.
    init(first: UnsafeRawBufferPointer, input: ArtifactInput) {
        rest = first
        self.input = input
        buffer = .allocate(byteCount: inflatedPieceSize, alignment: 4096)
    }

    deinit { buffer.deallocate() }

    func next() -> UnsafeMutableRawBufferPointer {
        var filled = 0
        while filled < buffer.count {
            if rest.isEmpty { rest = input.next() }
            guard !rest.isEmpty else { break }
            let count = min(rest.count, buffer.count - filled)
            UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            filled += count
        }
        return UnsafeMutableRawBufferPointer(rebasing: buffer[..<filled])
    }

    var end: StreamEnd {
        var end = StreamEnd(flags: .plainTar, compressedBytes: input.offset &- UInt64(rest.count))
        if let code = input.failure {
            end.flags.insert(.readError)
            end.fault = UnpackFault(layer: .input, offset: input.offset, message: "read failed with errno \(code)")
        }
        return end
    }
}

/// A tar stream inflated on the caller's thread.
final class GzipStream: TarStream {
    private var decoder: GzipDecoder
    private let buffer: UnsafeMutableRawBufferPointer

    init(decoder: consuming GzipDecoder) {
        self.decoder = decoder
        buffer = .allocate(byteCount: inflatedPieceSize, alignment: 4096)
    }

    deinit { buffer.deallocate() }

    func next() -> UnsafeMutableRawBufferPointer {
        let count = decoder.fill(buffer)
        return UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
    }

    var end: StreamEnd { decoder.soFar }
}
