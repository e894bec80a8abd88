import Catalog
import Model
import Testing
import Text

@testable import Store

@Suite struct SignatureStateTests {
    private let stage: RealStore
    private static let hour = RealStore.hour

    init() throws {
        stage = try RealStore()
        try add("old", "1.4.0", hour: 12)
        try stage.add("quiet", tag: "1.4.0", exited: Self.hour(12))
    }

    /// A session that crashed with `signature` in the hour before its end.
    private func add(_ session: String, _ tag: String?, hour: Int, _ signature: String = "Boom") throws {
        let day = 20 + hour / 24
        let time = "2026-11-\(day)T\(hour % 24 < 11 ? "0" : "")\(hour % 24 - 1):30:00.000Z"
        try stage.add(
            session, tag: tag, exited: Self.hour(hour),
            crashes: [RealStore.crash(signature, id: "crash-\(session)", time: time)])
    }

    private func decide(
        _ action: Decision.Action, _ signature: String = "Boom", hour: Int = 13, note: String? = nil,
        ticket: String? = nil
    ) throws -> SignatureOverview {
        try stage.open().decide(
            Decision(
                signature: signature, time: Self.hour(hour), author: "anna", action: action, ticket: ticket,
                note: note), now: Self.hour(hour))
    }

    private func state(now: Int = 100, _ selection: Selection = Selection()) throws -> SignatureState? {
        try stage.open().signatures(selection, now: Self.hour(now)).first { $0.signature == "Boom" }?.state
    }

    @Test func aSignatureIsNewInTheWindowOfItsFirstCrash() throws {
        #expect(try state(now: 20) == .new)
        #expect(try state(now: 48) == .open)
        #expect(try state(now: 48, Selection(since: Self.hour(11))) == .new)
        #expect(try state(now: 48, Selection(since: Self.hour(0), until: Self.hour(24))) == .new)
        try add("later", "1.4.0", hour: 40)
        #expect(try state(now: 48, Selection(since: Self.hour(30))) == .open)
        let found = try #require(try stage.open().signatures(Selection(since: Self.hour(30)), now: Self.hour(48)).first)
        #expect(found.firstSeen < Self.hour(12) && found.selected.firstSeen > Self.hour(30))
        #expect(found.selected.count == 1 && found.share == 1)
        #expect(try decide(.reopen).state == .open)
        #expect(try state(now: 20) == .open)
    }

    @Test func onlyABuildWithTheFixReturns() throws {
        #expect(try decide(.resolve(fixedIn: "1.5.0"), note: "guarded", ticket: "https://t/1").state == .fixed)
        try add("older", "1.4.9", hour: 20)
        #expect(try state() == .fixed)
        try add("candidate", "1.5.0-rc1", hour: 21)
        #expect(try state() == .fixed)
        try add("untagged", nil, hour: 21)
        #expect(try state() == .fixed)
        try add("newer", "1.5.1", hour: 22)
        let found = try #require(try stage.open().signatures(Selection(), now: Self.hour(23)).first)
        #expect(found.state == .returned && found.firstTag == "1.4.0" && found.lastTag == "1.5.1")
        #expect(found.standing.ticket == "https://t/1" && found.standing.history.map(\.note) == ["guarded"])
        #expect(try decide(.reopen, hour: 23).state == .open)
    }

    @Test func withoutABuildOnlyLaterSessionsReturn() throws {
        #expect(try decide(.resolve(fixedIn: nil), hour: 13).state == .fixed)
        // Sessions of this store take ten minutes: this one began before the decision.
        try stage.add(
            "running", tag: "9.9", exited: Self.hour(13) + 300_000,
            crashes: [RealStore.crash("Boom", id: "r", time: "2026-11-20T13:04:00.000Z")])
        #expect(try state() == .fixed)
        try add("next", "1.4.0", hour: 15)
        #expect(try state() == .returned)
    }

    @Test func ignoringEndsByTimeOrCount() throws {
        #expect(try decide(.ignore(until: Self.hour(30), crashes: nil)).state == .ignored)
        #expect(try state(now: 29) == .ignored)
        #expect(try state(now: 30) == .open)
        #expect(try decide(.ignore(until: nil, crashes: 2)).state == .ignored)
        try add("one", "1.4.0", hour: 15)
        #expect(try state() == .ignored)
        try add("two", "1.4.0", hour: 16)
        #expect(try state() == .open)
        #expect(try decide(.ignore(until: nil, crashes: nil), hour: 17).state == .ignored)
    }

