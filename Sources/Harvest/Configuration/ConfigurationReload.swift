extension Configuration {
    /// Reads the configuration again for a program that runs, and refuses what is more likely an accident than meant.
    ///
    /// - Parameters:
    ///   - previous: the configuration in force; it stays when this throws.
    ///   - flags: as at the start.
    ///   - environment: as at the start.
    /// - Throws: ``HarvestError`` with `invalidConfiguration` for a file that is gone, empty, no regular file, invalid,
    ///   without rules where there were some, or without an artifact where the rules named some.
    public static func reload(
        _ previous: Configuration, flags: Flags = Flags(), environment: [String: String]
    ) throws(HarvestError) -> Configuration {
        let next = try load(flags: flags, environment: environment, kinds: .filesOnly)
        guard let file = next.file else {
            throw HarvestError(
                .invalidConfiguration, "the configuration file is gone", path: previous.file,
                hint: "write salvage.yaml, then reload once more")
        }
        if next.isBlank {
            throw HarvestError(
                .invalidConfiguration, "the configuration file says nothing, and so names no artifact", path: file,
                hint: "to keep logs only on purpose, write: rules: [{name: logs}], and restart")
        }
        if previous.namesRules, !next.namesRules {
            throw HarvestError(
                .invalidConfiguration, "the configuration file has no rules any more, and so names no artifact",
                path: file, hint: "to keep logs only on purpose, write: rules: [{name: logs}], and restart")
        }
        if previous.namesArtifacts, !next.namesArtifacts {
            throw HarvestError(
                .invalidConfiguration, "the rules of the configuration file name no artifact any more", path: file,
                hint: "write the artifacts; to keep logs only on purpose, restart with this file")
        }
        return next
    }

    /// Whether any rule names an artifact.
    private var namesArtifacts: Bool { rules.contains { !$0.artifacts.isEmpty } }

    /// Why less is kept than most users want, and what to do about it.
    public struct Shortfall: Sendable, Equatable {
        /// What is kept and why, as one sentence without a full stop.
        public var message: String
        /// What to write.
        public var hint: String
        /// A file is there and says nothing: nobody means that.
        public var isMistake = false
    }

    /// Set when no rule names an artifact, so that none is fetched: without rules only logs are kept.
    public var shortfall: Shortfall? {
        let hint = "write salvage.yaml with rules that name artifacts; docs/configuration.md shows one"
        guard let file else {
            return Shortfall(message: "no configuration was found: only logs are kept, no artifact", hint: hint)
        }
        if isBlank {
            return Shortfall(
                message: "the configuration \(file) says nothing: only logs are kept, no artifact",
                hint: "add rules that name artifacts; docs/configuration.md shows some", isMistake: true)
        }
        if !namesRules {
            return Shortfall(
                message: "the configuration \(file) has no rules: only logs are kept, no artifact",
                hint: "add rules that name artifacts; docs/configuration.md shows some")
        }
        if rules.isEmpty {
            return Shortfall(
                message: "the configuration \(file) has an empty list of rules: nothing is kept of any session",
                hint: "add rules that name artifacts, or take the key rules: out to keep logs")
        }
        if !namesArtifacts {
            return Shortfall(
                message: "no rule of the configuration \(file) has artifacts: only logs are kept, no artifact",
                hint: "add artifacts to the rules; docs/configuration.md shows some")
        }
        return nil
    }
}
