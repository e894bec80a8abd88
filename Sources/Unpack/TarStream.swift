/// How a tar stream ended, and what was noticed on the way.
struct StreamEnd: Sendable, Equatable {
    /// What the stream's own layer has to say, if it is not in order.
    var fault: UnpackFault?
    /// ``UnpackFlags`` of the gzip layer.
    var flags: UnpackFlags = []
    var compressedBytes: UInt64 = 0
    var members: UInt64 = 0
}

/// The bytes of a tar archive, piece by piece.
protocol TarStream: AnyObject {
    /// The next piece, valid until the next call; empty at the end. Every piece but the last is a multiple of 512 bytes.
    func next() -> UnsafeRawBufferPointer
    /// What is known of the end; final once ``next()`` has returned an empty piece.
    var end: StreamEnd { get }
}

/// Size of the pieces in which inflated bytes travel; ISA-L copies 32 KiB of history per piece, caches favour small ones.
let inflatedPieceSize = 512 << 10

/// A tar stream that is not compressed.
final class PlainStream: TarStream {
    private let input: ArtifactInput
    private var first: UnsafeRawBufferPointer?

    /// Continues an input of which the first piece was read already.
    init(first: UnsafeRawBufferPointer, input: ArtifactInput) {
        self.first = first
        self.input = input
    }

    func next() -> UnsafeRawBufferPointer {
        if let piece = first {
            first = nil
            return piece
        }
        return input.next()
    }

    var end: StreamEnd {
        var end = StreamEnd(flags: .plainTar, compressedBytes: input.offset)
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

    func next() -> UnsafeRawBufferPointer {
        let count = decoder.fill(buffer)
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    var end: StreamEnd { decoder.end }
}
