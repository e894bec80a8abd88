internal import CLogScan
internal import Glibc

extension UnsafeRawBufferPointer {
    /// Offset of the next line feed at or after `from`, or `count` when there is none.
    @inline(__always)
    func lineEnd(from: Int) -> Int {
        guard from < count, let base = baseAddress else { return count }
        guard let hit = memchr(base + from, 0x0A, count - from) else { return count }
        return base.distance(to: UnsafeRawPointer(hit))
    }

    /// Offset of the first byte of the line that contains `at`: one past the line feed before it, or 0.
    @inline(__always)
    func lineStart(before at: Int) -> Int {
        guard at > 0, let base = baseAddress else { return 0 }
        return logscan_line_start(base.assumingMemoryBound(to: UInt8.self), at)
    }

    /// Offset of the first NUL byte, if there is one.
    @inline(__always)
    func firstNUL() -> Int? {
        guard count > 0, let base = baseAddress, let hit = memchr(base, 0, count) else { return nil }
        return base.distance(to: UnsafeRawPointer(hit))
    }

    /// Number of line feeds.
    @inline(__always)
    func countLineFeeds() -> Int {
        guard let base = baseAddress else { return 0 }
        return logscan_count_line_feeds(base.assumingMemoryBound(to: UInt8.self), count)
    }

    /// True when no byte has its top bit set.
    @inline(__always)
    package func isASCII() -> Bool {
        guard let base = baseAddress else { return true }
        return logscan_is_ascii(base.assumingMemoryBound(to: UInt8.self), count) != 0
    }
}
