/// Following and fetching share the request rate of the logs endpoint.
extension Fetcher {
    /// Admits one more connection that follows a log.
    ///
    /// A log that waits to be fetched takes precedence: its session has a deadline.
    ///
    /// - Returns: `now` when the connection may start; otherwise when to ask again, in milliseconds since 1970.
    public mutating func admitFollower(now: Int64) -> Int64 {
        let free = buckets[.logs]?.available(now: now) ?? now
        guard free <= now else { return free }
        if flights.count < settings.concurrency, top(.logs) != nil { return now &+ Self.followerPatience }
        _ = buckets[.logs]?.take(now: now)
        return now
    }

    /// Blocks the logs endpoint until `moment`, in milliseconds since 1970, after the server throttled a follower.
    public mutating func followerRefused(until moment: Int64) { buckets[.logs]?.block(until: moment) }

    /// How long a follower waits behind a log to be fetched, in milliseconds.
    private static let followerPatience: Int64 = 100
}
