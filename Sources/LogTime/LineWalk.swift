internal import CLogScan
internal import Glibc

/// Iterates over the lines of a buffer, without their line feeds.
struct LineWalk {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next() -> UnsafeRawBufferPointer? {
        guard position < bytes.count else { return nil }
        let start = position
        let end = Self.lineEnd(bytes, from: start)
        position = end + 1
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }

    /// Skips to the line after the middle of the rest.
    mutating func skipToMiddle() {
        guard position < bytes.count else { return }
        let middle = position + (bytes.count - position) / 2
        position = Self.lineEnd(bytes, from: middle) + 1
    }

    /// Offset of the next line feed at or after `start`, or the end when there is none.
    @inline(__always)
    static func lineEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard let base = bytes.baseAddress, let hit = memchr(base + start, 0x0A, bytes.count - start) else {
            return bytes.count
        }
        return base.distance(to: UnsafeRawPointer(hit))
    }

    /// Offset of the first byte of the line that ends at `end`.
    static func lineStart(_ bytes: UnsafeRawBufferPointer, before end: Int) -> Int {
        guard end > 0, let base = bytes.baseAddress else { return 0 }
        return logscan_line_start(base.assumingMemoryBound(to: UInt8.self), end)
    }
}
