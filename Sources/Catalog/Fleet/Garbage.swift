internal import JSON
import Text

/// An object of the bucket that may be deleted, some time from now.
public struct Garbage: Sendable, Equatable {
    /// Its key, relative to the store's prefix.
    public var key: String
    /// The session whose pack it was; nil for another object, such as a segment of filters.
    public var session: String?
    /// Its size in bytes, as far as it is known; 0 otherwise. For a session's recorded pack the catalog knows it.
    public var bytes: UInt64

    /// Creates a value.
    public init(key: String, session: String? = nil, bytes: UInt64 = 0) {
        self.key = key
        self.session = session
        self.bytes = bytes
    }

    /// How long objects stay that nothing refers to any more, in milliseconds: readers that know their keys finish meanwhile.
    public static let patience: Int64 = 86_400_000
}

extension Catalog {
    /// Notes objects that may be deleted later. One that is noted already keeps its time.
    ///
    /// - Parameters:
    ///   - garbage: the objects. The caller knows that nothing refers to them, or that it stops doing so now.
    ///   - patience: how long from now until they may be deleted, in milliseconds.
    public func addGarbage(_ garbage: [Garbage], after patience: Int64 = Garbage.patience) throws(CatalogError) {
        guard !garbage.isEmpty else { return }
        try write { (connection) throws(CatalogError) in try Self.discard(garbage, after: patience, connection) }
    }

    /// Notes objects that may be deleted later, in the transaction that stops to refer to them. Before it does, so that the
    /// sizes of recorded packs are known.
    static func discard(
        _ garbage: [Garbage], after patience: Int64 = Garbage.patience, _ connection: any SQLConnection
    ) throws(CatalogError) {
        guard !garbage.isEmpty else { return }
        let lines = garbage.map { item in
            var line = JSONLine()
            line.add("key", item.key)
            line.add("session", item.session)
            line.add("bytes", Int64(clamping: item.bytes))
            return line
        }
        try connection.prepare(
            """
            INSERT INTO garbage(key, session, bytes, not_before)
            SELECT DISTINCT ON (r.key) r.key, r.session, coalesce(
                nullif(r.bytes, 0), (SELECT s.pack_bytes FROM sessions s WHERE s.id = r.session AND s.pack = r.key), 0),
                clock_timestamp() + \(FleetSQL.milliseconds("?2"))
            FROM json_to_recordset(CAST(?1 AS json)) AS r(key text, session text, bytes bigint) ORDER BY r.key
            ON CONFLICT DO NOTHING
            """
        ).bind(1, FleetSQL.array(lines)).bind(2, patience).run()
    }

    /// Takes objects whose time has come. Delete them from the bucket, then call ``forgetGarbage(_:)``; those of a process
    /// that ended in between are handed out again after ten minutes.
    ///
    /// One that a session's row names is never handed out, and is forgotten.
    public func takeGarbage(_ limit: Int) throws(CatalogError) -> [Garbage] {
        guard limit > 0 else { return [] }
        return try write { (connection) throws(CatalogError) in
            try connection.execute(
                """
                DELETE FROM garbage g USING sessions s
                WHERE g.not_before < clock_timestamp() AND s.id = g.session AND s.pack = g.key
                """)
            let take = try connection.prepare(
                """
                WITH c AS (SELECT key FROM garbage WHERE not_before < clock_timestamp() ORDER BY not_before LIMIT ?1
                    FOR UPDATE SKIP LOCKED)
                UPDATE garbage g SET not_before = clock_timestamp() + interval '10 minutes'
                FROM c WHERE g.key = c.key RETURNING g.key, g.session, g.bytes
                """)
            take.bind(1, limit)
            var taken: [Garbage] = []
            while try take.step() {
                taken.append(Garbage(key: take.text(0), session: take.textOrNil(1), bytes: take.unsigned(2)))
            }
            return taken
        }
    }

    /// Forgets objects that were deleted.
    public func forgetGarbage(_ keys: [String]) throws(CatalogError) {
        guard !keys.isEmpty else { return }
        try write { (connection) throws(CatalogError) in
            try connection.prepare("DELETE FROM garbage WHERE key IN \(FleetSQL.texts("?1"))").bind(
                1, FleetSQL.array(keys)
            ).run()
        }
    }

    /// What is known about packs of the bucket: for each path, whether it is garbage or its session's pack.
    ///
    /// - Returns: the paths that neither a session's row names nor the garbage contains.
    public func unknownPacks(_ paths: [String]) throws(CatalogError) -> [String] {
        guard !paths.isEmpty else { return [] }
        return try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare(
                """
                SELECT r.path FROM (SELECT json_array_elements_text(CAST(?1 AS json)) AS path) r
                WHERE NOT EXISTS (SELECT 1 FROM sessions s WHERE s.pack = r.path)
                    AND NOT EXISTS (SELECT 1 FROM garbage g WHERE g.key = r.path)
                """)
            rows.bind(1, FleetSQL.array(paths))
            var found: [String] = []
            while try rows.step() { found.append(rows.text(0)) }
            return found
        }
    }
}
