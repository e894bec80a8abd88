public import Model
public import Text

/// An object of filters in the bucket, as the catalog lists it.
public struct ListedFilters: Sendable, Hashable {
    /// Its key, relative to the store.
    public var key: String
    /// The day on which its packs were filtered, in days since 1970 UTC.
    public var day: Int
    /// 0 for the filters of a batch of packs, higher for objects made of others.
    public var level: Int
    /// Number of blocks.
    public var blocks: UInt64
    /// Its size in bytes.
    public var bytes: UInt64
    /// Whether another object has its filters by now. It stays in the bucket for a day.
    public var isReplaced: Bool

    /// Creates a value.
    public init(key: String, day: Int, level: Int, blocks: UInt64, bytes: UInt64, isReplaced: Bool = false) {
        self.key = key
        self.day = day
        self.level = level
        self.blocks = blocks
        self.bytes = bytes
        self.isReplaced = isReplaced
    }
}

/// What the objects of filters of a shared store are, which packs they have, and which packs have none yet.
///
/// A search lists the objects first and the packs afterwards (``forEachPack(_:among:listed:_:)``): a pack whose filters were
/// written in between is then one of those without filters, so none is missed.
extension Catalog {
    /// How long a search may take between both, in SQL.
    private static var longestSearch: String { "interval '2 hours'" }

