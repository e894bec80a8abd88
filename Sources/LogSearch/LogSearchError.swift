/// An error of searching: a pattern that cannot be compiled, a limit, a source that cannot be read.
public struct LogSearchError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it was; open, so that later versions may add more.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The stable text of the code, as printed in JSON.
        public let rawValue: String

        /// Makes a code from its stable text.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The pattern is not valid PCRE2 syntax, or can never match within a line.
        public static let pattern = Code(rawValue: "bad_pattern")
        /// A flag's value is out of range or contradicts another flag.
        public static let usage = Code(rawValue: "usage")
        /// A block or member could not be read.
        public static let source = Code(rawValue: "unreadable_block")
        /// The match limit was reached on so many lines that going on is pointless.
        public static let matchLimit = Code(rawValue: "match_limit")
        /// The system refused memory or a thread.
        public static let resources = Code(rawValue: "resources")
    }

    /// What kind of failure it was.
    public var code: Code
    /// What failed, in one sentence.
    public var message: String
    /// Byte offset in the pattern, where the code is `pattern` and PCRE2 named one.
    public var offset: Int?
    /// What the user can do about it.
    public var hint: String?

    /// Makes an error.
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
