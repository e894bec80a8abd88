import Catalog
import Model
import Testing
import Text

@Suite(.everyEngine) struct BuildCountTests {
    private let store: TestStore
    private let catalog: Catalog

    init() throws {
        store = try TestStore()
        catalog = try store.open()
        let boom = crashJSON(signature: "boom", id: "c", time: "2026-11-20T05:00:00Z")
        try catalog.commit([
            contents("a", tag: "1.0", location: "fra", exited: moment(6), crashes: [boom, boom]),
            contents("b", tag: "1.0", location: "nyc", labels: ["mode": "duel"], exited: moment(8)),
            contents("c", image: "lobby", tag: "1.0", location: nil, exited: moment(7)),
            contents("d", tag: "e\u{301}", exited: moment(9), crashes: [boom]),
            contents("e", tag: "é", exited: moment(10)), contents("f", tag: nil, exited: moment(11)),
        ])
        var running = SessionUpdate(
            SessionIdentity(id: "r", image: "arena", tag: "1.0", location: "fra"), state: .running)
        running.seen = moment(20)
        try catalog.record(sessions: [running, SessionUpdate(SessionIdentity(id: "q", tag: "9"), state: .running)])
    }

    @Test func endedSessionsAreCounted() throws {
        #expect(try catalog.endedSessions() == 6)
        for (selection, count) in [
            (Selection(since: moment(7)), 5), (Selection(until: moment(7)), 1), (Selection(tags: ["1.*"]), 3),
            (Selection(tags: ["1.0", "é"]), 4), (Selection(tags: ["*"]), 5), (Selection(images: ["lob*"]), 1),
            (Selection(locations: ["fra"]), 4), (Selection(tags: ["1.0"], since: moment(7), until: moment(8)), 1),
            (Selection(labels: [.init(key: "mode", value: "*")]), 1), (Selection(sessions: ["a", "r"]), 1),
            (Selection(crashed: true), 2), (Selection(signatures: ["boom"]), 2), (Selection(limit: 1), 6),
            (Selection(states: [.running]), 0), (Selection(tags: ["nope"]), 0),
        ] { #expect(try catalog.endedSessions(selection) == count, "\(selection)") }
    }

    @Test func buildsAreCounted() throws {
        let builds = try catalog.builds()
        #expect(builds.map(\.tag) == ["1.0", "1.0", "e\u{301}", "é"])
        #expect(builds.map(\.image) == ["arena", "lobby", "arena", "arena"])
        #expect(builds.map(\.sessions) == [2, 1, 1, 1] && builds.map(\.crashed) == [1, 0, 1, 0])
        #expect(builds.map(\.crashes) == [2, 0, 1, 0])
        #expect(builds.map(\.first) == [moment(6), moment(7), moment(9), moment(10)])
        #expect(builds.map(\.last) == [moment(8), moment(7), moment(9), moment(10)])
        // Read from the sessions, and counted in the index: the same.
        let labelled = try catalog.builds(Selection(labels: [.init(key: "mode", value: "duel")]))
        #expect(labelled.map(\.tag) == ["1.0"] && labelled.map(\.sessions) == [1])
        #expect(try catalog.builds(Selection(crashed: true)).map(\.crashes) == [2, 1])
        #expect(try catalog.builds(Selection(locations: ["fra"], since: moment(7))).map(\.sessions) == [1, 1])
    }

    @Test func tagsAreFirstSeenWhenTheirFirstSessionEnded() throws {
        let seen = try catalog.firstSightings()
        #expect(seen["1.0"] == moment(6) && seen["é"] == moment(10) && seen["e\u{301}"] == moment(9))
        #expect(seen["9"] != nil && seen.count == 4)
    }

    @Test func sessionsAreSelectedBySignature() throws {
        #expect(try catalog.sessions(Selection(signatures: ["bo*"])).map(\.session) == ["d", "a"])
        #expect(try catalog.sessions(Selection(signatures: [""])).isEmpty)
        let many = (0..<5000).map { "no such signature \($0)" } + ["boom"]
        #expect(try catalog.count(Selection(signatures: many)) == 2)
        #expect(try catalog.crashes(Selection(signatures: many)).count == 3)
    }

    @Test func figuresOfASelectionStandBesideThoseOfTheStore() throws {
        let found = try catalog.signatureFigures(Selection(tags: ["1.0"]))
        #expect(found.map(\.selected.count) == [2] && found.map(\.whole.count) == [3])
        #expect(found.map(\.selected.tags) == [["1.0"]] && found.map(\.whole.tags) == [["1.0", "e\u{301}"]])
        let merged = try catalog.signatureFigures(merged: ["boom": "another"])
        #expect(merged.map(\.whole.signature) == ["another"] && merged.map(\.whole.sessions) == [2])
    }
}
