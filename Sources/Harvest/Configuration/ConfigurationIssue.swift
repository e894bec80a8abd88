/// One thing wrong in a configuration: where it stands, what it is, what to write instead.
public struct ConfigurationIssue: Sendable, Equatable, CustomStringConvertible {
    /// The line, counted from 1; 0 when the file as a whole is meant.
    public var line: Int
    /// The key, such as `rules[0].match.tag`; empty when the file as a whole is meant.
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

/// A configuration that cannot be meant, with everything found wrong in it, in the order of the file.
public struct InvalidConfiguration: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file; nil for text that came from elsewhere.
    public var file: String?
    /// What is wrong; never empty.
    public var issues: [ConfigurationIssue]

    /// One line for each issue.
    public var description: String {
        let name = file ?? "configuration"
        return issues.map { "\(name): \($0)" }.joined(separator: "\n")
    }

    /// The same as the error that every other failure of this target is.
    public var asHarvestError: HarvestError {
        HarvestError(.invalidConfiguration, description, path: file, hint: issues.first?.fix)
    }
}
