public import SessionModel

/// Whether and when a failed operation is retried.
public enum RetryDecision: Sendable, Equatable {
    /// Retry after this time.
    case retry(after: Duration)
    /// Do not retry: the failure is final.
    case giveUp
}

/// How often and how long failed operations are retried.
///
/// The wait doubles with each attempt and is shortened at random by up to half, so that clients that failed together do
/// not retry together. `Retry-After` is respected. The decision is a pure function without a clock: see
/// ``decision(after:attempt:elapsed:random:)``.
public struct RetryPolicy: Sendable, Equatable {
    /// Most attempts, including the first; 1 disables retries.
    public var attempts: Int
    /// Longest time from the start of the first attempt to the end of the last. No wait goes beyond it.
    public var total: Duration
    /// The wait before the second attempt.
    public var firstWait: Duration
    /// The longest wait between two attempts, unless the server asks for a longer one.
    public var longestWait: Duration

    /// Creates a policy.
    public init(
        attempts: Int = 5, total: Duration = .seconds(120), firstWait: Duration = .milliseconds(250),
        longestWait: Duration = .seconds(20)
    ) {
        self.attempts = attempts
        self.total = total
        self.firstWait = firstWait
        self.longestWait = longestWait
    }

    /// Decides what to do after a failure.
    ///
    /// Only errors with `APIError.isRetryable` are retried: session-run never when a session may have been started.
    /// - Parameters:
    ///   - error: how the attempt failed.
    ///   - attempt: its number, from 1.
    ///   - elapsed: time since the first attempt began.
    ///   - random: a number from 0 to 1 that shortens the wait.
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
        // Stops at the longest wait, so that many attempts neither overflow nor loop for long. Zero stays zero.
        while doublings > 0, wait > .zero, wait < longestWait {
            wait *= 2
            doublings -= 1
        }
        let shortened = min(wait, longestWait) * (1 - min(max(random, 0), 1) / 2)
        guard let asked, asked >= 0, asked < 1e9 else { return shortened }
        // Slightly later than asked, at a different moment for each client.
        return max(shortened, .seconds(asked) + min(firstWait, .seconds(1)) * min(max(random, 0), 1))
    }
}
