import Catalog
import Foundation
import Model
import Pack
import Testing
import Text

@Suite(.everyEngine) struct SelectionTests {
    private let store: TestStore
    private let catalog: Catalog

    init() throws {
        store = try TestStore()
        catalog = try store.open()
        let crash = [crashJSON(signature: "SIGSEGV tick")]
        try catalog.commit([
            contents(
                "ab-1", image: "arena", tag: "1.0.0", location: "fra", labels: ["mode": "duel"], exited: moment(1)),
            contents("ab-2", image: "arena", tag: "1.1.0", location: "nyc", exited: moment(2), crashes: crash),
            contents(
                "abc", image: "arena-beta", tag: nil, location: nil, labels: ["mode": "duo", "x": "1"],
                exited: moment(3), crashes: crash),
            contents("zz", image: "lobby", tag: "1.1.0", location: "fra", labels: ["mode": "duel"], exited: moment(4)),
        ])
        var running = SessionUpdate(session: "run", state: .running)
        running.image = "lobby"
        running.created = moment(5)
        try catalog.record(sessions: [running])
    }

    static let cases: [(Selection, [String])] = [
        (Selection(), ["run", "zz", "abc", "ab-2", "ab-1"]),
        (Selection(limit: 2), ["run", "zz"]),
        (Selection(limit: 0), []),
        (Selection(images: ["arena"]), ["ab-2", "ab-1"]),
        (Selection(images: ["arena*"]), ["abc", "ab-2", "ab-1"]),
        (Selection(images: ["ARENA*"]), []),
        (Selection(images: ["arena?beta", "lobby"]), ["run", "zz", "abc"]),
        (Selection(tags: ["1.[1-9].*"]), ["zz", "ab-2"]),
        (Selection(tags: ["*"]), ["zz", "ab-2", "ab-1"]),
        (Selection(locations: ["fra"], labels: [.init(key: "mode", value: "duel")]), ["zz", "ab-1"]),
        (Selection(labels: [.init(key: "mode", value: "du*")]), ["zz", "abc", "ab-1"]),
        (Selection(labels: [.init(key: "mode", value: "*"), .init(key: "x", value: "1")]), ["abc"]),
        (Selection(labels: [.init(key: "none", value: "*")]), []),
        (Selection(since: moment(2)), ["run", "zz", "abc", "ab-2"]),
        (Selection(since: moment(2), until: moment(4)), ["abc", "ab-2"]),
        (Selection(crashed: true), ["abc", "ab-2"]),
        (Selection(locations: ["nyc"], crashed: true), ["ab-2"]),
        (Selection(states: [.running]), ["run"]),
        (Selection(states: [.running, .harvested], limit: 3), ["run", "zz", "abc"]),
        (Selection(sessions: ["zz", "ab-1"]), ["zz", "ab-1"]),
        (Selection(sessions: ["z"], tags: ["9"]), []),
        (Selection(images: ["'; DROP TABLE sessions; --"]), []),
        (Selection(images: ["[", "arena["]), []),
    ]

    @Test(arguments: cases.indices) func selects(index: Int) throws {
        let (selection, expected) = Self.cases[index]
        #expect(try catalog.sessions(selection).map(\.session) == expected)
        #expect(try catalog.count(selection) == expected.count)
        var streamed: [String] = []
        try catalog.forEachSession(selection) { streamed.append($0.session) }
        #expect(streamed == expected)
    }

    /// A session that began long ago and still runs is current; the limit applies to both kinds together.
    @Test func sessionsThatRunStandBeforeThoseThatEnded() throws {
        var old = SessionUpdate(session: "old", state: .running)
        old.created = moment(0)
        try catalog.record(sessions: [old])
        #expect(try catalog.sessions().map(\.session) == ["run", "old", "zz", "abc", "ab-2", "ab-1"])
        #expect(try catalog.sessions(Selection(limit: 1)).map(\.session) == ["run"])
        #expect(try catalog.sessions(Selection(limit: 3)).map(\.session) == ["run", "old", "zz"])
        #expect(try catalog.sessions(Selection(tags: ["1.0.0"], limit: 3)).map(\.session) == ["ab-1"])
    }

    @Test func prefixesAreResolvedWhenUnique() throws {
        #expect(try catalog.resolve("z") == "zz")
        #expect(try catalog.resolve("abc") == "abc")
        #expect(try catalog.resolve("ab-2") == "ab-2")
        let several = #expect(throws: CatalogError.self) { try catalog.resolve("ab") }
        #expect(several?.code == .ambiguousSession)
        #expect(several?.message.contains("ab-1, ab-2, abc") == true)
        for text in ["nothing", "", "%", "*", "z_", "ZZ"] {
            let error = #expect(throws: CatalogError.self) { try catalog.resolve(text) }
            #expect(error?.code == .unknownSession)
        }
        // An id that is also the beginning of others still names itself.
        try catalog.commit(contents("ab"))
        #expect(try catalog.resolve("ab") == "ab")
        let error = #expect(throws: CatalogError.self) { try catalog.sessions(Selection(sessions: ["ab-"])) }
        #expect(error?.code == .ambiguousSession)
    }

    @Test func labelTextIsParsed() {
        #expect(Selection.LabelMatch(parsing: "a=b=c") == .init(key: "a", value: "b=c"))
        #expect(Selection.LabelMatch(parsing: "a") == .init(key: "a", value: "*"))
        #expect(Selection.LabelMatch(parsing: "a=") == .init(key: "a", value: ""))
        #expect(Selection.LabelMatch(parsing: "=b") == nil)
        #expect(Selection.LabelMatch(parsing: "") == nil)
    }

    @Test func membersAreChosenByPathGlob() throws {
        guard catalog.storesMembers else { return }
        let paths: [[UInt8]] = [
            Array("a/game.log".utf8), Array("a/b/deep.log".utf8), [0x61, 0xFF, 0x2E, 0x6C, 0x6F, 0x67],
            Array("ü.log".utf8),
            Array("core.1".utf8),
        ]
        try catalog.commit(
            contents("m", members: paths.map { Member(MemberHeader(path: $0, kind: .text)) }))
        let cases: [(String, [Int])] = [
            ("*", [0, 1, 2, 3, 4]), ("*.log", [0, 1, 2, 3]), ("a/*", [0]), ("a/**", [0, 1]), ("a?.log", [2]),
            ("?.log", [3]), ("core.[0-9]", [4]), ("core.[^0-9]", []), ("", []), ("core.1", [4]),
        ]
        for (pattern, expected) in cases {
            #expect(
                try catalog.members("m", path: Glob(pattern, separator: "/")).map(\.ordinal) == expected, "\(pattern)")
        }
        var streamed: [Int] = []
        try catalog.forEachMember("m", path: Glob("a/**", separator: "/")) { streamed.append($0.ordinal) }
        #expect(streamed == [0, 1])
    }

    @Test func anErrorInTheClosureEndsTheWalk() throws {
        struct Stop: Error {}
        var seen = 0
        #expect(throws: Stop.self) {
            try catalog.forEachSession { _ in
                seen += 1
                if seen == 2 { throw Stop() }
            }
        }
        #expect(seen == 2)
        #expect(try catalog.count() == 5)
    }
}
