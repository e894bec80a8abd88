import Files

/// An error of the export: what failed, why, and what to do. It has no part of a DSN.
public struct ExportError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A stable name for scripts: an open set.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The name that `--json` prints.
        public let rawValue: String
        /// Makes a code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The queue or the ledger of the export cannot be read or written.
        public static let exportUnusable = Code(rawValue: "export_unusable")
    }

    /// The kind of failure.
    public var code: Code
    /// What failed and why, one sentence.
    public var message: String
    /// The file concerned, if any.
    public var path: String?
    /// What to do about it.
    public var hint: String?

    /// Creates an error.
    public init(_ code: Code, _ message: String, path: String? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.hint = hint
    }

    init(_ failure: FileFailure, _ path: String) {
        self.init(
            .exportUnusable, "the records of the crash export cannot be used: \(failure.message)",
            path: failure.path.isEmpty ? path : failure.path,
            hint: failure.isFull
                ? "free space on the store's disk; crashes wait meanwhile"
                : "check owner and mode; what waits is sent once they can be read")
    }

    /// The message with the path.
    public var description: String { path.map { "\(message) (\($0))" } ?? message }
}
