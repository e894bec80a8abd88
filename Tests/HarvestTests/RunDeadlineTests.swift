import Catalog
import Glibc
import Ingest
import Model
import Pack
import PackHome
import SalvageConfiguration
import Synchronization
import Testing

@testable import Harvest

/// A run with --max-runtime ends in time, whatever it waits for.
@Suite struct RunDeadlineTests {
    @Test func aQuarterIsKeptForTheEndAndNoMoreThanTheDrain() {
        let short = RunDeadline(began: 1000, limit: 4000, drain: 20_000)
        #expect(short.stop == 4000 && short.cancel == 4500 && short.end == 5000)
        let long = RunDeadline(began: 0, limit: 540_000, drain: 20_000)
        #expect(long.stop == 520_000 && long.cancel == 530_000 && long.end == 540_000)
        let none = RunDeadline(began: 7, limit: -5, drain: 20_000)
        #expect(none.stop == 7 && none.cancel == 7 && none.end == 7)
    }

    /// An API whose lists, descriptions and downloads hang until they are cancelled; the test chooses which.
    private final class Hanging: SessionSource {
        let fleet: Fleet
        let lists: Bool
        let downloads: Bool
        /// Whether a download was begun.
        let begun = Mutex(false)

        init(fleet: Fleet, lists: Bool = false, downloads: Bool = false) {
            self.fleet = fleet
            self.lists = lists
            self.downloads = downloads
        }

        private func hang() async throws(SourceFailure) {
            do { try await Task.sleep(for: .seconds(3600)) } catch { throw SourceFailure(message: "cancelled") }
        }

        nonisolated(nonsending) func list(
            _ kind: ListKind, entry: (ListedEntry) -> Void
        ) async throws(SourceFailure) -> ListDamage {
            if lists { try await hang() }
            return try await fleet.list(kind, entry: entry)
        }

        func describe(_ id: String) async throws(SourceFailure) -> Sighting { try await fleet.describe(id) }

        func download(
            _ id: String, _ artifact: String, into sink: @Sendable (any DownloadPiece) async throws -> Bool
        ) async throws -> Bool {
            if downloads {
                _ = try await sink(Fleet.Piece(bytes: Array("begun".utf8)[...]))
                begun.withLock { $0 = true }
                try await hang()
            }
            return try await fleet.download(id, artifact, into: sink)
        }

        func follow(
            _ id: String, into sink: @Sendable (any DownloadPiece) async throws -> Bool
        ) async throws -> Bool { false }
    }

    private func runner(
        _ source: Hanging, _ store: TemporaryStore, ingest: (any IngestService)? = nil
    ) throws -> (HarvestRunner, Catalog) {
        let catalog = try Catalog.open(store: store.path)
        let parts = HarvestRunner.Parts(
            source: source, catalog: catalog, home: FolderPackHome(store: store.path), ingest: ingest ?? source.fleet)
        return (
            HarvestRunner(
                configuration: try Configuration.parse("rules: [{ artifacts: [/saved] }]\n"), store: store.path,
                lock: try StoreLock(store: store.path), parts: parts), catalog
        )
    }

    private static func fleet() -> Fleet {
        Fleet(["a": Fleet.Session(bodies: ["logs": Array("log".utf8), "/saved": Array("saved".utf8)])])
    }

    @Test(.timeLimit(.minutes(3))) func aListThatHangs() async throws {
        let store = TemporaryStore()
        let (runner, _) = try runner(Hanging(fleet: Self.fleet(), lists: true), store)
        await #expect {
            try await runner.run(.pass(maxRuntime: 1000, session: nil))
        } throws: { error in
            let error = error as? HarvestError
            return error?.code == .apiUnavailable
                && error?.message.contains("before the API returned a complete list") == true
        }
    }

    @Test(.timeLimit(.minutes(3))) func aListThatHangsEndsASignalledRunToo() async throws {
        let store = TemporaryStore()
        let (runner, _) = try runner(Hanging(fleet: Self.fleet(), lists: true), store)
        async let run = runner.run(.watch)
        try await Task.sleep(for: .milliseconds(200))
        runner.requestStop()
        #expect(try await run.stopped)
    }

    /// Runs until the deadline finds the work that hangs begun, with longer and longer limits: how long a machine takes to
    /// get that far is not known.
    ///
    /// - Parameter body: One run of that length in milliseconds, with a store of its own; nothing where the work was not
    ///   begun in it.
    private func untilBegun<Result>(_ body: (Int64) async throws -> Result?) async throws -> Result {
        var result: Result?
        for limit in [2000, 8000, 32_000, 90_000] as [Int64] where result == nil { result = try await body(limit) }
        return try #require(result, "the work was not begun within 90 seconds")
    }

    @Test(.timeLimit(.minutes(5))) func downloadsThatHangAreTakenUpByTheNextRun() async throws {
        let fleet = Self.fleet()
        let (store, cut) = try await untilBegun { limit in
            let store = TemporaryStore()
            let source = Hanging(fleet: fleet, downloads: true)
            let (runner, catalog) = try self.runner(source, store)
            let summary = try? await runner.run(.pass(maxRuntime: limit, session: nil))
            catalog.close()
            return source.begun.withLock { $0 } ? (store, try #require(summary)) : nil
        }
        #expect(cut.unfinished == 1 && cut.progress.done.isEmpty)
        let (runner, _) = try self.runner(Hanging(fleet: fleet), store)
        let summary = try await runner.run(.pass(maxRuntime: nil, session: nil))
        #expect(summary.progress.done == [.harvested: 1])
        #expect(fleet.model.withLock { $0.contents["a"]?["/saved"] } == Array("saved".utf8))
    }

    /// An ingest that waits until the test releases it.
    private final class Gate: IngestService {
        struct State {
            var begun = false
            var released = false
            var isOver = false
        }
        let fleet: Fleet
        let state = Mutex(State())
        init(_ fleet: Fleet) { self.fleet = fleet }

        func ingest(_ request: IngestRequest) async throws -> IngestOutcome {
            state.withLock { $0.begun = true }
            while !state.withLock({ $0.released }) { try? await Task.sleep(for: .milliseconds(5)) }
            let outcome = try await fleet.ingest(request)
            state.withLock { $0.isOver = true }
            return outcome
        }
    }

    @Test(.timeLimit(.minutes(5))) func anIngestThatHangsDoesNotKeepTheRun() async throws {
        let fleet = Self.fleet()
        let (gate, store, summary) = try await untilBegun { limit in
            let store = TemporaryStore()
            let gate = Gate(fleet)
            let (runner, _) = try self.runner(Hanging(fleet: fleet), store, ingest: gate)
            let summary = try? await runner.run(.pass(maxRuntime: limit, session: nil))
            return gate.state.withLock { $0.begun } ? (gate, store, try #require(summary)) : nil
        }
        #expect(!gate.state.withLock { $0.isOver }, "the run ended while it was still at work")
        #expect(summary.unfinished == 1)
        #expect(!store.spooled.isEmpty, "its downloads lie in the spool")
        gate.state.withLock { $0.released = true }
    }
}
