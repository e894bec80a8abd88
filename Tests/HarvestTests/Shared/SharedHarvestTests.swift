import Catalog
import Ingest
import Model
import PackHome
import SalvageConfiguration
import Synchronization
import Testing
import Text

@testable import Harvest

/// Harvesters of one store, each with a folder of its own, that share their work in memory.
@Suite struct SharedHarvestTests {
    /// One run of one harvester. `catalog` is the folder of the catalog that all share.
    private static func harvest(
        _ fleet: Fleet, _ work: MemoryWork, catalog: String, own: String,
        mode: HarvestRunner.Mode = .pass(maxRuntime: 60_000, session: nil), again: Selection? = nil
    ) async throws -> HarvestSummary {
        let ledger = try Catalog.open(store: catalog)
        defer { ledger.close() }
        return try await runner(fleet, work, ledger, packs: catalog, own: own).run(mode, again: again)
    }

    private static func runner(
        _ fleet: Fleet, _ work: MemoryWork, _ ledger: Catalog, packs: String, own: String
    ) throws -> HarvestRunner {
        let configuration = try Configuration.parse(RunnerTests.two + "poll:\n  running: 1s\n  all: 1s\n")
        let fetching = RunnerTests.impatient(configuration)
        var parts = HarvestRunner.Parts(
            source: fleet, catalog: ledger, home: FolderPackHome(store: packs), ingest: fleet)
        parts.fleet = work
        return HarvestRunner(
            configuration: configuration, store: own, lock: try StoreLock(store: own), parts: parts, fetching: fetching)
    }

    private static func sessions(_ count: Int) -> [String: Fleet.Session] {
        Dictionary(
            uniqueKeysWithValues: (0..<count).map { number in
                ("s\(number)", RunnerTests.session(["logs": "log \(number)", "/saved": "archive \(number)"]))
            })
    }

    @Test func onePassTakesEverythingAndLeavesNoClaim() async throws {
        let (catalog, own) = (TemporaryStore(), TemporaryStore())
        let fleet = Fleet(Self.sessions(20))
        let work = MemoryWork("a")
        let summary = try await Self.harvest(fleet, work, catalog: catalog.path, own: own.path)
        #expect(summary.progress.done == [.harvested: 20])
        #expect(summary.unfinished == 0)
        #expect(fleet.model.withLock { $0.ingested.count } == 20)
        #expect(fleet.model.withLock { $0.ingested.allSatisfy { $0.epoch > 0 } }, "the claim is in the pack's name")
        #expect(work.model.withLock { $0.rows.isEmpty })
        #expect(work.model.withLock { $0.commits.count } == 20)
        #expect(own.spooled.isEmpty)
        #expect(try RunnerTests.record(catalog, "s3")?.state == .harvested)
        let again = try await Self.harvest(fleet, work, catalog: catalog.path, own: own.path)
        #expect(again.progress.done.isEmpty)
        #expect(fleet.model.withLock { $0.ingested.count } == 20)
    }

    @Test func twoPassesShareTheWorkAndPackEachSessionOnce() async throws {
        let (catalog, one, two) = (TemporaryStore(), TemporaryStore(), TemporaryStore())
        let fleet = Fleet(Self.sessions(60))
        let work = MemoryWork("a")
        let other = MemoryWork("b", with: work)
        let (ledger, left, right) = (catalog.path, one.path, two.path)
        async let first = Self.harvest(fleet, work, catalog: ledger, own: left)
        async let second = Self.harvest(fleet, other, catalog: ledger, own: right)
        let summaries = try await [first, second]
        let done = summaries.reduce(0) { $0 + ($1.progress.done[.harvested] ?? 0) }
        // The one that does not list may be done before the other has offered anything.
        #expect(done == 60)
        let packed = fleet.model.withLock { $0.ingested.map(\.facts.session) }
        #expect(packed.count == 60)
        #expect(Set(packed).count == 60)
        #expect(work.model.withLock { $0.fenced.isEmpty })
        #expect(one.spooled.isEmpty && two.spooled.isEmpty)
        let lists = fleet.model.withLock { $0.requests.count { $0 == "list all" } }
        #expect(lists <= 2)
    }

    @Test func aLostLeaseKeepsTheBytesAndWritesNothing() async throws {
        let (catalog, own) = (TemporaryStore(), TemporaryStore())
        let fleet = Fleet(["a": RunnerTests.session(["logs": "hello", "/saved": "archive"])])
        let work = MemoryWork("a")
        fleet.model.withLock { model in
            model.onIngest = { session in work.take(session, for: "9/other") }
        }
        let summary = try await Self.harvest(fleet, work, catalog: catalog.path, own: own.path)
        #expect(summary.progress.done.isEmpty)
        #expect(work.model.withLock { $0.fenced } == ["a"])
        #expect(try RunnerTests.record(catalog, "a")?.pack == nil)
        #expect(own.spooled.contains { $0.hasSuffix(".complete") }, "\(own.spooled)")
        // The other harvester is gone for good: the next run claims what its own spool has, without a request for it.
        work.model.withLock { model in
            model.rows["a"]?.owner = nil
        }
        fleet.model.withLock { model in
            model.onIngest = nil
            model.requests = []
            model.sessions = [:]
        }
        let next = try await Self.harvest(fleet, work, catalog: catalog.path, own: own.path)
        #expect(next.progress.done[.lost] == nil)
        #expect(try RunnerTests.record(catalog, "a")?.pack != nil)
        #expect(fleet.model.withLock { $0.contents["a"]?["/saved"] } == Array("archive".utf8))
        #expect(own.spooled.isEmpty)
    }

