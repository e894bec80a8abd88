import Catalog
import Foundation
import Model
import Pack
import Testing
import Text

@Suite(.everyEngine) struct PackCommitTests {
    private let store: TestStore
    private let catalog: Catalog

    init() throws {
        store = try TestStore()
        catalog = try store.open()
    }

    @Test func everythingOfAPackIsFoundAgain() throws {
        var link = Member(MemberHeader(path: [0xFF, 0x2F, 0x61], kind: .symlink))
        link.linkTarget = Array("../x".utf8)
        link.flags = [.truncated, .unsafePath]
        let pack = contents(
            "alpha", labels: ["mode": "ranked"],
            crashes: [crashJSON(signature: "SIGSEGV tick", id: "c1", time: "2026-11-20T11:59:58.250Z")],
            members: [member("game.log", size: 7), link])
        try catalog.commit(pack)
        let record = try #require(try catalog.session("alpha"))
        #expect(record.state == .harvested)
        #expect(record.members == 2)
        #expect(record.bytes == 7)
        #expect(record.crashes == 1)
        #expect(record.pack == pack.path)
        #expect(record.packBytes == 1234)
        #expect(record.labels == ["mode": "ranked"])
        #expect(record.exited == moment(12))
        if catalog.storesMembers {
            let members = try catalog.members("alpha")
            #expect(members.map(\.path) == pack.members.map(\.path))
            #expect(members.map(\.artifact) == ["/data", "/data"])
            #expect(members[0].mtime == 5_000_000_007)
            #expect(members[0].sha256 == pack.members[0].sha256)
            #expect(members[1].linkTarget == Array("../x".utf8))
            #expect(members[1].flags == [.truncated, .unsafePath])
            #expect(members[1].kind == .symlink)
        }
        let crash = try #require(try catalog.crashes().first)
        #expect(crash.crash == "c1")
        #expect(crash.signal == "SIGSEGV")
        #expect(crash.thread == "GameThread")
        #expect(crash.time == moment(11, 59) + 58_250)
        #expect(crash.json == pack.crashes[0])
    }

    @Test func committingTwiceChangesNothing() throws {
        let pack = contents("alpha", crashes: [crashJSON(signature: "a"), crashJSON(signature: "b")])
        try catalog.commit(pack)
        let first = try Answers(catalog)
        try catalog.commit(pack)
        try catalog.commit([pack, pack])
        #expect(try Answers(catalog) == first)
    }

    @Test func aLaterPackReplacesAnEarlier() throws {
        let pending = [
            ArtifactEntry(artifact: "/data", state: .collected), ArtifactEntry(artifact: "logs", state: .pending),
        ]
        try catalog.commit(contents("alpha", crashes: [crashJSON(signature: "a")], artifacts: pending))
        #expect(try catalog.session("alpha")?.state == .pending)
        let all = pending.map { ArtifactEntry(artifact: $0.artifact, state: .collected) }
        try catalog.commit(
            contents("alpha", artifacts: all, members: [member("game.log"), member("out", artifact: 1)]))
        #expect(try catalog.session("alpha")?.state == .harvested)
        if catalog.storesMembers {
            #expect(try catalog.members("alpha").map(\.artifact) == ["/data", "logs"])
        }
        #expect(try catalog.crashes().isEmpty)
        #expect(try catalog.topSignatures().isEmpty)
    }

    @Test func rowsOfOtherArtifactsStay() throws {
        let absent = ArtifactEntry(artifact: "/crash", state: .lost, reason: "container removed", status: 404)
        try catalog.record(LedgerBatch(artifacts: [ArtifactRecord(session: "alpha", entry: absent)]))
        try catalog.commit(contents("alpha"))
        #expect(try catalog.artifacts("alpha").map(\.entry.artifact) == ["/crash", "/data"])
        #expect(try catalog.session("alpha")?.state == .partial)
    }

    @Test(arguments: [
        ("{}", "unknown"), ("not json", "unknown"), ("[]", "unknown"), ("{\"signature\":7}", "7"),
        ("{\"signature\":{\"name\":\"x\"},\"time\":\"yesterday\",\"crash\":[1]}", "x"), ("", "unknown"),
        ("{\"signature\":\"y\",\"time\":1e300}", "y"), ("\u{0}", "unknown"),
    ])
    func oddCrashRecordsAreKept(json: String, signature: String) throws {
        try catalog.commit(contents("alpha", crashes: [Array(json.utf8)]))
        let crash = try #require(try catalog.crashes().first)
        #expect(crash.signature == signature)
        #expect(crash.json == Array(json.utf8))
        #expect(crash.crash == "alpha#0")
        #expect(crash.time == nil)
    }

    @Test func hostileNumbersAreClamped() throws {
        var huge = member("huge", artifact: 4_000_000_000, size: .max)
        huge.stored = .max
        huge.mtime = .min
        huge.mode = .max
        let entry = ArtifactEntry(artifact: "/data", state: .collected, tries: .max, bytes: .max, firstTry: .min)
        var pack = contents("alpha", artifacts: [entry], members: [huge, huge])
        pack.facts.created = .max
        pack.packBytes = .max
        try catalog.commit(pack)
        #expect(try catalog.session("alpha")?.bytes == UInt64(Int64.max))
        if catalog.storesMembers { #expect(try catalog.members("alpha").map(\.artifact) == ["", ""]) }
        #expect(try catalog.coverage().bytes == UInt64(Int64.max))
        try catalog.commit(contents("beta", artifacts: [entry], members: [huge]))
        #expect(try catalog.status().packs == 2)
        #expect(try catalog.coverage().sessions == [.harvested: 2])
    }

    @Test func removingForgetsEveryRow() throws {
        for name in ["alpha", "beta"] {
            try catalog.commit(contents(name, labels: ["k": "v"], crashes: [crashJSON(signature: name)]))
        }
        #expect(try catalog.removePacks(sessions: ["alpha", "unknown"]) == ["packs/2026/11/20/alpha.pack"])
        #expect(try catalog.session("alpha")?.pack == nil)
        #expect(try catalog.artifacts("alpha").count == 1)
        if catalog.storesMembers { #expect(try catalog.members("alpha").isEmpty) }
        #expect(try catalog.topSignatures().map(\.signature) == ["beta"])
        #expect(try catalog.remove(sessions: ["alpha", "beta", "unknown"]) == ["packs/2026/11/20/beta.pack"])
        let empty = try TestStore()
        #expect(try Answers(catalog) == Answers(try empty.open()))
    }
}

/// All that the queries say about a catalog, to compare two of them.
struct Answers: Equatable {
    var sessions: [SessionRecord]
    var artifacts: [[ArtifactRecord]]
    var members: [[MemberRecord]]
    var crashes: [CrashRow]
    var top: [SignatureSummary]
    var coverage: Coverage
    var status: StoreStatus

    init(_ catalog: Catalog) throws {
        sessions = try catalog.sessions().sorted { $0.session < $1.session }
        artifacts = try sessions.map { try catalog.artifacts($0.session) }
        members = catalog.storesMembers ? try sessions.map { try catalog.members($0.session) } : []
        crashes = try catalog.crashes().sorted { ($0.session, $0.crash) < ($1.session, $1.crash) }
        top = try catalog.topSignatures().sorted { $0.signature < $1.signature }
        coverage = try catalog.coverage()
        status = try catalog.status()
    }
}
