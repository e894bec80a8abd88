import Catalog
import Files
import Foundation
import Glibc
import Model
import Pack
import PackHome
import SalvageConfiguration
import Synchronization
import Testing
import Text

@testable import Harvest

/// A download is removed only if it is proven that this file is in a pack, whatever the ledger says about its artifact.
@Suite struct UnpackedDownloadTests {
    private static let fault = HarvestError(.init(rawValue: "ingest_killed"), "the confined process was killed")
    private static let core = String(repeating: "c", count: 5000)
    private let store = TemporaryStore()

    private static func quick(_ settings: inout Fetcher.Settings) { settings.packing = Backoff(base: 10, cap: 20) }

    private func harvest(_ fleet: Fleet, _ yaml: String = RunnerTests.two) async throws -> HarvestSummary {
        try await RunnerTests.harvest(fleet, store, yaml, change: Self.quick)
    }

    private func change(_ body: (Catalog) throws -> Void) throws {
        let catalog = try Catalog.open(store: store.path)
        try body(catalog)
        catalog.close()
    }

    /// Puts a download into the spool as a run that was killed leaves it.
    private func leave(_ session: String, _ name: String, _ text: String) throws -> String {
        let spool = Spool(store: store.path)
        try Folders.make(spool.folder)
        let facts = SessionMetadata(session: session, image: "game")
        try spool.prepare(session, Spool.Manifest(facts: facts, artifacts: ["logs", "/saved"]))
        let path = spool.folder(of: session) + "/" + name
        let file = try SpoolFile(path: path, limit: .max)
        #expect(try Array(text.utf8).withUnsafeBytes { try file.append($0) })
        try file.finish()
        return path
    }

    private func modified(_ path: String) -> Int64 {
        var facts = stat()
        lstat(path, &facts)
        return Int64(facts.st_mtim.tv_sec) * 1_000_000_000 + Int64(facts.st_mtim.tv_nsec)
    }

    @Test func aWholeDownloadOfAnArtifactThatWasPackedInPartIsPackedToo() async throws {
        var session = RunnerTests.session(["logs": "x", "/saved": Self.core, "/crashes": "c"])
        session.before["/saved"] = 3000
        session.faults["/saved"] = (0..<4).map { _ in SourceFailure(message: "closed", cut: true) }
        let fleet = Fleet(["a": session])
        #expect(try await harvest(fleet).unfinished == 1)
        #expect(fleet.model.withLock { $0.contents["a"]?["/saved"]?.count } == 3000)
        // It arrives whole, cannot be packed, and meanwhile the session is recorded as done.
        fleet.model.withLock { $0.ingestFaults = Array(repeating: Self.fault, count: 100) }
        #expect(try await harvest(fleet).unfinished == 1)
        try change { catalog in
            var batch = LedgerBatch(sessions: [SessionUpdate(session: "a", state: .partial, reason: "/saved: cut")])
            batch.artifacts.append(
                ArtifactRecord(session: "a", entry: ArtifactEntry(artifact: "/saved", state: .incomplete, bytes: 3000)))
            try catalog.record(batch)
        }
        let asked = fleet.model.withLock { model in
            model.sessions["a"]?.gone = true
            model.ingestFaults = []
            return model.requests.count
        }
        let summary = try await harvest(fleet)
        #expect(summary.progress.done == [.harvested: 1])
        #expect(fleet.model.withLock { $0.contents["a"]?["/saved"]?.count } == 5000)
        #expect(try RunnerTests.rows(store, "a")["/saved"]?.state == .collected)
        let later = fleet.model.withLock { $0.requests.dropFirst(asked) }
        #expect(later.allSatisfy { $0.hasPrefix("list") }, "only what lies in the spool is packed: \(later)")
        #expect(store.spooled.isEmpty)
    }

