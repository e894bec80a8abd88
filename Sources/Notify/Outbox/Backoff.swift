/// How long to wait before the next try: exponential with jitter.
public struct Backoff: Sendable {
    /// The wait after the first failure, in milliseconds.
    public var first: Int64 = 1000
    /// The longest wait, in milliseconds.
    public var longest: Int64 = 900_000

    /// The default waits.
    public init() {}

    /// The wait after a number of failures: between half and all of the exponential wait, or what the channel asked for
    /// if that is longer.
    public func wait(
        failures: Int, asked: Int64?, by generator: inout some RandomNumberGenerator
    ) -> Int64 {
        let doublings = min(max(0, failures - 1), 30)
        let (product, overflow) = first.multipliedReportingOverflow(by: 1 << Int64(doublings))
        let full = overflow ? longest : min(longest, max(1, product))
        let wait = full / 2 + Int64.random(in: 0...(full - full / 2), using: &generator)
        return max(wait, min(asked ?? 0, 86_400_000))
    }
}
