import Catalog
import Foundation
import Model
import Pack
import Testing
import Text

@Suite(.everyEngine) struct LedgerTests {
    private let store: TestStore

    init() throws { store = try TestStore() }

    @Test func unknownLabelsAreKeptAndNoLabelsRemoveThem() throws {
        let catalog = try store.open()
        let labels: ByteDictionary<String> = ["mode": "ranked"]
        try catalog.record(sessions: [SessionUpdate(SessionIdentity(id: "s", labels: labels))])
        var update = SessionUpdate(SessionIdentity(id: "s", image: "arena"))
        try catalog.record(sessions: [update])
        #expect(try catalog.session("s")?.labels == labels)
        update.setsLabels = true
        try catalog.record(sessions: [update])
        #expect(try catalog.session("s")?.labels == [:])
    }

    @Test func factsAccumulateAndFirstSightingsStay() throws {
        let catalog = try store.open()
        var update = SessionUpdate(session: "s", state: .running)
        update.image = "arena"
        update.labels = ["mode": "ranked"]
        update.created = moment(1)
        update.seen = moment(2)
        try catalog.record(sessions: [update])
        var exited = SessionUpdate(session: "s", state: .pending, reason: "fetching")
        exited.tag = "1.2"
        exited.seen = moment(3)
        exited.seenExited = moment(4)
        exited.deadline = moment(8)
        try catalog.record(sessions: [exited])
        exited.seenExited = moment(5)
        try catalog.record(sessions: [exited])
        let record = try #require(try catalog.session("s"))
        #expect(record.image == "arena")
        #expect(record.tag == "1.2")
        #expect(record.labels == ["mode": "ranked"])
        #expect(record.firstSeen == moment(2))
        #expect(record.firstSeenExited == moment(4))
        #expect(record.at == moment(4))
        #expect(record.state == .pending)
        #expect(record.reason == "fetching")
        try catalog.record(sessions: [SessionUpdate(session: "s", state: .harvested)])
        #expect(try catalog.session("s")?.reason == nil)
    }

    @Test func artifactsAreReplacedAndAskedByState() throws {
        let catalog = try store.open()
        for (session, deadline) in [("late", moment(9)), ("soon", moment(5)), ("never", nil)] {
            var update = SessionUpdate(session: session, state: .pending)
            update.deadline = deadline
            let entry = ArtifactEntry(artifact: "/data", state: .pending, tries: 0)
            try catalog.record(
                LedgerBatch(
                    sessions: [update], artifacts: [ArtifactRecord(session: session, entry: entry, nextTry: moment(3))])
            )
        }
        let failed = ArtifactEntry(
            artifact: "/data", state: .failed, reason: "HTTP 500", status: 500, identifier: "internal", tries: 9,
            bytes: 12, firstTry: moment(1), lastTry: moment(2), verdict: "incomplete", flags: ["trailing_data", "x"],
            sha256: "ab")
        try catalog.record(LedgerBatch(artifacts: [ArtifactRecord(session: "never", entry: failed)]))
        #expect(try catalog.artifacts("never") == [ArtifactRecord(session: "never", entry: failed)])
        let work = try catalog.artifacts(in: [.pending])
        #expect(work.map(\.session) == ["soon", "late"])
        #expect(work.first?.nextTry == moment(3))
    }

    @Test func requestsAreKeptInOrderAndBounded() throws {
        let catalog = try store.open()
        let total = Catalog.requestsKept + 30
        for chunk in stride(from: 0, to: total, by: 50) {
            let requests = (chunk..<min(total, chunk + 50)).map { number in
                RequestRecord(
                    session: "s", at: Int64(number), artifact: "/data", endpoint: "artifacts", status: 503,
                    bytes: UInt64(number), identifier: "busy", outcome: "try \(number)")
            }
            try catalog.record(LedgerBatch(requests: requests))
        }
        let kept = try catalog.requests("s")
        #expect(kept.count == Catalog.requestsKept)
        #expect(kept.map(\.at) == (30..<total).map { Int64($0) })
        #expect(try catalog.requestCount("s") == total)
        #expect(kept.last?.outcome == "try \(total - 1)")
        #expect(try catalog.requests("other").isEmpty)
    }

    @Test func theSameIdAgainBeginsANewLedger() throws {
        let catalog = try store.open()
        try catalog.commit(contents("s"))
        var update = SessionUpdate(session: "s", state: .running)
        update.restart = true
        update.created = moment(20)
        try catalog.record(sessions: [update])
        let record = try #require(try catalog.session("s"))
        #expect(record.state == .running)
        #expect(record.exited == nil)
        #expect(record.deadline == nil)
        #expect(record.at == moment(20))
        #expect(record.pack != nil)
        #expect(try catalog.artifacts("s").isEmpty)
    }

    /// Ids come from callers: a NUL must not truncate one, and every text must be returned unchanged.
    @Test(arguments: [
        "a#b", "a#c", "a", "../../etc/passwd", "ü\u{301}", "%_*?[x]", "", "'; DROP TABLE sessions; --", "\u{1F4A5}",
    ])
    func anyTextIsAnId(text: String) throws {
        let control = CatalogEngines.current.control
        let (id, other) = (text.replacingOccurrences(of: "#", with: control), "a\(control)b")
        let catalog = try store.open()
        try catalog.commit(contents(other))
        try catalog.commit(contents(id, labels: ["k\(control)": "v\(control)w"]))
        let record = try #require(try catalog.session(id))
        #expect(record.session == id)
        #expect(record.labels == ["k\(control)": "v\(control)w"])
        #expect(record.members == 2)
        if catalog.storesMembers { #expect(try catalog.members(id).count == 2) }
        #expect(try catalog.count() == (id.hasSameBytes(as: other) ? 1 : 2))
    }

    @Test func tenThousandSessionsAreOneBatch() throws {
        let catalog = try store.open()
        let updates = (0..<10_000).map { number in
            var update = SessionUpdate(session: "session-\(number)", state: .running)
            update.image = "arena"
            update.created = moment(0) + Int64(number)
            return update
        }
        try catalog.record(sessions: updates)
        try catalog.record(sessions: updates)
        #expect(try catalog.count() == 10_000)
        #expect(try catalog.sessions(Selection(limit: 2)).map(\.session) == ["session-9999", "session-9998"])
    }

}
