/// A token bucket: `perMinute` requests on average, short bursts up to a tenth of that.
public struct TokenBucket: Sendable {
    private var perMinute: Int64
    private var capacity: Int64
    /// Tokens in 60,000ths, so that one millisecond adds exactly `perMinute`.
    private var level: Int64
    private var updated: Int64?
    /// No token is handed out before this, in milliseconds since 1970: the server asked for a rest.
    public private(set) var blockedUntil = Int64.min

    private static let token: Int64 = 60_000

    /// A full bucket.
    public init(perMinute: Int) {
        self.perMinute = Int64(max(1, min(perMinute, 10_000_000)))
        capacity = max(1, self.perMinute / 10) * Self.token
        level = capacity
    }

    /// Goes on at another rate; what is left of a burst, and a rest that the server asked for, stay.
    mutating func change(perMinute rate: Int, now: Int64) {
        refill(now)
        perMinute = Int64(max(1, min(rate, 10_000_000)))
        capacity = max(1, perMinute / 10) * Self.token
        level = min(level, capacity)
    }

    /// Takes a token if there is one.
    public mutating func take(now: Int64) -> Bool {
        refill(now)
        guard now >= blockedUntil, level >= Self.token else { return false }
        level -= Self.token
        return true
    }

    /// When the next token can be taken; `now` if at once.
    public mutating func available(now: Int64) -> Int64 {
        refill(now)
        let missing = max(0, Self.token - level)
        return max(blockedUntil, now &+ (missing + perMinute - 1) / perMinute)
    }

    /// Hands out nothing before a moment, and no burst after it.
    public mutating func block(until moment: Int64) {
        blockedUntil = max(blockedUntil, moment)
        level = min(level, Self.token)
    }

    private mutating func refill(_ now: Int64) {
        if let updated, now > updated {
            // A gap of a minute fills any bucket; the bound keeps a clock that jumped from overflowing.
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

    /// One second, doubling up to one minute, or other bounds.
    public init(base: Int64 = 1000, cap: Int64 = 60_000) {
        self.base = base
        self.cap = cap
    }

    /// The delay before the next try, in milliseconds, at least 50.
    public func delay(failures: Int, random: inout SeededRandom) -> Int64 {
        let bound = min(cap, base << Int64(max(0, min(failures - 1, 16))))
        return max(50, Int64.random(in: 0...max(1, bound), using: &random))
    }
}

/// SplitMix64: a small random source that repeats itself for a seed, for jitter and for tests, not for secrets.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// Starts a sequence.
    public init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
