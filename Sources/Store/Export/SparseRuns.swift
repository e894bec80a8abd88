import Glibc

/// Splits content into runs of pages to write and pages that are all zero, so that the file takes no more space than
/// with `cp --sparse=always`.
package enum SparseRuns {
    private static let page = 4096

    /// Calls `body` for each run that is not zero, with its file offset; `offset` is where `bytes` begin in the file.
    package static func forEachStored(
        _ bytes: UnsafeRawBufferPointer, at offset: UInt64, _ body: (UnsafeRawBufferPointer, UInt64) throws -> Void
    ) rethrows {
        var start = 0
        while start < bytes.count {
            var end = min(start + page - Int((offset &+ UInt64(start)) % UInt64(page)), bytes.count)
            let isZero = isZero(bytes[start..<end])
            while end < bytes.count {
                let next = min(end + page, bytes.count)
                guard self.isZero(bytes[end..<next]) == isZero else { break }
                end = next
            }
            if !isZero {
                try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), offset &+ UInt64(start))
            }
            start = end
        }
    }

    private static func isZero(_ part: Slice<UnsafeRawBufferPointer>) -> Bool {
        let bytes = UnsafeRawBufferPointer(rebasing: part)
        guard let base = bytes.baseAddress, bytes.count > 0 else { return true }
        return bytes[0] == 0 && memcmp(base, base + 1, bytes.count - 1) == 0
    }
}
