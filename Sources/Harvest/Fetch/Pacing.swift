public import Bytes

/// A token bucket: `perMinute` requests on average, short bursts up to a tenth of that.
public struct TokenBucket: Sendable {
    private var perMinute: Int64
    private var capacity: Int64
    /// Tokens in 60,000ths, so that one millisecond adds exactly `perMinute`.
    private var level: Int64
    private var updated: Int64?
    /// The time before which no token is available, in milliseconds since 1970, because the server throttled us.
    public private(set) var blockedUntil = Int64.min

    private static let token: Int64 = 60_000

    /// Makes a full bucket. `perMinute` is clamped to 1 to 10,000,000.
    public init(perMinute: Int) {
        self.perMinute = Int64(max(1, min(perMinute, 10_000_000)))
        capacity = max(1, self.perMinute / 10) * Self.token
        level = capacity
    }

    /// Changes the rate. The tokens left, up to the new capacity, and a block by the server stay.
    mutating func change(perMinute rate: Int, now: Int64) {
        refill(now)
        perMinute = Int64(max(1, min(rate, 10_000_000)))
        capacity = max(1, perMinute / 10) * Self.token
        level = min(level, capacity)
    }

    /// Takes a token; returns false when none is available.
    public mutating func take(now: Int64) -> Bool {
        refill(now)
        guard now >= blockedUntil, level >= Self.token else { return false }
        level -= Self.token
        return true
    }

    /// Returns when the next token is available, in milliseconds since 1970; `now` if at once.
    public mutating func available(now: Int64) -> Int64 {
        refill(now)
        let missing = max(0, Self.token - level)
        return max(blockedUntil, now &+ (missing + perMinute - 1) / perMinute)
    }

    /// Blocks the bucket until a moment, in milliseconds since 1970, and allows no burst after it.
    public mutating func block(until moment: Int64) {
        blockedUntil = max(blockedUntil, moment)
        level = min(level, Self.token)
    }

    private mutating func refill(_ now: Int64) {
        if let updated, now > updated {
            // A minute fills any bucket; the bound prevents an overflow after a clock jump.
            level = min(capacity, level + min(now &- updated, 60_000) * perMinute)
        }
        if now > updated ?? Int64.min { updated = now }
    }
}

/// Exponential backoff with full jitter: a uniformly random delay up to a bound that doubles with each failure.
public struct Backoff: Sendable {
    /// The bound after the first failure, in milliseconds.
    public var base: Int64 = 1000
    /// The largest bound, in milliseconds.
    public var cap: Int64 = 60_000

    /// Makes a backoff; by default from one second, doubling up to one minute.
    public init(base: Int64 = 1000, cap: Int64 = 60_000) {
        self.base = base
        self.cap = cap
    }

    /// Returns the delay before the next try, in milliseconds, at least 50.
    public func delay(failures: Int, random: inout SplitMix64) -> Int64 {
        let bound = min(cap, base << Int64(max(0, min(failures - 1, 16))))
        return max(50, Int64.random(in: 0...max(1, bound), using: &random))
    }
}
