import Catalog
import Ingest
import Model
import Pack
import PackHome
import SalvageConfiguration
import Synchronization
import Testing

@testable import Harvest

/// Finished sessions of which more is requested: by a changed rule, or by --again.
@Suite struct ReopeningTests {
    private static func rules(_ paths: String, _ more: String = "") -> String {
        "rules:\n  - name: all\n    artifacts: [\(paths)]\n\(more)"
    }

    private static func run(
        _ fleet: Fleet, _ store: TemporaryStore, _ yaml: String, again: Selection? = nil, session: String? = nil
    ) async throws -> HarvestSummary {
        let configuration = try Configuration.parse(yaml)
        let fetching = RunnerTests.impatient(configuration)
        let catalog = try Catalog.open(store: store.path)
        let parts = HarvestRunner.Parts(
            source: fleet, catalog: catalog, home: FolderPackHome(store: store.path), ingest: fleet)
        let runner = HarvestRunner(
            configuration: configuration, store: store.path, lock: try await lock(store), parts: parts,
            fetching: fetching)
        let summary = try await runner.run(.pass(maxRuntime: nil, session: session), again: again)
        catalog.close()
        return summary
    }

    /// The lock of a store; a task of the previous run may hold it for a moment longer.
    private static func lock(_ store: TemporaryStore) async throws -> StoreLock {
        for _ in 0..<500 {
            if StoreLock.holder(of: store.path) == nil { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        return try StoreLock(store: store.path)
    }

    private static func asked(_ fleet: Fleet, _ artifact: String) -> Int {
        fleet.model.withLock { $0.requests.count { $0.hasPrefix(artifact + " ") } }
    }

    @Test func aChangedRuleFetchesFromWhatIsDoneAndOnlyOnce() async throws {
        let store = TemporaryStore()
        let fleet = Fleet([
            "a": RunnerTests.session(["logs": "x", "/game/Saved": "core"]),
            "b": RunnerTests.session(["logs": "y", "/game/Saved": "core"]),
        ])
        let first = try await Self.run(fleet, store, Self.rules("/game/saved"))
        #expect(first.progress.done == [.harvested: 2] && first.again == 0)
        let second = try await Self.run(fleet, store, Self.rules("/game/Saved"))
        #expect(second.progress.done == [.harvested: 2] && second.again == 2)
        for name in ["a", "b"] {
            let rows = try RunnerTests.rows(store, name)
            #expect(rows["/game/Saved"]?.state == .collected && rows["/game/saved"]?.state == .absent)
            #expect(rows["logs"]?.state == .collected)
            #expect(try RunnerTests.record(store, name)?.state == .harvested)
        }
        let request = try #require(fleet.model.withLock { $0.ingested.last })
        #expect(request.earlierPack != nil && request.files.map(\.artifact) == ["/game/Saved"])
        #expect(Self.asked(fleet, "logs") == 2, "what is there is not asked for again")
        let requests = fleet.model.withLock { $0.requests.count }
        let third = try await Self.run(fleet, store, Self.rules("/game/Saved"))
        #expect(third.progress.done.isEmpty && third.again == 0)
        #expect(fleet.model.withLock { $0.requests.count } == requests + 2, "two lists and nothing else")
    }

    @Test func aRunWithoutAConfigurationIsMadeUpFor() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x", "/saved": "core"])])
        #expect(try await Self.run(fleet, store, "retention: 4h\n").progress.done == [.harvested: 1])
        #expect(try await Self.run(fleet, store, Self.rules("/saved")).again == 1)
        #expect(try RunnerTests.rows(store, "a")["/saved"]?.state == .collected)
    }

    @Test func samplingIsAskedAgainOnlyWhenItChanges() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x", "/saved": "core"])])
        for sample in ["never", "crashed"] {
            let rule = Self.rules("{path: /saved, sample: \(sample)}")
            _ = try await Self.run(fleet, store, rule)
            #expect(try await Self.run(fleet, store, rule).again == 0, "\(sample) twice")
            #expect(Self.asked(fleet, "/saved") == 0)
        }
        #expect(try await Self.run(fleet, store, Self.rules("/saved")).again == 1)
        #expect(try RunnerTests.rows(store, "a")["/saved"]?.state == .collected)
        // A rule that would leave it out now does not remove what was collected.
        #expect(try await Self.run(fleet, store, Self.rules("{path: /saved, sample: never}, /more")).again == 1)
        #expect(try RunnerTests.rows(store, "a")["/saved"]?.state == .collected)
    }

    @Test func theRequestAsksForWhatWasAbsentAndKeepsWhatWasKnown() async throws {
        let store = TemporaryStore()
        let fleet = Fleet([
            "a": RunnerTests.session(["logs": "x"]), "b": RunnerTests.session(["logs": "y"]),
        ])
        let rule = Self.rules("/saved")
        _ = try await Self.run(fleet, store, rule)
        #expect(try await Self.run(fleet, store, rule).again == 0)
        fleet.model.withLock { model in
            model.sessions["a"]?.bodies["/saved"] = Array("late".utf8)
            model.sessions["b"]?.gone = true
        }
        let one = try await Self.run(fleet, store, rule, again: Selection(sessions: ["b"]))
        #expect(one.again == 1 && one.progress.done == [.harvested: 1] && !one.isPartial)
        #expect(try RunnerTests.rows(store, "b")["/saved"]?.state == .absent, "its container is gone; that stays true")
        #expect(try RunnerTests.rows(store, "a")["/saved"]?.tries == 2, "it was not selected")
        let all = try await Self.run(fleet, store, rule, again: Selection())
        #expect(all.again == 2)
        #expect(try RunnerTests.rows(store, "a")["/saved"]?.state == .collected)
        #expect(fleet.model.withLock { $0.contents["a"]?["logs"] } == Array("x".utf8))
    }

