/// Following draws on the same request rate as fetching: both ask the endpoint of logs.
extension Fetcher {
    /// Admits one more connection that follows a log.
    ///
    /// A log that waits to be fetched goes first: its session has a deadline.
    ///
    /// - Returns: `now` when the connection may be begun; else when to ask again, in milliseconds since 1970.
    public mutating func admitFollower(now: Int64) -> Int64 {
        let free = buckets[.logs]?.available(now: now) ?? now
        guard free <= now else { return free }
        if flights.count < settings.concurrency, top(.logs) != nil { return now &+ Self.followerPatience }
        _ = buckets[.logs]?.take(now: now)
        return now
    }

    /// The server asked one that follows a log for a rest, which holds for the endpoint.
    public mutating func followerRefused(until moment: Int64) { buckets[.logs]?.block(until: moment) }

    /// How long a follower stands back behind a log that is to be fetched, in milliseconds.
    private static let followerPatience: Int64 = 100
}
