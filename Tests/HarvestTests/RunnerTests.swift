import Catalog
import Files
import Glibc
import Ingest
import Model
import Pack
import PackHome
import SalvageConfiguration
import Synchronization
import Testing
import Text

@testable import Harvest

@Suite struct RunnerTests {
    static let two = "rules:\n  - artifacts: [/saved, /crashes]\n"

    static func session(_ bodies: [String: String], status: ObservedStatus? = .exited) -> Fleet.Session {
        Fleet.Session(status: status, bodies: bodies.mapValues { Array($0.utf8) })
    }

    /// One run over a fleet with delays too short to wait for.
    static func harvest(
        _ fleet: Fleet, _ store: TemporaryStore, _ yaml: String = two,
        mode: HarvestRunner.Mode = .pass(maxRuntime: nil, session: nil),
        observer: HarvestObserver = HarvestObserver(),
        change: (inout Fetcher.Settings) -> Void = { _ in }
    ) async throws -> HarvestSummary {
        let configuration = try Configuration.parse(yaml)
        var fetching = RunnerTests.impatient(configuration)
        fetching.perMinute = [.describe: 60_000, .artifacts: 60_000, .logs: 60_000]
        change(&fetching)
        let lock = try StoreLock(store: store.path)
        let catalog = try Catalog.open(store: store.path)
        let parts = HarvestRunner.Parts(
            source: fleet, catalog: catalog, home: FolderPackHome(store: store.path), ingest: fleet, observer: observer)
        let runner = HarvestRunner(
            configuration: configuration, store: store.path, lock: lock, parts: parts, fetching: fetching)
        let summary = try await runner.run(mode)
        catalog.close()
        return summary
    }

    /// Settings with which a pass tries everything within a second.
    static func impatient(_ configuration: Configuration) -> Fetcher.Settings {
        var fetching = Fetcher.Settings(configuration)
        fetching.triesPerPass = 4
        fetching.confirmAbsent = 10
        fetching.confirmGone = 10
        fetching.backoff.base = 10
        fetching.backoff.cap = 100
        return fetching
    }

    static func rows(_ store: TemporaryStore, _ session: String) throws -> [String: ArtifactEntry] {
        let catalog = try Catalog.open(store: store.path, readOnly: true)
        return Dictionary(
            uniqueKeysWithValues: try catalog.artifacts(session).map { ($0.entry.artifact, $0.entry) })
    }

    static func record(_ store: TemporaryStore, _ session: String) throws -> SessionRecord? {
        try Catalog.open(store: store.path, readOnly: true).session(session)
    }

