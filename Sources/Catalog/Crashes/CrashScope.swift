public import Text

/// Crashes of some signatures, as questions about decisions need them.
public struct CrashScope: Sendable {
    /// The exact signatures.
    public var signatures: [String]
    /// Whether errors that the process survived are meant instead of crashes.
    public var errors = false
    /// Only crashes after this time (ms since 1970).
    public var after: Int64?
    /// Only crashes of sessions that began after this time (ms since 1970).
    public var beganAfter: Int64?
    /// Only crashes that were committed before those of this session, and not its own.
    public var before: String?

    /// Whether crashes count that were removed with their packs, as far as the catalog remembers them. They count as
    /// committed before all others.
    public var includesRemoved = false

    /// All crashes of these signatures.
    public init(_ signatures: [String], errors: Bool = false) {
        self.signatures = signatures
        self.errors = errors
    }
}

extension Catalog {
    /// Whether there is such a crash.
    public func hasCrash(_ scope: CrashScope) throws(CatalogError) -> Bool {
        try read { (connection) throws(CatalogError) in
            let query = try Self.query("SELECT 1", scope, " LIMIT 1", connection)
            if try query.step() { return true }
            return try !Self.removed(scope, connection).isEmpty
        }
    }

    /// The number of such crashes; removed ones are not counted.
    public func crashCount(_ scope: CrashScope) throws(CatalogError) -> Int {
        try read { (connection) throws(CatalogError) in
            let query = try Self.query("SELECT count(*)", scope, "", connection)
            return try query.step() ? Int(clamping: query.integer(0)) : 0
        }
    }

    /// The tags of the sessions with such a crash, in no particular order; one may be there twice.
    public func tags(_ scope: CrashScope) throws(CatalogError) -> [String] {
        try read { (connection) throws(CatalogError) in
            let names = try TextLookup("names", on: connection)
            let query = try Self.query("SELECT DISTINCT c.tag", scope, "", connection)
            var ids: [Int64] = []
            while try query.step() { ids.append(query.integer(0)) }
            ids += try Self.removed(scope, connection).map(\.tag)
            try names.expect(ids)
            var found: [String] = []
            for id in ids { if let text = try names.text(id) { found.append(text) } }
            return found
        }
    }

    /// The signatures that some crash has now, in no particular order.
    public func signatureTexts(errors: Bool = false) throws(CatalogError) -> [String] {
        try read { (connection) throws(CatalogError) in
            let query = try connection.prepare(
                """
                SELECT g.text FROM signatures g
                WHERE EXISTS(SELECT 1 FROM crashes c WHERE c.survived = \(errors ? 1 : 0) AND c.signature = g.id)
                """)
            var found: [String] = []
            while try query.step() { found.append(query.text(0)) }
            return found
        }
    }

    /// The signatures that crashes have now which had one of these before, removed crashes included: the present ones by
    /// the earlier one, sorted.
    public func successors(of texts: [String]) throws(CatalogError) -> ByteDictionary<[String]> {
        try read { (connection) throws(CatalogError) in
            var found: ByteDictionary<[String]> = [:]
            let hasAny = "SELECT 1 WHERE EXISTS(SELECT 1 FROM aliases) OR EXISTS(SELECT 1 FROM successors)"
            guard try connection.integer(hasAny) != nil else { return found }
            for page in Pages(texts, size: PortableSQL.pageSize) {
                let places = (1...page.count).map { "?\($0)" }.joined(separator: ",")
                let query = try connection.prepare(
                    """
                    SELECT g.text, now.text FROM signatures g JOIN aliases a ON a.signature = g.id
                        JOIN crashes c ON c.id = a.crash JOIN signatures now ON now.id = c.signature
                    WHERE g.text IN (\(places)) AND c.signature <> g.id
                    UNION SELECT g.text, now.text FROM signatures g JOIN successors x ON x.earlier = g.id
                        JOIN signatures now ON now.id = x.signature
                    WHERE g.text IN (\(places)) ORDER BY 1, 2
                    """
                ).bind(page.map { .text($0) })
                while try query.step() { found[query.text(0), default: []].append(query.text(1)) }
            }
            return found
        }
    }

    /// The removed crashes that count.
    private static func removed(
        _ scope: CrashScope, _ connection: any SQLConnection
    ) throws(CatalogError) -> [PastCrashes.Row] {
        guard scope.includesRemoved else { return [] }
        var filter = Filter()
        filter.add("x.survived = \(scope.errors ? 1 : 0)")
        filter.add("x.signature IN (\(try SignatureIDs(texts: scope.signatures, on: connection).list))")
        if let after = scope.after { filter.add("x.last > ?", [.integer(after)]) }
        if let began = scope.beganAfter { filter.add("x.began > ?", [.integer(began)]) }
        return try PastCrashes.rows(filter, on: connection)
    }

    private static func query(
        _ select: String, _ scope: CrashScope, _ tail: String, _ connection: any SQLConnection
    ) throws(CatalogError) -> any SQLStatement {
        let ids = try SignatureIDs(texts: scope.signatures, on: connection)
        var filter = Filter()
        filter.add("c.survived = \(scope.errors ? 1 : 0)")
        filter.add("c.signature IN (\(ids.list))")
        if let after = scope.after { filter.add("c.at > ?", [.integer(after)]) }
        if let began = scope.beganAfter {
            filter.add(
                "EXISTS(SELECT 1 FROM sessions s WHERE s.key = c.session AND "
                    + "coalesce(s.created, s.first_seen, s.at) > ?)", [.integer(began)])
        }
        if let session = scope.before {
            // Rows get ascending keys as packs are committed; a later pack of a session renews its rows.
            let own = "SELECT min(k.key) FROM crashes k JOIN sessions s ON s.key = k.session WHERE s.id = ?"
            filter.add("c.key < coalesce((\(own)), 0)", [.text(session)])
        }
        let hint = connection.hint(index: "crashes_signature")
        return try connection.prepare("\(select) FROM crashes c\(hint)\(filter.sql)\(tail)").bind(filter.values)
    }
}
