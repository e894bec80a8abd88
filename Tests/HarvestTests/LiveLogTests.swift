import Catalog
import Glibc
import Ingest
import Live
import Model
import Pack
import PackHome
import SalvageConfiguration
import Synchronization
import Testing

@testable import Harvest

@Suite struct LiveLogTests {
    /// The stored bytes of the newest generation of a followed log.
    static func followed(_ store: String, _ session: String) -> String {
        var bytes: [UInt8] = []
        let folder = LiveStore.folder(store, session: session)
        try? (try? LiveSnapshot.all(folder: folder))?.last?.forEachPiece {
            bytes += $0
            return true
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func text(_ path: String) -> String { String(decoding: Fleet.read(path), as: UTF8.self) }

    @Test func beginsWith() throws {
        let store = TemporaryStore()
        let file = try SpoolFile(path: store.path + "/a", limit: 100)
        #expect(try Array("abc".utf8).withUnsafeBytes { try file.append($0) })
        try file.finish()
        for (text, expected) in [("ab", true), ("abc", true), ("abcd", false), ("ax", false)] {
            let folder = TemporaryStore()
            let log = try LiveLog(folder: folder.path, limit: 100)
            let compressor = try LiveLog.BlockCompressor()
            #expect(try Array(text.utf8).withUnsafeBytes { try log.take($0, compressor) })
            let snapshot = try #require(try LiveSnapshot.all(folder: folder.path).last)
            #expect(try FollowedLogPrefix.begins(store.path + "/a", with: snapshot) == expected, "\(text)")
        }
    }

    /// Runs `watch` over one followed session, changes the fleet once its log was followed, and stops when it settled.
    static func watch(_ fleet: Fleet, _ store: TemporaryStore, whenFollowed: @escaping @Sendable () -> Void)
        async throws
    {
        let yaml = "poll: { running: 100ms, all: 100ms }\nrules:\n  - follow: true\n"
        let configuration = try Configuration.parse(yaml)
        var fetching = Fetcher.Settings(configuration)
        fetching.confirmGone = 10
        fetching.confirmAbsent = 10
        let lock = try StoreLock(store: store.path)
        let catalog = try Catalog.open(store: store.path)
        let (settled, continuation) = AsyncStream.makeStream(of: Void.self)
        let store = store.path
        let observer = HarvestObserver(
            progress: { _ in if Self.followed(store, "a") == "one\ntwo\n" { whenFollowed() } },
            event: { if case .settled = $0 { continuation.yield() } })
        let parts = HarvestRunner.Parts(
            source: fleet, catalog: catalog, home: FolderPackHome(store: store), ingest: fleet, observer: observer)
        let runner = HarvestRunner(
            configuration: configuration, store: store, lock: lock, parts: parts, fetching: fetching)
        async let run = runner.run(.watch)
        for await _ in settled { break }
        runner.requestStop()
        _ = try await run
        catalog.close()
    }

    @Test func theFollowedLogSurvivesAContainerThatVanishes() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": RunnerTests.session(["logs": "one\ntwo\n"], status: .running)])
        try await Self.watch(fleet, store) { fleet.model.withLock { $0.sessions = [:] } }
        #expect(fleet.model.withLock { $0.contents["a"]?["logs"] } == Array("one\ntwo\n".utf8))
        let row = try #require(try RunnerTests.rows(store, "a")["logs"])
        #expect(row.state == .incomplete)
        #expect(row.reason?.contains("gone") == true)
        #expect(TemporaryStore.names(store.path + "/live").isEmpty)
    }

    @Test func theLogFetchedAtTheEndReplacesTheFollowedOneItContains() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": RunnerTests.session(["logs": "one\ntwo\n"], status: .running)])
        try await Self.watch(fleet, store) {
            fleet.model.withLock { model in
                model.sessions["a"]?.status = .exited
                model.sessions["a"]?.bodies["logs"] = Array("one\ntwo\nthree\n".utf8)
            }
        }
        #expect(fleet.model.withLock { $0.contents["a"]?["logs"] } == Array("one\ntwo\nthree\n".utf8))
        #expect(fleet.model.withLock { $0.ingested.last?.files.count } == 1)
        #expect(try RunnerTests.rows(store, "a")["logs"]?.state == .collected)
        #expect(TemporaryStore.names(store.path + "/live").isEmpty)
    }

    @Test func aLogFetchedAtTheEndThatIsShorterDoesNotDropTheFollowedOne() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": RunnerTests.session(["logs": "one\ntwo\n"], status: .running)])
        try await Self.watch(fleet, store) {
            fleet.model.withLock { model in
                model.sessions["a"]?.status = .exited
                model.sessions["a"]?.bodies["logs"] = Array("two\n".utf8)
            }
        }
        #expect(fleet.model.withLock { $0.ingested.last?.files.count } == 2)
        #expect(fleet.model.withLock { $0.contents["a"]?["logs"] } == Array("one\ntwo\n".utf8))
    }

    @Test func aBrokenStreamIsTakenUpAgain() async throws {
        let store = TemporaryStore()
        let fleet = Fleet(["a": RunnerTests.session(["logs": "one\n"], status: .running)])
        fleet.model.withLock { $0.cutFollowers = true }
        let watching = Task {
            while fleet.model.withLock({ $0.requests.count { $0 == "follow a" } }) < 2 {
                try await Task.sleep(for: .milliseconds(5))
            }
            fleet.model.withLock { $0.sessions["a"]?.bodies["logs"] = Array("one\ntwo\n".utf8) }
        }
        try await Self.watch(fleet, store) { fleet.model.withLock { $0.sessions["a"]?.status = .exited } }
        try await watching.value
        #expect(fleet.model.withLock { $0.contents["a"]?["logs"] } == Array("one\ntwo\n".utf8))
    }
}
