import Catalog
import Model
import Testing
import Text

/// Sessions by the signatures of their crashes, and by several values of one label.
@Suite(.everyEngine) struct SignatureSelectionTests {
    private let store: TestStore
    private let catalog: Catalog

    init() throws {
        store = try TestStore()
        catalog = try store.open()
        try catalog.commit([
            contents(
                "one", labels: ["mode": "duel", "map": "cove"], exited: moment(1),
                crashes: [crashJSON(signature: "f(char*[]) | g", id: "c1"), crashJSON(signature: "boom", id: "c2")]),
            contents(
                "two", labels: ["mode": "ffa", "map": "cove"], exited: moment(2),
                crashes: [crashJSON(signature: "boom", id: "c3")]),
            contents("three", labels: ["mode": "raid"], exited: moment(3)),
            contents(
                "four", exited: moment(4),
                crashes: [Array("{\"kind\":\"error\",\"signature\":\"boom\",\"crash\":\"e-1\"}".utf8)]),
        ])
    }

    private func sessions(_ signatures: String..., errors: Bool = false) throws -> [String] {
        let selection = Selection(errors: errors, signatures: signatures)
        let found = try catalog.sessions(selection).map(\.session)
        #expect(try catalog.count(selection) == found.count)
        var packed: [String] = []
        try catalog.forEachPack(selection) { packed.append($0.session) }
        #expect(Set(packed) == Set(found))
        #expect(try catalog.coverage(selection).sessions.values.reduce(0, +) == found.count)
        return found
    }

    @Test func aSignatureSelectsTheSessionsThatHaveSuchACrash() throws {
        #expect(try sessions("boom") == ["two", "one"])
        #expect(try sessions("f(char*[]) | g") == ["one"], "the text of a signature is no glob")
        #expect(try sessions("f(char\\*\\[]) | g") == ["one"], "nor is one whose wildcards are quoted")
        #expect(try sessions("b*") == ["two", "one"])
        #expect(try sessions("f(*", "boom") == ["two", "one"], "either")
        #expect(try sessions("boo").isEmpty && sessions("nothing*").isEmpty)
        #expect(try sessions("boom", errors: true) == ["four"])
        #expect(try catalog.sessions(Selection(tags: ["9"], signatures: ["boom"])).isEmpty)
    }

    @Test func anEarlierSignatureSelectsToo() throws {
        try catalog.update(crashes: [
            CrashUpdate(session: "two", crash: "c3", json: crashJSON(signature: "better", id: "c3"))
        ])
        #expect(try sessions("boom") == ["two", "one"])
        #expect(try sessions("better") == ["two"])
    }

    /// A selection that became wider than what was asked would let prune delete everything.
    @Test func aStateThatNoSignatureHasSelectsNothing() throws {
        var selection = Selection()
        selection.signatureStates = [.returned]
        #expect(try catalog.sessions(selection).isEmpty && catalog.crashes(selection).isEmpty)
        #expect(try catalog.topSignatures(selection).isEmpty)
        // Not even with a signature: the state may not be that signature's.
        selection.signatures = ["boom"]
        #expect(try catalog.sessions(selection).isEmpty && catalog.crashes(selection).isEmpty)
    }

    @Test func aCurrentSignatureIsNotAnEarlierOne() throws {
        try catalog.update(crashes: [
            CrashUpdate(session: "two", crash: "c3", json: crashJSON(signature: "better", id: "c3"))
        ])
        var selection = Selection()
        selection.currentSignatures = ["boom"]
        #expect(try catalog.sessions(selection).map(\.session) == ["one"])
        #expect(try catalog.crashes(selection).allSatisfy { $0.signature == "boom" })
        selection.currentSignatures = ["better"]
        selection.signatures = ["boom"]
        #expect(try catalog.sessions(selection).map(\.session) == ["two"])
        selection.currentSignatures = []
        #expect(try catalog.sessions(selection).isEmpty && catalog.crashes(selection).isEmpty)
        #expect(try catalog.topSignatures(selection).isEmpty)
        #expect(try catalog.series(by: .day, selection).allSatisfy { $0.crashed == 0 && $0.crashes == 0 })
    }

    @Test func hundredsOfSignaturesAreOneCondition() throws {
        let names = (0..<3000).map { "signature \($0)*" } + ["boom"]
        #expect(try catalog.sessions(Selection(signatures: names)).count == 2)
        #expect(try catalog.crashes(Selection(signatures: names)).count == 2)
    }

    @Test func valuesOfOneLabelAreAlternativesAndLabelsMustAllMatch() throws {
        func sessions(_ labels: (String, String)...) throws -> [String] {
            try catalog.sessions(Selection(labels: labels.map { .init(key: $0.0, value: $0.1) })).map(\.session)
        }
        #expect(try sessions(("mode", "duel"), ("mode", "ffa")) == ["two", "one"])
        #expect(try sessions(("mode", "d*"), ("mode", "raid")) == ["three", "one"])
        #expect(try sessions(("mode", "duel"), ("mode", "raid"), ("map", "cove")) == ["one"])
        #expect(try sessions(("mode", "raid"), ("map", "cove")).isEmpty)
    }

    @Test func aSessionTellsItsNewestCrash() throws {
        try catalog.commit(
            contents(
                "five", exited: moment(5),
                crashes: [
                    crashJSON(signature: "late", id: "l", time: "2026-11-20T04:00:00Z"),
                    crashJSON(signature: "early", id: "e", time: "2026-11-20T03:00:00Z", signal: "SIGABRT"),
                ]))
        let five = try #require(try catalog.session("five"))
        #expect(five.newestCrash == SessionCrash(crash: "l", reason: "SIGSEGV", signature: "late"))
        #expect(five.ending == .crash)
        let all = try catalog.sessions()
        #expect(all.first { $0.session == "three" }?.newestCrash == nil)
        #expect(all.first { $0.session == "three" }?.ending == .exit)
        #expect(all.first { $0.session == "four" }?.newestCrash == nil, "an error is no crash")
        #expect(all.first { $0.session == "two" }?.newestCrash?.signature == "boom")
    }
}
