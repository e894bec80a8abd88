/// When a request is sent again: a pure state machine with the time as an argument, in milliseconds.
///
/// Waits have full jitter: any time from nothing to an exponential bound ("Exponential Backoff And Jitter",
/// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
package struct RetrySchedule: Sendable {
    /// What follows a failed try.
    package enum Step: Sendable, Equatable {
        /// Send again after this wait.
        case wait(Int64)
        /// Give up.
        case giveUp
    }

    /// How often the request was sent.
    package private(set) var tries = 0
    private let options: S3Options
    private let begun: Int64

    /// Starts the schedule of one request.
    package init(_ options: S3Options, now: Int64) {
        self.options = options
        begun = now
    }

    /// Counts a try that begins.
    package mutating func begin() { tries += 1 }

    /// The step after a try that failed and may be repeated.
    /// - Parameter asked: the wait that the server asked for.
    package func step(
        asked: Int64?, now: Int64, by generator: inout some RandomNumberGenerator
    ) -> Step {
        guard tries < options.tries else { return .giveUp }
        let left = options.patience - (now - begun)
        let doublings = min(max(0, tries - 1), 20)
        let bound = max(1, min(options.longestWait, options.firstWait << Int64(doublings)))
        let wait = max(Int64.random(in: 0...bound, using: &generator), min(asked ?? 0, 60_000))
        return wait < left ? .wait(wait) : .giveUp
    }
}
