import Catalog
import Foundation
import Model
import Pack
import Testing
import Text

@Suite(.everyEngine) struct CrashQueryTests {
    private let store: TestStore
    private let catalog: Catalog

    init() throws {
        store = try TestStore()
        catalog = try store.open()
        let day1 = "2026-11-20T23:59:59.999Z"
        let day2 = "2026-11-21T00:00:00Z"
        try catalog.commit([
            contents(
                "one", tag: "1.0", location: "fra",
                crashes: [
                    crashJSON(signature: "boom", id: "c-one-1", time: day1),
                    crashJSON(signature: "boom", id: "c-one-2", time: day2),
                ]),
            contents(
                "two", tag: "1.1", location: "nyc", labels: ["mode": "duel"],
                crashes: [crashJSON(signature: "boom", id: "c-two", time: day1)]),
            contents(
                "three", image: "lobby", tag: nil, location: nil, exited: moment(6),
                crashes: [crashJSON(signature: "assert", id: "d-three"), survived]),
        ])
    }

    private let survived = Array("{\"kind\":\"error\",\"signature\":\"warned\",\"crash\":\"e-1\"}".utf8)

    @Test func groupsBySignature() throws {
        let top = try catalog.topSignatures()
        #expect(top.map(\.signature) == ["boom", "assert"])
        let boom = try #require(top.first)
        #expect(boom.count == 3)
        #expect(boom.sessions == 2)
        #expect(boom.firstSeen == moment(23, 59) + 59_999)
        #expect(boom.lastSeen == moment(24))
        #expect(boom.tags == ["1.0", "1.1"])
        #expect(boom.locations == ["fra", "nyc"])
        #expect(boom.perDay == [.init(day: 20_777, count: 2), .init(day: 20_778, count: 1)])
        #expect(top[1].tags.isEmpty)
        #expect(top[1].firstSeen == moment(6))
        #expect(try catalog.topSignatures(Selection(limit: 1)).map(\.signature) == ["boom"])
    }

    @Test func selectionsNarrowTheGroups() throws {
        #expect(try catalog.topSignatures(Selection(tags: ["1.1"])).map(\.count) == [1])
        #expect(try catalog.topSignatures(Selection(images: ["lob*"])).map(\.signature) == ["assert"])
        #expect(try catalog.topSignatures(Selection(since: moment(24))).map(\.count) == [1])
        #expect(try catalog.topSignatures(Selection(labels: [.init(key: "mode", value: "duel")])).map(\.count) == [1])
        #expect(try catalog.topSignatures(Selection(sessions: ["on"])).map(\.count) == [2])
        #expect(try catalog.topSignatures(Selection(locations: ["nowhere"])).isEmpty)
    }

    @Test func oneSignatureIsTakenLiterallyOrAsAGlob() throws {
        try catalog.commit(contents("five", crashes: [crashJSON(signature: "f(char*[]) | g")]))
        #expect(try catalog.signature("f(char*[]) | g")?.count == 1)
        #expect(try catalog.signature("boom")?.sessions == 2)
        #expect(try catalog.signature("f(char*") == nil)
        #expect(try catalog.crashes(Selection(signatures: ["f(char*[]) | g"])).map(\.session) == ["five"])
        #expect(try catalog.crashes(Selection(signatures: ["b*", "assert"])).count == 4)
        #expect(try catalog.topSignatures(Selection(signatures: ["a*"])).map(\.signature) == ["assert"])
    }

    @Test func listsNewestFirst() throws {
        #expect(try catalog.crashes().map(\.crash) == ["c-one-2", "c-two", "c-one-1", "d-three"])
        #expect(try catalog.crashes(Selection(limit: 1)).map(\.crash) == ["c-one-2"])
        #expect(try catalog.crashes(Selection(tags: ["1.0"], until: moment(24))).map(\.crash) == ["c-one-1"])
        #expect(try catalog.crashes(Selection(crashed: true)).count == 4)
    }

    @Test func survivedErrorsAreNoCrashes() throws {
        #expect(try catalog.session("three")?.crashes == 1)
        #expect(try catalog.crashes(Selection(errors: true)).map(\.crash) == ["e-1"])
        #expect(try catalog.topSignatures(Selection(errors: true)).map(\.signature) == ["warned"])
        try catalog.commit(contents("four", crashes: [survived]))
        #expect(try catalog.sessions(Selection(crashed: true)).map(\.session).contains("four") == false)
    }

    @Test func oneCrashIsFoundByWhatAPersonHasAtHand() throws {
        #expect(try catalog.crashes(named: "c-two").map(\.session) == ["two"])
        #expect(try catalog.crashes(named: "c-t").map(\.session) == ["two"])
        #expect(try catalog.crashes(named: "one").map(\.crash) == ["c-one-1", "c-one-2"])
        #expect(try catalog.crashes(named: "th").map(\.crash) == ["d-three", "e-1"])
        let ambiguous = #expect(throws: CatalogError.self) { try catalog.crashes(named: "t") }
        #expect(ambiguous?.code == .ambiguousSession)
        #expect(throws: CatalogError.self) { try catalog.crashes(named: "nope") }
        #expect(try catalog.crashes(named: "").isEmpty)
    }

    @Test func accountsForEveryArtifact() throws {
        let gone = ArtifactEntry(artifact: "/crash", state: .lost, reason: "container removed", status: 404, tries: 3)
        let absent = ArtifactEntry(artifact: "/opt", state: .absent, status: 404)
        var vanished = SessionUpdate(session: "vanished", state: .lost, reason: "gone before it was described")
        vanished.seen = moment(1)
        var waiting = SessionUpdate(session: "waiting", state: .pending)
        waiting.deadline = moment(9)
        try catalog.record(
            LedgerBatch(
                sessions: [vanished, waiting],
                artifacts: [
                    ArtifactRecord(session: "one", entry: gone), ArtifactRecord(session: "two", entry: absent),
                    ArtifactRecord(session: "waiting", entry: ArtifactEntry(artifact: "/data", state: .pending)),
                ]))
        let coverage = try catalog.coverage()
        #expect(coverage.sessions == [.harvested: 3, .lost: 1, .pending: 1])
        #expect(coverage.artifacts == [.collected: 3, .lost: 1, .absent: 1, .pending: 1])
        #expect(coverage.bytes == 3 * 512)
        #expect(!coverage.isComplete)
        #expect(try catalog.coverage(Selection(sessions: ["two"])).isComplete)
        var gaps: [String] = []
        try catalog.forEachGap { gaps.append("\($0.session) \($0.entry?.artifact ?? "-") \($0.state)") }
        #expect(
            gaps == [
                "two /opt harvested", "one /crash harvested", "vanished - lost", "waiting /data pending",
            ])
        var all: [String] = []
        try catalog.forEachGap(Selection(sessions: ["one"]), collected: true) { all.append($0.entry?.artifact ?? "-") }
        #expect(all == ["/crash", "/data"])
        let status = try catalog.status()
        #expect(status.sessions == coverage.sessions)
        #expect(status.nextDeadline == moment(9))
        #expect(status.nextSession == "waiting")
        #expect(status.backlog == 1)
        #expect(status.packs == 3)
        #expect(status.packBytes == 3 * 1234)
        #expect(status.members == 6)
        #expect(status.crashes == 4)
    }
}
