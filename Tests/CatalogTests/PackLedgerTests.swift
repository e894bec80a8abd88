import Catalog
import Foundation
import Model
import Pack
import Testing
import Text

/// What the commit of a pack may change in the ledger.
@Suite(.everyEngine) struct PackLedgerTests {
    private let reindexing: ReindexTests

    init() throws { reindexing = try ReindexTests() }

    private var store: TestStore { reindexing.store }

    /// The pack of a session with a complete log and a cut core.
    private func cut(_ session: String) throws -> PackContents {
        try reindexing.write(
            contents(
                session,
                artifacts: [
                    ArtifactEntry(artifact: "logs", state: .collected, tries: 1, lastTry: moment(12)),
                    ArtifactEntry(
                        artifact: "/core", state: .incomplete, reason: "cut", tries: 2, lastTry: moment(12)),
                ], members: [member("console.log"), member("core", artifact: 1)]))
    }

    /// The ledger's later rows.
    private func settle(
        _ catalog: Catalog, _ pack: PackContents, _ core: ArtifactState, _ state: SessionState, _ reason: String?
    ) throws {
        var committed = pack
        committed.facts.state = "pending"
        try catalog.commit(committed)
        let entry = ArtifactEntry(
            artifact: "/core", state: core, reason: reason, status: 404, tries: 3, lastTry: moment(13))
        try catalog.record(
            LedgerBatch(
                sessions: [SessionUpdate(session: pack.facts.session, state: state, reason: reason)],
                artifacts: [ArtifactRecord(session: pack.facts.session, entry: entry)]))
    }

    private func byHand(_ session: String, _ artifact: String, source: String = "ingest") -> PackContents {
        var pack = contents(
            session, artifacts: [ArtifactEntry(artifact: artifact, state: .collected, tries: 1, lastTry: moment(20))])
        pack.facts.source = source
        return pack
    }

    @Test func aPackThatLiesThereChangesNoNewerRow() throws {
        let catalog = try store.open()
        try settle(catalog, try cut("open"), .pending, .pending, "the body was cut off")
        try settle(catalog, try cut("done"), .failed, .partial, "refused")
        try catalog.record(sessions: [SessionUpdate(session: "runs", state: .running)])
        _ = try cut("runs")
        let before = try ["open", "done"].map { (try catalog.session($0), try catalog.artifacts($0)) }
        let report = try catalog.reindex(home: store.home)
        #expect(report.isWhole && report.indexed == 3)
        let after = try ["open", "done"].map { (try catalog.session($0), try catalog.artifacts($0)) }
        #expect(after[0].0 == before[0].0 && after[0].1 == before[0].1)
        #expect(after[1].0?.state == .partial && after[1].0?.source == "harvest")
        // What the pack contains is collected, whatever the ledger says, and is not requested again.
        #expect(after[1].1.first { $0.entry.artifact == "/core" }?.entry.state == .incomplete)
        #expect(try catalog.session("runs")?.state == .running)
        #expect(try catalog.artifacts("runs").count == 2)
    }

    @Test func whatWasLostAfterThePackWasWrittenStaysLost() throws {
        let catalog = try store.open()
        let pack = try reindexing.write(
            contents(
                "s",
                artifacts: [
                    ArtifactEntry(artifact: "/data", state: .collected, lastTry: moment(12)),
                    ArtifactEntry(artifact: "/core", state: .pending, lastTry: moment(12)),
                ]))
        try settle(catalog, pack, .lost, .partial, "the container is gone")
        _ = try catalog.reindex(home: store.home)
        let record = try #require(try catalog.session("s"))
        #expect(record.state == .partial && record.reason == "the container is gone")
        #expect(try catalog.artifacts("s").first { $0.entry.artifact == "/core" }?.entry.state == .lost)
    }

    @Test func whatIsIngestedByHandLeavesAHarvestsWordsAlone() throws {
        let catalog = try store.open()
        for (state, core) in [(SessionState.pending, ArtifactState.pending), (.partial, .failed), (.running, .pending)]
        {
            let name = "s-\(state.rawValue)"
            try settle(catalog, try cut(name), core, state, "as it was")
            try catalog.commit(byHand(name, "/tmp/note.txt"), from: .ingest(["/tmp/note.txt"]))
            try catalog.commit(byHand(name, "/core"), from: .ingest(["/core"]))
            let record = try #require(try catalog.session(name))
            #expect(record.source == "harvest")
            let rows = try catalog.artifacts(name)
            #expect(rows.first { $0.entry.artifact == "/tmp/note.txt" }?.entry.state == .collected)
            if state == .partial {
                #expect(record.state == .harvested && record.reason == nil, "it has the core now")
            } else {
                #expect(record.state == state && record.reason == "as it was")
                #expect(rows.first { $0.entry.artifact == "/core" }?.entry.state == .pending)
            }
        }
        // The state of a session known only from ingested files follows from those files.
        let bad = ArtifactEntry(artifact: "/tmp/a.tgz", state: .failed, reason: "it is damaged")
        var pack = byHand("mine", "/tmp/a.tgz")
        pack.artifacts = [bad]
        try catalog.commit(pack, from: .ingest(["/tmp/a.tgz"]))
        try catalog.commit(byHand("mine", "/tmp/a.tgz"), from: .ingest(["/tmp/a.tgz"]))
        #expect(try catalog.session("mine")?.state == .harvested)
    }

