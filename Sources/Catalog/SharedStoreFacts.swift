/// What a shared catalog records of its store, so that the address of the database is all that a program needs.
public struct SharedStoreFacts: Sendable, Equatable {
    /// The store's id, made when the catalog was created: lowercase hexadecimal digits with dashes.
    public internal(set) var storeID = ""
    /// `s3://bucket/prefix`; nil until the first harvester recorded it.
    public var packs: String?
    /// The server of the bucket, as `https://host:port`; nil for AWS.
    public var endpoint: String?
    /// The region that requests are signed for.
    public var region: String?
    /// Whether the bucket is named in the path instead of the host.
    public var pathStyle: Bool?

    /// Creates facts that are all unknown.
    public init() {}
}

extension Catalog {
    /// Whether several machines share the catalog: a database in PostgreSQL.
    public var isShared: Bool { driver.isShared }

    /// Whether the catalog has the members of packs. A shared one has not: ``members(_:path:)`` throws, and the members are read
    /// from the packs.
    public var storesMembers: Bool { driver.storesMembers }

    /// Opens the catalog of a shared store.
    ///
    /// For writing, the tables are created or brought up to date; the database must exist. For reading, nothing is written, and
    /// a role with the right to select is enough.
    ///
    /// - Parameters:
    ///   - uri: a connection URI of PostgreSQL, as libpq reads it. Errors name it without its password.
    ///   - local: the folder for what stays on this machine, which becomes ``store``.
    ///   - readOnly: whether to allow queries only.
    ///   - busyTimeout: seconds to wait for another transaction's lock.
    /// - Throws: ``CatalogError`` with `missing`, `older`, `newer`, `foreign`, `readOnly`, `busy`, or `io` when PostgreSQL or its
    ///   client library cannot be reached.
    public static func open(
        shared uri: String, local: String, readOnly: Bool = false, busyTimeout: Double = 15
    ) throws(CatalogError) -> Catalog {
        Catalog(
            store: local, driver: try PostgresDriver.open(uri: uri, readOnly: readOnly, busyTimeout: busyTimeout))
    }

    /// Reads what the catalog records of its store.
    ///
    /// - Throws: ``CatalogError``, also for a catalog that is not shared.
    public func sharedFacts() throws(CatalogError) -> SharedStoreFacts {
        try requireShared()
        return try read { (connection) throws(CatalogError) in
            let row = try connection.prepare(
                "SELECT CAST(store_id AS text), packs, endpoint, region, path_style FROM meta")
            var facts = SharedStoreFacts()
            guard try row.step() else { return facts }
            facts.storeID = row.text(0)
            (facts.packs, facts.endpoint, facts.region) = (row.textOrNil(1), row.textOrNil(2), row.textOrNil(3))
            facts.pathStyle = row.integerOrNil(4).map { $0 != 0 }
            return facts
        }
    }

    /// Records where the packs are. The store's id is not changed.
    ///
    /// - Throws: ``CatalogError``, also for a catalog that is not shared.
    public func setSharedFacts(_ facts: SharedStoreFacts) throws(CatalogError) {
        try requireShared()
        try write { (connection) throws(CatalogError) in
            let set = try connection.prepare("UPDATE meta SET packs = ?1, endpoint = ?2, region = ?3, path_style = ?4")
            set.bind(1, facts.packs).bind(2, facts.endpoint).bind(3, facts.region)
            try set.bind(4, facts.pathStyle.map { $0 ? 1 : 0 } as Int?).run()
        }
    }

    private func requireShared() throws(CatalogError) {
        guard !isShared else { return }
        throw CatalogError(
            code: .database, message: "an embedded catalog does not record where its packs are", path: path,
            hint: "its packs are in the store's folder")
    }
}
