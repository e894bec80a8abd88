/// Whether what is asked for can be fetched before its containers are gone: a pure sum over limits and ledger.
public struct DeadlineForecast: Sendable, Equatable {
    /// What the sum is made of.
    public struct Facts: Sendable, Equatable {
        /// Between two looks at the API, in milliseconds.
        public var interval: Int64
        /// How long a container outlives its process, in milliseconds.
        public var retention: Int64
        /// Artifacts still to be fetched.
        public var backlog: Int
        /// Until the nearest deadline of them, in milliseconds.
        public var timeLeft: Int64?
        /// Sessions that exit in a busy hour.
        public var exitsPerHour: Int
        /// Artifacts of one session, its log not counted.
        public var artifactsPerSession: Int
        /// Requests for artifacts that may be made in a minute.
        public var artifactsPerMinute: Int
        /// Requests for logs that may be made in a minute.
        public var logsPerMinute: Int

        /// Collects the facts.
        public init(
            interval: Int64, retention: Int64, backlog: Int, timeLeft: Int64?, exitsPerHour: Int,
            artifactsPerSession: Int, artifactsPerMinute: Int, logsPerMinute: Int
        ) {
            self.interval = interval
            self.retention = retention
            self.backlog = backlog
            self.timeLeft = timeLeft
            self.exitsPerHour = exitsPerHour
            self.artifactsPerSession = artifactsPerSession
            self.artifactsPerMinute = artifactsPerMinute
            self.logsPerMinute = logsPerMinute
        }
    }

    /// What stands in the way, each in one sentence with its figures; empty when every deadline can be met.
    public let obstacles: [String]
    /// How long the backlog takes at the rate allowed, in milliseconds.
    public let backlogTakes: Int64

    /// Does the sum.
    public init(_ facts: Facts) {
        var obstacles: [String] = []
        let rate = max(1, facts.artifactsPerMinute)
        backlogTakes = Int64(facts.backlog) * 60_000 / Int64(rate)
        // A session that exits right after a look is seen one interval later; half of the retention is left for the rest.
        if facts.interval > facts.retention / 2 {
            obstacles.append(
                "a look every \(Self.minutes(facts.interval)) leaves too little of the "
                    + "\(Self.minutes(facts.retention)) that a container is kept")
        }
        if let left = facts.timeLeft, left > 0, backlogTakes > left {
            obstacles.append(
                "\(facts.backlog) artifacts take \(Self.minutes(backlogTakes)) at \(rate) requests a minute, "
                    + "but the nearest deadline is \(Self.minutes(left)) away")
        }
        let wanted = facts.exitsPerHour * facts.artifactsPerSession
        if wanted > rate * 60 {
            obstacles.append(
                "a busy hour brings \(wanted) artifacts (\(facts.exitsPerHour) exits), but \(rate) requests a minute "
                    + "fetch \(rate * 60) an hour")
        }
        if facts.exitsPerHour > max(1, facts.logsPerMinute) * 60 {
            obstacles.append(
                "a busy hour brings \(facts.exitsPerHour) logs, but \(facts.logsPerMinute) requests a minute "
                    + "fetch \(facts.logsPerMinute * 60) an hour")
        }
        self.obstacles = obstacles
    }

    private static func minutes(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        if seconds < 120 { return "\(seconds) s" }
        return seconds < 7200 ? "\(seconds / 60) min" : "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}
