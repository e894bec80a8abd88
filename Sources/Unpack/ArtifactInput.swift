import Glibc

/// Reads an artifact from a descriptor or from memory, in large pieces.
final class ArtifactInput {
    private enum Source {
        case descriptor(Int32)
        case memory(UnsafeRawBufferPointer)
    }

    private var source: Source
    private let buffer: UnsafeMutableRawBufferPointer
    private var ended = false

    /// Bytes handed out so far.
    private(set) var offset: UInt64 = 0
    /// The errno of a failed read; the input ends there.
    private(set) var failure: Int32?

    /// Reads from the descriptor's current position; it may be a file, a pipe or a socket in blocking mode.
    init(descriptor: Int32, pieceSize: Int) {
        source = .descriptor(descriptor)
        buffer = .allocate(byteCount: pieceSize, alignment: 4096)
    }

    /// Reads `bytes`, which must stay valid as long as the input is used.
    init(memory bytes: UnsafeRawBufferPointer) {
        source = .memory(bytes)
        buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    deinit { buffer.deallocate() }

    /// Returns the next piece, valid until the next call; empty at the end.
    func next() -> UnsafeRawBufferPointer {
        switch source {
        case .memory(let bytes):
            source = .memory(UnsafeRawBufferPointer(start: nil, count: 0))
            offset += UInt64(bytes.count)
            return bytes
        case .descriptor(let descriptor): return read(descriptor)
        }
    }

    private func read(_ descriptor: Int32) -> UnsafeRawBufferPointer {
        var filled = 0
        // A pipe yields little at a time, and the format is detected from the first piece alone: fill it.
        while !ended, filled < buffer.count {
            let count = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
            if count > 0 {
                filled += count
            } else if count == 0 {
                ended = true
            } else if errno != EINTR {
                failure = errno
                ended = true
            }
        }
        offset += UInt64(filled)
        return UnsafeRawBufferPointer(rebasing: buffer[..<filled])
    }
}
