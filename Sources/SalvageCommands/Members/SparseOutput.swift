import Glibc
import Store

/// Standard output that is redirected to a new file: zeros become holes.
struct SparseOutput {
    private let descriptor: Int32
    private let start: UInt64
    private var length: UInt64 = 0

    /// Nil when the descriptor is not a regular file, appends, or has content at or after its position.
    init?(descriptor: Int32) {
        var facts = stat()
        let position = lseek(descriptor, 0, SEEK_CUR)
        let flags = fcntl(descriptor, F_GETFL)
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, position >= 0, flags >= 0,
            flags & O_APPEND == 0, facts.st_size <= position
        else { return nil }
        self.descriptor = descriptor
        start = UInt64(position)
    }

    /// Appends bytes; returns an errno, 0 on success.
    mutating func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        var failure: Int32 = 0
        SparseRuns.forEachStored(bytes, at: start &+ length) { part, offset in
            var done = 0
            while done < part.count, failure == 0 {
                let count = pwrite(
                    descriptor, part.baseAddress.map { $0 + done }, part.count - done, off_t(clamping: offset) + done)
                if count > 0 { done += count } else if errno != EINTR { failure = errno }
            }
        }
        length &+= UInt64(bytes.count)
        return failure
    }

    /// Leaves a hole.
    mutating func skip(_ bytes: UInt64) { length &+= bytes }

    /// Sets the file's length; returns an errno, 0 on success.
    func finish() -> Int32 {
        let end = off_t(clamping: start &+ length)
        guard ftruncate(descriptor, end) == 0, lseek(descriptor, end, SEEK_SET) >= 0 else { return errno }
        return 0
    }
}
