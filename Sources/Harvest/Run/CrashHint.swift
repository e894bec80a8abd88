internal import CrashAnalysis
import Glibc

/// A quick look at the end of a log, to decide about sampling and order; the real analysis comes with the pack.
enum CrashHint {
    /// Bytes read from the end of the log.
    static let tail = 256 << 10

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
        return count < 0 || bytes.prefix(max(0, count)).withUnsafeBytes { CrashSigns.present(in: $0) }
    }
}
