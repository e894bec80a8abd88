import Catalog
import Ingest
import Model
import Pack
import PackHome
import SalvageConfiguration
import Synchronization
import Testing
import Text

@testable import Harvest

/// Sessions into which files were ingested by hand are harvested like any other.
@Suite struct ByHandTests {
    private static let note = "/home/me/note.log"
    private let store = TemporaryStore()

    /// Commits a pack as `salvage ingest --session ID` does.
    private func ingest(_ session: String, created: Int64? = nil, artifact: String = note) throws {
        let catalog = try Catalog.open(store: store.path)
        let known = try catalog.session(session)
        let facts = SessionMetadata(
            session: session, created: created, firstSeenExited: 1_800_000_000_000,
            source: known?.pack == nil ? "ingest" : known?.source)
        let entry = ArtifactEntry(artifact: artifact, state: .collected, tries: 1, bytes: 4, lastTry: 1_800_000_000_000)
        let contents = PackContents(
            facts: facts, artifacts: [entry], path: "packs/2023/11/14/\(session).pack", packBytes: 50)
        try catalog.commit(contents, from: .ingest([artifact]))
        catalog.close()
    }

    private func again(_ fleet: Fleet, _ session: String) async throws -> HarvestSummary {
        let configuration = try Configuration.parse(RunnerTests.two)
        var fetching = Fetcher.Settings(configuration)
        fetching.triesPerPass = 4
        fetching.confirmAbsent = 10
        fetching.confirmGone = 10
        let catalog = try Catalog.open(store: store.path)
        let parts = HarvestRunner.Parts(
            source: fleet, catalog: catalog, home: FolderPackHome(store: store.path), ingest: fleet)
        let runner = HarvestRunner(
            configuration: configuration, store: store.path, lock: try StoreLock(store: store.path), parts: parts,
            fetching: fetching)
        let summary = try await runner.run(
            .pass(maxRuntime: nil, session: nil), again: Selection(sessions: [session]))
        catalog.close()
        return summary
    }

    private func isWhole(_ session: String) throws {
        let record = try #require(try RunnerTests.record(store, session))
        #expect(record.state == .harvested && record.source == "harvest")
        let rows = try RunnerTests.rows(store, session)
        #expect(rows["logs"]?.state == .collected && rows["/saved"]?.state == .collected)
        #expect(rows[Self.note]?.state == .collected)
    }

    @Test(arguments: ["pass", "named", "again"])
    func anIngestBeforeTheFirstListHidesNothing(_ way: String) async throws {
        try ingest("a")
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x", "/saved": "s"])])
        let summary: HarvestSummary
        switch way {
        case "pass": summary = try await RunnerTests.harvest(fleet, store)
        case "named":
            summary = try await RunnerTests.harvest(fleet, store, mode: .pass(maxRuntime: nil, session: "a"))
        default: summary = try await again(fleet, "a")
        }
        #expect(summary.progress.done == [.harvested: 1])
        try isWhole("a")
        let request = try #require(fleet.model.withLock { $0.ingested.first })
        #expect(request.earlierPack == "packs/2023/11/14/a.pack", "what was ingested stays")
        #expect(try await RunnerTests.harvest(fleet, store).progress.done.isEmpty)
    }

    @Test func aSessionThatRunsWhileFilesAreIngestedIsHarvestedAtItsEnd() async throws {
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x", "/saved": "s"], status: .running)])
        _ = try await RunnerTests.harvest(fleet, store)
        try ingest("a", created: 1_700_000_000_000)
        let record = try #require(try RunnerTests.record(store, "a"))
        #expect(record.state == .running && record.source == "harvest" && record.firstSeenExited == nil)
        fleet.model.withLock { $0.sessions["a"]?.status = .exited }
        #expect(try await RunnerTests.harvest(fleet, store).progress.done == [.harvested: 1])
        try isWhole("a")
    }

    @Test func aPendingSessionStaysPendingWhenFilesAreIngested() async throws {
        var session = RunnerTests.session(["logs": "x", "/saved": "sssssssss"])
        session.faults["/saved"] = (0..<4).map { _ in SourceFailure(message: "closed", cut: true) }
        let fleet = Fleet(["a": session])
        #expect(try await RunnerTests.harvest(fleet, store).unfinished == 1)
        let reason = try RunnerTests.record(store, "a")?.reason
        try ingest("a")
        #expect(try RunnerTests.record(store, "a")?.state == .pending)
        #expect(try RunnerTests.record(store, "a")?.reason == reason)
        #expect(try await RunnerTests.harvest(fleet, store).progress.done == [.harvested: 1])
        try isWhole("a")
    }

    @Test func aKillAfterTheTakeoverLosesNothing() async throws {
        // The file that was ingested has the name of an artifact.
        try ingest("a", artifact: "/saved")
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x", "/saved": "s"])])
        fleet.model.withLock { model in
            model.ingestFaults = Array(repeating: HarvestError(.storeUnusable, "full"), count: 100)
        }
        _ = try await RunnerTests.harvest(fleet, store) { $0.packing = Backoff(base: 10, cap: 20) }
        #expect(try RunnerTests.record(store, "a")?.state == .pending)
        #expect(try RunnerTests.record(store, "a")?.source == "harvest")
        fleet.model.withLock { model in
            model.ingestFaults = []
            model.sessions["a"]?.gone = true
        }
        #expect(try await RunnerTests.harvest(fleet, store).progress.done == [.harvested: 1])
        #expect(fleet.model.withLock { $0.contents["a"]?["/saved"] } == Array("s".utf8))
        #expect(fleet.model.withLock { $0.ingested.last?.earlierPack } == "packs/2023/11/14/a.pack")
    }

    @Test func aLaterContainerOfTheIDIsASessionOfItsOwn() async throws {
        try ingest("a", created: 1_600_000_000_000)
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x", "/saved": "s"])])
        #expect(try await RunnerTests.harvest(fleet, store).progress.done == [.harvested: 1])
        #expect(try RunnerTests.record(store, "a")?.source == "ingest")
        #expect(try RunnerTests.record(store, "a@1700000000000")?.state == .harvested)
    }

    @Test func whoeverIsNamedAndNotAskedIsToldWhy() async throws {
        try ingest("a")
        #expect(try await again(Fleet(), "a").refusals.first?.reason.contains("imported with salvage ingest") == true)
        let fleet = Fleet(["b": RunnerTests.session(["logs": "x", "/saved": "s", "/crashes": "c"])])
        _ = try await RunnerTests.harvest(fleet, store)
        #expect(try await again(fleet, "b").refusals.first?.reason.contains("lacks nothing") == true)
        let catalog = try Catalog.open(store: store.path)
        let pack = try #require(try catalog.session("b")?.pack)
        #expect(try catalog.prune([("b", pack, "older than 1d")], now: 5) == [pack])
        catalog.close()
        #expect(try await again(fleet, "b").refusals.first?.reason.contains("older than 1d") == true)
    }
}
