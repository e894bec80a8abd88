import JSON

/// What is known of the service, apart from single crashes.
struct ExportService: Sendable, Equatable {
    /// Tries that failed since the last that succeeded.
    var failures = 0
    /// When the next try may begin (ms since 1970).
    var next: Int64 = 0
    /// When the last try failed (ms since 1970); nil after a success.
    var failed: Int64?
    /// Why nothing is sent; nil if something is.
    var paused: String?
    /// Until when each category is limited (ms since 1970).
    var limits: [RateLimit.Category: Int64] = [:]

    /// Until when a category is limited, `all` included; nil if it is not.
    func limit(_ category: RateLimit.Category, now: Int64) -> Int64? {
        let until = max(limits[category] ?? .min, limits[.all] ?? .min)
        return until > now ? until : nil
    }

    /// Moves times after `now`: the clock went back. No wait becomes longer than it was.
    mutating func followClock(_ now: Int64, before: Int64?) {
        for (category, until) in limits {
            let left = before.map { until &- $0 } ?? RateLimit.longest
            if until &- now > left { limits[category] = left > 0 ? now &+ left : nil }
        }
        guard let failed, failed > now else { return }
        next = now &+ max(0, next &- failed)
        self.failed = now
    }

    func write(to line: inout JSONLine) {
        line.add("failures", failures)
        line.add("next", next)
        line.add("failed", failed)
        line.add("paused", paused)
        line.add("limits") { object in
            for category in RateLimit.Category.allCases { object.add(category.rawValue, limits[category]) }
        }
    }

    init() {}

    init(reading value: JSONValue) {
        failures = Int(clamping: value["failures"]?.int64 ?? 0)
        next = value["next"]?.int64 ?? 0
        failed = value["failed"]?.int64
        paused = value["paused"]?.string
        for category in RateLimit.Category.allCases { limits[category] = value["limits"]?[category.rawValue]?.int64 }
    }
}

/// What happened so far.
struct ExportTotals: Sendable, Equatable {
    /// Crashes that were sent.
    var sent = 0
    /// Crashes that will never be sent.
    var skipped = 0
    /// Tries that failed.
    var failures = 0
    /// Why the last try failed; nil after a success.
    var lastError: String?
    /// When that was (ms since 1970).
    var lastErrorTime: Int64?
    /// When a crash was last sent (ms since 1970).
    var lastSent: Int64?
    /// When crashes of the last hour were sent (ms since 1970), oldest first.
    var recent: [Int64] = []

    init() {}

    init(reading value: JSONValue) {
        sent = Int(clamping: value["sent"]?.int64 ?? 0)
        skipped = Int(clamping: value["skipped"]?.int64 ?? 0)
        failures = Int(clamping: value["failures"]?.int64 ?? 0)
        lastError = value["last_error"]?.string
        lastErrorTime = value["last_error_time"]?.int64
        lastSent = value["last_sent"]?.int64
        recent = (value["recent"]?.array ?? []).compactMap(\.int64)
    }

    func write(to line: inout JSONLine) {
        line.add("sent", sent)
        line.add("skipped", skipped)
        line.add("failures", failures)
        line.add("last_error", lastError)
        line.add("last_error_time", lastErrorTime)
        line.add("last_sent", lastSent)
        line.add("recent", json: Array("[\(recent.map { "\($0)" }.joined(separator: ","))]".utf8))
    }
}
