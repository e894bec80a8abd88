import Model

extension StoreAddress {
    /// Reads the key `store`: a folder, the address of a catalog, or a mapping that says where the parts of a shared store
    /// are. Nil when absent or not valid.
    ///
    /// - Parameter isPrivate: whether only the file's owner can read it.
    static func read(_ key: String, of top: NodeReader, isPrivate: Bool) -> StoreAddress? {
        guard let node = top.node(key) else { return nil }
        guard case .mapping = node.content else {
            return top.storeAddress(key, isPrivate: isPrivate, allowing: { _ in true }, else: "")
        }
        let section = top.section(key)
        defer { section.finish() }
        let catalog = section.storeAddress(
            "catalog", isPrivate: isPrivate, allowing: { $0.shared != nil },
            else: "write postgres://user@host/database; a folder is written as `store: /path`, without a mapping")
        var address = SharedStoreAddress(catalog: catalog?.shared?.catalog ?? "")
        address.packs = section.value("packs", expected: "write s3://bucket or s3://bucket/prefix", bucketAddress)
        address.bucket = BucketSettings.read(section.section("s3"))
        let cache = section.section("cache")
        address.cache = cache.value("path", expected: "write the path of a folder on this machine") {
            $0.isEmpty || $0.contains("://") ? nil : trimmed($0)
        }
        if let bytes = cache.size("max") {
            address.cacheBytes = bytes
            if bytes < smallestCache {
                cache.note(cache.lineOf("max"), cache.path("max"), "is too small", "write at least 64MiB")
            }
        }
        cache.finish()
        address.harvester = HarvesterSettings.read(section.section("harvester"))
        if catalog == nil, section.node("catalog") == nil {
            section.note(
                section.lineOf("catalog"), section.path("catalog"), "is missing",
                "write the database's address: catalog: postgres://user@host/database")
        }
        return catalog == nil ? nil : .shared(address)
    }

    /// The smallest bound of the cache: a few blocks for each of the requests that run at once.
    private static let smallestCache: UInt64 = 64 << 20

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        return path
    }

    /// Returns an address of a bucket as it is; nil unless it is `s3://bucket` or `s3://bucket/prefix`. The client checks
    /// the rest.
    private static func bucketAddress(_ text: String) -> String? {
        guard text.hasPrefix("s3://"), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
        let bucket = text.dropFirst(5).prefix { $0 != "/" }
        let isName = bucket.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
        }
        return isName && (3...63).contains(bucket.utf8.count) ? text : nil
    }
}

extension NodeReader {
    /// Reads an address of a store, and refuses a password in a file that others can read.
    ///
    /// - Parameters:
    ///   - allowing: which addresses are meant here.
    ///   - fix: what to write instead of one that is not.
    fileprivate func storeAddress(
        _ key: String, isPrivate: Bool, allowing: (StoreAddress) -> Bool, else fix: String
    ) -> StoreAddress? {
        guard let text = string(key) else { return nil }
        do throws(StoreAddressProblem) {
            let address = try StoreAddress(parsing: text)
            guard allowing(address) else {
                note(lineOf(key), path(key), "is not the address of a database", fix)
                return nil
            }
            if address.shared?.hasPassword == true, !isPrivate {
                note(
                    lineOf(key), path(key), "has a password, and others than the owner can read this file",
                    "remove the password and put it in ~/.pgpass (or the file that PGPASSFILE names) with mode 0600, "
                        + "or in PGPASSWORD; or chmod 600 the configuration")
                return nil
            }
            return address
        } catch {
            // The text may have a password, so it is not repeated.
            note(lineOf(key), path(key), error.message, error.fix)
            return nil
        }
    }
}

extension BucketSettings {
    fileprivate static func read(_ section: NodeReader) -> BucketSettings {
        var bucket = BucketSettings()
        bucket.endpoint = section.value(
            "endpoint", expected: "write http:// or https:// and a host, such as https://s3.studio.example",
            Configuration.baseAddress)
        bucket.region = section.value("region", expected: "write a region such as eu-west-1") { plain($0, "-") }
        bucket.pathStyle = section.boolean("path_style")
        bucket.credentialsFile = section.string("credentials_file")
        bucket.profile = section.string("profile")
        bucket.storageClass = section.value("storage_class", expected: "write a class such as STANDARD_IA") {
            plain($0, "_")
        }
        let encryption = section.value("sse", expected: "write none, AES256 or aws:kms") {
            ["none", "AES256", "aws:kms"].contains($0) ? $0 : nil
        }
        bucket.encryption = encryption == "none" ? nil : encryption
        if let parallel = section.integer("parallel", in: 1...1024) { bucket.parallel = parallel }
        for key in ["access_key", "secret_key", "access_key_id", "secret_access_key", "session_token"]
        where section.node(key) != nil {
            section.note(
                section.lineOf(key), section.path(key), "must not be in the configuration",
                "put the keys in a file with mode 0600, in the format of ~/.aws/credentials, and set "
                    + "\(section.path("credentials_file")) to that file")
        }
        section.finish()
        return bucket
    }

    /// Returns the text if it has only ASCII letters, digits and one more character; nil otherwise.
    private static func plain(_ text: String, _ mark: Character) -> String? {
        let isPlain = text.allSatisfy { $0 == mark || ($0.isASCII && ($0.isLetter || $0.isNumber)) }
        return isPlain && (1...64).contains(text.utf8.count) ? text : nil
    }
}

extension HarvesterSettings {
    /// The shortest and longest lease: renewals come every quarter of it, and a lost machine's work waits for its end.
    private static let leases: ClosedRange<Int64> = 20_000...3_600_000

    fileprivate static func read(_ section: NodeReader) -> HarvesterSettings {
        var harvester = HarvesterSettings()
        let id = section.value("id", expected: "write auto, or 1 to 64 letters, digits, '-', '_' or '.'") { text in
            let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
            return isPlain && (1...64).contains(text.utf8.count) ? text : nil
        }
        harvester.id = id == "auto" ? nil : id
        if let lease = section.value(
            "lease", expected: "write a duration from 20s to 1h",
            { text in Quantity.milliseconds(text).flatMap { leases.contains($0) ? $0 : nil } })
        {
            harvester.lease = lease
        }
        if let most = section.integer("follow_max", in: 0...Configuration.Limits.mostFollowers) {
            harvester.mostFollowed = most
        }
        section.finish()
        return harvester
    }
}
