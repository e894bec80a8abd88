/// A crash's renewed record, after new symbols or changed signature rules.
public struct CrashUpdate: Sendable, Equatable {
    /// The session's id.
    public var session: String
    /// The crash's id.
    public var crash: String
    /// The new record as one JSON object.
    public var json: [UInt8]

    /// Creates an update.
    public init(session: String, crash: String, json: [UInt8]) {
        self.session = session
        self.crash = crash
        self.json = json
    }
}

/// An earlier signature of a crash.
public struct CrashAlias: Sendable, Hashable {
    /// The crash's id.
    public var crash: String
    /// The earlier signature.
    public var signature: String

    /// Creates an alias.
    public init(crash: String, signature: String) {
        self.crash = crash
        self.signature = signature
    }
}

extension Catalog {
    /// Replaces crash records in one transaction. An old signature that changes is kept as an alias, by which queries
    /// still find the crash. Unknown crashes are ignored.
    ///
    /// - Returns: the number of changed signatures.
    @discardableResult
    public func update(crashes updates: [CrashUpdate]) throws(CatalogError) -> Int {
        guard !updates.isEmpty else { return 0 }
        let crashes = updates.map { IndexedCrash($0.json, replacesNUL: !driver.storesNUL) }
        var texts = RepeatedTexts()
        for crash in crashes { texts.add(crash) }
        let known = try intern(texts)
        return try write { (connection) throws(CatalogError) in
            try PackRows(connection, known).replace(updates, crashes)
        }
    }

    /// The signatures that a crash had before, sorted.
    public func aliases(ofCrash crash: String) throws(CatalogError) -> [String] {
        try read { (connection) throws(CatalogError) in
            let query = try connection.prepare(
                """
                SELECT g.text FROM aliases a JOIN signatures g ON g.id = a.signature WHERE a.crash = ?1 ORDER BY g.text
                """
            ).bind(1, crash)
            var found: [String] = []
            while try query.step() { found.append(query.text(0)) }
            return found
        }
    }

    /// All aliases, in no particular order.
    public func aliases() throws(CatalogError) -> [CrashAlias] {
        try read { (connection) throws(CatalogError) in
            let query = try connection.prepare(
                "SELECT a.crash, g.text FROM aliases a JOIN signatures g ON g.id = a.signature")
            var found: [CrashAlias] = []
            while try query.step() { found.append(CrashAlias(crash: query.text(0), signature: query.text(1))) }
            return found
        }
    }

    /// Adds aliases kept outside the catalog.
    public func add(aliases: [CrashAlias]) throws(CatalogError) {
        guard !aliases.isEmpty else { return }
        var texts = RepeatedTexts()
        for alias in aliases { texts.add(alias.signature, to: .signatures) }
        let known = try intern(texts)
        try write { (connection) throws(CatalogError) in
            let signatures = try Interning(.signatures, known, on: connection)
            let has = try connection.prepare("SELECT 1 FROM crashes WHERE id = ?1 AND signature = ?2")
            let put = try connection.prepare(PackRows.putAlias)
            for alias in aliases {
                let signature = try signatures.id(of: alias.signature)
                let isCurrent = try has.bind(1, alias.crash).bind(2, signature).step()
                has.reset()
                if !isCurrent { try put.bind(1, alias.crash).bind(2, signature).run() }
            }
        }
    }
}
