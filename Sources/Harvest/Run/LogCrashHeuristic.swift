internal import CrashAnalysis
import Glibc

/// A quick check of the end of a log, for sampling and order only. The full analysis runs at ingest.
enum LogCrashHeuristic {
    /// Bytes read from the end of the log.
    static let tail = 256 << 10

    /// Returns whether the end of a log looks like a crash. True for a log that exists but cannot be read, so that
    /// sampling never skips a session nobody could check.
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
