import Catalog
import Testing

@testable import Harvest

/// A bucket behind a reference: `#expect` does not take calls that change a value.
private final class Bucket {
    private var value: TokenBucket

    init(perMinute: Int) { value = TokenBucket(perMinute: perMinute) }

    var isShort: Bool { value.isShort }

    func share(among harvesters: Int) { value.share(among: harvesters) }
    func take(now: Int64) -> Bool { value.take(now: now) }
    func available(now: Int64) -> Int64 { value.available(now: now) }
    func lend(_ tokens: Int, blockedFor milliseconds: Int64, now: Int64) {
        value.lend(tokens, blockedFor: milliseconds, now: now)
    }
    func block(until moment: Int64) { value.block(until: moment) }
    func takeBlock() -> Int64? { value.takeBlock() }
    func lenderFailed(now: Int64) { value.lenderFailed(now: now) }
}

@Suite struct SharedPacingTests {
    @Test func onlyBorrowedTokensAreSpent() {
        let bucket = Bucket(perMinute: 600)
        bucket.share(among: 3)
        #expect(!bucket.take(now: 1000))
        #expect(bucket.isShort)
        #expect(bucket.available(now: 1000) > 1000)
        bucket.lend(7, blockedFor: 0, now: 1000)
        #expect(!bucket.isShort)
        #expect(bucket.available(now: 1000) == 1000)
        for _ in 0..<7 { #expect(bucket.take(now: 1000)) }
        #expect(bucket.isShort, "asked for before the last one is gone")
        #expect(!bucket.take(now: 1000))
    }

    @Test func savedTokensMakeNoBurst() {
        let bucket = Bucket(perMinute: 600)
        bucket.share(among: 1)
        bucket.lend(20, blockedFor: 0, now: 0)
        #expect(!bucket.take(now: 10_000))
        bucket.lend(2, blockedFor: 0, now: 10_000)
        #expect(bucket.take(now: 10_000))
        #expect(bucket.take(now: 10_000))
        #expect(!bucket.take(now: 10_000))
    }

    @Test func aBlockIsPassedOnOnceAndABlockOfOthersHolds() {
        let bucket = Bucket(perMinute: 600)
        bucket.share(among: 2)
        bucket.lend(20, blockedFor: 0, now: 0)
        bucket.block(until: 500)
        #expect(bucket.takeBlock() == 500)
        #expect(bucket.takeBlock() == nil)
        #expect(!bucket.take(now: 499))
        #expect(bucket.take(now: 500))
        bucket.lend(5, blockedFor: 1000, now: 500)
        #expect(bucket.takeBlock() == nil, "the others know it")
        #expect(bucket.available(now: 500) == 1500)
        #expect(!bucket.take(now: 1499))
        #expect(bucket.take(now: 1500))
    }

    @Test func withoutTheDatabaseEachKeepsToItsPart() {
        let bucket = Bucket(perMinute: 600)
        bucket.share(among: 3)
        var now: Int64 = 0
        var taken = 0
        while now < 60_000 {
            if now % 1000 == 0 { bucket.lenderFailed(now: now) }
            if bucket.take(now: now) { taken += 1 }
            now += 50
        }
        // A third of a minute's requests, and the burst that was there.
        #expect(taken >= 200 && taken <= 262, "\(taken)")
        bucket.lend(3, blockedFor: 0, now: now)
        #expect(bucket.take(now: now))
    }

    @Test func aBucketOfOnesOwnIsAsBefore() {
        let bucket = Bucket(perMinute: 600)
        bucket.block(until: 10)
        #expect(bucket.takeBlock() == nil)
        #expect(!bucket.isShort)
        #expect(!bucket.take(now: 9))
        #expect(bucket.take(now: 10))
        #expect(!bucket.take(now: 10), "no burst after a block")
        #expect((100...110).contains(bucket.available(now: 10)))
    }
}
