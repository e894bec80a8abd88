import Catalog
import Glibc
import JSON
import Model
import Testing
import Text

@testable import Store

@Suite struct MergeTests {
    private let stage: RealStore
    private static let now = RealStore.hour(14)

    init() throws {
        stage = try RealStore()
        try stage.add(
            "s1", tag: "1.0", crashes: [RealStore.crash("A", id: "a-1"), RealStore.crash("B", id: "b-1")])
        try stage.add("s2", tag: "1.1", crashes: [RealStore.crash("B", id: "b-2")])
        try stage.add("s3", tag: "1.2", crashes: [RealStore.crash("C", id: "c-3")])
    }

    private func decide(_ signature: String, _ action: Decision.Action) throws -> SignatureOverview {
        try stage.open().decide(
            Decision(signature: signature, time: Self.now, author: "anna", action: action), now: Self.now)
    }

    private func top() throws -> [String] {
        try stage.open().signatures(Selection(), now: Self.now).map { "\($0.signature) \($0.selected.count)" }.sorted()
    }

    @Test func crashesCountAsThoseOfTheOther() throws {
        #expect(try top() == ["A 1", "B 2", "C 1"])
        let merged = try decide("B", .merge(into: "A"))
        #expect(merged.signature == "A" && merged.standing.merged == ["B"])
        // The session that crashed with both is counted once.
        #expect(merged.selected.count == 3 && merged.selected.sessions == 2)
        #expect(merged.firstTag == "1.0" && merged.lastTag == "1.1")
        #expect(try top() == ["A 3", "C 1"])
        let store = try stage.open()
        for pattern in ["A", "B"] {
            var crashes: [String] = []
            try store.forEachCrash(Selection(signatures: [pattern])) {
                if case .stored(let crash) = $0 { crashes.append(crash.row.crash) }
            }
            #expect(Set(crashes) == ["a-1", "b-1", "b-2"])
            #expect(try store.signatures(Selection(signatures: [pattern]), now: Self.now).map(\.selected.count) == [3])
        }
        #expect(try store.signature(named: "b-2", now: Self.now).signature == "A")
        #expect(try store.compare(["1.0", "1.1"], Selection()).changes.map(\.signature) == ["A"])
        let selected = try store.signatures(Selection(tags: ["1.1"]), now: Self.now)
        #expect(selected.map(\.selected.count) == [1] && selected.map(\.firstTag) == ["1.0"])
        // What is decided about one is decided about both.
        #expect(try decide("B", .resolve(fixedIn: "1.1")).state == .returned)
        #expect(try stage.open().decisions().last?.signature == "A")
    }

    @Test func mergesChainWithoutCyclesAndAreUndone() throws {
        _ = try decide("B", .merge(into: "A"))
        #expect(try decide("A", .merge(into: "C")).standing.merged == ["A", "B"])
        #expect(try top() == ["C 4"])
        for (one, other) in [("C", "A"), ("C", "B"), ("B", "C"), ("A", "B")] {
            let error = try #require(throws: StoreError.self) { try decide(one, .merge(into: other)) }
            #expect(error.code == .usage, "\(one) \(other)")
        }
        #expect(try stage.open().mergedSignatures(named: "B") == ["B"])
        #expect(try stage.open().mergedSignatures(named: "C") == ["A", "B"])
        #expect(try decide("A", .unmerge).standing.merged == ["B"])
        #expect(try top() == ["A 3", "C 1"])
        #expect(try decide("B", .unmerge).signature == "B")
        #expect(try top() == ["A 1", "B 2", "C 1"])
    }

    @Test func aCycleInTheJournalIsNotFollowed() throws {
        _ = try decide("B", .merge(into: "A"))
        let line = Shapes.decision.line(
            Decision(signature: "A", time: Self.now, author: "editor", action: .merge(into: "B")))
        try append(line.utf8 + [0x0A])
        #expect(try top() == ["A 3", "C 1"])
    }

    /// Entries that no writer makes: a chain that passes through the signature itself would be followed for ever.
    @Test func aChainThroughItselfIsNotFollowed() {
        func merge(_ text: String, _ into: String) -> Decision {
            Decision(signature: text, time: Self.now, author: "anna", action: .merge(into: into))
        }
        let entries = [merge("A", "B"), merge("B", "C"), merge("C", "A"), merge("A", "A"), merge("B", "A")]
        let standings = Standings(entries, successors: [:], gone: [])
        #expect(standings.target(of: "A") == "C" && standings.target(of: "B") == "C")
        #expect(standings.merged(into: "C") == ["A", "B"] && standings.target(of: "C") == "C")
    }

    @Test func whatIsDecidedSurvivesANewSignature() throws {
        _ = try decide("B", .ignore(until: nil, crashes: nil))
        let renewed = ["s1": "b-1", "s2": "b-2"].map { session, crash in
            CrashUpdate(session: session, crash: crash, json: Array(RealStore.crash("Better", id: crash).utf8))
        }
        #expect(try stage.catalog().update(crashes: renewed) == 2)
        let found = try stage.open().signature(named: "Better", now: Self.now)
        #expect(found.state == .ignored && found.standing.history.map(\.signature) == ["B"])
        // What is said about the present signature comes first.
        #expect(try decide("Better", .reopen).state == .open)
        _ = try decide("B", .merge(into: "A"))
        #expect(try top() == ["A 3", "C 1"])
    }

    @Test func aMergeFollowsTheTargetToItsNewSignature() throws {
        _ = try decide("B", .merge(into: "C"))
        let renewed = CrashUpdate(session: "s3", crash: "c-3", json: Array(RealStore.crash("Named", id: "c-3").utf8))
        #expect(try stage.catalog().update(crashes: [renewed]) == 1)
        #expect(try top() == ["A 1", "Named 3"])
    }

    private func append(_ bytes: [UInt8]) throws {
        let file = try #require(fopen(stage.path + "/" + DecisionFile.file, "a"))
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }
}
