import Catalog
import Foundation
import Model
import Pack
import Testing
import Text

@Suite(.everyEngine) struct ReindexTests {
    let store: TestStore

    init() throws { store = try TestStore() }

    /// Writes a real pack and returns its description as the pipeline would commit it.
    func write(_ contents: PackContents, name: String? = nil, created: Int64? = nil) throws -> PackContents {
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

    /// Commits 150 sessions of all kinds, with real packs.
    func fill(_ catalog: Catalog) throws {
        let lost = ArtifactEntry(
            artifact: "/crash", state: .lost, reason: "container removed", status: 404, identifier: "gone", tries: 4,
            bytes: 7, firstTry: moment(1), lastTry: moment(2), verdict: "incomplete", flags: ["trailing_data"],
            sha256: "00ff")
        let control = CatalogEngines.current.control
        for number in 0..<150 {
            let crash = crashJSON(signature: "bug \(number % 7)", id: "c-\(number)", time: "2026-11-20T12:00:00.001Z")
            var pack = contents(
                "session/\(number)\(control)", tag: number % 2 == 0 ? nil : "1.\(number)",
                labels: ["n": "\(number)", "ü": ""],
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
        catalog.close()
        try store.forget()
        var seen: [ReindexProgress] = []
        let report = try store.open().reindex(home: store.home, progress: { seen.append($0) })
        #expect(report.indexed == 150)
        #expect(report.damaged.isEmpty && report.superseded.isEmpty && report.missing.isEmpty)
        #expect(report.setAside == nil)
        #expect(seen.last == ReindexProgress(packs: 150, total: 150))
        #expect(seen.count > 1)
        #expect(try Answers(store.open()) == before)
        // In an intact database it changes nothing, and the ledger's history stays.
        let again = try store.open()
        let session = "session/1" + CatalogEngines.current.control
        let request = RequestRecord(session: session, at: 1, endpoint: "artifacts", outcome: "ok")
        try again.record(LedgerBatch(requests: [request]))
        _ = try again.reindex(home: store.home)
        #expect(try Answers(again) == before)
        #expect(try again.requests(session) == [request])
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
        let report = try catalog.reindex(home: store.home)
        #expect(report.indexed == 1)
        #expect(report.damaged.map(\.path).sorted() == [bad.path, empty.path].sorted())
        #expect(report.damaged.allSatisfy { !$0.message.isEmpty })
        // The rows of the damaged one are kept.
        #expect(try catalog.session("bad")?.pack == bad.path)
        #expect(try catalog.session("empty") == nil)
    }

    @Test func aRowWithoutItsPackSaysSo() throws {
        let catalog = try store.open()
        try catalog.commit(try write(contents("kept")))
        let gone = try write(contents("gone", crashes: [crashJSON(signature: "a")]))
        try catalog.commit(gone)
        try FileManager.default.removeItem(atPath: "\(store.path)/\(gone.path)")
        #expect(try catalog.reindex(home: store.home).missing == ["gone"])
        let record = try #require(try catalog.session("gone"))
        #expect(record.state == .lost)
        #expect(record.reason == "its pack is gone from the store")
        #expect(record.pack == nil)
        #expect(record.crashes == 0)
        #expect(try catalog.session("kept")?.state == .harvested)
        #expect(try catalog.reindex(home: store.home).missing.isEmpty)
    }

    @Test func ofTwoPacksOfOneSessionTheBetterCounts() throws {
        let own = try write(contents("twice", members: [member("own")]))
        let copy = try write(contents("twice", members: [member("copy"), member("b")]), name: "a-copy.pack")
        let catalog = try store.open()
        let report = try catalog.reindex(home: store.home)
        #expect(report.superseded.map(\.path) == [copy.path] && !report.isWhole)
        #expect(report.indexed == 1)
        #expect(try catalog.session("twice")?.pack == own.path)
        // The same name on another day: the newer file.
        let later = try write(contents("twice", members: [member("x"), member("y"), member("z")]), created: moment(72))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: 60)], ofItemAtPath: "\(store.path)/\(later.path)")
        let second = try catalog.reindex(home: store.home)
        #expect(second.superseded.map(\.path).sorted() == [copy.path, own.path].sorted())
        #expect(try catalog.session("twice")?.members == 3)
    }
}

