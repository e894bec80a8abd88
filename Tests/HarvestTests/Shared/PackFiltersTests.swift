import Catalog
import Model
import PackHome
import SalvageConfiguration
import Synchronization
import Testing

@testable import Harvest

/// When a harvest hands over the filters of its packs, and what a failure of theirs does.
@Suite struct PackFiltersTests {
    /// Filters that are kept in memory.
    private final class MemoryFilters: PackFilters {
        struct Model {
            var waiting: [String] = []
            var written: [String] = []
            var writes = 0
            var isBroken = false
        }

        let model = Mutex(Model())

        func add(_ pack: String, record: [UInt8], now: Int64) {
            model.withLock { $0.waiting.append(pack) }
        }

        func writeIfDue(now: Int64, isLast: Bool) throws {
            try model.withLock { model in
                guard isLast, !model.waiting.isEmpty else { return }
                model.writes += 1
                defer { model.waiting = [] }
                if model.isBroken { throw SourceFailure(message: "the bucket does not answer") }
                model.written += model.waiting
            }
        }
    }

    private static func pass(
        _ fleet: Fleet, _ work: MemoryWork, _ filters: MemoryFilters, observer: HarvestObserver = HarvestObserver()
    ) async throws -> (summary: HarvestSummary, packs: Set<String>) {
        let (shared, own) = (TemporaryStore(), TemporaryStore())
        let ledger = try Catalog.open(store: shared.path)
        defer { ledger.close() }
        var parts = HarvestRunner.Parts(
            source: fleet, catalog: ledger, home: FolderPackHome(store: shared.path), ingest: fleet,
            observer: observer)
        parts.fleet = work
        parts.filters = filters
        let runner = HarvestRunner(
            configuration: try Configuration.parse(RunnerTests.two), store: own.path,
            lock: try StoreLock(store: own.path), parts: parts)
        let summary = try await runner.run(.pass(maxRuntime: 60_000, session: nil))
        return (summary, Set(try ledger.sessions(Selection()).compactMap(\.pack)))
    }

    private static func fleet() -> Fleet {
        let fleet = Fleet(
            Dictionary(
                uniqueKeysWithValues: (0..<5).map { number in
                    ("s\(number)", RunnerTests.session(["logs": "log \(number)", "/saved": "archive \(number)"]))
                }))
        fleet.model.withLock { $0.filters = [1, 2, 3] }
        return fleet
    }

    @Test func theFiltersOfAllCommittedPacksAreWrittenAtTheEnd() async throws {
        let filters = MemoryFilters()
        let (summary, packs) = try await Self.pass(Self.fleet(), MemoryWork("a"), filters)
        #expect(summary.progress.done == [.harvested: 5])
        #expect(packs.count == 5)
        #expect(Set(filters.model.withLock { $0.written }) == packs)
        #expect(filters.model.withLock { $0.waiting.isEmpty })
    }

    @Test func filtersThatCannotBeWrittenFailNothingAndAreReportedOnce() async throws {
        let filters = MemoryFilters()
        filters.model.withLock { $0.isBroken = true }
        let troubles = Mutex<[String]>([])
        var observer = HarvestObserver()
        observer.event = { event in
            if case .storeTrouble(let words) = event { troubles.withLock { $0.append(words) } }
        }
        let (summary, packs) = try await Self.pass(Self.fleet(), MemoryWork("a"), filters, observer: observer)
        #expect(summary.progress.done == [.harvested: 5])
        #expect(summary.catalogTrouble == nil && summary.localTrouble == nil)
        #expect(packs.count == 5)
        #expect(filters.model.withLock { $0.written.isEmpty && $0.writes == 1 })
        #expect(troubles.withLock { $0.count { $0.contains("filters") } } == 1)
    }

    @Test func aPackWhoseCommitIsRefusedHasNoFilters() async throws {
        let fleet = Self.fleet()
        let work = MemoryWork("a")
        fleet.model.withLock { model in
            model.onIngest = { session in if session == "s3" { work.take(session, for: "9/other") } }
        }
        let filters = MemoryFilters()
        let (summary, packs) = try await Self.pass(fleet, work, filters)
        #expect(summary.progress.done == [.harvested: 4])
        #expect(packs.count == 4)
        #expect(Set(filters.model.withLock { $0.written }) == packs)
    }
}
