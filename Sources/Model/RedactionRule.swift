/// A rule that removes matching text before it is stored.
public struct RedactionRule: Codable, Sendable, Equatable {
    /// The rule's name, for messages.
    public var name: String
    /// A PCRE2 pattern, matched against each line of a log or other text.
    public var pattern: String
    /// The literal text that replaces each match.
    public var replacement: String

    /// Creates a rule.
    public init(name: String, pattern: String, replacement: String = "[redacted]") {
        self.name = name
        self.pattern = pattern
        self.replacement = replacement
    }
}
