/// The state of the harvesters of a shared store and of what they share. Ages and spans are in milliseconds, by the database's
/// clock.
public struct FleetStatus: Sendable, Equatable {
    /// A harvester.
    public struct Harvester: Sendable, Equatable {
        /// Its id.
        public var id: String
        /// Where its page is.
        public var url: String?
        /// The version of salvage.
        public var version: String?
        /// How long ago it was alive.
        public var lastSeen: Int64
        /// How long ago it started.
        public var started: Int64
        /// How many sessions it has claimed.
        public var leases: Int
    }

    /// A job that one harvester does at a time.
    public struct Job: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// The id of the harvester that has it; nil when none does, or when its lease has ended.
        public var harvester: String?
        /// How long ago it was done; nil for never, and for jobs that do not end.
        public var done: Int64?
    }

    /// The segments of filters of one level.
    public struct Level: Sendable, Equatable {
        /// 0 is a segment of one batch, higher ones were compacted.
        public var level: Int
        /// How many there are.
        public var segments: Int
        /// Their size in bytes.
        public var bytes: UInt64
        /// How long ago the oldest one was added. At level 0 it is how far compaction lags.
        public var oldest: Int64
    }

    /// An endpoint's shared rate.
    public struct Rate: Sendable, Equatable {
        /// The endpoint.
        public var endpoint: String
        /// Requests a minute.
        public var perMinute: Int
        /// How long requests wait because the server throttles; 0 if it does not.
        public var blocked: Int64
    }

    /// The harvesters of the last seven days, by id.
    public var harvesters: [Harvester] = []
    /// Sessions that wait to be claimed.
    public var pending = 0
    /// The nearest deadline of a session that waits, in milliseconds since 1970.
    public var nearestDeadline: Int64?
    /// Claimed sessions.
    public var leased = 0
    /// Claimed sessions whose lease has ended and that nobody has made claimable yet: usually 0.
    public var expired = 0
    /// Sessions that were left by a harvester at least three times.
    public var oftenLeft = 0
    /// The jobs, by name.
    public var jobs: [Job] = []
    /// The rates, by endpoint.
    public var rates: [Rate] = []
    /// Objects that will be deleted.
    public var garbage = 0
    /// Their size in bytes, as far as it is known.
    public var garbageBytes: UInt64 = 0
    /// How many of them may be deleted now.
    public var garbageDue = 0
    /// The segments of filters in use, by level.
    public var levels: [Level] = []

    /// Creates an empty status.
    public init() {}
}

extension Catalog {
    /// The state of the harvesters of a shared store, in one consistent view.
    public func fleetStatus() throws(CatalogError) -> FleetStatus {
        try read { (connection) throws(CatalogError) in
            var status = FleetStatus()
            try Self.readHarvesters(&status, connection)
            try Self.readWork(&status, connection)
            try Self.readStored(&status, connection)
            return status
        }
    }

    /// An age in milliseconds; NULL for NULL.
    private static func age(_ column: String) -> String {
        "CAST(floor(extract(epoch FROM clock_timestamp() - \(column)) * 1000) AS bigint)"
    }

    private static func readHarvesters(
        _ status: inout FleetStatus, _ connection: any SQLConnection
    ) throws(CatalogError) {
        let rows = try connection.prepare(
            """
            SELECT h.id, h.url, h.version, \(age("h.seen")), \(age("h.started")), coalesce(w.leases, 0) FROM harvester h
            LEFT JOIN (SELECT owner, count(*) AS leases FROM work WHERE state = 'leased' GROUP BY owner) w
                ON w.owner = h.epoch || '/' || h.id ORDER BY h.id
            """)
        while try rows.step() {
            status.harvesters.append(
                FleetStatus.Harvester(
                    id: rows.text(0), url: rows.textOrNil(1), version: rows.textOrNil(2), lastSeen: rows.integer(3),
                    started: rows.integer(4), leases: Int(clamping: rows.integer(5))))
        }
        let jobs = try connection.prepare(
            """
            SELECT name, CASE WHEN lease_until > clock_timestamp() THEN \(HarvesterName.id(in: "owner")) END,
                \(age("done")) FROM list_shard ORDER BY name
            """)
        while try jobs.step() {
            status.jobs.append(
                FleetStatus.Job(name: jobs.text(0), harvester: jobs.textOrNil(1), done: jobs.integerOrNil(2)))
        }
        let rates = try connection.prepare(
            """
            SELECT endpoint, CAST(round(per_second * 60) AS bigint),
                greatest(0, coalesce(-\(age("blocked_until")), 0)) FROM rate ORDER BY endpoint
            """)
        while try rates.step() {
            status.rates.append(
                FleetStatus.Rate(
                    endpoint: rates.text(0), perMinute: Int(clamping: rates.integer(1)), blocked: rates.integer(2)))
        }
    }

    private static func readWork(_ status: inout FleetStatus, _ connection: any SQLConnection) throws(CatalogError) {
        let rows = try connection.prepare(
            """
            SELECT count(*) FILTER (WHERE state = 'pending'), min(deadline) FILTER (WHERE state = 'pending'),
                count(*) FILTER (WHERE state = 'leased'),
                count(*) FILTER (WHERE state = 'leased' AND lease_until < clock_timestamp()),
                count(*) FILTER (WHERE expired >= 3) FROM work
            """)
        guard try rows.step() else { return }
        status.pending = Int(clamping: rows.integer(0))
        status.nearestDeadline = rows.integerOrNil(1)
        status.leased = Int(clamping: rows.integer(2))
        status.expired = Int(clamping: rows.integer(3))
        status.oftenLeft = Int(clamping: rows.integer(4))
        rows.reset()
    }

    private static func readStored(_ status: inout FleetStatus, _ connection: any SQLConnection) throws(CatalogError) {
        let garbage = try connection.prepare(
            """
            SELECT count(*), \(PortableSQL.sum("bytes")), count(*) FILTER (WHERE not_before < clock_timestamp())
            FROM garbage
            """)
        if try garbage.step() {
            status.garbage = Int(clamping: garbage.integer(0))
            status.garbageBytes = garbage.unsigned(1)
            status.garbageDue = Int(clamping: garbage.integer(2))
            garbage.reset()
        }
        let levels = try connection.prepare(
            """
            SELECT level, count(*), \(PortableSQL.sum("bytes")), \(age("min(added)")) FROM segment
            WHERE replaced IS NULL GROUP BY level ORDER BY level
            """)
        while try levels.step() {
            status.levels.append(
                FleetStatus.Level(
                    level: Int(clamping: levels.integer(0)), segments: Int(clamping: levels.integer(1)),
                    bytes: levels.unsigned(2), oldest: levels.integer(3)))
        }
    }
}
