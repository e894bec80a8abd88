import Testing
import Text

@testable import Harvest

/// A keeper behind a reference: `#expect` does not take calls that change a value.
private final class Keeper {
    private var value: LeaseKeeper

    init(_ settings: LeaseKeeper.Settings) { value = LeaseKeeper(settings: settings) }

    var settings: LeaseKeeper.Settings { value.settings }
    var count: Int { value.count }
    var isDry: Bool { value.isDry }

    func handle(_ event: LeaseKeeper.Event, now: Int64) -> [LeaseKeeper.Action] { value.handle(event, now: now) }
    func acquired(_ sessions: [(session: String, epoch: Int64)], sent: Int64, answered: Int64? = nil) {
        value.acquired(sessions, sent: sent, answered: answered ?? sent)
    }
    func epoch(of session: String) -> Int64? { value.epoch(of: session) }
}

@Suite struct LeaseKeeperTests {
    /// A keeper with a lease of 120 s, a margin of 20 s, and room for 12 sessions.
    private static func keeper() -> Keeper { Keeper(.init(lease: 120_000, concurrency: 8)) }

    private static func holding(_ sessions: [String], at now: Int64 = 0) -> Keeper {
        let keeper = keeper()
        _ = keeper.handle(.tick, now: now)
        _ = keeper.handle(.renewed([:], sent: now), now: now)
        _ = keeper.handle(.claimed(sessions.map { ($0, 7) }, asked: 8, sent: now), now: now)
        return keeper
    }

    private static func epochs(_ sessions: [String], _ epoch: Int64 = 7) -> ByteDictionary<Int64> {
        ByteDictionary(sessions.map { ($0, epoch) }, uniquingKeysWith: { $1 })
    }

    @Test func itClaimsInSmallBatchesUpToWhatItCanWorkOnSoon() {
        let keeper = Self.keeper()
        #expect(keeper.settings.capacity == 12)
        #expect(keeper.handle(.tick, now: 0) == [.renew, .claim(8)])
        #expect(keeper.handle(.tick, now: 10) == [], "one claim at a time")
        _ = keeper.handle(.claimed((0..<8).map { ("s\($0)", 1) }, asked: 8, sent: 0), now: 20)
        #expect(keeper.handle(.tick, now: 20) == [.claim(4)])
        _ = keeper.handle(.claimed((8..<12).map { ("s\($0)", 1) }, asked: 4, sent: 20), now: 30)
        #expect(keeper.handle(.tick, now: 40) == [])
        _ = keeper.handle(.settled("s3"), now: 50)
        #expect(keeper.handle(.tick, now: 50) == [.claim(1)])
        #expect(keeper.count == 11)
    }

    @Test func aClaimThatFoundLittleWaitsUnlessSomethingIsOffered() {
        let keeper = Self.holding(["a"])
        #expect(keeper.isDry)
        #expect(keeper.handle(.tick, now: 999) == [])
        #expect(keeper.handle(.tick, now: 1000) == [.claim(8)])
        _ = keeper.handle(.claimed([], asked: 8, sent: 1000), now: 1001)
        #expect(keeper.handle(.tick, now: 1002) == [])
        _ = keeper.handle(.offered, now: 1003)
        #expect(!keeper.isDry)
        #expect(keeper.handle(.tick, now: 1003) == [.claim(8)])
    }

    @Test func leasesAreRenewedFourTimesAsOftenAsTheyEnd() {
        let keeper = Self.holding(["a", "b"])
        _ = keeper.handle(.stop, now: 0)
        #expect(keeper.handle(.tick, now: 29_999) == [])
        #expect(keeper.handle(.tick, now: 30_000) == [.renew])
        #expect(keeper.handle(.tick, now: 30_100) == [], "one renewal at a time")
        #expect(keeper.handle(.renewed(Self.epochs(["a", "b"]), sent: 30_000), now: 31_000) == [])
        #expect(keeper.handle(.tick, now: 59_999) == [])
        #expect(keeper.handle(.tick, now: 60_000) == [.renew])
        // Counted from the last renewal that arrived, not from the one that is under way.
        #expect(keeper.handle(.tick, now: 129_999) == [])
        #expect(keeper.handle(.tick, now: 130_000) == [.giveUp("a"), .giveUp("b")])
        #expect(keeper.count == 0)
    }

