internal import Clocks

/// What a shared catalog's server says about itself and the connection, for `doctor`.
public struct DatabaseFacts: Sendable, Equatable {
    /// The server's version, such as `15.8`.
    public var version = ""
    /// The same as a number: 150008.
    public var versionNumber = 0
    /// The role of the connection.
    public var role = ""
    /// The version of TLS; nil if the connection is not encrypted.
    public var tls: String?
    /// Whether the connection is a local socket, which needs no encryption.
    public var isLocal = false
    /// Whether the server is a standby that follows another one.
    public var isStandby = false
    /// Tables of the catalog.
    public var tables = 0
    /// Those that the role may read.
    public var readable = 0
    /// Those whose rows the role may add, change and delete.
    public var writable = 0
    /// Connections to the server now.
    public var connections = 0
    /// The most connections that roles such as this one may have together.
    public var mostConnections = 0
    /// The setting `synchronous_commit`.
    public var synchronousCommit = ""
    /// The setting `synchronous_standby_names`: empty if no commit waits for a standby.
    public var synchronousStandbys = ""
    /// The median time of a round trip, in microseconds.
    public var roundTrip: Int64 = 0
    /// How far the server's clock is ahead of this machine's, in milliseconds, as measured by the fastest round trip.
    public var clockAhead: Int64 = 0
}

extension Catalog {
    /// Asks a shared catalog's server about itself. Only for catalogs in PostgreSQL.
    ///
    /// - Throws: ``CatalogError`` if it cannot be asked.
    public func databaseFacts() throws(CatalogError) -> DatabaseFacts {
        try read { (connection) throws(CatalogError) in
            var facts = DatabaseFacts()
            try Self.readServer(&facts, connection)
            try Self.readRights(&facts, connection)
            try Self.measure(&facts, connection)
            return facts
        }
    }

    private static func readServer(_ facts: inout DatabaseFacts, _ connection: any SQLConnection) throws(CatalogError) {
        let row = try connection.prepare(
            """
            SELECT current_setting('server_version'), CAST(current_setting('server_version_num') AS bigint),
                CAST(current_user AS text),
                (SELECT s.version FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid() AND s.ssl),
                CASE WHEN inet_server_addr() IS NULL THEN 1 ELSE 0 END,
                CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END,
                (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL),
                CAST(current_setting('max_connections') AS bigint)
                    - CAST(current_setting('superuser_reserved_connections') AS bigint),
                current_setting('synchronous_commit'), current_setting('synchronous_standby_names')
            """)
        guard try row.step() else { return }
        facts.version = row.text(0)
        facts.versionNumber = Int(clamping: row.integer(1))
        facts.role = row.text(2)
        facts.tls = row.textOrNil(3)
        facts.isLocal = row.integer(4) != 0
        facts.isStandby = row.integer(5) != 0
        facts.connections = Int(clamping: row.integer(6))
        facts.mostConnections = Int(clamping: row.integer(7))
        facts.synchronousCommit = row.text(8)
        facts.synchronousStandbys = row.text(9)
        row.reset()
    }

    private static func readRights(_ facts: inout DatabaseFacts, _ connection: any SQLConnection) throws(CatalogError) {
        let row = try connection.prepare(
            """
            SELECT count(*), count(*) FILTER (WHERE has_table_privilege(c.oid, 'SELECT')),
                count(*) FILTER (WHERE has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')
                    AND has_table_privilege(c.oid, 'DELETE'))
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
            """)
        guard try row.step() else { return }
        facts.tables = Int(clamping: row.integer(0))
        facts.readable = Int(clamping: row.integer(1))
        facts.writable = Int(clamping: row.integer(2))
        row.reset()
    }

    /// Asks for the time five times. The difference of the clocks is known to half of a round trip, so the fastest tells it.
    private static func measure(_ facts: inout DatabaseFacts, _ connection: any SQLConnection) throws(CatalogError) {
        let clock = try connection.prepare(
            "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)")
        var trips: [(nanoseconds: Int64, ahead: Int64)] = []
        for _ in 0..<5 {
            let (began, before) = (MonotonicClock.nanoseconds(), WallClock.now())
            guard try clock.step() else { return }
            let took = MonotonicClock.nanoseconds() - began
            trips.append((took, clock.integer(0) - (before + took / 2_000_000)))
            clock.reset()
        }
        trips.sort { $0.nanoseconds < $1.nanoseconds }
        facts.roundTrip = trips[trips.count / 2].nanoseconds / 1000
        facts.clockAhead = trips[0].ahead
    }
}
