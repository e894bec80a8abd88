/// Requests that a harvester may make, borrowed from the rate that all harvesters share.
public struct RateLoan: Sendable, Equatable {
    /// The number of requests.
    public var tokens: Int
    /// How long no harvester may make requests, in milliseconds, because the server throttles; 0 if it does not.
    public var blocked: Int64
    /// When the next token is there, in milliseconds from now; 0 when there were some.
    public var wait: Int64

    /// Creates a loan.
    public init(tokens: Int, blocked: Int64 = 0, wait: Int64 = 0) {
        self.tokens = tokens
        self.blocked = blocked
        self.wait = wait
    }
}

extension Catalog {
    /// Sets the rate of an endpoint for all harvesters, which have the same configuration. Tokens and a block stay.
    ///
    /// - Parameters:
    ///   - endpoint: its name.
    ///   - perMinute: requests a minute; at least 1. Bursts are up to a tenth of that, as for one harvester.
    public func setRate(_ endpoint: String, perMinute: Int) throws(CatalogError) {
        let rate = Int64(max(1, min(perMinute, 10_000_000)))
        try write { (connection) throws(CatalogError) in
            try connection.prepare(
                """
                INSERT INTO rate AS r(endpoint, per_second, cap, level, updated)
                VALUES(?1, CAST(?2 AS double precision) / 60, CAST(?3 AS double precision),
                    CAST(?3 AS double precision), clock_timestamp())
                ON CONFLICT(endpoint) DO UPDATE SET per_second = excluded.per_second, cap = excluded.cap,
                    level = least(r.level, excluded.cap)
                WHERE r.per_second <> excluded.per_second
                """
            ).bind(1, endpoint).bind(2, rate).bind(3, max(1, rate / 10)).run()
        }
    }

    /// Borrows requests to an endpoint, in one statement.
    ///
    /// - Parameter most: the most to borrow.
    /// - Returns: nil when the endpoint has no rate yet; see ``setRate(_:perMinute:)``.
    public func borrow(_ most: Int, from endpoint: String) throws(CatalogError) -> RateLoan? {
        try write { (connection) throws(CatalogError) in
            let borrow = try connection.prepare(
                """
                WITH seen AS (
                    SELECT endpoint, clock_timestamp() AS time, per_second, blocked_until, least(cap, level + per_second
                        * greatest(0, CAST(extract(epoch FROM clock_timestamp() - updated) AS double precision))) AS level
                    FROM rate WHERE endpoint = ?1 FOR UPDATE),
                given AS (
                    SELECT *, CASE WHEN blocked_until > time THEN 0
                        ELSE least(CAST(?2 AS double precision), floor(level)) END AS tokens FROM seen)
                UPDATE rate r SET level = given.level - given.tokens, updated = given.time
                FROM given WHERE r.endpoint = given.endpoint
                RETURNING CAST(given.tokens AS bigint),
                    CAST(greatest(0, coalesce(ceil(extract(epoch FROM given.blocked_until - given.time) * 1000), 0))
                        AS bigint),
                    CAST(CASE WHEN given.tokens > 0 THEN 0
                        ELSE ceil(greatest(0, 1 - given.level) / given.per_second * 1000) END AS bigint)
                """)
            borrow.bind(1, endpoint).bind(2, max(1, most))
            guard try borrow.step() else { return nil }
            return RateLoan(
                tokens: Int(clamping: borrow.integer(0)), blocked: borrow.integer(1), wait: borrow.integer(2))
        }
    }

    /// Keeps every harvester from making requests to an endpoint, because the server answered 429 or 503, and allows no
    /// burst afterwards.
    ///
    /// - Parameter milliseconds: from now; a block that ends later stays.
    public func block(_ endpoint: String, for milliseconds: Int64) throws(CatalogError) {
        try write { (connection) throws(CatalogError) in
            try connection.prepare(
                """
                UPDATE rate SET level = least(level, 1), updated = clock_timestamp(), blocked_until = greatest(
                    coalesce(blocked_until, clock_timestamp()), clock_timestamp() + \(FleetSQL.milliseconds("?2")))
                WHERE endpoint = ?1
                """
            ).bind(1, endpoint).bind(2, max(0, milliseconds)).run()
        }
    }
}
