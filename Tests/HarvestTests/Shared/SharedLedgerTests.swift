import Catalog
import Model
import Testing
import Text

@Suite(.withSharedCatalog) struct SharedLedgerTests {
    private static let long: Int64 = 600_000

    private static func batch(
        _ session: String, _ state: SessionState?, artifact: ArtifactState? = nil, held: Int64? = nil
    ) -> SharedBatch {
        var ledger = LedgerBatch(sessions: [SessionUpdate(session: session, state: state)])
        if let artifact {
            ledger.artifacts = [
                ArtifactRecord(session: session, entry: ArtifactEntry(artifact: "logs", state: artifact))
            ]
        }
        var batch = SharedBatch(ledger)
        if let held { batch.held[session] = held }
        return batch
    }

    @Test func theOneWhoHoldsASessionWritesItAndEndsItsClaim() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        try catalog.offer(SharedCatalog.offers(["s"]))
        let epoch = try #require(try catalog.claim(1, by: "1/a", lease: Self.long).first).epoch
        #expect(try catalog.record(Self.batch("s", .pending, artifact: .pending, held: epoch), by: "1/a") == [])
        var end = Self.batch("s", .lost, artifact: .lost, held: epoch)
        end.settled = ["s"]
        #expect(try catalog.record(end, by: "1/a") == [])
        #expect(try catalog.session("s")?.state == .lost)
        #expect(try catalog.artifacts("s").map(\.entry.state) == [.lost])
        #expect(try catalog.fleetStatus().leased == 0)
    }

    @Test func theRowsOfOneWhoseLeaseIsLostAreDroppedAndItIsTold() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        try catalog.offer(SharedCatalog.offers(["s"]))
        let old = try #require(try catalog.claim(1, by: "1/a", lease: 0).first).epoch
        try catalog.expireLeases()
        let new = try #require(try catalog.claim(1, by: "1/b", lease: Self.long).first).epoch
        try catalog.commit([LeaseTests.pack("s", "b")], fence: WorkFence(session: "s", owner: "1/b", epoch: new))
        var late = Self.batch("s", .lost, artifact: .lost, held: old)
        late.settled = ["s"]
        late.ledger.requests = [RequestRecord(session: "s", at: 1, endpoint: "logs", outcome: "late")]
        #expect(try catalog.record(late, by: "1/a") == ["s"])
        #expect(try catalog.session("s")?.state == .harvested)
        #expect(try catalog.artifacts("s").map(\.entry.state) == [.collected])
        #expect(try catalog.requests("s").isEmpty)
    }

    @Test func whatListsSayDoesNotReopenADoneSessionAndDoesNotDisturbAHeldOne() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        #expect(try catalog.record(Self.batch("new", .running), by: "1/p") == [])
        #expect(try catalog.session("new")?.state == .running)
        try catalog.record(sessions: [SessionUpdate(session: "done", state: .harvested)])
        try catalog.record(Self.batch("done", .pending), by: "1/p")
        #expect(try catalog.session("done")?.state == .harvested)
        try catalog.record(sessions: [SessionUpdate(session: "held", state: .pending)])
        try catalog.offer(SharedCatalog.offers(["held"]))
        _ = try catalog.claim(1, by: "1/a", lease: Self.long)
        try catalog.record(Self.batch("held", .running), by: "1/p")
        #expect(try catalog.session("held")?.state == .pending)
        // Nobody holds it, but only its holder may end what is to be fetched.
        try catalog.record(sessions: [SessionUpdate(session: "waits", state: .pending)])
        try catalog.record(Self.batch("waits", .lost, artifact: .lost), by: "1/p")
        #expect(try catalog.session("waits")?.state == .pending)
        #expect(try catalog.artifacts("waits").isEmpty)
        // A container took over the id of one that was never seen to end.
        try catalog.record(Self.batch("new", .lost), by: "1/p")
        #expect(try catalog.session("new")?.state == .lost)
    }

    @Test func aSessionThatRunsAgainIsTakenFromWhoeverHoldsIt() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        try catalog.offer(SharedCatalog.offers(["s"]))
        let epoch = try #require(try catalog.claim(1, by: "1/a", lease: Self.long).first).epoch
        var again = Self.batch("s", .running)
        again.withdrawn = ["s"]
        #expect(try catalog.record(again, by: "1/p") == [])
        #expect(try catalog.session("s")?.state == .running)
        #expect(try catalog.renew(by: "1/a", lease: Self.long).isEmpty)
        #expect(throws: CatalogError.self) {
            try catalog.commit([LeaseTests.pack("s", "x")], fence: WorkFence(session: "s", owner: "1/a", epoch: epoch))
        }
        try catalog.record(sessions: [SessionUpdate(session: "t", state: .lost)])
        var revived = Self.batch("t", .running)
        revived.withdrawn = ["t"]
        try catalog.record(revived, by: "1/p")
        #expect(try catalog.session("t")?.state == .running)
        #expect(try catalog.ended(among: ["s", "t"]).isEmpty)
    }

    @Test func runningSessionsComeWithTheirLabels() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        var update = SessionUpdate(
            SessionIdentity(id: "s", image: "game", labels: ["mode": "duel", "a": "b"], created: 7), state: .running)
        update.seen = 1000
        var early = SessionUpdate(session: "e", state: .running)
        early.seen = 10
        try catalog.record(sessions: [update, early, SessionUpdate(session: "p", state: .pending)])
        #expect(try catalog.running(since: .min).map(\.session) == ["e", "s"])
        let found = try catalog.running(since: 500)
        #expect(found.map(\.session) == ["s"])
        #expect(found.first?.labels == ["mode": "duel", "a": "b"])
    }

    @Test func garbageIsHandedOutWhenItsTimeHasComeUnlessARowNamesIt() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        try catalog.commit(LeaseTests.pack("s", "used"))
        try catalog.addGarbage(
            [
                Garbage(key: "packs/2026/11/20/used.pack", session: "s", bytes: 9),
                Garbage(key: "segments/1", bytes: 5),
                Garbage(key: "segments/1", bytes: 5),
            ], after: 0)
        try catalog.addGarbage([Garbage(key: "later")])
        #expect(
            try catalog.unknownPacks(["packs/2026/11/20/used.pack", "later", "packs/2026/11/20/orphan.pack"])
                == ["packs/2026/11/20/orphan.pack"])
        #expect(try catalog.takeGarbage(10) == [Garbage(key: "segments/1", bytes: 5)])
        #expect(try catalog.takeGarbage(10).isEmpty, "another process is at it")
        try catalog.forgetGarbage(["segments/1"])
        #expect(try catalog.fleetStatus().garbage == 1)
    }

    @Test func aPrunedPackIsGarbageAtOnceAndOneInUseStays() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        var packs: [(session: String, pack: String, reason: String)] = []
        for session in ["free", "held"] {
            var contents = LeaseTests.pack(session, session)
            contents.packBytes = 70
            try catalog.commit(contents)
            packs.append((session, contents.path, "old"))
        }
        _ = try catalog.acquire(SharedCatalog.offers(["held"]), by: "1/a", lease: Self.long)
        let free = "packs/2026/11/20/free.pack"
        #expect(try catalog.prune(packs, now: 5000) == [free])
        #expect(try catalog.session("free")?.pack == nil)
        #expect(try catalog.session("held")?.pack == "packs/2026/11/20/held.pack")
        // Known as garbage, so no sweep adopts it, and not due before a day has passed.
        #expect(try catalog.unknownPacks([free]).isEmpty)
        #expect(try catalog.takeGarbage(10).isEmpty)
        let row = try shared.psql("SELECT key, session, bytes, not_before > now() + interval '23 hours' FROM garbage")
        #expect(row == ["\(free)|free|70|t"])
        #expect(try !catalog.adopt(LeaseTests.pack("free", "free"), replaces: nil))
    }

    @Test func anOrphanIsAdoptedUnlessSomebodyWorksOnItsSession() throws {
        let shared = try SharedCatalog()
        let catalog = try shared.open()
        #expect(try catalog.adopt(LeaseTests.pack("s", "orphan"), replaces: nil))
        #expect(try catalog.session("s")?.pack == "packs/2026/11/20/orphan.pack")
        #expect(try !catalog.adopt(LeaseTests.pack("s", "next"), replaces: nil), "the row has a pack by now")
        #expect(try catalog.adopt(LeaseTests.pack("s", "next"), replaces: "packs/2026/11/20/orphan.pack"))
        #expect(try catalog.session("s")?.pack == "packs/2026/11/20/next.pack")
        #expect(try catalog.fleetStatus().garbage == 0, "whether the other one may go is decided by the next sweep")
        _ = try catalog.acquire(SharedCatalog.offers(["s"]), by: "1/a", lease: Self.long)
        #expect(try !catalog.adopt(LeaseTests.pack("s", "more"), replaces: "packs/2026/11/20/next.pack"))
        try catalog.addGarbage([Garbage(key: "packs/2026/11/20/old.pack", session: "t")])
        #expect(try !catalog.adopt(LeaseTests.pack("t", "old"), replaces: nil))
    }
}