    @Test func anExitedSessionBecomesOnePackAndTheSpoolIsEmpty() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": Self.session(["logs": "hello", "/saved": "archive"])])
        let summary = try await Self.harvest(fleet, store)
        #expect(summary.progress.done == [.harvested: 1])
        #expect(summary.unfinished == 0)
        #expect(!summary.isPartial)
        let record = try #require(try Self.record(store, "a"))
        #expect(record.state == .harvested)
        #expect(record.image == "game")
        #expect(record.labels == ["mode": "duel"])
        #expect(record.pack == "packs/2023/11/14/a.pack")
        let rows = try Self.rows(store, "a")
        #expect(rows["logs"]?.state == .collected)
        #expect(rows["/saved"]?.bytes == 7)
        #expect(rows["/crashes"]?.state == .absent)
        #expect(rows["/crashes"]?.identifier == "404-a")
        #expect(rows["/crashes"]?.tries == 2)
        #expect(fleet.model.withLock { $0.ingested.count } == 1)
        #expect(fleet.model.withLock { $0.contents["a"]?["/saved"] } == Array("archive".utf8))
        #expect(store.spooled.isEmpty)
        let again = try await Self.harvest(fleet, store)
        #expect(again.progress.done.isEmpty)
        #expect(fleet.model.withLock { $0.ingested.count } == 1, "idempotent")
    }

    @Test func aSessionThatIsGoneIsLostWithItsTraceIdentifier() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": Self.session(["logs": "x"], status: .running)])
        _ = try await Self.harvest(fleet, store)
        #expect(try Self.record(store, "a")?.state == .running)
        fleet.model.withLock { $0.sessions = [:] }
        let summary = try await Self.harvest(fleet, store)
        #expect(summary.progress.done == [.lost: 1])
        #expect(summary.isPartial)
        #expect(summary.problems.first?.outcome.identifier == "describe-a")
        let record = try #require(try Self.record(store, "a"))
        #expect(record.state == .lost)
        #expect(record.reason?.contains("gone") == true)
    }

    @Test func aLossIsAnnouncedBeforeTheLedgerHasIt() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": Self.session(["logs": "x"], status: .running)])
        _ = try await Self.harvest(fleet, store)
        fleet.model.withLock { $0.sessions = [:] }
        let seen = Mutex<[String]>([])
        let note: @Sendable (String, String) -> Void = { [path = store.path] word, session in
            let state = (try? Catalog.open(store: path, readOnly: true).session(session))?.state.rawValue ?? "unknown"
            seen.withLock { $0.append("\(word) \(session), \(state)") }
        }
        let observer = HarvestObserver(
            committing: { for session in $0 { note("before", session) } }, committed: { note("after", $0) })
        _ = try await Self.harvest(fleet, store, observer: observer)
        let facts = seen.withLock { $0 }
        #expect(facts.count == 2, "\(facts)")
        #expect(facts.first?.hasPrefix("before a, ") == true && facts.first != "before a, lost", "\(facts)")
        #expect(facts.last == "after a, lost")
    }

    @Test func whatFailsForAWhileComesLater() async throws {
        let store = TemporaryStore()
        var session = Self.session(["logs": "x", "/saved": String(repeating: "s", count: 5000), "/crashes": "c"])
        session.faults["/saved"] = [
            SourceFailure(status: 502, message: "html"), SourceFailure(message: "closed", cut: true),
            SourceFailure(status: 429, message: "slow", retryAfter: 5),
        ]
        let fleet = Fleet(["a": session])
        let summary = try await Self.harvest(fleet, store)
        #expect(summary.progress.done == [.harvested: 1])
        #expect(try Self.rows(store, "a")["/saved"]?.tries == 4)
        #expect(fleet.model.withLock { $0.contents["a"]?["/saved"]?.count } == 5000)
        #expect(store.spooled.isEmpty)
    }

    @Test func whatStaysCutIsKeptAndTriedAgainByTheNextPass() async throws {
        let store = TemporaryStore()
        var session = Self.session(["logs": "x", "/saved": String(repeating: "s", count: 5000), "/crashes": "c"])
        session.before["/saved"] = 3000
        session.faults["/saved"] = (0..<4).map { _ in SourceFailure(message: "closed", cut: true) }
        let fleet = Fleet(["a": session])
        let first = try await Self.harvest(fleet, store)
        #expect(first.unfinished == 1)
        #expect(try Self.record(store, "a")?.state == .pending)
        #expect(try Self.rows(store, "a")["/saved"]?.bytes == 3000)
        #expect(try Self.rows(store, "a")["logs"]?.state == .collected)
        let second = try await Self.harvest(fleet, store)
        #expect(second.progress.done == [.harvested: 1])
        #expect(fleet.model.withLock { $0.contents["a"]?["/saved"]?.count } == 5000)
        let last = try #require(fleet.model.withLock { $0.ingested.last })
        #expect(last.earlierPack == "packs/2023/11/14/a.pack")
        #expect(last.files.map(\.artifact) == ["/saved"], "what is in the pack already is not fetched again")
    }

    @Test(arguments: [401, 403])
    func aRefusedTokenEndsAPassAndBurnsNothing(_ status: Int) async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": Self.session(["logs": "x"])])
        fleet.model.withLock { $0.refusal = status }
        let summary = try await Self.harvest(fleet, store)
        #expect(summary.pause?.status == status)
        #expect(summary.progress.done.isEmpty)
        fleet.model.withLock { $0.refusal = nil }
        #expect(try await Self.harvest(fleet, store).progress.done == [.harvested: 1])
    }

    @Test func noListAtAllIsAnError() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": Self.session(["logs": "x"])])
        fleet.model.withLock { $0.listFaults = (0..<6).map { _ in SourceFailure(status: 500, message: "down") } }
        let error = await #expect(throws: HarvestError.self) { try await Self.harvest(fleet, store) }
        #expect(error?.code == .apiUnavailable)
    }

    @Test func oneSessionByName() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": Self.session(["logs": "x"]), "b": Self.session(["logs": "y"])])
        let summary = try await Self.harvest(fleet, store, mode: .pass(maxRuntime: nil, session: "b"))
        #expect(summary.progress.done == [.harvested: 1])
        #expect(try Self.record(store, "b")?.state == .harvested)
        #expect(try Self.record(store, "a") == nil)
        let error = await #expect(throws: HarvestError.self) {
            try await Self.harvest(fleet, store, mode: .pass(maxRuntime: nil, session: "nobody"))
        }
        #expect(error?.code == .unknownSession)
    }

    @Test func aSecondCopyIsRefusedAtOnce() throws {
        let store = TemporaryStore()
        let lock = try StoreLock(store: store.path)
        let error = #expect(throws: HarvestError.self) { try StoreLock(store: store.path) }
        #expect(error?.code == .storeLocked)
        #expect(error?.message.contains("\(getpid())") == true)
        withExtendedLifetime(lock) {}
    }

    @Test func whatAKilledRunLeftInTheSpoolIsTakenUpEvenIfTheContainerIsGone() async throws {
        let store = TemporaryStore()
        let spool = Spool(store: store.path)
        let facts = SessionMetadata(session: "x/../é", image: "game", created: 1_700_000_000_000, firstSeenExited: 5)
        try Folders.make(spool.folder)
        try spool.prepare("x/../é", Spool.Manifest(facts: facts, artifacts: ["logs", "/saved"]))
        for (name, text) in [("logs.1.complete", "log"), ("%2Fsaved.2.part", "half"), ("%2Fsaved.1.cut", "h")] {
            let file = try SpoolFile(path: spool.folder(of: "x/../é") + "/" + name, limit: 100)
            #expect(try Array(text.utf8).withUnsafeBytes { try file.append($0) })
            try file.finish()
        }
        let fleet = Fleet()
        let summary = try await Self.harvest(fleet, store)
        #expect(summary.progress.done == [.partial: 1])
        #expect(
            fleet.model.withLock { $0.contents["x/../é"] } == ["logs": Array("log".utf8), "/saved": Array("half".utf8)])
        let rows = try Self.rows(store, "x/../é")
        #expect(rows["logs"]?.state == .collected)
        #expect(rows["/saved"]?.state == .incomplete)
        #expect(rows["/saved"]?.bytes == 4)
        #expect(store.spooled.isEmpty)
    }

    @Test func aBodyBeyondTheLimitIsCutAndSaidSo() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": Self.session(["logs": String(repeating: "l", count: 5000)])])
        let summary = try await Self.harvest(fleet, store, "limits: { download: 2500 }\n")
        #expect(summary.progress.done == [.partial: 1])
        #expect(try Self.rows(store, "a")["logs"]?.bytes == 2500)
        #expect(try Self.rows(store, "a")["logs"]?.reason?.contains("limits.download") == true)
    }

    @Test func aFullDiskStopsDownloadsAndLosesNothing() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": Self.session(["logs": "x"])])
        let summary = try await Self.harvest(fleet, store, "limits: { reserve: 1000TiB }\n") { $0.backoff.base = 1 }
        #expect(summary.unfinished == 1)
        #expect(try Self.rows(store, "a")["logs"]?.reason?.contains("limits.reserve") == true)
        #expect(!fleet.model.withLock { $0.requests.contains("logs a") }, "nothing is asked for that cannot be kept")
        #expect(try await Self.harvest(fleet, store, "retention: 4h\n").progress.done == [.harvested: 1])
    }

    @Test(.timeLimit(.minutes(2))) func aRunEndsThoughNoPackCanBeWrittenAndTheNextOneWritesThem() async throws {
        let store = TemporaryStore()
        let names = (0..<8).map { "s\($0)" }
        let fleet = Fleet(Dictionary(uniqueKeysWithValues: names.map { ($0, Self.session(["logs": "x"])) }))
        fleet.model.withLock { $0.ingestFaults = Array(repeating: HarvestError(.storeUnusable, "full"), count: 1000) }
        let summary = try await Self.harvest(
            fleet, store, "retention: 4h\n", mode: .pass(maxRuntime: nil, session: nil))
        #expect(summary.progress.done.isEmpty && summary.unfinished == names.count)
        #expect(summary.noRoom == "full")
        let asked = fleet.model.withLock { model in
            model.ingestFaults = []
            return model.requests.count { $0.hasPrefix("logs") }
        }
        #expect(try await Self.harvest(fleet, store, "retention: 4h\n").progress.done == [.harvested: names.count])
        #expect(fleet.model.withLock { $0.requests.count { $0.hasPrefix("logs") } } == asked, "the spool had them")
    }

    @Test func watchNoticesAnExitAndStopsWhenAsked() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": Self.session(["logs": "x"], status: .running)])
        let configuration = try Configuration.parse("poll: { running: 100ms, all: 100ms }\n")
        let lock = try StoreLock(store: store.path)
        let catalog = try Catalog.open(store: store.path)
        let (settled, continuation) = AsyncStream.makeStream(of: String.self)
        let observer = HarvestObserver(
            progress: { if $0.running == 1 { fleet.model.withLock { $0.sessions["a"]?.status = .exited } } },
            event: { if case .settled(let session, _, _) = $0 { continuation.yield(session) } })
        let parts = HarvestRunner.Parts(
            source: fleet, catalog: catalog, home: FolderPackHome(store: store.path), ingest: fleet, observer: observer)
        let runner = HarvestRunner(configuration: configuration, store: store.path, lock: lock, parts: parts)
        async let run = runner.run(.watch)
        for await session in settled {
            #expect(session == "a")
            break
        }
        runner.requestStop()
        let summary = try await run
        #expect(summary.stopped)
        #expect(summary.progress.done == [.harvested: 1])
        #expect(try catalog.session("a")?.state == .harvested)
    }

    @Test func manySessionsAtOnceStayWithinTheBoundsAndAllArrive() async throws {
        let store = TemporaryStore()
        var sessions: [String: Fleet.Session] = [:]
        for number in 0..<300 {
            sessions["s\(number)"] = Self.session(["logs": "log \(number)", "/saved": "saved \(number)"])
        }
        let fleet = Fleet(sessions)
        let summary = try await Self.harvest(
            fleet, store, "rules:\n  - artifacts: [/saved]\n", mode: .pass(maxRuntime: nil, session: nil))
        #expect(summary.progress.done == [.harvested: 300])
        #expect(fleet.model.withLock { $0.mostDownloading } <= 8)
        #expect(fleet.model.withLock { $0.contents.count } == 300)
        #expect(store.spooled.isEmpty)
        let catalog = try Catalog.open(store: store.path, readOnly: true)
        #expect(try catalog.coverage().sessions == [.harvested: 300])
    }
}