    @Test(arguments: [ArtifactState.collected, .incomplete, .lost, .failed, .absent, .skipped])
    func whateverTheRowOfAFinalSessionSaysItsDownloadIsPacked(_ state: ArtifactState) async throws {
        for ending in ["complete", "cut"] {
            let store = TemporaryStore()
            let fleet = Fleet(["a": RunnerTests.session(["logs": "x"])])
            _ = try await RunnerTests.harvest(fleet, store)
            let catalog = try Catalog.open(store: store.path)
            var batch = LedgerBatch(sessions: [SessionUpdate(session: "a", state: .partial)])
            batch.artifacts.append(
                ArtifactRecord(session: "a", entry: ArtifactEntry(artifact: "/saved", state: state, bytes: 9)))
            try catalog.record(batch)
            catalog.close()
            let spool = Spool(store: store.path)
            try spool.prepare("a", Spool.Manifest(facts: SessionMetadata(session: "a"), artifacts: ["/saved"]))
            let file = try SpoolFile(path: spool.folder(of: "a") + "/%2Fsaved.1." + ending, limit: .max)
            #expect(try Array("core".utf8).withUnsafeBytes { try file.append($0) })
            try file.finish()
            fleet.model.withLock { $0.sessions["a"]?.gone = true }
            let summary = try await RunnerTests.harvest(fleet, store)
            #expect(summary.unfinished == 0)
            #expect(fleet.model.withLock { $0.contents["a"]?["/saved"] } == Array("core".utf8), "\(state) \(ending)")
            let row = try #require(try RunnerTests.rows(store, "a")["/saved"])
            #expect(row.state == (ending == "complete" || state == .collected ? .collected : .incomplete), "\(state)")
            #expect(store.spooled.isEmpty)
        }
    }

    @Test func whatWasPackedBeforeAKillIsOnlySweptUp() async throws {
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x", "/saved": "s", "/crashes": "c"])])
        _ = try await harvest(fleet)
        let path = try leave("a", "logs.1.complete", "x")
        let pack = try #require(try RunnerTests.record(store, "a")?.pack)
        let file = store.path + "/" + pack
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data("pack".utf8).write(to: URL(fileURLWithPath: file))
        var contents = PackContents(
            facts: SessionMetadata(session: "a", image: "game", state: "harvested"),
            artifacts: try RunnerTests.rows(store, "a").values.sorted { $0.artifact < $1.artifact }, path: pack,
            packBytes: 100)
        contents.downloads = [PackedDownload(name: "logs.1.complete", bytes: 1, modified: modified(path))]
        let committed = contents
        try change { try $0.commit(committed) }
        #expect(try await harvest(fleet).progress.done.isEmpty)
        #expect(fleet.model.withLock { $0.ingested.count } == 1)
        #expect(store.spooled.isEmpty)
        // Another file under that name, and the same one without its pack, are packed.
        for isGone in [false, true] {
            let path = try leave("a", "logs.1.complete", isGone ? "x" : "y")
            contents.downloads = [PackedDownload(name: "logs.1.complete", bytes: 1, modified: modified(path))]
            if !isGone { contents.downloads[0].modified -= 1 }
            let committed = contents
            try change { try $0.commit(committed) }
            if isGone { try FileManager.default.removeItem(atPath: file) }
            let before = fleet.model.withLock { $0.ingested.count }
            #expect(try await harvest(fleet).progress.done == [.harvested: 1])
            #expect(fleet.model.withLock { $0.ingested.count } == before + 1)
            #expect(store.spooled.isEmpty)
        }
    }

