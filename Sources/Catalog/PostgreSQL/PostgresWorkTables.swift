extension PostgresSchema {
    /// What harvesters share: their work, its leases, the rates of the API, and what may be deleted from the bucket.
    ///
    /// `work` has a row for each session that ended and is not settled, and no other: it stays small, and a claim reads the
    /// first entries of a partial index. `owner` is the harvester's id and its start (see `HarvesterName`), so that a
    /// process that starts again does not inherit leases of which it knows nothing. An epoch is never smaller than the
    /// database's time in milliseconds when it was given: it rises even when a session's row is deleted and made again, and
    /// after a failover that lost the newest rows.
    ///
    /// The last two indexes serve the sweep and the harvesters that follow logs; this step comes after that of `sessions`.
    ///
    /// Lease times are the database's own and are compared with `clock_timestamp()` only; `deadline` and `created` are
    /// milliseconds since 1970, as in all other tables.
    static let workTables = """
        CREATE TABLE harvester(
            id text COLLATE "C" PRIMARY KEY, url text, version text, epoch bigint NOT NULL, seen timestamptz NOT NULL,
            started timestamptz NOT NULL);
        CREATE TABLE work(
            session text COLLATE "C" PRIMARY KEY,
            state text NOT NULL DEFAULT 'pending' CHECK(state IN ('pending', 'leased')),
            priority smallint NOT NULL DEFAULT 0, deadline bigint NOT NULL,
            owner text COLLATE "C", epoch bigint NOT NULL DEFAULT 0, lease_until timestamptz,
            tries int NOT NULL DEFAULT 0, expired int NOT NULL DEFAULT 0,
            offered timestamptz NOT NULL DEFAULT clock_timestamp(), facts text NOT NULL,
            CHECK((state = 'leased') = (owner IS NOT NULL AND lease_until IS NOT NULL)))
            WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
        CREATE INDEX work_claim ON work(priority DESC, deadline) WHERE state = 'pending';
        CREATE INDEX work_lease ON work(lease_until) WHERE state = 'leased';
        CREATE TABLE list_shard(
            name text COLLATE "C" PRIMARY KEY, owner text COLLATE "C", epoch bigint NOT NULL DEFAULT 0,
            lease_until timestamptz, done timestamptz);
        CREATE TABLE rate(
            endpoint text COLLATE "C" PRIMARY KEY, per_second double precision NOT NULL, cap double precision NOT NULL,
            level double precision NOT NULL, updated timestamptz NOT NULL, blocked_until timestamptz);
        CREATE TABLE segment(
            key text COLLATE "C" PRIMARY KEY, day date, level smallint NOT NULL DEFAULT 0,
            blocks bigint NOT NULL DEFAULT 0, bytes bigint NOT NULL DEFAULT 0,
            added timestamptz NOT NULL DEFAULT clock_timestamp(), replaced timestamptz);
        CREATE INDEX segment_level ON segment(level, added) WHERE replaced IS NULL;
        CREATE TABLE garbage(
            key text COLLATE "C" PRIMARY KEY, session text COLLATE "C", bytes bigint NOT NULL DEFAULT 0,
            not_before timestamptz NOT NULL);
        CREATE INDEX garbage_time ON garbage(not_before);
        CREATE INDEX sessions_pack ON sessions(pack) WHERE pack IS NOT NULL;
        CREATE INDEX sessions_seen ON sessions(first_seen) WHERE state = 'running';
        """
}
