extension Configuration {
    /// Reads the configuration again for a running program. Refuses a file that is more likely an accident than
    /// intended.
    ///
    /// - Parameters:
    ///   - previous: the configuration in force; it stays in force when this throws.
    ///   - flags: the flags given at startup.
    ///   - environment: the environment at startup.
    /// - Throws: ``ConfigurationError`` with `invalidConfiguration` for a file that is missing, blank, not a regular file or
    ///   invalid, that dropped all rules, or whose rules dropped all artifacts.
    public static func reload(
        _ previous: Configuration, flags: Flags = Flags(), environment: [String: String]
    ) throws(ConfigurationError) -> Configuration {
        let next = try load(flags: flags, environment: environment, kinds: .filesOnly)
        guard let file = next.file else {
            throw ConfigurationError(
                .invalidConfiguration, "the configuration file no longer exists", path: previous.file,
                hint: "restore the file, then reload again")
        }
        if next.isBlank {
            throw ConfigurationError(
                .invalidConfiguration, "the configuration file has no keys, so no artifacts would be kept", path: file,
                hint: "to keep only logs on purpose, write: rules: [{name: logs}], and restart")
        }
        if previous.namesRules, !next.namesRules {
            throw ConfigurationError(
                .invalidConfiguration, "the configuration file no longer has rules, so no artifacts would be kept",
                path: file, hint: "to keep only logs on purpose, write: rules: [{name: logs}], and restart")
        }
        if previous.namesArtifacts, !next.namesArtifacts {
            throw ConfigurationError(
                .invalidConfiguration, "the rules of the configuration file no longer have artifacts", path: file,
                hint: "add the artifacts; to keep only logs on purpose, restart with this file")
        }
        return next
    }

    /// Whether any rule has an artifact.
    private var namesArtifacts: Bool { rules.contains { !$0.artifacts.isEmpty } }

    /// Why the configuration keeps less than most users want, and how to change that.
    public struct Shortfall: Sendable, Equatable {
        /// The message when there is no configuration file.
        public static let withoutFile = "no configuration was found: only logs are kept, no artifacts"

        /// What is kept and why, as one sentence without a full stop.
        public var message: String
        /// What to write.
        public var hint: String
        /// Whether this is certainly a mistake: the file exists but is blank.
        public var isMistake = false
    }

    /// The shortfall of a configuration that fetches no artifact; nil when any rule has one.
    public var shortfall: Shortfall? {
        let hint = "write a salvage.yaml with rules that have artifacts; see docs/configuration.md"
        guard let file else {
            return Shortfall(message: Shortfall.withoutFile, hint: hint)
        }
        if isBlank {
            return Shortfall(
                message: "the configuration \(file) has no keys: only logs are kept, no artifacts",
                hint: "add rules that have artifacts; see docs/configuration.md", isMistake: true)
        }
        if !namesRules {
            return Shortfall(
                message: "the configuration \(file) has no rules: only logs are kept, no artifacts",
                hint: "add rules that have artifacts; see docs/configuration.md")
        }
        if rules.isEmpty {
            return Shortfall(
                message: "the configuration \(file) has an empty list of rules: no session is kept",
                hint: "add rules that have artifacts, or remove the key rules: to keep logs")
        }
        if !namesArtifacts {
            return Shortfall(
                message: "no rule of the configuration \(file) has artifacts: only logs are kept, no artifacts",
                hint: "add artifacts to the rules; see docs/configuration.md")
        }
        return nil
    }
}