    @Test func theNotesOnPackedDownloadsGoWithTheSpoolFolder() async throws {
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x"])])
        let noted = Mutex(0)
        let path = store.path
        fleet.model.withLock { model in
            model.onIngest = { _ in
                // Something that stands for the pack.
                try? FileManager.default.createDirectory(
                    atPath: path + "/packs/2023/11/14", withIntermediateDirectories: true)
                try? Data().write(to: URL(fileURLWithPath: path + "/packs/2023/11/14/a.pack"))
            }
        }
        let observer = HarvestObserver(event: { event in
            guard case .settled = event else { return }
            let catalog = try? Catalog.open(store: path, readOnly: true)
            noted.withLock { $0 = (try? catalog?.packedDownloads("a", in: FolderPackHome(store: path)).count) ?? 0 }
        })
        _ = try await RunnerTests.harvest(fleet, store, observer: observer)
        #expect(noted.withLock { $0 } == 1)
        #expect(
            try Catalog.open(store: path, readOnly: true).packedDownloads("a", in: FolderPackHome(store: path)).isEmpty)
    }

    @Test func aSessionThatIsAskedOnceMoreIsPendingBeforeTheFirstRequest() async throws {
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x", "/saved": "s", "/crashes": "c"])])
        _ = try await harvest(fleet)
        try change { catalog in
            // As after a reindex that did not find the pack.
            _ = try catalog.removePacks(sessions: ["a"])
            try catalog.record(sessions: [SessionUpdate(session: "a", state: .lost, reason: SessionRecord.packGone)])
        }
        let seen = Mutex<[String]>([])
        let path = store.path
        fleet.model.withLock { model in
            model.onDownload = { _ in
                guard let catalog = try? Catalog.open(store: path, readOnly: true) else { return }
                let rows = (try? catalog.artifacts("a")) ?? []
                let state = (try? catalog.session("a"))??.state.rawValue ?? "none"
                seen.withLock { $0.append(state + " \(rows.count { $0.entry.state == .pending })") }
            }
        }
        let configuration = try Configuration.parse(RunnerTests.two)
        let catalog = try Catalog.open(store: store.path)
        let runner = HarvestRunner(
            configuration: configuration, store: store.path, lock: try StoreLock(store: store.path),
            parts: HarvestRunner.Parts(
                source: fleet, catalog: catalog, home: FolderPackHome(store: store.path), ingest: fleet))
        let summary = try await runner.run(.pass(maxRuntime: nil, session: nil), again: Selection(sessions: ["a"]))
        #expect(summary.again == 1)
        #expect(seen.withLock { $0.first } == "pending 3", "\(seen.withLock { $0 })")
        catalog.close()
    }
}

extension UnpackedDownloadTests {
    /// Withdrawn while it was packed: the pack is committed, but the session is not done.
    @Test(.timeLimit(.minutes(2))) func aSessionThatRunsAgainWhileItIsPackedStaysRunning() async throws {
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x"])])
        fleet.model.withLock { model in
            model.onIngest = { [weak fleet] _ in
                let lists = { fleet?.model.withLock { $0.requests.count { $0 == "list running" } } ?? .max }
                fleet?.model.withLock { model in
                    model.onIngest = nil
                    model.sessions["a"]?.status = .running
                }
                let before = lists()
                while lists() < before &+ 3 { usleep(10_000) }
            }
        }
        let (settled, continuation) = AsyncStream.makeStream(of: SessionState.self)
        let observer = HarvestObserver(event: { event in
            if case .settled(_, let state, _) = event { continuation.yield(state) }
        })
        let catalog = try Catalog.open(store: store.path)
        let runner = HarvestRunner(
            configuration: try Configuration.parse("poll: { running: 100ms, all: 100ms }\n"), store: store.path,
            lock: try StoreLock(store: store.path),
            parts: HarvestRunner.Parts(
                source: fleet, catalog: catalog, home: FolderPackHome(store: store.path), ingest: fleet,
                observer: observer))
        async let run = runner.run(.watch)
        let reader = try Catalog.open(store: store.path, readOnly: true)
        while try reader.session("a")?.pack == nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(try reader.session("a")?.state == .running)
        fleet.model.withLock { $0.sessions["a"]?.status = .exited }
        for await state in settled {
            #expect(state == .harvested)
            break
        }
        runner.requestStop()
        _ = try await run
        #expect(fleet.model.withLock { $0.requests.count { $0 == "logs a" } } == 2, "its log went on")
        reader.close()
        catalog.close()
    }
}

