extension Catalog {
    /// Enters a harvester, or a new start of one, and makes the sessions claimable that its earlier starts had claimed:
    /// their process has ended, because one machine's folder is used by one process at a time.
    ///
    /// - Parameters:
    ///   - id: the machine's name among the harvesters.
    ///   - url: where the page of this machine is, for people; nil without one.
    ///   - version: the version of salvage.
    /// - Returns: the name for its leases.
    public func join(harvester id: String, url: String? = nil, version: String) throws(CatalogError) -> HarvesterName {
        try write { (connection) throws(CatalogError) in
            try connection.execute("DELETE FROM harvester WHERE seen < clock_timestamp() - interval '7 days'")
            let enter = try connection.prepare(
                """
                INSERT INTO harvester AS h(id, url, version, epoch, seen, started)
                VALUES(?1, ?2, ?3, \(FleetSQL.now), clock_timestamp(), clock_timestamp())
                ON CONFLICT(id) DO UPDATE SET url = excluded.url, version = excluded.version,
                    epoch = greatest(h.epoch + 1, excluded.epoch), seen = excluded.seen, started = excluded.started
                RETURNING epoch
                """)
            enter.bind(1, id).bind(2, url).bind(3, version)
            guard try enter.step() else {
                throw CatalogError(code: .database, message: "entering a harvester failed", path: connection.path)
            }
            let name = HarvesterName(id: id, start: enter.integer(0))
            enter.reset()
            try Self.release(from: id, connection)
            return name
        }
    }

    /// Records that a harvester is alive.
    ///
    /// - Returns: false when its start is not the latest one: another process uses the same id.
    public func beat(_ name: HarvesterName) throws(CatalogError) -> Bool {
        try write { (connection) throws(CatalogError) in
            let beat = try connection.prepare(
                "UPDATE harvester SET seen = clock_timestamp() WHERE id = ?1 AND epoch = ?2 RETURNING 1")
            return try beat.bind(1, name.id).bind(2, name.start).step()
        }
    }

    /// When the database's server started, in microseconds since 1970. Another server, such as a standby that was promoted,
    /// has another time: it may lack the newest of what was committed.
    public func serverStart() throws(CatalogError) -> Int64 {
        try read { (connection) throws(CatalogError) in
            try connection.integer("SELECT CAST(extract(epoch FROM pg_postmaster_start_time()) * 1000000 AS bigint)")
                ?? 0
        }
    }

    /// Ends a harvester: its claims and jobs are free at once, and others take over the logs that it followed.
    public func leave(_ name: HarvesterName) throws(CatalogError) {
        try write { (connection) throws(CatalogError) in
            try Self.release(from: name.id, connection)
            try connection.prepare(
                "UPDATE harvester SET seen = clock_timestamp() - interval '1 hour' WHERE id = ?1 AND epoch = ?2"
            ).bind(1, name.id).bind(2, name.start).run()
        }
    }

    /// The ids of the harvesters that were alive lately, in the order of their bytes.
    ///
    /// - Parameter within: how long ago at most, in milliseconds.
    public func harvesters(within milliseconds: Int64) throws(CatalogError) -> [String] {
        try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare(
                """
                SELECT id FROM harvester WHERE seen > clock_timestamp() - \(FleetSQL.milliseconds("?1")) ORDER BY id
                """)
            rows.bind(1, milliseconds)
            var ids: [String] = []
            while try rows.step() { ids.append(rows.text(0)) }
            return ids
        }
    }

    /// Frees the claims and jobs of all starts of a harvester.
    private static func release(from id: String, _ connection: any SQLConnection) throws(CatalogError) {
        for sql in [
            """
            WITH c AS (SELECT session FROM work WHERE state = 'leased' AND \(HarvesterName.id(in: "owner")) = ?1
                ORDER BY session FOR UPDATE)
            UPDATE work w SET state = 'pending', owner = NULL, lease_until = NULL FROM c WHERE w.session = c.session
            """,
            """
            UPDATE list_shard SET owner = NULL, lease_until = NULL WHERE \(HarvesterName.id(in: "owner")) = ?1
            """,
        ] { try connection.prepare(sql).bind(1, id).run() }
    }
}
