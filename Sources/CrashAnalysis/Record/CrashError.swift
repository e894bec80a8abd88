internal import Files
internal import Glibc

/// An error of crash analysis or of the symbol store.
public struct CrashError: Error, Sendable, Equatable {
    /// A stable error code; the set may grow.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The word used in JSON.
        public var rawValue: String
        /// Wraps a word.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The bytes cannot be read.
        public static let unreadable = Code(rawValue: "unreadable")
        /// The bytes do not follow the format that their magic number names.
        public static let malformed = Code(rawValue: "malformed")
        /// A file has no build id, so it cannot be found again.
        public static let noBuildID = Code(rawValue: "no_build_id")
        /// Not a kind of file the symbol store keeps.
        public static let unsupported = Code(rawValue: "unsupported")
        /// The store cannot be written.
        public static let unwritable = Code(rawValue: "unwritable")
    }

    /// The reason, for programs.
    public var code: Code
    /// One sentence for a person.
    public var message: String
    /// The file concerned, if any.
    public var path: String?
    /// What to do about it.
    public var hint: String?
    /// The system's error number, if a failed call is the cause.
    public var errno: Int32?

    /// Describes one failure.
    public init(code: Code, message: String, path: String? = nil, hint: String? = nil, errno: Int32? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.hint = hint
        self.errno = errno
    }

    /// Describes a call that failed on a file or folder which had to be read.
    ///
    /// - Parameter what: what follows "cannot"; by default the failure's own operation.
    init(reading failure: FileFailure, _ what: String? = nil) {
        self.init(
            code: .unreadable, message: "cannot \(what ?? failure.operation): \(failure.reason)",
            path: failure.path.isEmpty ? nil : failure.path, errno: failure.errno)
    }

    /// Whether the file or folder does not exist (`ENOENT`, `ENOTDIR`). Every other error means only that it cannot be
    /// read now: too many open files, a failing disk, missing permissions.
    public var isAbsence: Bool { errno == ENOENT || errno == ENOTDIR }

    /// The cause in a few words: the system's, if a failed call is the cause.
    var reason: String { errno.map { FileFailure.reason($0) } ?? message }
}
