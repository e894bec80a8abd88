import Text

/// Estimates from limits and ledger whether everything can be fetched before its containers are gone. Pure.
public struct DeadlineForecast: Sendable, Equatable {
    /// The inputs of the estimate.
    public struct Facts: Sendable, Equatable {
        /// The interval between polls of the API, in milliseconds.
        public var interval: Int64
        /// How long a container outlives its process, in milliseconds.
        public var retention: Int64
        /// Artifacts still to be fetched.
        public var backlog: Int
        /// The time until their nearest deadline, in milliseconds; nil without a backlog.
        public var timeLeft: Int64?
        /// Sessions that exit in a busy hour.
        public var exitsPerHour: Int
        /// Artifacts per session, without the log.
        public var artifactsPerSession: Int
        /// Artifact requests allowed per minute.
        public var artifactsPerMinute: Int
        /// Log requests allowed per minute.
        public var logsPerMinute: Int

        /// Makes the inputs.
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

    /// The reasons why deadlines will be missed, one sentence each, with figures; empty when every deadline can be met.
    public let obstacles: [String]
    /// How long the backlog takes at the allowed rate, in milliseconds.
    public let backlogTakes: Int64

    /// Makes the estimate.
    public init(_ facts: Facts) {
        var obstacles: [String] = []
        let rate = max(1, facts.artifactsPerMinute)
        backlogTakes = Int64(facts.backlog) * 60_000 / Int64(rate)
        // A session that exits right after a poll is seen one interval later. Half the retention is left for fetching.
        if facts.interval > facts.retention / 2 {
            obstacles.append(
                "polling every \(Self.minutes(facts.interval)) is too slow for "
                    + "\(Self.minutes(facts.retention)) of retention")
        }
        if let left = facts.timeLeft, left > 0, backlogTakes > left {
            obstacles.append(
                "\(counted(facts.backlog, "artifact takes", "artifacts take")) \(Self.minutes(backlogTakes)) "
                    + "at \(counted(rate, "request")) a minute, but the nearest deadline is \(Self.minutes(left)) away")
        }
        let wanted = facts.exitsPerHour * facts.artifactsPerSession
        if wanted > rate * 60 {
            let fetched = Self.fetched(rate)
            obstacles.append(
                "a busy hour produces \(wanted) artifacts (\(counted(facts.exitsPerHour, "exit"))), "
                    + "but \(fetched) only \(rate * 60) an hour")
        }
        if facts.exitsPerHour > max(1, facts.logsPerMinute) * 60 {
            obstacles.append(
                "a busy hour produces \(facts.exitsPerHour) logs, "
                    + "but \(Self.fetched(facts.logsPerMinute)) only \(facts.logsPerMinute * 60) an hour")
        }
        self.obstacles = obstacles
    }

    private static func fetched(_ rate: Int) -> String {
        counted(rate, "request a minute fetches", "requests a minute fetch")
    }

    private static func minutes(_ milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        if seconds < 120 { return "\(seconds) s" }
        return seconds < 7200 ? "\(seconds / 60) min" : "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}
