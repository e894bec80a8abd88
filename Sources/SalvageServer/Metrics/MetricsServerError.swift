/// Why the metrics cannot be served.
public struct MetricsServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A stable name for scripts: an open set.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The name that `--json` prints.
        public let rawValue: String
        /// Makes a code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The address is not valid.
        public static let badAddress = Code(rawValue: "bad_address")
        /// The address cannot be listened on.
        public static let cannotListen = Code(rawValue: "metrics_failed")
    }

    /// The kind of failure.
    public var code: Code
    /// What failed and why, one sentence.
    public var message: String
    /// What to do about it.
    public var hint: String?

    init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// The message.
    public var description: String { message }
}
