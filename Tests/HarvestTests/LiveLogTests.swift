import Catalog
import Glibc
import Pack
import Synchronization
import Testing

@testable import Harvest

@Suite struct LiveLogTests {
    static func take(_ log: LiveLog, _ text: String) throws -> Bool {
        try Array(text.utf8).withUnsafeBytes { try log.take($0) }
    }

    static func text(_ path: String) -> String { String(decoding: Fleet.read(path), as: UTF8.self) }

    @Test func aReplayIsRecognisedHoweverItIsCut() throws {
        let store = TemporaryStore()
        let whole = (0..<200).map { "line \($0)\n" }.joined()
        let bytes = Array(whole.utf8)
        var random = SeededRandom(seed: 3)
        var log = try LiveLog(folder: store.path, limit: 1 << 20)
        for _ in 0..<40 {
            // Now and then salvage itself is started anew.
            if Int.random(in: 0..<4, using: &random) == 0 { log = try LiveLog(folder: store.path, limit: 1 << 20) }
            log.reconnected()
            var sent = 0
            let end = Int.random(in: 0...bytes.count, using: &random)
            while sent < end {
                let next = min(end, sent + Int.random(in: 1...300, using: &random))
                #expect(try bytes[sent..<next].withUnsafeBytes { try log.take($0) })
                sent = next
            }
            #expect(whole.hasPrefix(Self.text(log.path)))
        }
        log.reconnected()
        #expect(try Self.take(log, whole))
        #expect(Self.text(log.path) == whole)
        #expect(TemporaryStore.names(store.path) == ["log"])
    }

    @Test func aLogThatDiffersLosesNeither() throws {
        let store = TemporaryStore()
        let log = try LiveLog(folder: store.path, limit: 1 << 20)
        #expect(try Self.take(log, "start\nfirst run\n"))
        log.reconnected()
        #expect(try Self.take(log, "start\nsecond"))
        #expect(try Self.take(log, " run\n"))
        #expect(Self.text(log.path) == "start\nsecond run\n")
        #expect(Self.text(log.path + ".1") == "start\nfirst run\n")
        log.reconnected()
        #expect(try Self.take(log, "start\nsecond run\nmore\n"))
        #expect(Self.text(log.path) == "start\nsecond run\nmore\n")
    }

    @Test func theLimitHolds() throws {
        let store = TemporaryStore()
        let log = try LiveLog(folder: store.path, limit: 5)
        #expect(try !Self.take(log, "12345678"))
        #expect(Self.text(log.path) == "12345")
    }

    @Test func beginsWith() throws {
        let store = TemporaryStore()
        for (name, text) in [("a", "abc"), ("b", "ab"), ("c", "ax"), ("d", "")] {
            let file = try SpoolFile(path: store.path + "/" + name, limit: 100)
            #expect(try Array(text.utf8).withUnsafeBytes { try file.append($0) })
            try file.finish()
        }
        func begins(_ whole: String, _ part: String) -> Bool {
            LiveLog.begins(store.path + "/" + whole, with: store.path + "/" + part)
        }
        #expect(begins("a", "b"))
        #expect(begins("a", "a"))
        #expect(begins("a", "d"))
        #expect(!begins("b", "a"))
        #expect(!begins("a", "c"))
        #expect(!begins("a", "missing"))
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
        let live = store.path + "/live/a/log"
        let observer = HarvestObserver(
            progress: { _ in if Self.text(live) == "one\ntwo\n" { whenFollowed() } },
            event: { if case .settled = $0 { continuation.yield() } })
        let parts = HarvestRunner.Parts(source: fleet, catalog: catalog, ingest: fleet, observer: observer)
        let runner = HarvestRunner(
            configuration: configuration, store: store.path, lock: lock, parts: parts, fetching: fetching)
        async let run = runner.run(.watch)
        for await _ in settled { break }
        runner.requestStop()
        _ = try await run
        try catalog.close()
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
