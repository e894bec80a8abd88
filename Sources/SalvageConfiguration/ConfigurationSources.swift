import Model

extension Configuration {
    /// The command line flags; they take precedence over everything else.
    public struct Flags: Sendable, Equatable {
        /// `--store`.
        public var store: String?
        /// `--config`.
        public var config: String?

        /// Makes the flags; nil for one that was not given.
        public init(store: String? = nil, config: String? = nil) {
            self.store = store
            self.config = config
        }
    }

    /// Finds and reads the configuration file, then applies environment and flags.
    ///
    /// The file is the first of: `--config`, `SALVAGE_CONFIG`, `./salvage.yaml`,
    /// `$XDG_CONFIG_HOME/salvage/salvage.yaml` (`~/.config` where unset), `/etc/salvage/salvage.yaml`. A file named by
    /// one of the first two must exist. The store is `--store`, `SALVAGE_STORE`, `store:`, else `./storage`; see
    /// `StoreAddress.replaced(by:)` for what a shared store in the file keeps. The API address is `SALVAGE_API_URL`, else
    /// `api.url`.
    ///
    /// - Throws: ``ConfigurationError`` with `invalidConfiguration`, with file, line, key and fix of every issue.
    public static func load(flags: Flags = Flags(), environment: [String: String]) throws(ConfigurationError)
        -> Configuration
    {
        try load(flags: flags, environment: environment, kinds: .filesAndPipes)
    }

    static func load(
        flags: Flags, environment: [String: String], kinds: ConfigurationFile.Kinds
    ) throws(ConfigurationError) -> Configuration {
        var configuration = Configuration()
        if let (file, content) = try find(flags, environment, kinds) {
            do {
                configuration = try parse(content.text, file: file, isPrivate: content.isPrivate)
            } catch {
                throw error.asError
            }
        }
        if let named = try StoreAddress.named(by: flags, environment) {
            configuration.store = configuration.store?.replaced(by: named) ?? named
        }
        configuration.store = configuration.store ?? .folder("./storage")
        if let url = environment.value("SALVAGE_API_URL") {
            guard let address = baseAddress(url) else {
                throw ConfigurationError(
                    .invalidConfiguration, "SALVAGE_API_URL is not a valid URL: '\(url)'",
                    hint: "write http:// or https:// and a host")
            }
            configuration.api.url = address
        }
        return configuration
    }

    /// Returns `grep.smart_case` alone. Parses the YAML only if the file mentions it, so that a search starts faster.
    ///
    /// - Throws: ``ConfigurationError`` with `invalidConfiguration`, as ``load(flags:environment:)`` does.
    public static func smartCase(flags: Flags = Flags(), environment: [String: String]) throws(ConfigurationError)
        -> Bool
    {
        guard let (file, content) = try find(flags, environment, .filesAndPipes),
            content.text.contains("smart_case")
        else {
            return false
        }
        do {
            return try parse(content.text, file: file, isPrivate: content.isPrivate).grep.smartCase
        } catch {
            throw error.asError
        }
    }

    /// Returns `builds.order` alone. Parses the YAML only if the file mentions it, so that a query starts faster.
    ///
    /// - Throws: ``ConfigurationError`` with `invalidConfiguration`, as ``load(flags:environment:)`` does.
    public static func buildOrder(flags: Flags = Flags(), environment: [String: String]) throws(ConfigurationError)
        -> [String]
    {
        guard let (file, content) = try find(flags, environment, .filesAndPipes),
            content.text.contains("builds")
        else {
            return []
        }
        do {
            return try parse(content.text, file: file, isPrivate: content.isPrivate).builds.order
        } catch {
            throw error.asError
        }
    }

    private static func find(
        _ flags: Flags, _ environment: [String: String], _ kinds: ConfigurationFile.Kinds
    ) throws(ConfigurationError) -> (file: String, content: ConfigurationFile.Content)? {
        for (name, origin) in [(flags.config, "--config"), (environment.value("SALVAGE_CONFIG"), "SALVAGE_CONFIG")] {
            guard let name else { continue }
            guard let content = try ConfigurationFile.read(name, kinds) else {
                throw ConfigurationError(
                    .invalidConfiguration, "the configuration file given by \(origin) does not exist", path: name,
                    hint: "check the name, or omit \(origin) to use the defaults")
            }
            return (name, content)
        }
        var places = ["./salvage.yaml"]
        if let base = environment.value("XDG_CONFIG_HOME") {
            places.append(base + "/salvage/salvage.yaml")
        } else if let home = environment.value("HOME") {
            places.append(home + "/.config/salvage/salvage.yaml")
        }
        places.append("/etc/salvage/salvage.yaml")
        for place in places {
            if let content = try ConfigurationFile.read(place, kinds) { return (place, content) }
        }
        return nil
    }
}

extension [String: String] {
    /// Returns the value of a variable; nil when unset or empty.
    func value(_ name: String) -> String? { self[name].flatMap { $0.isEmpty ? nil : $0 } }
}
