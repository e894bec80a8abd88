/// An error of the notifications: what failed, why, and what to do. It has no address and no other secret.
public struct NotifyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A stable name for scripts: an open set.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The name that `--json` prints.
        public let rawValue: String
        /// Makes a code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The outbox cannot be read or written.
        public static let outboxUnusable = Code(rawValue: "outbox_unusable")
        /// The configuration has no channel of that name.
        public static let unknownChannel = Code(rawValue: "unknown_channel")
        /// A channel did not take a message.
        public static let notDelivered = Code(rawValue: "not_delivered")
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

    /// The message with the path.
    public var description: String { path.map { "\(message) (\($0))" } ?? message }
}
