/// Recent numbers of exits, collected artifacts and losses, which show whether deadlines can be met.
public struct LedgerFlow: Sendable, Equatable {
    /// Sessions first seen exited within the last hour.
    public var exitsLastHour = 0
    /// Sessions first seen exited in the busiest hour of the last 24.
    public var exitsBusiestHour = 0
    /// Artifacts settled within the last hour.
    public var artifactsLastHour = 0
    /// Bytes of artifacts settled within the last hour.
    public var bytesLastHour: UInt64 = 0
    /// Sessions lost within the last 24 hours.
    public var lostLastDay = 0
    /// Pending sessions whose deadline has passed.
    public var overdue = 0

    /// Creates a flow of zeros.
    public init() {}
}

extension Catalog {
    /// Returns the recent flow.
    ///
    /// - Parameter now: the time, in milliseconds since 1970.
    public func flow(now: Int64) throws(CatalogError) -> LedgerFlow {
        let hour: Int64 = 3_600_000
        return try read { (connection) throws(CatalogError) in
            var flow = LedgerFlow()
            let exits = try connection.prepare(
                """
                SELECT (?1 - first_seen_exited) / \(hour), count(*) FROM sessions
                WHERE at > ?1 - \(25 * hour) AND first_seen_exited > ?1 - \(24 * hour) AND first_seen_exited <= ?1
                GROUP BY 1
                """)
            exits.bind(1, now)
            let done = try connection.prepare(
                """
                SELECT count(*), \(PortableSQL.sum("a.bytes")) FROM artifacts a JOIN sessions s ON s.key = a.session
                WHERE s.at > ?1 - \(25 * hour) AND a.state NOT IN ('pending', 'skipped') AND a.last_try > ?1 - \(hour)
                """)
            done.bind(1, now)
            let lost = try connection.prepare("SELECT count(*) FROM sessions WHERE state = 'lost' AND at > ?")
            lost.bind(1, now - 24 * hour)
            let overdue = try connection.prepare(
                "SELECT count(*) FROM sessions WHERE state = 'pending' AND deadline < ?")
            overdue.bind(1, now)
            for statement in [exits, done, lost, overdue] { try statement.start() }
            while try exits.step() {
                let count = Int(clamping: exits.integer(1))
                if exits.integer(0) == 0 { flow.exitsLastHour = count }
                flow.exitsBusiestHour = max(flow.exitsBusiestHour, count)
            }
            if try done.step() {
                flow.artifactsLastHour = Int(clamping: done.integer(0))
                flow.bytesLastHour = done.unsigned(1)
            }
            if try lost.step() { flow.lostLastDay = Int(clamping: lost.integer(0)) }
            if try overdue.step() { flow.overdue = Int(clamping: overdue.integer(0)) }
            return flow
        }
    }
}