    /// The objects in use, and those that were replaced less than two hours ago.
    public func listedFilters() throws(CatalogError) -> [ListedFilters] {
        try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare(
                """
                SELECT key, CAST(coalesce(day, date '1970-01-01') - date '1970-01-01' AS bigint), level, blocks, bytes,
                    CASE WHEN replaced IS NULL THEN 0 ELSE 1 END
                FROM segment WHERE replaced IS NULL OR replaced > clock_timestamp() - \(Self.longestSearch)
                ORDER BY key
                """)
            var found: [ListedFilters] = []
            while try rows.step() {
                found.append(
                    ListedFilters(
                        key: rows.text(0), day: Int(clamping: rows.integer(1)), level: Int(clamping: rows.integer(2)),
                        blocks: rows.unsigned(3), bytes: rows.unsigned(4), isReplaced: rows.integer(5) != 0))
            }
            return found
        }
    }

    /// Calls `body` with the selected packs of a list, and with all selected packs that no listed object of filters has.
    ///
    /// - Parameters:
    ///   - selection: which sessions; its limit has no effect.
    ///   - packs: paths of packs that may match, relative to the store.
    ///   - listed: the keys of all objects of filters that ``listedFilters()`` returned.
    ///   - body: receives each pack, and whether it is one without filters. It must not use this catalog.
    /// - Throws: ``CatalogError``, or what the closure throws.
    public func forEachPack(
        _ selection: Selection, among packs: [String], listed: [String],
        _ body: (SelectedPack, _ isUnfiltered: Bool) throws -> Void
    ) throws {
        try readThrough { connection in
            var filter = try Filter.sessions(selection, on: connection)
            // One array, so that the planner takes the index on packs, however many rows it expects of the list.
            filter.add(
                "s.pack = ANY(ARRAY(\(FleetSQL.texts("?")) UNION ALL SELECT u.pack FROM u))",
                [.text(FleetSQL.array(packs))])
            let rows = try connection.prepare(
                """
                WITH u AS MATERIALIZED (
                    SELECT pack FROM unfiltered WHERE segment IS NULL
                    UNION ALL SELECT pack FROM unfiltered WHERE segment = ANY(ARRAY(
                        SELECT key FROM segment
                        WHERE (replaced IS NULL OR replaced > clock_timestamp() - \(Self.longestSearch))
                            AND key NOT IN \(FleetSQL.texts("?")))))
                SELECT s.pack, s.pack_bytes, s.id, s.image, s.tag, s.location, s.created,
                    coalesce(s.exited, s.first_seen_exited),
                    CASE WHEN EXISTS (SELECT 1 FROM u WHERE u.pack = s.pack) THEN 1 ELSE 0 END
                FROM sessions s\(filter.sql)
                """
            ).bind([.text(FleetSQL.array(listed))] + filter.values)
            while try rows.step() {
                try body(
                    SelectedPack(
                        SessionIdentity(
                            id: rows.text(2), image: rows.text(3), tag: rows.textOrNil(4), location: rows.textOrNil(5),
                            created: rows.integerOrNil(6)),
                        ended: rows.integerOrNil(7), pack: rows.text(0), packBytes: rows.unsigned(1)),
                    rows.integer(8) != 0)
            }
        }
    }

    /// Lists an object that was written, with the packs whose filters it has.
    public func addFilters(_ object: ListedFilters, packs: [String]) throws(CatalogError) {
        try write { (connection) throws(CatalogError) in
            try Self.insert(object, connection)
            try connection.prepare(
                """
                UPDATE unfiltered SET segment = ?1, filtered = clock_timestamp() WHERE pack IN \(FleetSQL.texts("?2"))
                """
            ).bind(1, object.key).bind(2, FleetSQL.array(packs)).run()
        }
    }

    private static func insert(_ object: ListedFilters, _ connection: any SQLConnection) throws(CatalogError) {
        try connection.prepare(
            """
            INSERT INTO segment(key, day, level, blocks, bytes)
            VALUES(?1, date '1970-01-01' + CAST(?2 AS integer), CAST(?3 AS smallint), ?4, ?5) ON CONFLICT(key) DO NOTHING
            """
        ).bind(1, object.key).bind(2, object.day).bind(3, object.level).bind(4, object.blocks).bind(5, object.bytes)
            .run()
    }

    /// Replaces objects by one that has their filters. The objects become garbage, in a day.
    ///
    /// - Parameters:
    ///   - keys: the objects.
    ///   - object: the new one; nil if none of their packs is a session's pack any more.
    /// - Returns: false, and nothing is changed, if one of them is not in use: another machine has replaced it. The caller
    ///   then removes the object that it wrote.
    public func replaceFilters(_ keys: [String], by object: ListedFilters?) throws(CatalogError) -> Bool {
        try write { (connection) throws(CatalogError) in
            // Locked in one order, so that two machines do not wait for each other.
            let lock = try connection.prepare(
                """
                SELECT key FROM segment WHERE replaced IS NULL AND key IN \(FleetSQL.texts("?1")) ORDER BY key FOR UPDATE
                """)
            lock.bind(1, FleetSQL.array(keys))
            var found = ByteSet()
            while try lock.step() { found.insert(lock.text(0)) }
            guard keys.allSatisfy({ found.contains($0) }) else { return false }
            try connection.prepare(
                "UPDATE segment SET replaced = clock_timestamp() WHERE key IN \(FleetSQL.texts("?1"))"
            ).bind(1, FleetSQL.array(keys)).run()
            try connection.prepare(
                """
                INSERT INTO garbage(key, bytes, not_before)
                SELECT key, bytes, clock_timestamp() + interval '\(Garbage.patience) milliseconds' FROM segment
                WHERE key IN \(FleetSQL.texts("?1")) ON CONFLICT DO NOTHING
                """
            ).bind(1, FleetSQL.array(keys)).run()
            if let object { try Self.insert(object, connection) }
            return true
        }
    }

    /// The sizes of those packs that are a session's current pack, by path.
    public func currentPacks(among packs: [String]) throws(CatalogError) -> ByteDictionary<UInt64> {
        try read { (connection) throws(CatalogError) in
            var found = ByteDictionary<UInt64>()
            for page in Pages(packs, size: 10_000) {
                let rows = try connection.prepare(
                    "SELECT pack, pack_bytes FROM sessions WHERE pack IN \(FleetSQL.texts("?1"))")
                rows.bind(1, FleetSQL.array(page))
                while try rows.step() { found[rows.text(0)] = rows.unsigned(1) }
            }
            return found
        }
    }

    /// Packs that have waited for filters for a while: the machine that should have written them did not.
    ///
    /// - Parameters:
    ///   - patience: for how long, in milliseconds.
    ///   - limit: most packs.
    public func packsWithoutFilters(for patience: Int64, limit: Int) throws(CatalogError) -> [String] {
        try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare(
                """
                SELECT u.pack FROM unfiltered u JOIN sessions s ON s.pack = u.pack
                WHERE u.segment IS NULL AND u.added <= clock_timestamp() - \(FleetSQL.milliseconds("?1"))
                ORDER BY u.added, u.pack LIMIT ?2
                """)
            rows.bind(1, patience).bind(2, limit)
            var found: [String] = []
            while try rows.step() { found.append(rows.text(0)) }
            return found
        }
    }

    /// Notes that packs have no filters any more, because the object that had them is damaged.
    public func addPacksWithoutFilters(_ packs: [String]) throws(CatalogError) {
        try write { (connection) throws(CatalogError) in
            for page in Pages(packs, size: 10_000) {
                try connection.prepare(
                    """
                    INSERT INTO unfiltered(pack) SELECT json_array_elements_text(CAST(?1 AS json))
                    ON CONFLICT(pack) DO UPDATE SET segment = NULL, filtered = NULL
                    """
                ).bind(1, FleetSQL.array(page)).run()
            }
        }
    }

    /// Forgets which packs had no filters: those that have some for two hours, and those that no session has any more; and
    /// the objects that were replaced two days ago.
    public func forgetFilteredPacks() throws(CatalogError) {
        try write { (connection) throws(CatalogError) in
            try connection.execute(
                """
                DELETE FROM unfiltered u WHERE u.filtered < clock_timestamp() - \(Self.longestSearch)
                    OR u.added < clock_timestamp() - \(Self.longestSearch)
                        AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.pack = u.pack);
                DELETE FROM segment WHERE replaced < clock_timestamp() - interval '2 days'
                """)
        }
    }
}

extension Catalog {
    /// How much a search reads that no filter narrows.
    public struct SearchSize: Sendable, Equatable {
        /// Number of packs.
        public var packs: UInt64
        /// Their size in bytes.
        public var packBytes: UInt64
        /// The size of what they contain, in bytes.
        public var bytes: UInt64
    }

    /// The size of the selected packs; the selection's limit has no effect.
    public func searchSize(_ selection: Selection) throws(CatalogError) -> SearchSize {
        try read { (connection) throws(CatalogError) in
            var filter = try Filter.sessions(selection, on: connection)
            filter.add("s.pack IS NOT NULL")
            let row = try connection.prepare(
                """
                SELECT count(*), \(PortableSQL.sum("s.pack_bytes")), \(PortableSQL.sum("s.bytes"))
                FROM sessions s\(filter.sql)
                """
            ).bind(filter.values)
            guard try row.step() else { return SearchSize(packs: 0, packBytes: 0, bytes: 0) }
            return SearchSize(packs: row.unsigned(0), packBytes: row.unsigned(1), bytes: row.unsigned(2))
        }
    }
}