    @Test func aRuleThatChangesWhileASessionIsPackedCountsForItToo() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x", "/saved": "core"])])
        let next = try Configuration.parse(Self.rules("/saved"))
        let catalog = try Catalog.open(store: store.path)
        let (settled, continuation) = AsyncStream.makeStream(of: String.self)
        let observer = HarvestObserver(event: { if case .settled(let key, _, _) = $0 { continuation.yield(key) } })
        let runner = HarvestRunner(
            configuration: try Configuration.parse("poll: { running: 100ms, all: 100ms }\n"), store: store.path,
            lock: try StoreLock(store: store.path),
            parts: HarvestRunner.Parts(
                source: fleet, catalog: catalog, home: FolderPackHome(store: store.path), ingest: fleet,
                observer: observer))
        fleet.model.withLock { model in
            model.onIngest = { [weak fleet] _ in
                fleet?.model.withLock { $0.onIngest = nil }
                runner.reload(next)
            }
        }
        async let run = runner.run(.watch)
        var times = 0
        for await _ in settled {
            times += 1
            if times == 2 { break }
        }
        runner.requestStop()
        _ = try await run
        #expect(try RunnerTests.rows(store, "a")["/saved"]?.state == .collected)
        #expect(try RunnerTests.record(store, "a")?.state == .harvested)
        #expect(Self.asked(fleet, "logs") == 1)
    }

    @Test func whatCannotComeAgainIsLeftAlone() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["old": RunnerTests.session(["logs": "x", "/saved": "s"])])
        _ = try await Self.run(fleet, store, "retention: 4h\n")
        let catalog = try Catalog.open(store: store.path)
        var late = SessionUpdate(session: "old")
        late.deadline = 1_700_000_000_000
        var imported = SessionUpdate(session: "imported", state: .harvested)
        (imported.source, imported.deadline, imported.seenExited) = ("ingest", 4_000_000_000_000, 1_800_000_000_000)
        try catalog.record(sessions: [late, imported])
        catalog.close()
        #expect(try await Self.run(fleet, store, Self.rules("/saved")).again == 0)
        let summary = try await Self.run(fleet, store, Self.rules("/saved"), again: Selection())
        #expect(summary.again == 0 && summary.pastDeadline == 1)
        // A session that is named is requested even after its deadline.
        let named = try await Self.run(fleet, store, Self.rules("/saved"), again: Selection(sessions: ["old"]))
        #expect(named.again == 1)
        #expect(try RunnerTests.rows(store, "old")["/saved"]?.state == .collected)
    }

    @Test func anotherContainerUnderTheIdIsNotAsked() {
        var record = SessionRecord(SessionIdentity(id: "a", image: "g", created: 1000), state: .harvested)
        record.firstSeenExited = 2000
        record.deadline = 9000
        let key = RunKey.later(id: "a", created: 5000)
        let later = SessionRecord(SessionIdentity(id: key, image: "g", created: 5000), state: .running)
        var watcher = Watcher(remembering: [record, later])
        let taken = watcher.reopen(ExitedSession(reopening: record))
        #expect(taken.isEmpty)
        record.session = "b"
        let first = watcher.reopen(ExitedSession(reopening: record))
        let second = watcher.reopen(ExitedSession(reopening: record))
        #expect(first.count == 1 && second.isEmpty, "it is pending now")
    }

    @Test func aRowWithoutFindingsKeepsThoseOfIngest() throws {
        let store = TemporaryStore()
        let catalog = try Catalog.open(store: store.path)
        var entry = ArtifactEntry(artifact: "/a", state: .collected, verdict: "ok", sha256: "abc")
        entry.flags = ["redacted=1"]
        try catalog.record(LedgerBatch(artifacts: [ArtifactRecord(session: "s", entry: entry)]))
        let bare = ArtifactEntry(artifact: "/a", state: .collected, tries: 2)
        try catalog.record(LedgerBatch(artifacts: [ArtifactRecord(session: "s", entry: bare)]))
        let row = try #require(try catalog.artifacts("s").first?.entry)
        #expect(row.verdict == "ok" && row.sha256 == "abc" && row.flags == ["redacted=1"] && row.tries == 2)
        try catalog.record(
            LedgerBatch(artifacts: [ArtifactRecord(session: "s", entry: ArtifactEntry(artifact: "/a", state: .failed))])
        )
        #expect(try catalog.artifacts("s").first?.entry.verdict == nil)
    }

    @Test func aRateChangesWithoutANewBurst() {
        var bucket = TokenBucket(perMinute: 600)
        for _ in 0..<60 { _ = bucket.take(now: 0) }
        bucket.block(until: 5000)
        bucket.change(perMinute: 6000, now: 0)
        let taken = [4999, 5000].map { bucket.take(now: $0) }
        #expect(taken == [false, true])
    }
}