extension ReindexTests {
    @Test func packsBehindALinkedFolderAreIndexedAndADiskThatIsAwayLosesNothing() throws {
        let catalog = try store.open()
        let near = try write(contents("near"), created: moment(-24 * 400))
        let far = try write(contents("far"))
        let disk = store.path + "/disk"
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: false)
        try FileManager.default.moveItem(atPath: store.path + "/packs/2026", toPath: disk + "/2026")
        try FileManager.default.createSymbolicLink(
            atPath: store.path + "/packs/2026", withDestinationPath: disk + "/2026")
        let first = try catalog.reindex(home: store.home)
        #expect(first.indexed == 2 && first.isWhole)
        #expect(try catalog.session("far")?.pack == far.path)
        // The disk is not mounted: the link is dangling.
        try FileManager.default.moveItem(atPath: disk, toPath: disk + ".away")
        let away = try catalog.reindex(home: store.home)
        #expect(away.indexed == 1 && away.missing.isEmpty)
        #expect(away.unreadable.map(\.path) == ["packs/2026"])
        #expect(away.unknown.map(\.session) == ["far"])
        #expect(!away.isWhole)
        #expect(try catalog.session("far")?.pack == far.path)
        #expect(try catalog.session("far")?.state == .harvested)
        // A second pack of the session here does not replace a pack that cannot be checked now.
        let second = try write(contents("far", members: [member("little")]), created: moment(-24 * 400))
        let beside = try catalog.reindex(home: store.home)
        #expect(beside.superseded.map(\.path) == [second.path] && beside.unknown.map(\.session) == ["far"])
        #expect(beside.indexed == 1)
        #expect(try catalog.session("far")?.pack == far.path)
        try FileManager.default.removeItem(atPath: store.path + "/" + second.path)
        // All of packs/ is away: an empty mount point.
        try FileManager.default.moveItem(atPath: store.path + "/packs", toPath: store.path + "/packs.away")
        for isMountPoint in [false, true] {
            if isMountPoint {
                try FileManager.default.createDirectory(
                    atPath: store.path + "/packs", withIntermediateDirectories: false)
            }
            let third = try catalog.reindex(home: store.home)
            #expect(third.missing.isEmpty && Set(third.unknown.map(\.session)) == ["near", "far"])
        }
        #expect(try catalog.session("near")?.pack == near.path)
    }

    /// A pack committed after the listing must not be called lost, and the rows of a pack replaced after the reading must
    /// not overwrite those of its replacement.
    @Test func packsThatComeMeanwhileAreNeitherLostNorOverwritten() throws {
        let catalog = try store.open()
        var old: [PackContents] = []
        for number in 0..<3 { old.append(try write(contents("old-\(number)"))) }
        for pack in old { try catalog.commit(pack) }
        let other = try store.open()
        var renewals = 0
        let report = try catalog.reindex(
            home: store.home,
            renew: { pack in
                guard renewals < 3 else { return }
                renewals += 1
                do {
                    // A harvest beside it: a new session, and a new generation of the pack that was just read.
                    try other.commit(try write(contents("new-\(renewals)")))
                    let next = contents(
                        pack.facts.session, members: [member("game.log"), member("more.log"), member("third.log")])
                    try other.commit(try write(next))
                } catch { Issue.record("\(error)") }
            })
        #expect(report.missing.isEmpty && report.unknown.isEmpty && report.damaged.isEmpty)
        for number in 0..<3 { #expect(try catalog.session("old-\(number)")?.members == 3) }
        for number in 1...3 {
            let record = try #require(try catalog.session("new-\(number)"))
            #expect(record.state == .harvested && record.pack != nil)
        }
    }

    @Test func aGenerationThatNobodyEnteredIsRead() throws {
        let catalog = try store.open()
        let pack = try write(contents("a"))
        try catalog.commit(pack)
        var isFirst = true
        _ = try catalog.reindex(
            home: store.home,
            renew: { _ in
                guard isFirst else { return }
                isFirst = false
                // Published, and its harvest was killed before the catalog knew.
                _ = try? write(contents("a", members: [member("x"), member("y"), member("z")]))
            })
        #expect(try catalog.session("a")?.members == 3)
    }
}
