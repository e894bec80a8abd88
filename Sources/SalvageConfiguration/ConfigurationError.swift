/// A configuration or a token that cannot be used, with enough context to act on it.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure. An open set: callers need a default branch.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The stable name that `--json` prints as `code`.
        public let rawValue: String
        /// Makes a code from its stable name.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The configuration file is missing, unreadable or invalid.
        public static let invalidConfiguration = Code(rawValue: "invalid_configuration")
        /// No API token was found in any of its sources.
        public static let tokenMissing = Code(rawValue: "token_missing")
        /// The token file is accessible to others than its owner, or contains no usable token.
        public static let tokenRefused = Code(rawValue: "token_refused")
        /// The user who runs salvage has no permission to read the token file.
        public static let tokenUnreadable = Code(rawValue: "token_unreadable")
    }

    /// The kind of failure.
    public var code: Code
    /// What failed and why, as one sentence.
    public var message: String
    /// The file concerned, if any.
    public var path: String?
    /// What to do about it.
    public var hint: String?

    /// Makes an error.
    public init(_ code: Code, _ message: String, path: String? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.hint = hint
    }

    /// The message, and the hint on a line of its own.
    public var description: String {
        guard let hint else { return message }
        return "\(message)\n  hint: \(hint)"
    }
}
