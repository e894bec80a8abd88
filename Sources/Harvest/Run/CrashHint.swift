import Glibc

/// A quick look at the end of a log, to decide about sampling and order; the real analysis comes with the pack.
enum CrashHint {
    /// Bytes read from the end of the log.
    static let tail = 256 << 10

    private static let signs: [[UInt8]] = [
        "Segmentation fault", "SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "core dumped", "Fatal error",
        "Unhandled exception", "Unhandled Exception", "EXCEPTION_ACCESS_VIOLATION", "Assertion failed", "Assertion `",
        "Assertion '", "terminate called", "AddressSanitizer", "panic:", "panicked at",
        "Traceback (most recent call last)", "*** stack smashing", "double free or corruption", "Out of memory",
        "Caught signal", "CrashReporter",
    ].map { Array($0.utf8) }

    /// Whether the end of a log reads like the end of a crash. True when it cannot be read now: a sample may leave out what
    /// did not crash, and must not leave out what nobody could look at.
    static func looksCrashed(path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return errno != ENOENT }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { return true }
        let start = max(0, facts.st_size - off_t(tail))
        var bytes = [UInt8](repeating: 0, count: min(tail, Int(facts.st_size)))
        let count = pread(descriptor, &bytes, bytes.count, start)
        return count < 0 || contains(bytes.prefix(max(0, count)))
    }

    /// Whether one of the signs stands in the bytes.
    static func contains(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.withUnsafeBytes { text in
            signs.contains { sign in sign.withUnsafeBytes { occurs($0, in: text) } }
        }
    }

    private static func occurs(_ sign: UnsafeRawBufferPointer, in text: UnsafeRawBufferPointer) -> Bool {
        guard let first = sign.first, let wanted = sign.baseAddress else { return false }
        var rest = text
        while rest.count >= sign.count, let base = rest.baseAddress, let hit = memchr(base, Int32(first), rest.count) {
            let at = UnsafeRawPointer(hit) - base
            guard rest.count - at >= sign.count else { return false }
            if memcmp(hit, wanted, sign.count) == 0 { return true }
            rest = UnsafeRawBufferPointer(rebasing: rest[(at + 1)...])
        }
        return false
    }
}
