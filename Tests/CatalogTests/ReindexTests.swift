import Catalog
import Foundation
import Pack
import Testing

@Suite struct ReindexTests {
    private let store: TestStore

    init() throws { store = try TestStore() }

    /// Writes a real pack and returns its description as the pipeline would commit it.
    private func write(_ contents: PackContents, name: String? = nil, created: Int64? = nil) throws -> PackContents {
        let session = contents.facts.session
        let day = PackPath.day(created ?? contents.facts.created ?? 0)
        let path = "packs/\(day)/\(name ?? PackPath.fileName(session: session))"
        let file = "\(store.path)/\(path)"
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try? FileManager.default.removeItem(atPath: file)
        let descriptor = try PackFile.create(path: file)
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor, options: PackOptions())
        for member in contents.members {
            try writer.beginMember(member.header)
            let content = Array("content of \(member.path)\n".utf8)
            _ = try content.withUnsafeBytes { try writer.append($0) }
            _ = try writer.endMember(flags: member.flags)
        }
        for crash in contents.crashes { writer.addCrash(json: crash) }
        let summary = try writer.finish(session: contents.facts, artifacts: contents.artifacts)
        var written = contents
        written.members = try PackReader.open(path: file).members
        written.path = path
        written.packBytes = summary.fileSize
        return written
    }

    private func fill(_ catalog: Catalog) throws {
        let lost = ArtifactEntry(
            artifact: "/crash", state: .lost, reason: "container removed", status: 404, identifier: "gone", tries: 4,
            bytes: 7, firstTry: moment(1), lastTry: moment(2), verdict: "incomplete", flags: ["trailing_data"],
            sha256: "00ff")
        for number in 0..<150 {
            let crash = crashJSON(signature: "bug \(number % 7)", id: "c-\(number)", time: "2026-11-20T12:00:00.001Z")
            var pack = contents(
                "session/\(number)\0", tag: number % 2 == 0 ? nil : "1.\(number)", labels: ["n": "\(number)", "ü": ""],
                exited: moment(0) + Int64(number) * 86_400_000, crashes: number % 3 == 0 ? [crash] : [],
                artifacts: [
                    ArtifactEntry(artifact: "/data", state: .collected),
                    number % 5 == 0 ? lost : ArtifactEntry(artifact: "logs", state: .absent),
                ])
            if number % 11 == 0 { pack.facts.state = "lost" }
            try catalog.commit(try write(pack))
        }
    }

    @Test func packsAloneGiveTheSameAnswers() throws {
        let catalog = try store.open()
        try fill(catalog)
        let before = try Answers(catalog)
        try catalog.close()
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: store.database + suffix) }
        var seen: [ReindexProgress] = []
        let report = try Catalog.reindex(store: store.path, progress: { seen.append($0) })
        #expect(report.indexed == 150)
        #expect(report.damaged.isEmpty && report.superseded.isEmpty && report.missing.isEmpty)
        #expect(report.setAside == nil)
        #expect(seen.last == ReindexProgress(packs: 150, total: 150))
        #expect(seen.count > 1)
        #expect(try Answers(store.open()) == before)
        // Within an intact database it changes nothing, and the ledger's history stays.
        let again = try store.open()
        let request = RequestRecord(session: "session/1\0", at: 1, endpoint: "artifacts", outcome: "ok")
        try again.record(LedgerBatch(requests: [request]))
        _ = try again.reindex()
        #expect(try Answers(again) == before)
        #expect(try again.requests("session/1\0") == [request])
    }

    @Test func aDamagedDatabaseIsSetAside() throws {
        let catalog = try store.open()
        try fill(catalog)
        let before = try Answers(catalog)
        try catalog.checkpoint()
        try catalog.close()
        var data = try Data(contentsOf: URL(fileURLWithPath: store.database))
        for offset in 8192..<min(data.count, 65_536) { data[offset] = 0xA5 }
        try data.write(to: URL(fileURLWithPath: store.database))
        let report = try Catalog.reindex(store: store.path)
        #expect(report.indexed == 150)
        let aside = try #require(report.setAside)
        #expect(FileManager.default.fileExists(atPath: aside))
        #expect(try Answers(store.open()) == before)
    }

    @Test func damagedPacksAreNamedAndPassedOver() throws {
        let catalog = try store.open()
        let good = try write(contents("good"))
        let bad = try write(contents("bad"))
        let empty = try write(contents("empty"))
        for pack in [good, bad] { try catalog.commit(pack) }
        var data = try Data(contentsOf: URL(fileURLWithPath: "\(store.path)/\(bad.path)"))
        data.removeLast(20)
        try data.write(to: URL(fileURLWithPath: "\(store.path)/\(bad.path)"))
        try Data().write(to: URL(fileURLWithPath: "\(store.path)/\(empty.path)"))
        try FileManager.default.createSymbolicLink(
            atPath: "\(store.path)/packs/link.pack", withDestinationPath: "\(store.path)/\(good.path)")
        try FileManager.default.createSymbolicLink(atPath: "\(store.path)/packs/loop", withDestinationPath: ".")
        let report = try catalog.reindex()
        #expect(report.indexed == 1)
        #expect(report.damaged.map(\.path).sorted() == [bad.path, empty.path].sorted())
        #expect(report.damaged.allSatisfy { !$0.message.isEmpty })
        // What was known of the damaged one stays known.
        #expect(try catalog.session("bad")?.pack == bad.path)
        #expect(try catalog.session("empty") == nil)
    }

    @Test func aRowWithoutItsPackSaysSo() throws {
        let catalog = try store.open()
        try catalog.commit(try write(contents("kept")))
        let gone = try write(contents("gone", crashes: [crashJSON(signature: "a")]))
        try catalog.commit(gone)
        try FileManager.default.removeItem(atPath: "\(store.path)/\(gone.path)")
        #expect(try catalog.reindex().missing == ["gone"])
        let record = try #require(try catalog.session("gone"))
        #expect(record.state == .lost)
        #expect(record.reason == "its pack is gone from the store")
        #expect(record.pack == nil)
        #expect(record.crashes == 0)
        #expect(try catalog.session("kept")?.state == .harvested)
        #expect(try catalog.reindex().missing.isEmpty)
    }

    @Test func ofTwoPacksOfOneSessionTheBetterCounts() throws {
        let own = try write(contents("twice", members: [member("own")]))
        let copy = try write(contents("twice", members: [member("copy"), member("b")]), name: "a-copy.pack")
        let catalog = try store.open()
        let report = try catalog.reindex()
        #expect(report.superseded == [copy.path])
        #expect(report.indexed == 1)
        #expect(try catalog.session("twice")?.pack == own.path)
        // The same name on another day: the newer file.
        let later = try write(contents("twice", members: [member("x"), member("y"), member("z")]), created: moment(72))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: 60)], ofItemAtPath: "\(store.path)/\(later.path)")
        let second = try catalog.reindex()
        #expect(second.superseded.sorted() == [copy.path, own.path].sorted())
        #expect(try catalog.session("twice")?.members == 3)
    }
}
