/// The destination of printed results.
public protocol SearchOutput: SendableMetatype {
    /// Writes bytes, in output order.
    /// - Returns: false when the output is closed or fails; the search then stops.
    mutating func write(_ bytes: UnsafeRawBufferPointer) -> Bool
    /// Writes buffered bytes. Called at intervals and at the end.
    /// - Returns: false when the output is closed or fails.
    mutating func flush() -> Bool
}

/// An output that remembers whether it is closed, and counts bytes.
struct CheckedOutput<Output: SearchOutput> {
    private(set) var output: Output
    private(set) var isClosed = false
    /// Number of bytes written.
    private(set) var count: UInt64 = 0

    init(_ output: Output) { self.output = output }

    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard !isClosed, bytes.count > 0 else { return }
        count += UInt64(bytes.count)
        isClosed = !output.write(bytes)
    }

    mutating func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

    mutating func write(_ text: String) { write(Array(text.utf8)) }

    mutating func flush() {
        if !isClosed { isClosed = !output.flush() }
    }
}
