import Catalog
import Dispatch
import Model
import Synchronization
import Testing
import Text

@Suite(.withSharedCatalog) struct LeaseTests {
    static let long: Int64 = 600_000

    @Test func claimsOfThreeConnectionsNeverOverlapAndTakeEverything() throws {
        let shared = try SharedCatalog()
        try shared.open().offer(SharedCatalog.offers((0..<600).map { "s\($0)" }))
        let claimed = Mutex<[[String]]>([])
        let failures = Mutex<[String]>([])
        let catalogs = try (0..<3).map { _ in try shared.open() }
        DispatchQueue.concurrentPerform(iterations: 3) { index in
            var own: [String] = []
            do {
                while true {
                    let some = try catalogs[index].claim(8, by: "1/h\(index)", lease: Self.long)
                    if some.isEmpty { break }
                    own += some.map(\.session)
                }
            } catch { failures.withLock { $0.append("\(error)") } }
            claimed.withLock { $0.append(own) }
        }
        #expect(failures.withLock { $0 } == [])
        let all = claimed.withLock { $0 }
        #expect(all.joined().count == 600)
        #expect(Set(all.joined()).count == 600)
        let status = try shared.open().fleetStatus()
        #expect(status.leased == 600)
        #expect(status.pending == 0)
    }

    @Test func crashedSessionsComeFirstThenTheNearestDeadline() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        try catalog.offer([
            WorkOffer(session: "late", deadline: 3000, facts: "l"),
            WorkOffer(session: "soon", deadline: 1000, facts: "s"),
            WorkOffer(session: "crash", deadline: 9000, crashed: true, facts: "c"),
        ])
        // An offer made again keeps the nearer deadline; one that says nothing new changes nothing.
        #expect(try catalog.offer([WorkOffer(session: "late", deadline: 5000, facts: "other")]) == 0)
        #expect(try catalog.fleetStatus().nearestDeadline == 1000)
        var order: [String] = []
        while let next = try catalog.claim(1, by: "1/a", lease: Self.long).first {
            order.append("\(next.session) \(next.deadline) \(next.facts) \(next.tries)")
        }
        #expect(order == ["crash 9000 c 1", "soon 1000 s 1", "late 3000 l 1"])
    }

    @Test func aDoneSessionIsNotOfferedAgain() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        try catalog.record(sessions: [
            SessionUpdate(session: "done", state: .harvested), SessionUpdate(session: "open", state: .pending),
        ])
        #expect(try catalog.offer(SharedCatalog.offers(["done", "open", "new"])) == 2)
        #expect(Set(try catalog.claim(9, by: "1/a", lease: Self.long).map(\.session)) == ["open", "new"])
        #expect(try catalog.settled(among: ["done", "open", "new", "it's"]) == ["done"])
    }

    @Test func aLeaseThatEndedGoesToAnotherUnderAHigherEpochAndTheOldOneIsFenced() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        try catalog.offer(SharedCatalog.offers(["s"]))
        let first = try #require(try catalog.claim(1, by: "1/a", lease: 0).first)
        // Nobody has taken it yet, so it is renewed in spite of its end.
        #expect(try catalog.renew(by: "1/a", lease: 0)["s"] == first.epoch)
        #expect(try catalog.claim(1, by: "1/b", lease: Self.long).isEmpty)
        #expect(try catalog.expireLeases() == ["s"])
        let second = try #require(try catalog.claim(1, by: "1/b", lease: Self.long).first)
        #expect(second.epoch > first.epoch)
        #expect(try catalog.renew(by: "1/a", lease: Self.long).isEmpty)
        #expect(try catalog.renew(by: "1/b", lease: Self.long)["s"] == second.epoch)
        #expect(try catalog.expireLeases().isEmpty)
        let stale = WorkFence(session: "s", owner: "1/a", epoch: first.epoch)
        #expect(throws: CatalogError.self) { try catalog.commit([Self.pack("s", "old")], fence: stale) }
        #expect(try catalog.session("s") == nil)
        // Nor may it give away what is not its own.
        try catalog.release([stale])
        try catalog.dismiss([stale])
        #expect(try catalog.fleetStatus().leased == 1)
        try catalog.release([WorkFence(session: "s", owner: "1/b", epoch: second.epoch)])
        #expect(try catalog.fleetStatus().pending == 1)
    }

    @Test func aCommitEndsTheClaimAndMakesTheEarlierPackGarbageForADay() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        try catalog.offer(SharedCatalog.offers(["s"]))
        let claim = try #require(try catalog.claim(1, by: "1/a", lease: Self.long).first)
        let fence = WorkFence(session: "s", owner: "1/a", epoch: claim.epoch)
        try catalog.commit([Self.pack("s", "one", state: .pending)], fence: fence)
        #expect(try catalog.fleetStatus().leased == 1, "more is to be fetched")
        try catalog.commit([Self.pack("s", "two")], fence: fence, superseded: ["packs/2026/11/20/one.pack"])
        #expect(try catalog.session("s")?.pack == "packs/2026/11/20/two.pack")
        #expect(try catalog.session("s")?.state == .harvested)
        let status = try catalog.fleetStatus()
        #expect(status.leased == 0)
        #expect(status.pending == 0)
        #expect(status.garbage == 1)
        #expect(status.garbageDue == 0)
        #expect(status.garbageBytes == 100)
        #expect(try catalog.takeGarbage(10).isEmpty)
        #expect(throws: CatalogError.self, "the claim is over") {
            try catalog.commit([Self.pack("s", "three")], fence: fence)
        }
        do {
            try catalog.commit([Self.pack("s", "three")], fence: fence)
        } catch {
            #expect(error.code == .leaseLost)
            #expect(error.session == "s")
        }
        #expect(try catalog.session("s")?.pack == "packs/2026/11/20/two.pack")
    }

    @Test func aSessionThatWasDoneIsClaimedAgainUnderAHigherEpoch() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        try catalog.offer(SharedCatalog.offers(["s"]))
        let first = try #require(try catalog.claim(1, by: "1/a", lease: Self.long).first)
        try catalog.commit([Self.pack("s", "one")], fence: WorkFence(session: "s", owner: "1/a", epoch: first.epoch))
        let again = try #require(
            try catalog.acquire(SharedCatalog.offers(["s"]), by: "1/a", lease: Self.long).first)
        #expect(again.epoch > first.epoch, "the row was deleted in between")
        let free = try catalog.acquire(SharedCatalog.offers(["s", "t"]), by: "1/b", lease: Self.long)
        #expect(free.map(\.session) == ["t"])
    }

    @Test func aNewStartOfAHarvesterFreesWhatTheOldOneHeld() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        let one = try catalog.join(harvester: "a/b", version: "1")
        let other = try catalog.join(harvester: "b", version: "1")
        try catalog.offer(SharedCatalog.offers(["s", "t"]))
        #expect(try catalog.claim(1, by: one.owner, lease: Self.long).count == 1)
        #expect(try catalog.claim(1, by: other.owner, lease: Self.long).count == 1)
        #expect(try catalog.takeJob("lists", by: one.owner, lease: Self.long) != nil)
        #expect(try catalog.fleetStatus().harvesters.map(\.leases) == [1, 1])
        #expect(try catalog.beat(one))
        let two = try catalog.join(harvester: "a/b", version: "2")
        #expect(two.start > one.start)
        #expect(try !catalog.beat(one), "another process uses the id")
        #expect(try catalog.beat(two))
        #expect(try catalog.harvesters(within: 15_000) == ["a/b", "b"])
        let status = try catalog.fleetStatus()
        #expect(status.harvesters.map(\.leases) == [0, 1])
        #expect(status.harvesters.map(\.version) == ["2", "1"])
        #expect(status.jobs.map(\.harvester) == [nil])
        #expect(status.pending == 1)
        try catalog.leave(other)
        #expect(try catalog.harvesters(within: 15_000) == ["a/b"])
        #expect(try catalog.fleetStatus().pending == 2)
    }

    @Test func aSessionThatIsLeftThreeTimesGoesBehindAllOthers() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        try catalog.offer(SharedCatalog.offers(["poison"], deadline: 1, crashed: true))
        for _ in 0..<3 {
            #expect(try catalog.claim(1, by: "1/a", lease: 0).count == 1)
            #expect(try catalog.expireLeases() == ["poison"])
        }
        try catalog.offer(SharedCatalog.offers(["other"], deadline: 9000))
        #expect(try catalog.claim(1, by: "1/a", lease: Self.long).map(\.session) == ["other"])
        #expect(try catalog.fleetStatus().oftenLeft == 1)
    }

    @Test func aJobBelongsToOneHarvesterUntilItsLeaseEnds() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        let first = try #require(try catalog.takeJob("lists", by: "1/a", lease: 0))
        #expect(try catalog.takeJob("lists", by: "1/a", lease: 0) == first)
        let second = try #require(try catalog.takeJob("lists", by: "1/b", lease: Self.long))
        #expect(second > first)
        #expect(try catalog.takeJob("lists", by: "1/a", lease: Self.long) == nil)
        try catalog.endJob("lists", by: "1/a", done: true)
        #expect(try catalog.fleetStatus().jobs.map(\.harvester) == ["b"])
        try catalog.endJob("lists", by: "1/b", done: true)
        #expect(try catalog.takeJob("lists", by: "1/a", lease: Self.long, every: Self.long) == nil, "not due")
        #expect(try catalog.takeJob("lists", by: "1/a", lease: Self.long, every: 0) != nil)
    }

    @Test func aRateIsSharedAndABlockHoldsForAll() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        #expect(try catalog.borrow(20, from: "logs") == nil)
        try catalog.setRate("logs", perMinute: 600)
        var tokens = 0
        for _ in 0..<3 { tokens += try #require(try catalog.borrow(20, from: "logs")).tokens }
        #expect((59...61).contains(tokens), "a burst is a tenth of a minute")
        let empty = try #require(try catalog.borrow(20, from: "logs"))
        #expect(empty.tokens <= 1)
        try catalog.block("logs", for: 60_000)
        let blocked = try #require(try shared.open().borrow(20, from: "logs"))
        #expect(blocked.tokens == 0)
        #expect((1...60_000).contains(blocked.blocked))
        try catalog.block("logs", for: 10)
        #expect(try #require(try catalog.borrow(1, from: "logs")).blocked > 10, "the longer block stays")
        try catalog.setRate("logs", perMinute: 6000)
        let rate = try #require(try catalog.fleetStatus().rates.first)
        #expect(rate.perMinute == 6000)
        #expect(rate.blocked > 0)
    }

    static func pack(_ session: String, _ name: String, state: SessionState = .harvested) -> PackContents {
        var facts = SessionMetadata(session: session, image: "game", created: 5, source: "harvest")
        facts.state = state.rawValue
        return PackContents(
            facts: facts, artifacts: [ArtifactEntry(artifact: "logs", state: .collected)],
            path: "packs/2026/11/20/\(name).pack", packBytes: 100)
    }
}
