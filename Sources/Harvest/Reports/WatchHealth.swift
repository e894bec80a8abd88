import Terminal

/// Whether a daemon does its work, and if not, why.
public struct WatchHealth: Sendable, Equatable {
    /// What is wrong; nil when all is well.
    public let trouble: String?

    /// Judges the counts; a pure function.
    ///
    /// - Parameters:
    ///   - counts: the daemon's counts.
    ///   - pollInterval: the time between two lists, in milliseconds.
    ///   - listLimit: how long a list may take, in milliseconds.
    ///   - now: milliseconds since 1970.
    public init(_ counts: WatchMetrics.Counts, pollInterval: Int64, listLimit: Int64 = 120_000, now: Int64) {
        // Lists of large fleets take long, and a failed one is retried: only three missing lists are trouble.
        let patience = max(60_000, pollInterval * 3)
        let lastList = counts.progress.listed ?? counts.started
        if let pause = counts.pause {
            trouble = "paused: \(pause)"
        } else if now - counts.alive > 30_000 {
            trouble = "the loop has not moved for \(TimeText.span(now - counts.alive))"
        } else if Self.isStuck(counts.progress, since: counts.started, listLimit: listLimit + pollInterval, now: now) {
            let since = counts.progress.polled ?? counts.started
            trouble = "no list has ended, complete or not, for \(TimeText.span(now - since))"
        } else if now - lastList > patience {
            trouble = "no complete list of sessions for \(TimeText.span(now - lastList))"
        } else if let deadline = counts.progress.nearestDeadline, deadline < now {
            trouble = "a session is \(TimeText.span(now - deadline)) past its deadline"
        } else {
            trouble = nil
        }
    }
}

extension WatchHealth {
    /// Whether listing is stuck: a list, complete or not, ends within its limit, and the next one starts within the
    /// longest sensible interval.
    ///
    /// - Parameters:
    ///   - progress: says when a list last ended.
    ///   - started: when the daemon started, in milliseconds since 1970.
    ///   - listLimit: how long a list and the wait for the next one may take, in milliseconds.
    ///   - now: milliseconds since 1970.
    public static func isStuck(
        _ progress: HarvestProgress, since started: Int64, listLimit: Int64, now: Int64
    ) -> Bool {
        now - (progress.polled ?? started) > listLimit + patience
    }

    /// The time allowed between the ends of two lists besides the list and the poll interval, in milliseconds: the
    /// waits for the response to begin, for the next turn of the loop, and for the catalog.
    private static let patience: Int64 = 300_000
}
