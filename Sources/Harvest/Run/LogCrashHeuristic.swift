internal import CrashAnalysis
internal import Files
import Glibc

/// A quick check of the end of a log, for sampling and order only. The full analysis runs at ingest.
enum LogCrashHeuristic {
    /// Bytes read from the end of the log.
    static let tail = 256 << 10

    /// Returns whether the end of a log looks like a crash. True for a log that exists but cannot be read, so that
    /// sampling never skips a session nobody could check.
    static func looksCrashed(path: String) -> Bool {
        do throws(FileFailure) {
            let file = try OpenFile(path, O_RDONLY)
            let size = try file.size
            let bytes = try file.read(at: size - min(size, UInt64(tail)), count: tail)
            return bytes.withUnsafeBytes { CrashSigns.present(in: $0) }
        } catch {
            return error.errno != ENOENT
        }
    }
}
