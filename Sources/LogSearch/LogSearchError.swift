/// An error of a search: a pattern that cannot be compiled, a limit, an unreadable source.
public struct LogSearchError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of failure: an open set, so that later versions can add to it.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The stable name of the code, as printed in JSON.
        public let rawValue: String

        /// Creates a code from its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The pattern is not valid PCRE2 syntax, or can never match within a line.
        public static let pattern = Code(rawValue: "bad_pattern")
        /// A flag's value is out of range or conflicts with another flag.
        public static let usage = Code(rawValue: "usage")
        /// A block or member could not be read.
        public static let source = Code(rawValue: "unreadable_block")
        /// The match limit was reached on too many lines.
        public static let matchLimit = Code(rawValue: "match_limit")
        /// No memory or thread is available.
        public static let resources = Code(rawValue: "resources")
    }

    /// The kind of failure.
    public var code: Code
    /// What failed.
    public var message: String
    /// Byte offset of the error in the pattern, if known; only for the code `pattern`.
    public var offset: Int?
    /// What the user can do about it.
    public var hint: String?

    /// Creates an error.
    public init(code: Code, message: String, offset: Int? = nil, hint: String? = nil) {
        self.code = code
        self.message = message
        self.offset = offset
        self.hint = hint
    }

    /// The message with the hint.
    public var description: String {
        hint.map { "\(message) (\($0))" } ?? message
    }
}