    @Test func whatAnotherHarvesterSettledIsPackedAsANewGenerationAndNothingIsRequested() async throws {
        let (catalog, one, two) = (TemporaryStore(), TemporaryStore(), TemporaryStore())
        let fleet = Fleet(["a": RunnerTests.session(["logs": "hello", "/saved": "archive"])])
        let work = MemoryWork("a")
        let other = MemoryWork("b", with: work)
        fleet.model.withLock { model in
            model.onIngest = { session in work.take(session, for: "9/other") }
        }
        _ = try await Self.harvest(fleet, work, catalog: catalog.path, own: one.path)
        #expect(!one.spooled.isEmpty)
        fleet.model.withLock { $0.onIngest = nil }
        work.model.withLock { $0.rows["a"]?.owner = nil }
        let second = try await Self.harvest(fleet, other, catalog: catalog.path, own: two.path)
        #expect(second.progress.done == [.harvested: 1])
        fleet.model.withLock { model in
            model.requests = []
            model.ingested = []
        }
        _ = try await Self.harvest(fleet, work, catalog: catalog.path, own: one.path)
        let (requests, ingested) = fleet.model.withLock { ($0.requests, $0.ingested) }
        #expect(requests.filter { !$0.hasPrefix("list") } == [])
        #expect(ingested.count == 1)
        #expect(ingested.first?.earlierPack != nil)
        #expect(one.spooled.isEmpty)
        #expect(try RunnerTests.record(catalog, "a")?.state == .harvested)
        #expect(work.model.withLock { $0.rows.isEmpty })
    }

    @Test func aPassOverOneSessionClaimsOnlyThatOne() async throws {
        let (catalog, own) = (TemporaryStore(), TemporaryStore())
        let fleet = Fleet(Self.sessions(3))
        let work = MemoryWork("a")
        let summary = try await Self.harvest(
            fleet, work, catalog: catalog.path, own: own.path, mode: .pass(maxRuntime: 60_000, session: "s1"))
        #expect(summary.progress.done == [.harvested: 1])
        #expect(fleet.model.withLock { $0.ingested.map(\.facts.session) } == ["s1"])
    }

    @Test func aServerThatThrottlesBlocksAllHarvesters() async throws {
        let (catalog, own) = (TemporaryStore(), TemporaryStore())
        let fleet = Fleet(["a": RunnerTests.session(["logs": "hello", "/saved": "archive"])])
        fleet.model.withLock { model in
            model.sessions["a"]?.faults["/saved"] = [
                SourceFailure(status: 429, message: "too many", retryAfter: 300)
            ]
        }
        let work = MemoryWork("a")
        let summary = try await Self.harvest(fleet, work, catalog: catalog.path, own: own.path)
        #expect(summary.progress.done == [.harvested: 1])
        #expect(work.model.withLock { $0.blocks } == ["artifacts"])
    }

    @Test func theListsAreTakenOverFromAWatcherThatEnds() async throws {
        let (catalog, one, two) = (TemporaryStore(), TemporaryStore(), TemporaryStore())
        let fleet = Fleet(
            Self.sessions(10).mapValues { session in
                var running = session
                running.status = .running
                return running
            })
        let end: @Sendable (Range<Int>) -> Void = { numbers in
            fleet.model.withLock { model in
                for number in numbers { model.sessions["s\(number)"]?.status = .exited }
            }
        }
        let packed: @Sendable () -> Int = { fleet.model.withLock { Set($0.ingested.map(\.facts.session)).count } }
        let work = MemoryWork("a")
        let other = MemoryWork("b", with: work)
        let ledgers = (try Catalog.open(store: catalog.path), try Catalog.open(store: catalog.path))
        let first = try Self.runner(fleet, work, ledgers.0, packs: catalog.path, own: one.path)
        let second = try Self.runner(fleet, other, ledgers.1, packs: catalog.path, own: two.path)
        async let ended = first.run(.watch)
        while work.model.withLock({ $0.jobs["lists"]?.hasSuffix("/a") }) != true {
            try await Task.sleep(for: .milliseconds(20))
        }
        async let summary = second.run(.watch)
        end(0..<5)
        while packed() < 5 { try await Task.sleep(for: .milliseconds(20)) }
        first.requestStop()
        _ = try await ended
        end(5..<10)
        while packed() < 10 { try await Task.sleep(for: .milliseconds(20)) }
        second.requestStop()
        let last = try await summary
        #expect((last.progress.done[.harvested] ?? 0) >= 5)
        #expect(fleet.model.withLock { $0.ingested.count } == 10, "each once")
        let states = try (0..<10).map { try RunnerTests.record(catalog, "s\($0)")?.state }
        #expect(states.allSatisfy { $0 == .harvested })
        #expect(work.model.withLock { $0.rows.isEmpty && $0.names.isEmpty && $0.jobs.isEmpty })
        #expect(one.spooled.isEmpty && two.spooled.isEmpty)
        ledgers.0.close()
        ledgers.1.close()
    }
}