extension UnpackedDownloadTests {
    /// Listed as running again after it was harvested, and then ended while nobody looked: its second life is fetched too.
    @Test func aSecondLifeIsFetchedByALaterRunToo() async throws {
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x"])])
        #expect(try await harvest(fleet).progress.done == [.harvested: 1])
        fleet.model.withLock { $0.sessions["a"]?.status = .running }
        _ = try await harvest(fleet)
        fleet.model.withLock { model in
            model.sessions["a"]?.status = .exited
            model.sessions["a"]?.bodies["logs"] = Array("x and more".utf8)
        }
        #expect(try await harvest(fleet).progress.done == [.harvested: 1])
        #expect(fleet.model.withLock { $0.requests.count { $0 == "logs a" } } == 2)
        #expect(fleet.model.withLock { $0.contents["a"]?["logs"] } == Array("x and more".utf8))
    }
}

/// A run that cannot read a folder of the spool must not decide about that session.
extension UnpackedDownloadTests {
    private func pendingWithACoreInTheSpool() async throws -> Fleet {
        let fleet = Fleet(["a": RunnerTests.session(["logs": "x", "/saved": Self.core, "/crashes": "c"])])
        fleet.model.withLock { $0.ingestWaits = ["/saved": 1000] }
        #expect(try await harvest(fleet).unfinished == 1)
        fleet.model.withLock { model in
            model.ingestWaits = [:]
            model.sessions["a"]?.gone = true
        }
        return fleet
    }

    @Test func aSessionWhoseFolderIsHeldIsLeftOutOfThePass() async throws {
        let fleet = try await pendingWithACoreInTheSpool()
        let asked = fleet.model.withLock { $0.requests.count }
        do {
            let held = try OpenFolder(path: store.path + "/spool/a")
            #expect(flock(held.descriptor, LOCK_EX | LOCK_NB) == 0)
            let summary = try await harvest(fleet)
            #expect(summary.unfinished == 1 && summary.progress.done.isEmpty)
            #expect(summary.localTrouble?.contains("another process") == true)
            #expect(fleet.model.withLock { $0.requests.dropFirst(asked).allSatisfy { $0.hasPrefix("list") } })
            #expect(try RunnerTests.record(store, "a")?.state == .pending)
        }
        #expect(try await harvest(fleet).progress.done == [.harvested: 1])
        #expect(fleet.model.withLock { $0.contents["a"]?["/saved"]?.count } == 5000)
    }

    @Test(.timeLimit(.minutes(2))) func aDaemonTakesItUpOnceTheFolderIsFree() async throws {
        let fleet = try await pendingWithACoreInTheSpool()
        let held = Mutex<OpenFolder?>(try OpenFolder(path: store.path + "/spool/a"))
        #expect(held.withLock { flock($0?.descriptor ?? -1, LOCK_EX | LOCK_NB) } == 0)
        let (settled, continuation) = AsyncStream.makeStream(of: SessionState.self)
        let observer = HarvestObserver(event: { event in
            if case .storeTrouble(let text) = event, text.contains("cannot be read now") { held.withLock { $0 = nil } }
            if case .settled(_, let state, _) = event { continuation.yield(state) }
        })
        let catalog = try Catalog.open(store: store.path)
        let runner = HarvestRunner(
            configuration: try Configuration.parse(RunnerTests.two), store: store.path,
            lock: try StoreLock(store: store.path),
            parts: HarvestRunner.Parts(
                source: fleet, catalog: catalog, home: FolderPackHome(store: store.path), ingest: fleet,
                observer: observer))
        async let run = runner.run(.watch)
        for await state in settled {
            #expect(state == .harvested)
            break
        }
        runner.requestStop()
        _ = try await run
        #expect(fleet.model.withLock { $0.contents["a"]?["/saved"]?.count } == 5000)
        catalog.close()
    }
}
