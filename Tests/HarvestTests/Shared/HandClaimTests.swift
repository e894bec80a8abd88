import Catalog
import Model
import Testing
import Text

/// Sessions that somebody works on by hand while harvesters share the work.
@Suite(.withSharedCatalog) struct HandClaimTests {
    private static let long: Int64 = 600_000
    private static let owner = HarvesterName(byHand: "host-1/ingest-7").owner

    private static func claim(_ catalog: Catalog, _ session: String = "s", lease: Int64 = long) throws -> WorkFence? {
        try catalog.acquire([WorkOffer(byHand: session)], by: owner, lease: lease).first.map {
            WorkFence(session: $0.session, owner: owner, epoch: $0.epoch)
        }
    }

    @Test func aSessionThatIsNoWorkIsNoneAfterwards() throws {
        let catalog = try SharedCatalog().open()
        let fence = try #require(try Self.claim(catalog))
        #expect(try catalog.claimant(of: "s") == "host-1/ingest-7")
        #expect(try Self.claim(catalog) == nil, "one at a time")
        #expect(try catalog.claim(1, by: "1/a", lease: Self.long).isEmpty)
        try catalog.commit([LeaseTests.pack("s", "b")], from: .ingest(["/saved"]), fence: fence)
        try catalog.endClaim(byHand: fence)
        #expect(try catalog.claimant(of: "s") == nil)
        #expect(try catalog.fleetStatus().leased == 0 && catalog.fleetStatus().pending == 0)
    }

    @Test func aSessionThatHarvestersHaveToFetchIsLeftToThem() throws {
        let catalog = try SharedCatalog().open()
        try catalog.offer(SharedCatalog.offers(["s"]))
        let fence = try #require(try Self.claim(catalog))
        try catalog.endClaim(byHand: fence)
        let next = try #require(try catalog.claim(1, by: "1/a", lease: Self.long).first)
        #expect(next.session == "s" && !next.isByHand && next.epoch > fence.epoch)
        #expect(try Self.claim(catalog) == nil, "a harvester works on it")
        #expect(try catalog.claimant(of: "s") == "a")
        // It is late: the claim is another one's.
        try catalog.endClaim(byHand: fence)
        #expect(try catalog.claimant(of: "s") == "a")
    }

    @Test func aSessionThatEndsMeanwhileIsOfferedAfterwards() throws {
        let catalog = try SharedCatalog().open()
        try catalog.record(sessions: [SessionUpdate(session: "s", state: .running)])
        let fence = try #require(try Self.claim(catalog))
        let exit = SharedBatch(LedgerBatch(sessions: [SessionUpdate(session: "s", state: .pending)]))
        #expect(try catalog.record(exit, by: "1/lists") == [])
        #expect(try catalog.session("s")?.state == .pending)
        #expect(try catalog.offer([WorkOffer(session: "s", deadline: 1000, facts: "exit")]) == 1)
        #expect(try catalog.claim(1, by: "1/a", lease: Self.long).isEmpty)
        try catalog.endClaim(byHand: fence)
        let next = try #require(try catalog.claim(1, by: "1/a", lease: Self.long).first)
        #expect(next.deadline == 1000 && next.facts == "exit" && !next.isByHand)
    }

    @Test func theClaimOfAKilledProcessIsRecognisedAndTakenOver() throws {
        let catalog = try SharedCatalog().open()
        let fence = try #require(try Self.claim(catalog, lease: 0))
        #expect(try catalog.claimant(of: "s") == nil)
        #expect(try catalog.expireLeases() == ["s"])
        let left = try #require(try catalog.claim(1, by: "1/a", lease: Self.long).first)
        #expect(left.isByHand)
        try catalog.release([WorkFence(session: "s", owner: "1/a", epoch: left.epoch)])
        // A harvester whose spool has downloads of it brings facts of its own.
        let own = try #require(
            try catalog.acquire([WorkOffer(session: "s", deadline: 5, facts: "spool")], by: "1/a", lease: Self.long)
                .first)
        #expect(own.facts == "spool" && own.deadline == 5 && !own.isByHand)
        let late = #expect(throws: CatalogError.self) {
            try catalog.commit([LeaseTests.pack("s", "b")], from: .ingest(["/saved"]), fence: fence)
        }
        #expect(late?.code == .leaseLost)
    }
}
