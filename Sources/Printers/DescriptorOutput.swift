internal import Glibc

/// Writes results to a file descriptor in large pieces.
public struct DescriptorOutput: SearchOutput {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private static let pieceSize = 64 << 10
    /// The `errno` that ended writing; nil for a closed pipe.
    public private(set) var failure: Int32?

    /// Writes to an open descriptor. The caller closes it.
    public init(descriptor: Int32) {
        self.descriptor = descriptor
        buffer.reserveCapacity(Self.pieceSize)
    }

    /// Buffers small pieces and writes large ones directly. Returns false after a write error.
    public mutating func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if buffer.count + bytes.count <= Self.pieceSize {
            buffer.append(contentsOf: bytes)
            return true
        }
        guard flush() else { return false }
        if bytes.count >= Self.pieceSize { return writeAll(bytes) }
        buffer.append(contentsOf: bytes)
        return true
    }

    /// Writes the buffer. Returns false after a write error.
    public mutating func flush() -> Bool {
        guard !buffer.isEmpty else { return true }
        let full = buffer
        buffer.removeAll(keepingCapacity: true)
        return full.withUnsafeBytes { writeAll($0) }
    }

    private mutating func writeAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        while at < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + at }, bytes.count - at)
            if count > 0 {
                at += count
            } else if count < 0, errno == EINTR {
                continue
            } else if count < 0, errno == EAGAIN {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&waiting, 1, -1)
            } else {
                if errno != EPIPE { failure = errno }
                return false
            }
        }
        return true
    }
}