    @Test func aPackThatIsGoneAndComesBack() throws {
        let catalog = try store.open()
        try catalog.commit(try reindexing.write(contents("kept")))
        try settle(catalog, try cut("open"), .pending, .pending, "the body was cut off")
        let done = try reindexing.write(contents("done"))
        try catalog.commit(done)
        for name in ["open", "done"] {
            try FileManager.default.moveItem(
                atPath: store.path + "/packs/2026/11/20/\(name).pack", toPath: store.path + "/\(name)")
        }
        #expect(Set(try catalog.reindex(home: store.home).missing) == ["open", "done"])
        #expect(try catalog.session("open")?.state == .pending, "it may still be asked for")
        #expect(try catalog.artifacts("open").allSatisfy { $0.entry.state == .pending })
        #expect(try catalog.session("done")?.state == .lost)
        #expect(try catalog.artifacts("done").map(\.entry.state) == [.lost], "nothing of it is collected any more")
        for name in ["open", "done"] {
            try FileManager.default.moveItem(
                atPath: store.path + "/\(name)", toPath: store.path + "/packs/2026/11/20/\(name).pack")
        }
        _ = try catalog.reindex(home: store.home)
        #expect(try catalog.session("done")?.state == .harvested)
        #expect(try catalog.session("done")?.reason == nil)
        #expect(try catalog.artifacts("done").map(\.entry.state) == [.collected])
        let rows = try catalog.artifacts("open")
        #expect(rows.first { $0.entry.artifact == "logs" }?.entry.state == .collected)
        #expect(try catalog.session("open")?.state == .pending)
    }

    @Test func whatWasPrunedStaysSaid() throws {
        let catalog = try store.open()
        let pack = try reindexing.write(contents("s"))
        try catalog.commit(pack)
        #expect(try catalog.prune([("s", pack.path, "older than 0s")], now: 9) == [pack.path])
        for name in ["/tmp/note.txt", "/tmp/more.txt"] {
            var note = try reindexing.write(byHand("s", "/tmp/note.txt", source: "harvest"))
            if name != "/tmp/note.txt" {
                note.artifacts.append(ArtifactEntry(artifact: name, state: .collected, lastTry: moment(21)))
            }
            try catalog.commit(note, from: .ingest([name]))
            _ = try catalog.reindex(home: store.home)
            let record = try #require(try catalog.session("s"))
            #expect(record.pruned == 9 && record.prunedWhy == "older than 0s" && record.pack != nil)
            let row = try #require(try catalog.artifacts("s").first { $0.entry.artifact == "/data" }?.entry)
            #expect(row.state == .skipped && row.reason?.contains("older than 0s") == true)
        }
        // The pack that was pruned is put back from a backup.
        try FileManager.default.removeItem(atPath: store.path + "/" + pack.path)
        _ = try reindexing.write(contents("s"))
        _ = try catalog.reindex(home: store.home)
        #expect(try catalog.artifacts("s").first { $0.entry.artifact == "/data" }?.entry.state == .collected)
        #expect(try catalog.session("s")?.pruned == nil)
    }

    @Test func theNotesOnPackedDownloadsGoWithThePack() throws {
        let catalog = try store.open()
        var pack = try reindexing.write(contents("s"))
        pack.downloads = [PackedDownload(name: "logs.1.complete", bytes: 7, modified: 8)]
        try catalog.commit(pack)
        #expect(try catalog.packedDownloads("s", in: store.home) == Set(pack.downloads))
        _ = try catalog.reindex(home: store.home)
        #expect(try catalog.packedDownloads("s", in: store.home) == Set(pack.downloads), "it is the same pack")
        try FileManager.default.removeItem(atPath: store.path + "/" + pack.path)
        #expect(try catalog.packedDownloads("s", in: store.home).isEmpty, "there is nothing that holds them")
        var next = try reindexing.write(contents("s", members: [member("one.log")]))
        next.downloads = []
        try catalog.commit(next)
        #expect(try catalog.packedDownloads("s", in: store.home).isEmpty)
        try catalog.commit(pack)
        var batch = LedgerBatch()
        batch.released = ["s", "unknown"]
        try catalog.record(batch)
        #expect(try catalog.packedDownloads("s", in: store.home).isEmpty && catalog.session("unknown") == nil)
    }
}
