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
    /// What was borrowed from a rate that several harvesters share; nil for a bucket of one's own.
    private var shared: Shared?

    /// Tokens borrowed from a shared rate.
    private struct Shared {
        var tokens = 0
        /// When what is left of them is void, in milliseconds since 1970: tokens saved up would make a burst.
        var expires = Int64.min
        /// Whether tokens were wanted when few were left.
        var isShort = false
        /// Until when this harvester keeps to its part of the rate by itself, because nothing can be borrowed.
        var aloneUntil = Int64.min
        /// A block by the server that the others do not know of yet.
        var newBlock: Int64?
    }

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
        if borrows(now) { return now >= blockedUntil && takeBorrowed(now) }
        guard now >= blockedUntil, level >= Self.token else { return false }
        level -= Self.token
        return true
    }

    /// Returns when the next token is available, in milliseconds since 1970; `now` if at once.
    public mutating func available(now: Int64) -> Int64 {
        refill(now)
        if borrows(now) {
            let left = left(now)
            if left <= Self.few { shared?.isShort = true }
            return max(blockedUntil, left > 0 ? now : now &+ Self.askAgain)
        }
        let missing = max(0, Self.token - level)
        return max(blockedUntil, now &+ (missing * sharers + perMinute - 1) / perMinute)
    }

    /// Blocks the bucket until a moment, in milliseconds since 1970, and allows no burst after it.
    public mutating func block(until moment: Int64) {
        if moment > blockedUntil { shared?.newBlock = moment }
        blockedUntil = max(blockedUntil, moment)
        level = min(level, Self.token)
    }

    // MARK: A shared rate

    /// How many harvesters share the rate.
    private var sharers: Int64 = 1
    /// With so many tokens left, more are asked for.
    private static let few = 5
    /// How long borrowed tokens are good, in milliseconds.
    private static let goodFor: Int64 = 10_000
    /// When to look again for tokens that were asked for, in milliseconds.
    private static let askAgain: Int64 = 20

    /// Makes the bucket spend borrowed tokens.
    ///
    /// - Parameter harvesters: how many share the rate. While none can be borrowed, each keeps to this part of it.
    mutating func share(among harvesters: Int) {
        if shared == nil { shared = Shared() }
        sharers = Int64(max(1, harvesters))
    }

    /// Whether tokens are to be borrowed.
    var isShort: Bool { shared?.isShort ?? false }

    /// Adds borrowed tokens; the server blocks everybody for so many milliseconds more.
    mutating func lend(_ tokens: Int, blockedFor milliseconds: Int64, now: Int64) {
        guard shared != nil else { return }
        let left = left(now)
        shared?.tokens = left + max(0, tokens)
        shared?.expires = now &+ Self.goodFor
        shared?.isShort = false
        shared?.aloneUntil = .min
        if milliseconds > 0 { blockedUntil = max(blockedUntil, now &+ milliseconds) }
    }

    /// Notes that nothing can be borrowed now: for some seconds the bucket fills by itself.
    mutating func lenderFailed(now: Int64) {
        // Asked for again meanwhile.
        shared?.aloneUntil = now &+ 5000
    }

    /// A block by the server since the last call, in milliseconds since 1970.
    mutating func takeBlock() -> Int64? {
        defer { shared?.newBlock = nil }
        return shared?.newBlock
    }

    private func borrows(_ now: Int64) -> Bool { shared.map { now >= $0.aloneUntil } ?? false }

    private func left(_ now: Int64) -> Int {
        guard let shared, now < shared.expires else { return 0 }
        return shared.tokens
    }

    private mutating func takeBorrowed(_ now: Int64) -> Bool {
        let left = left(now)
        if left <= Self.few { shared?.isShort = true }
        guard left > 0 else { return false }
        shared?.tokens = left - 1
        return true
    }

    private mutating func refill(_ now: Int64) {
        if let updated, now > updated {
            // A minute fills any bucket; the bound prevents an overflow after a clock jump.
            level = min(capacity, level + min(now &- updated, 60_000) * perMinute / sharers)
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