    @Test func statesSelect() throws {
        try add("other", "1.4.0", hour: 12, "f(char*[])")
        _ = try decide(.ignore(until: nil, crashes: nil))
        let store = try stage.open()
        let now = Self.hour(14)
        var selection = Selection()
        selection.signatureStates = [.ignored]
        #expect(try store.signatures(selection, now: now).map(\.signature) == ["Boom"])
        var crashes: [String] = []
        try store.forEachCrash(try store.resolved(selection, now: now)) {
            if case .stored(let crash) = $0 { crashes.append(crash.row.crash) }
        }
        #expect(crashes == ["crash-old"])
        var sessions: [String] = []
        try store.forEachSession(try store.resolved(selection, now: now)) { sessions.append($0.session) }
        #expect(sessions == ["old"])
        selection.signatureStates = [.new, .returned]
        #expect(try store.signatures(selection, now: now).map(\.signature) == ["f(char*[])"])
        #expect(try store.resolved(selection, now: now).currentSignatures == ["f(char*[])"])
        selection.signatureStates = [.returned]
        #expect(try store.resolved(selection, now: now).currentSignatures == [])
        try store.forEachSession(try store.resolved(selection, now: now)) { Issue.record("\($0.session)") }
    }

    /// `prune --state fixed` must not delete what is open.
    @Test func aStateSelectsNoCrashThatOnlyHadItsSignatureBefore() throws {
        try add("renamed", "1.4.0", hour: 12)
        try stage.catalog().update(crashes: [
            CrashUpdate(
                session: "renamed", crash: "crash-renamed",
                json: Array(RealStore.crash("Named", id: "crash-renamed").utf8))
        ])
        _ = try decide(.resolve(fixedIn: "1.5.0"))
        _ = try decide(.reopen, "Named", hour: 14)
        let store = try stage.open()
        func sessions(_ states: [SignatureState], _ signatures: [String] = []) throws -> [String] {
            var selection = Selection(signatures: signatures)
            selection.signatureStates = states
            return try store.sessions(try store.resolved(selection, now: Self.hour(14))).map(\.session)
        }
        #expect(try sessions([.fixed]) == ["old"])
        #expect(try sessions([.open]) == ["renamed"])
        #expect(try sessions([.open], ["Boom"]) == ["renamed"], "it had that signature before")
        #expect(try sessions([.fixed], ["Named"]).isEmpty)
    }

    @Test func decisionsThatMakeNoSenseAreRefused() throws {
        func refused(_ action: Decision.Action, ticket: String? = nil) throws {
            let error = try #require(throws: StoreError.self) { try decide(action, ticket: ticket) }
            #expect(error.code == .usage && error.kind == .invalid, "\(error)")
        }
        try refused(.resolve(fixedIn: ""))
        try refused(.ignore(until: Self.hour(12), crashes: nil))
        try refused(.ignore(until: nil, crashes: 0))
        try refused(.note)
        try refused(.merge(into: "Boom"))
        try refused(.unmerge)
        for ticket in ["javascript:alert(1)", "http://", "https://a b", "ticket 7", "data:text/html,x"] {
            try refused(.resolve(fixedIn: "1.5.0"), ticket: ticket)
        }
        #expect(try stage.open().decisions().isEmpty)
    }

    @Test func tagsThatAreNoVersionsAreOrderedBySight() throws {
        try add("first", "main-b", hour: 14)
        try stage.add("fix", tag: "main-a", exited: Self.hour(16))
        #expect(try decide(.resolve(fixedIn: "main-a"), hour: 17).state == .fixed)
        try add("again", "main-0", hour: 18)
        #expect(try state() == .returned)
    }

    @Test func reindexKeepsDecisions() throws {
        _ = try decide(.ignore(until: nil, crashes: nil), note: "known")
        _ = try Catalog.reindex(store: stage.path, home: try stage.open().home)
        #expect(try state() == .ignored)
    }
}
