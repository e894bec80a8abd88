import Catalog
import Glibc
import Pack
import Synchronization
import Testing

@testable import Harvest

/// A run of limited length ends in time, whatever it waits for.
@Suite struct RunDeadlineTests {
    @Test func aQuarterIsKeptForTheEndAndNoMoreThanTheDrain() {
        let short = RunDeadline(began: 1000, limit: 4000, drain: 20_000)
        #expect(short.stop == 4000 && short.cancel == 4500 && short.end == 5000)
        let long = RunDeadline(began: 0, limit: 540_000, drain: 20_000)
        #expect(long.stop == 520_000 && long.cancel == 530_000 && long.end == 540_000)
        let none = RunDeadline(began: 7, limit: -5, drain: 20_000)
        #expect(none.stop == 7 && none.cancel == 7 && none.end == 7)
    }

    /// An API whose lists, descriptions and downloads hang until they are cancelled, as far as it is told to.
    private struct Hanging: SessionSource {
        let fleet: Fleet
        var lists = false
        var downloads = false

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
                try await hang()
            }
            return try await fleet.download(id, artifact, into: sink)
        }

        func follow(
            _ id: String, into sink: @Sendable (any DownloadPiece) async throws -> Bool
        ) async throws -> Bool { false }
    }

    private func runner(_ source: Hanging, _ store: TemporaryStore) throws -> (HarvestRunner, Catalog) {
        let catalog = try Catalog.open(store: store.path)
        let parts = HarvestRunner.Parts(source: source, catalog: catalog, ingest: source.fleet)
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
                && error?.message.contains("before the API had given a whole list") == true
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

    @Test(.timeLimit(.minutes(3))) func downloadsThatHangAreTakenUpByTheNextRun() async throws {
        let store = TemporaryStore()
        let fleet = Self.fleet()
        do {
            let (runner, catalog) = try runner(Hanging(fleet: fleet, downloads: true), store)
            let summary = try await runner.run(.pass(maxRuntime: 2000, session: nil))
            #expect(summary.unfinished == 1 && summary.progress.done.isEmpty)
            try catalog.close()
        }
        let (runner, _) = try runner(Hanging(fleet: fleet), store)
        let summary = try await runner.run(.pass(maxRuntime: nil, session: nil))
        #expect(summary.progress.done == [.harvested: 1])
        #expect(fleet.model.withLock { $0.contents["a"]?["/saved"] } == Array("saved".utf8))
    }

    @Test(.timeLimit(.minutes(3))) func anIngestThatHangsDoesNotKeepTheRun() async throws {
        let store = TemporaryStore()
        let fleet = Self.fleet()
        final class Gate: Sendable {
            let released = Mutex(false)
            let isOver = Mutex(false)
        }
        let gate = Gate()
        fleet.model.withLock { model in
            model.onIngest = { _ in
                while !gate.released.withLock({ $0 }) { usleep(1000) }
                gate.isOver.withLock { $0 = true }
            }
        }
        let (runner, _) = try runner(Hanging(fleet: fleet), store)
        let summary = try await runner.run(.pass(maxRuntime: 8000, session: nil))
        #expect(!gate.isOver.withLock { $0 }, "the run ended while it was still at work")
        #expect(summary.unfinished == 1)
        #expect(!store.spooled.isEmpty, "its downloads lie in the spool")
        gate.released.withLock { $0 = true }
    }
}
