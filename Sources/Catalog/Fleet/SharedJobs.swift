extension Catalog {
    /// Takes or keeps a job that one harvester does at a time, such as polling the lists or the sweep.
    ///
    /// - Parameters:
    ///   - job: the job's name.
    ///   - owner: who wants it; see ``HarvesterName/owner``.
    ///   - lease: how long it is kept unless this is called again, in milliseconds.
    ///   - every: how long ago the job must have been done last, in milliseconds, for one that is not being done now; nil
    ///     for a job that never ends.
    /// - Returns: the number of the lease, which stays the same while it is kept; nil when another harvester has the job, or
    ///   when it is not due.
    public func takeJob(
        _ job: String, by owner: String, lease: Int64, every: Int64? = nil
    ) throws(CatalogError) -> Int64? {
        try write { (connection) throws(CatalogError) in
            let take = try connection.prepare(
                """
                INSERT INTO list_shard AS j(name, owner, epoch, lease_until)
                VALUES(?1, ?2, 1, clock_timestamp() + \(FleetSQL.milliseconds("?3")))
                ON CONFLICT(name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until,
                    epoch = CASE WHEN j.owner = excluded.owner THEN j.epoch ELSE j.epoch + 1 END
                WHERE j.owner = excluded.owner
                    OR (j.owner IS NULL OR j.lease_until < clock_timestamp())
                        AND (j.done IS NULL OR j.done <= clock_timestamp() - \(FleetSQL.milliseconds("?4")))
                RETURNING epoch
                """)
            take.bind(1, job).bind(2, owner).bind(3, lease).bind(4, every ?? 0)
            return try take.step() ? take.integer(0) : nil
        }
    }

    /// Gives a job back. A job that another harvester has by now is left alone.
    ///
    /// - Parameter done: whether the job was done, which is when its next time is counted from.
    public func endJob(_ job: String, by owner: String, done: Bool) throws(CatalogError) {
        try write { (connection) throws(CatalogError) in
            try connection.prepare(
                """
                UPDATE list_shard SET owner = NULL, lease_until = NULL,
                    done = CASE WHEN CAST(?3 AS integer) = 1 THEN clock_timestamp() ELSE done END
                WHERE name = ?1 AND owner = ?2
                """
            ).bind(1, job).bind(2, owner).bind(3, done ? 1 : 0).run()
        }
    }
}
