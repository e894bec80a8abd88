/// Whether and when an operation that failed is tried again.
public enum RetryDecision: Sendable, Equatable {
    /// After this time.
    case retry(after: Duration)
    /// Not at all: the failure stands.
    case giveUp
}

/// How often and how long failed operations are repeated.
///
/// The wait before the next attempt doubles each time and is shortened at random by up to half, so that many clients
/// that failed together do not come back together. A server that says how long to wait is given that time. It is a pure
/// function of what has happened, without a clock: see ``decision(after:attempt:elapsed:random:)``.
public struct RetryPolicy: Sendable, Equatable {
    /// Most attempts, the first included; 1 repeats nothing.
    public var attempts: Int
    /// Longest time from the beginning of the first attempt to the end of the last. Nothing is waited for beyond it.
    public var total: Duration
    /// The wait before the second attempt.
    public var firstWait: Duration
    /// The longest wait between two attempts, where the server does not ask for a longer one.
    public var longestWait: Duration

    /// A policy from its parts.
    public init(
        attempts: Int = 5, total: Duration = .seconds(120), firstWait: Duration = .milliseconds(250),
        longestWait: Duration = .seconds(20)
    ) {
        self.attempts = attempts
        self.total = total
        self.firstWait = firstWait
        self.longestWait = longestWait
    }

    /// What follows a failure.
    ///
    /// Only what ``APIError/isRetryable`` allows is tried again: session-run not where a session may have been started.
    /// - Parameters:
    ///   - error: how the attempt failed.
    ///   - attempt: its number, from 1.
    ///   - elapsed: time since the first attempt began.
    ///   - random: a number from 0 up to 1, which shortens the wait.
    public func decision(
        after error: APIError, attempt: Int, elapsed: Duration, random: Double
    ) -> RetryDecision {
        guard error.isRetryable, attempt < attempts else { return .giveUp }
        let wait = wait(afterAttempt: attempt, asked: error.retryAfter, random: random)
        return elapsed + wait < total ? .retry(after: wait) : .giveUp
    }

    private func wait(afterAttempt attempt: Int, asked: Double?, random: Double) -> Duration {
        var wait = firstWait
        var doublings = attempt - 1
        // Ends at the bound, so that no number of attempts overflows or takes long; a wait of nothing stays nothing.
        while doublings > 0, wait > .zero, wait < longestWait {
            wait *= 2
            doublings -= 1
        }
        let shortened = min(wait, longestWait) * (1 - min(max(random, 0), 1) / 2)
        guard let asked, asked >= 0, asked < 1e9 else { return shortened }
        // A little later than asked, each client at another moment.
        return max(shortened, .seconds(asked) + min(firstWait, .seconds(1)) * min(max(random, 0), 1))
    }
}
