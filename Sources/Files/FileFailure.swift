internal import Glibc

/// A failed system call on a file or folder. Callers turn it into an error of their own module, with its session or
/// pack, and keep the number.
public struct FileFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The call, or what was attempted: words that can follow "cannot".
    public var operation: String
    /// The path of the file or folder; empty when it was only known by its descriptor.
    public var path: String
    /// The system's error number.
    public var errno: Int32

    /// Makes a failure from its fields.
    public init(_ operation: String, _ path: String, errno: Int32) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    /// Makes a failure of the call that has just failed.
    public static func last(_ operation: String, _ path: @autoclosure () -> String) -> FileFailure {
        // Read before anything else can change it.
        let number = Glibc.errno
        return FileFailure(operation, path(), errno: number)
    }

    /// Whether the file or folder does not exist (`ENOENT`, `ENOTDIR`). Every other failure means only that it cannot be
    /// reached now: too many open files, a failing disk, missing permissions.
    public var isAbsence: Bool { errno == ENOENT || errno == ENOTDIR }

    /// Whether the disk is full, or a quota or size limit is reached.
    public var isFull: Bool { errno == ENOSPC || errno == EDQUOT || errno == EFBIG }

    /// The failure in the system's words.
    public var reason: String { Self.reason(errno) }

    /// What failed and why, without the path.
    public var message: String { "cannot \(operation): \(reason)" }

    /// What was attempted, on which path, and why it failed.
    public var description: String {
        path.isEmpty ? "\(operation): \(reason)" : "\(operation) \(path): \(reason)"
    }

    /// Returns the system's words for an error number.
    public static func reason(_ number: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
        return buffer.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
