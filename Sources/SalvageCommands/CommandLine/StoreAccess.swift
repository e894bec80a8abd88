import Model
import SalvageConfiguration
import Store
import Terminal

/// Finds the store and the configuration that a command works with.
enum StoreAccess {
    /// Where the store is: `--store`, `SALVAGE_STORE`, `store:` in the config, else `./storage`.
    ///
    /// The config is read only if neither flag nor environment names a folder, so that queries need not parse YAML. For a
    /// shared store the config may say where this machine's cache is.
    static func address(_ options: GlobalOptions) throws -> StoreAddress {
        if let named = try StoreAddress.named(by: flags(options), environment), named.shared == nil { return named }
        return try configuration(options).store ?? .folder("./storage")
    }

    /// The store that a command works with. The configuration is read for the order of builds only once that is needed:
    /// by a state of signatures, for example.
    static func store(_ options: GlobalOptions, readOnly: Bool = true) throws -> Store {
        let builds = ListedBuilds(options)
        return try Store(try address(options), readOnly: readOnly, builds: try builds.value())
    }

    /// The order of builds that the configuration lists.
    static func listedBuilds(_ options: GlobalOptions) throws -> [String] {
        try Configuration.buildOrder(flags: flags(options), environment: environment)
    }

    /// Loads the configuration; environment and flags take precedence. See `Configuration.load`.
    static func configuration(_ options: GlobalOptions) throws -> Configuration {
        try Configuration.load(flags: flags(options), environment: environment)
    }

    /// Reloads the configuration in a running program. Throws if it is not valid or has no usable token. See
    /// `Configuration.reload`.
    static func reload(_ previous: Configuration, _ options: GlobalOptions) throws -> Configuration {
        let next = try Configuration.reload(previous, flags: flags(options), environment: environment)
        _ = try APIToken.find(next, environment: Environment.all)
        return next
    }

    private static var environment: [String: String] {
        // Only these: a copy of everything would include the token and other programs' secrets.
        let names = ["SALVAGE_STORE", "SALVAGE_CONFIG", "SALVAGE_API_URL", "XDG_CONFIG_HOME", "HOME"]
        var environment: [String: String] = [:]
        for name in names { environment[name] = Environment.value(name) }
        return environment
    }

    /// Whether the configuration turns on smart case.
    static func smartCase(_ options: GlobalOptions) throws -> Bool {
        try Configuration.smartCase(flags: flags(options), environment: Environment.all)
    }

    private static func flags(_ options: GlobalOptions) -> Configuration.Flags {
        Configuration.Flags(store: options.store, config: options.config)
    }
}
