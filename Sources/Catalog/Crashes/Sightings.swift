import Text

/// What is remembered of the removed crashes of a signature in one build.
public struct SignatureSighting: Sendable, Hashable {
    /// The signature.
    public var signature: String
    /// Whether the process survived them.
    public var isError: Bool
    /// The build; nil for sessions without a tag.
    public var tag: String?
    /// The time of the first of them (ms since 1970).
    public var first: Int64
    /// The time of the last of them.
    public var last: Int64
    /// When the last session with one of them began.
    public var began: Int64

    /// Creates a sighting.
    public init(signature: String, isError: Bool = false, tag: String?, first: Int64, last: Int64, began: Int64) {
        self.signature = signature
        self.isError = isError
        self.tag = tag
        self.first = first
        self.last = last
        self.began = began
    }
}

/// A signature that removed crashes had, and the one that they had before.
public struct SignatureSuccession: Sendable, Hashable {
    /// The earlier signature.
    public var earlier: String
    /// The signature that followed it.
    public var signature: String

    /// Creates a succession.
    public init(earlier: String, signature: String) {
        self.earlier = earlier
        self.signature = signature
    }
}

/// What the catalog remembers of crashes that were removed with their packs.
public struct RememberedCrashes: Sendable, Equatable {
    /// Where signatures were seen, sorted by signature.
    public var sightings: [SignatureSighting] = []
    /// Signatures that changed, sorted by the earlier one.
    public var successions: [SignatureSuccession] = []

    /// Nothing.
    public init() {}

    /// Whether there is nothing.
    public var isEmpty: Bool { sightings.isEmpty && successions.isEmpty }
}

// A signature that was seen once is known for ever: a crash with it is not new because its earlier ones were pruned.
extension Catalog {
    /// Remembers the crashes of a session before their rows are deleted.
    static func remember(session key: Int64, _ connection: any SQLConnection) throws(CatalogError) {
        try connection.execute(
            """
            INSERT INTO successors(earlier, signature)
                SELECT DISTINCT a.signature, c.signature FROM crashes c JOIN aliases a ON a.crash = c.id
                WHERE c.session = \(key) AND a.signature <> c.signature
                ON CONFLICT DO NOTHING;
            INSERT INTO sightings(survived, signature, tag, first, last, began)
                SELECT c.survived, c.signature, c.tag, min(c.at), max(c.at),
                    max(coalesce(s.created, s.first_seen, s.at))
                FROM crashes c JOIN sessions s ON s.key = c.session WHERE c.session = \(key)
                GROUP BY c.survived, c.signature, c.tag
                \(later)
            """)
    }

    /// Joins a sighting with the one that is there.
    private static var later: String {
        func pick(_ column: String, _ sign: String) -> String {
            "\(column) = CASE WHEN excluded.\(column) \(sign) sightings.\(column) THEN excluded.\(column) "
                + "ELSE sightings.\(column) END"
        }
        return "ON CONFLICT(survived, signature, tag) DO UPDATE SET "
            + "\(pick("first", "<")), \(pick("last", ">")), \(pick("began", ">"))"
    }

    /// Everything that is remembered of removed crashes.
    public func rememberedCrashes() throws(CatalogError) -> RememberedCrashes {
        try read { (connection) throws(CatalogError) in
            var found = RememberedCrashes()
            let names = try TextLookup("names", on: connection)
            let rows = try connection.prepare(
                """
                SELECT g.text, x.survived, x.tag, x.first, x.last, x.began FROM sightings x
                JOIN signatures g ON g.id = x.signature ORDER BY g.text, x.survived, x.tag
                """)
            while try rows.step() {
                let tag = rows.integer(2)
                found.sightings.append(
                    SignatureSighting(
                        signature: rows.text(0), isError: rows.integer(1) != 0,
                        tag: tag == 0 ? nil : try names.text(tag), first: rows.integer(3), last: rows.integer(4),
                        began: rows.integer(5)))
            }
            let pairs = try connection.prepare(
                """
                SELECT e.text, g.text FROM successors x JOIN signatures e ON e.id = x.earlier
                JOIN signatures g ON g.id = x.signature ORDER BY e.text, g.text
                """)
            while try pairs.step() {
                found.successions.append(SignatureSuccession(earlier: pairs.text(0), signature: pairs.text(1)))
            }
            return found
        }
    }

    /// Adds what was kept outside the catalog.
    public func add(_ remembered: RememberedCrashes) throws(CatalogError) {
        guard !remembered.isEmpty else { return }
        var texts = RepeatedTexts()
        for sighting in remembered.sightings {
            texts.add(sighting.signature, to: .signatures)
            texts.add(sighting.tag, to: .names)
        }
        for succession in remembered.successions {
            texts.add(succession.earlier, to: .signatures)
            texts.add(succession.signature, to: .signatures)
        }
        let known = try intern(texts)
        try write { (connection) throws(CatalogError) in
            let signatures = try Interning(.signatures, known, on: connection)
            let names = try Interning(.names, known, on: connection)
            let put = try connection.prepare(
                """
                INSERT INTO sightings(survived, signature, tag, first, last, began) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
                \(Self.later)
                """)
            for sighting in remembered.sightings {
                put.bind(1, sighting.isError ? 1 : 0).bind(2, try signatures.id(of: sighting.signature))
                put.bind(3, try names.id(of: sighting.tag)).bind(4, sighting.first).bind(5, sighting.last)
                try put.bind(6, sighting.began).run()
            }
            let pair = try connection.prepare(
                "INSERT INTO successors(earlier, signature) VALUES(?1, ?2) ON CONFLICT DO NOTHING")
            for succession in remembered.successions {
                pair.bind(1, try signatures.id(of: succession.earlier))
                try pair.bind(2, try signatures.id(of: succession.signature)).run()
            }
        }
    }
}

/// The removed crashes of some signatures, within one transaction.
struct PastCrashes {
    /// A row of `sightings`.
    struct Row {
        let signature: Int64
        let tag: Int64
        let first: Int64
        let last: Int64
    }

    /// The rows that match a filter on `sightings AS x`.
    static func rows(_ filter: Filter, on connection: any SQLConnection) throws(CatalogError) -> [Row] {
        let rows = try connection.prepare("SELECT x.signature, x.tag, x.first, x.last FROM sightings x\(filter.sql)")
            .bind(filter.values)
        var found: [Row] = []
        while try rows.step() {
            found.append(
                Row(signature: rows.integer(0), tag: rows.integer(1), first: rows.integer(2), last: rows.integer(3)))
        }
        return found
    }
}
