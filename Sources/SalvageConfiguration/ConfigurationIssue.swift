/// One error in a configuration: its place, the problem and the fix.
public struct ConfigurationIssue: Sendable, Equatable, CustomStringConvertible {
    /// The line, counted from 1; 0 for the file as a whole.
    public var line: Int
    /// The key, such as `rules[0].match.tag`; empty for the file as a whole.
    public var key: String
    /// What is wrong.
    public var message: String
    /// What to write instead.
    public var fix: String

    /// `line 12: rules[0].sample: … (fix)`.
    public var description: String {
        let place = line > 0 ? "line \(line): " : ""
        let name = key.isEmpty ? "" : "\(key): "
        return "\(place)\(name)\(message) (\(fix))"
    }
}

/// A configuration with errors. Lists every issue, in file order.
public struct InvalidConfiguration: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file; nil for text that was not read from a file.
    public var file: String?
    /// What is wrong; never empty.
    public var issues: [ConfigurationIssue]

    /// One line for each issue.
    public var description: String {
        let name = file ?? "configuration"
        return issues.map { "\(name): \($0)" }.joined(separator: "\n")
    }

    /// The same failure as a ``ConfigurationError``.
    public var asError: ConfigurationError {
        ConfigurationError(.invalidConfiguration, description, path: file, hint: issues.first?.fix)
    }
}
