import Catalog
import Model
import Pack
import SalvageConfiguration
import Testing

@testable import Harvest

@Suite struct AbsentPathTests {
    private static func ledger(
        _ id: String, _ artifacts: [(String, ArtifactState)], image: String = "game", pack: String? = nil
    ) -> SessionLedger {
        var record = SessionRecord(session: id, state: .harvested)
        record.image = image
        record.pack = pack
        return SessionLedger(
            record: record,
            artifacts: artifacts.map { ArtifactStanding(artifact: $0.0, state: $0.1, lastTry: 100) })
    }

    private static func rules(_ yaml: String) throws -> [Configuration.Rule] {
        try Configuration.parse("rules:\n" + yaml).rules
    }

    @Test func aPathMustBeAbsentInAllAndInThreeAtLeast() throws {
        let rules = try Self.rules("  - {name: r, artifacts: [/a, /b, '/c/{session}']}\n")
        func tally(_ count: Int, _ last: [(String, ArtifactState)] = []) -> [String] {
            var ledgers = (0..<count).map { number in
                Self.ledger("s\(number)", [("/a", .absent), ("/b", .collected), ("/c/s\(number)", .absent)])
            }
            if !last.isEmpty { ledgers.append(Self.ledger("last", last)) }
            return AbsentPath.tally(ledgers, by: rules, since: nil).map { "\($0.path.path) \($0.path.sessions)" }
        }
        #expect(tally(2).isEmpty)
        #expect(tally(3) == ["/a 3", "/c/{session} 3"])
        #expect(tally(3, [("/a", .incomplete)]) == ["/c/{session} 3"])
        #expect(tally(3, [("/a", .lost), ("/c/last", .failed)]) == ["/a 3", "/c/{session} 3"])
        #expect(tally(2, [("/a", .pending)]).isEmpty)
    }

    @Test func eachRuleCountsItsOwnSessions() throws {
        let rules = try Self.rules(
            "  - {name: x, match: {image: x}, artifacts: [/a]}\n  - {name: y, artifacts: [/a]}\n")
        let ledgers = (0..<6).map { number in
            Self.ledger("s\(number)", [("/a", number < 3 ? .absent : .collected)], image: number < 3 ? "x" : "z")
        }
        let found = AbsentPath.tally(ledgers, by: rules, since: 100).map(\.path)
        #expect(found == [AbsentPath(rule: "x", path: "/a", sessions: 3, lately: 3)])
        // Without rules the ledger's own paths are compared, and /a was found somewhere.
        #expect(AbsentPath.tally(ledgers, by: nil, since: nil).isEmpty)
        #expect(AbsentPath.tally(Array(ledgers.prefix(3)), by: nil, since: nil).map(\.path.path) == ["/a"])
    }

    /// A rule that few sessions match is checked in its own newest sessions, not in those of the fleet.
    @Test func aRareRuleIsNotHiddenByABusyOne() throws {
        let store = TemporaryStore()
        let catalog = try Catalog.open(store: store.path)
        func put(_ names: [String], image: String, _ state: ArtifactState, exited: Int64) throws {
            try catalog.commit(
                names.map { name in
                    PackContents(
                        facts: SessionMetadata(session: name, image: image, exited: exited),
                        artifacts: [ArtifactEntry(artifact: "/a", state: state)], path: "packs/\(name).pack",
                        packBytes: 1)
                })
        }
        let now: Int64 = 1_800_000_000_000
        try put((0..<AbsentPath.mostSessions + 5).map { "busy-\($0)" }, image: "busy", .collected, exited: now - 1000)
        try put((0..<3).map { "rare-\($0)" }, image: "rare/game", .absent, exited: now - 3_600_000)
        try put((0..<3).map { "else-\($0)" }, image: "[else]", .absent, exited: now - 3_600_000)
        let rules = try Configuration.parse(
            """
            rules:
              - {name: rare, match: {image: 'rare/*'}, artifacts: [/a]}
              - {name: odd, match: {image: '\\[else]'}, artifacts: [/a]}
              - {name: rest, artifacts: [/a]}
            """, file: "f")
        let found = try AbsentPath.find(in: catalog, by: rules, now: now)
        #expect(found.map { "\($0.rule ?? "") \($0.path) \($0.sessions)" } == ["rare /a 3", "odd /a 3"])
    }

    @Test(
        arguments: [
            ("/game/saved", "/game/Saved"), ("/GAME/SAVED", "/game/Saved"), ("/game/Savde", "/game/Saved"),
            ("/game/Saved/Crashs", "/game/Saved/Crashes"), ("/game/replays", nil), ("/elsewhere", nil),
        ] as [(String, String?)])
    func theNearestPathIsTakenFromWhatWasFetched(_ path: String, _ nearest: String?) throws {
        let store = TemporaryStore()
        let catalog = try Catalog.open(store: store.path)
        let members = ["game/", "game/Saved/", "game/Saved/Crashes/core.1", "game/Binaries/Server"].map { name in
            Member(MemberHeader(path: Array(name.utf8), kind: .binary))
        }
        try catalog.commit(
            PackContents(
                facts: SessionMetadata(session: "s", image: "game"),
                artifacts: [ArtifactEntry(artifact: "/game", state: .collected)], members: members,
                path: "packs/s.pack", packBytes: 1))
        let ledgers = try catalog.ledgers(Selection())
        #expect(ledgers.first?.artifacts == [ArtifactStanding(artifact: "/game", state: .collected)])
        #expect(try KnownPaths(ledgers, in: catalog).nearest(to: path, image: "game") == nearest)
        let siblings = [Self.ledger("t", [("/game/Saved/Crashes", .collected)])]
        if nearest == "/game/Saved" {
            #expect(try KnownPaths(siblings, in: catalog).nearest(to: path, image: "other") == nearest)
        }
    }
}
