import Glibc

/// A buffered writer on a file descriptor that records whether the reader has closed the other end.
///
/// Not safe for use from several threads at once; a command owns one for standard output.
public final class BufferedOutput {
    /// Set when a write fails because the other end was closed (EPIPE). Further output is dropped.
    public private(set) var isClosed = false
    /// The `errno` of the first write that failed for any other reason, so that a full disk is not taken for success.
    public private(set) var failure: Int32?
    /// Called once before the first bytes are written, to put a pager in front of the terminal.
    public var beforeFirstWrite: (() -> Void)?
    private let descriptor: Int32
    private let charset: Charset
    private var buffer: [UInt8] = []
    private let capacity: Int

    /// Creates a writer on `descriptor` that flushes whenever it holds `capacity` bytes. It does not close `descriptor`.
    ///
    /// - Parameter charset: the characters that text may have; raw bytes are written as they are.
    public init(descriptor: Int32, capacity: Int = 64 * 1024, charset: Charset = .locale) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.charset = charset
        buffer.reserveCapacity(capacity)
    }

    /// Appends `text`, in the characters of the charset.
    public func write(_ text: String) {
        guard !isClosed else { return }
        var text = charset.text(text)
        text.withUTF8 { buffer.append(contentsOf: $0) }
        if buffer.count >= capacity { flush() }
    }

    /// Appends raw bytes; large pieces go straight to the descriptor.
    public func write(_ bytes: UnsafeRawBufferPointer) {
        guard !isClosed else { return }
        if bytes.count >= capacity {
            flush()
            drain(bytes)
            return
        }
        buffer.append(contentsOf: bytes)
        if buffer.count >= capacity { flush() }
    }

    /// Appends raw bytes held in an array.
    public func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }

    /// Writes the buffer to the descriptor. Failures set `isClosed` or `failure`.
    public func flush() {
        guard !buffer.isEmpty else { return }
        buffer.withUnsafeBytes { drain($0) }
        buffer.removeAll(keepingCapacity: true)
    }

    private func drain(_ bytes: UnsafeRawBufferPointer) {
        if let prepare = beforeFirstWrite {
            beforeFirstWrite = nil
            prepare()
        }
        var rest = bytes
        while !rest.isEmpty, !isClosed, failure == nil {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if errno == EINTR {
                continue
            } else if errno == EAGAIN {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&waiting, 1, -1)
            } else if errno == EPIPE {
                isClosed = true
            } else {
                failure = errno
            }
        }
    }
}
