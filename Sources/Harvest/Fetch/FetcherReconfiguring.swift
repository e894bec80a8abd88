extension Fetcher {
    /// Goes on with the bounds of another configuration. What is under way stays so; a pace that the server slowed down
    /// stays slowed.
    ///
    /// - Parameter budget: what the open files that the system allows leave of the configured bounds.
    mutating func reconfigure(_ configuration: Configuration, within budget: DescriptorBudget, now: Int64) {
        let wanted = Settings(configuration)
        settings.concurrency = min(wanted.concurrency, budget.downloads)
        settings.describes = min(wanted.describes, budget.describes)
        settings.perMinute = wanted.perMinute
        for (endpoint, rate) in wanted.perMinute { buckets[endpoint]?.change(perMinute: rate, now: now) }
    }
}
