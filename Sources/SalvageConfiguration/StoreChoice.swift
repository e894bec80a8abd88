public import Model

extension StoreAddress {
    /// The store that the flags or the environment name; nil if neither does.
    ///
    /// - Throws: ``ConfigurationError`` with `invalidConfiguration` for a text that is no address, and for a password in
    ///   `--store`, where other users of the machine can read it. The error never repeats the text.
    public static func named(
        by flags: Configuration.Flags, _ environment: [String: String]
    ) throws(ConfigurationError) -> StoreAddress? {
        if let text = flags.store {
            let address = try parse(text, "--store")
            guard address.shared?.hasPassword != true else {
                throw ConfigurationError(
                    .invalidConfiguration,
                    "--store has a password, which other users of this machine can read in the list of processes",
                    hint: "put it in ~/.pgpass (or the file that PGPASSFILE names) with mode 0600, or in PGPASSWORD; "
                        + "consider a new password")
            }
            return address
        }
        return try environment.value("SALVAGE_STORE").map { text throws(ConfigurationError) in
            try parse(text, "SALVAGE_STORE")
        }
    }

    private static func parse(_ text: String, _ origin: String) throws(ConfigurationError) -> StoreAddress {
        do throws(StoreAddressProblem) { return try StoreAddress(parsing: text) } catch {
            throw ConfigurationError(.invalidConfiguration, "\(origin) \(error.message)", hint: error.fix)
        }
    }

    /// This address of the configuration file, replaced by one of a flag or the environment.
    ///
    /// Another folder or database replaces all of it. Two facts of a shared store stay: what concerns this machine, which
    /// is its cache and its name as a harvester; and the bucket, if both name the same database, perhaps with another user
    /// or a password.
    func replaced(by named: StoreAddress) -> StoreAddress {
        guard case .shared(let mine) = self, case .shared(var other) = named else { return named }
        other.harvester = mine.harvester
        other.cacheBytes = mine.cacheBytes
        guard mine.isSameDatabase(as: other) else { return .shared(other) }
        other.cache = mine.cache
        other.packs = mine.packs
        other.bucket = mine.bucket
        return .shared(other)
    }

    /// The keys of the configuration in which two addresses differ.
    static func changedKeys(_ old: StoreAddress?, _ new: StoreAddress?) -> [String] {
        guard old != new else { return [] }
        guard case .shared(let old) = old, case .shared(let new) = new else { return ["store"] }
        var keys: [String] = []
        if old.catalog != new.catalog { keys.append("store.catalog") }
        if old.packs != new.packs { keys.append("store.packs") }
        if old.bucket != new.bucket { keys.append("store.s3") }
        if old.cache != new.cache || old.cacheBytes != new.cacheBytes { keys.append("store.cache") }
        if old.harvester != new.harvester { keys.append("store.harvester") }
        return keys
    }
}
