extension Fetcher {
    /// Goes on with the bounds of another configuration. What is under way stays so; a pace that the server slowed down
    /// stays slowed.
    mutating func reconfigure(_ configuration: Configuration, now: Int64) {
        let wanted = Settings(configuration)
        settings.concurrency = wanted.concurrency
        settings.perMinute = wanted.perMinute
        for (endpoint, rate) in wanted.perMinute { buckets[endpoint]?.change(perMinute: rate, now: now) }
    }
}