    @Test func aDatabaseThatDoesNotAnswerEndsTheLeasesBeforeTheDatabaseEndsThem() {
        let keeper = Self.holding(["a"])
        _ = keeper.handle(.stop, now: 0)
        var now: Int64 = 30_000
        var tries = 0
        var lost: Int64?
        while lost == nil, now < 200_000 {
            for action in keeper.handle(.tick, now: now) {
                switch action {
                case .renew:
                    tries += 1
                    _ = keeper.handle(.renewFailed, now: now)
                case .giveUp(let session):
                    #expect(session == "a")
                    lost = now
                case .claim, .shrink, .release: Issue.record("\(action)")
                }
            }
            now += 100
        }
        #expect(lost == 100_000)
        #expect(tries > 20)
    }

    @Test func whatTheDatabaseDoesNotNameIsLostUnlessItWasClaimedSince() {
        let keeper = Self.holding(["a", "b", "c"])
        keeper.acquired([("d", 9)], sent: 30_500)
        var current = Self.epochs(["a"])
        current["c"] = 8
        #expect(keeper.handle(.renewed(current, sent: 30_000), now: 31_000) == [.giveUp("b"), .giveUp("c")])
        #expect(keeper.epoch(of: "a") == 7)
        #expect(keeper.epoch(of: "d") == 9)
        #expect(keeper.handle(.renewed(Self.epochs(["a"]), sent: 60_000), now: 61_000) == [.giveUp("d")])
    }

    @Test func aClaimThatARenewalMayHaveOvertakenIsNotLost() {
        let keeper = Self.holding(["a"])
        keeper.acquired([("b", 9)], sent: 29_990, answered: 30_020)
        #expect(keeper.handle(.renewed(Self.epochs(["a"]), sent: 30_000), now: 30_050) == [])
        #expect(keeper.epoch(of: "b") == 9)
        #expect(keeper.handle(.renewed(Self.epochs(["a"]), sent: 60_000), now: 60_050) == [.giveUp("b")])
    }

    @Test func aProcessThatWasStoppedGivesUpBeforeItDoesAnythingElse() {
        let keeper = Self.holding(["a"])
        let actions = keeper.handle(.tick, now: 300_000)
        #expect(actions.first == .giveUp("a"))
        #expect(!actions.dropFirst().contains(.giveUp("a")))
    }

    @Test func aClaimWhoseAnswerNeverArrivedIsGivenBackAtTheSecondRenewal() {
        let keeper = Self.holding(["a"])
        var current = Self.epochs(["a"])
        current["ghost"] = 5
        #expect(keeper.handle(.renewed(current, sent: 30_000), now: 30_100) == [], "its answer may be on its way")
        #expect(keeper.handle(.renewed(current, sent: 60_000), now: 60_100) == [.release("ghost", epoch: 5)])
        current["ghost"] = 6
        #expect(keeper.handle(.renewed(current, sent: 90_000), now: 90_100) == [], "another claim")
    }

    @Test func lessRoomGivesSessionsBackAndRestingOnesTakeNone() {
        let keeper = Self.holding((0..<8).map { "s\($0)" })
        #expect(keeper.handle(.capacity(2), now: 0) == [.shrink(2)])
        #expect(keeper.handle(.tick, now: 5000) == [])
        for index in 0..<8 { _ = keeper.handle(.rested("s\(index)"), now: 5000) }
        #expect(keeper.handle(.tick, now: 5000) == [.claim(6)])
        _ = keeper.handle(.claimFailed, now: 5000)
        #expect(keeper.handle(.tick, now: 6999) == [])
        #expect(keeper.handle(.capacity(0), now: 7000) == [])
        #expect(keeper.handle(.tick, now: 20_000) == [], "there is no space for downloads")
        #expect(keeper.count == 8, "resting sessions are held until the end")
    }

    @Test func aStopClaimsNothingMoreAndKeepsWhatIsHeld() {
        let keeper = Self.holding(["a"])
        _ = keeper.handle(.stop, now: 0)
        _ = keeper.handle(.offered, now: 0)
        #expect(keeper.handle(.tick, now: 10_000) == [])
        #expect(keeper.handle(.tick, now: 30_000) == [.renew])
        _ = keeper.handle(.fenced("a"), now: 30_000)
        #expect(keeper.count == 0)
    }

    @Test func aLeaseIsNeverShorterThanTheDatabaseCanServe() {
        #expect(LeaseKeeper.Settings(lease: 5, concurrency: 0).lease == 20_000)
        #expect(LeaseKeeper.Settings(lease: 5, concurrency: 0).capacity == 5)
    }
}
