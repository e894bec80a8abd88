import SalvageConfiguration

extension Fetcher {
    /// Applies the limits of another configuration. Requests in flight continue; an endpoint that the server throttled
    /// stays throttled.
    ///
    /// - Parameter budget: upper bounds from the limit on open files.
    mutating func reconfigure(_ configuration: Configuration, within budget: DescriptorBudget, now: Int64) {
        let wanted = Settings(configuration)
        settings.concurrency = min(wanted.concurrency, budget.downloads)
        settings.describes = min(wanted.describes, budget.describes)
        settings.perMinute = wanted.perMinute
        for (endpoint, rate) in wanted.perMinute { buckets[endpoint]?.change(perMinute: rate, now: now) }
    }
}
