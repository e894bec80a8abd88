import Catalog
import Foundation
import JSON
import Model
import Pack
import Testing

@testable import Store

@Suite struct SessionReportTests {
    @Test func aReportHasAllThatIsKnown() throws {
        let stage = try RealStore()
        try stage.add(
            "raid-1", [.init("game.log", "one\ntwo\n"), .init("console.log", artifact: 1, "a\nb\nc\n")],
            crashes: [
                RealStore.crash("Foo::tick", id: "c-old", time: "2026-11-20T10:00:00.000Z"),
                RealStore.crash("Bar::tick", id: "c-new"),
            ])
        try stage.add("raid-2", crashes: [RealStore.crash("Bar::tick", id: "c-other")])
        let report = try stage.open().report(on: "raid-1", logLines: 2)
        #expect(report.session.session == "raid-1")
        #expect(report.session.crashes == 2)
        #expect(report.artifacts.map(\.entry.artifact) == ["/data", "logs"])
        #expect(report.crashes.map(\.row.crash) == ["c-new", "c-old"])
        #expect(report.crashes.first?.record?.signature == "Bar::tick")
        #expect(report.signature?.selected.sessions == 2)
        #expect(!report.isFollowed && report.followedCrashes.isEmpty && report.followedProblem == nil)
        guard case .lines(let lines, let path) = report.log else { return #expect(Bool(false), "there is a log") }
        #expect(lines.map { String(decoding: $0, as: UTF8.self) } == ["b", "c"])
        #expect(path == Array("console.log".utf8))
    }

    @Test func withoutLinesNoLogIsRead() throws {
        let stage = try RealStore()
        let pack = try stage.add("s", [.init("console.log", artifact: 1, "x\n")])
        try #require(FileManager.default.fileExists(atPath: stage.path + "/" + pack))
        try FileManager.default.removeItem(atPath: stage.path + "/" + pack)
        let store = try stage.open()
        guard case .none = try store.report(on: "s", logLines: 0).log else {
            return #expect(Bool(false), "no log was asked for")
        }
        guard case .unreadable(let error) = try store.report(on: "s", logLines: 3).log else {
            return #expect(Bool(false), "the pack is gone")
        }
        #expect(error.code == .packUnreadable)
        #expect(error.session == "s")
    }

    @Test func aPrefixNamesASession() throws {
        let stage = try RealStore()
        try stage.add("raid-10")
        try stage.add("raid-2")
        let store = try stage.open()
        #expect(try store.session(named: "raid-1").session == "raid-10")
        let error = try #require(throws: CatalogError.self) { try store.session(named: "raid-") }
        #expect(error.code == .ambiguousSession)
    }

    @Test func requestsAreExplainedByArtifact() throws {
        let stage = try RealStore()
        var batch = LedgerBatch()
        batch.sessions.append(SessionUpdate(session: "s", state: .partial))
        batch.artifacts.append(
            ArtifactRecord(session: "s", entry: ArtifactEntry(artifact: "/a", state: .failed, tries: 2)))
        batch.requests = [
            RequestRecord(session: "s", at: 1, endpoint: "describe-session", status: 200, outcome: "ok"),
            RequestRecord(session: "s", at: 2, artifact: "/a", endpoint: "artifacts", status: 503, outcome: "later"),
            RequestRecord(session: "s", at: 3, artifact: "/gone", endpoint: "artifacts", outcome: "no answer"),
        ]
        try stage.catalog().record(batch)
        let explanation = try stage.open().explanation(of: "s")
        #expect(explanation.session.state == .partial)
        #expect(explanation.requestsDropped == 0)
        let artifact = try #require(explanation.artifacts.first)
        #expect(explanation.requests(for: artifact).map(\.at) == [2])
        #expect(explanation.otherRequests.map(\.at) == [1, 3])
    }

    @Test func theStatusCountsWhatIsThere() throws {
        let stage = try RealStore()
        try stage.add("s", [.init("a.log", "x\n")])
        let status = try stage.open().status(now: RealStore.hour(13))
        #expect(status.totals.packs == 1)
        #expect(status.totals.sessions == [.harvested: 1])
        #expect(status.backlog.sessions == 0)
        #expect((status.catalogBytes ?? 0) > 0)
        #expect((status.freeBytes ?? 0) > 0)
        #expect(status.followed == 0)
    }

    @Test func aClosureThatThrowsEndsTheList() throws {
        struct Enough: Error {}
        let stage = try RealStore()
        for number in 0..<5 { try stage.add("s\(number)", exited: RealStore.hour(number)) }
        var seen: [String] = []
        #expect(throws: Enough.self) {
            try stage.open().forEachSession { session in
                seen.append(session.session)
                if seen.count == 2 { throw Enough() }
            }
        }
        #expect(seen == ["s4", "s3"])
    }
}
