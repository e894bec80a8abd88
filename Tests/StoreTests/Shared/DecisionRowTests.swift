import Catalog
import Model
import Testing
import Text

@testable import Store

/// The journal of decisions in the catalog of a shared store.
@Suite(.enabled(if: SharedStage.server != nil, SharedStage.why)) struct DecisionRowTests {
    private let stage: SharedStage

    init() throws { stage = try SharedStage() }

    private static func decision(_ note: String) -> Decision {
        Decision(signature: "Boom", time: RealStore.hour(1), author: "anna", action: .note, note: note)
    }

    private func notes(_ catalog: Catalog) throws -> [String?] {
        try DecisionJournal(catalog).read().decisions.map(\.note)
    }

    @Test func everyDecisionComesBackAsItWasMade() throws {
        let catalog = try stage.catalog()
        let text = "f(char*) \"é\" e\u{301} \u{1B}[31m\n\u{0}\u{2028}\u{10FFFF}"
        let actions: [Decision.Action] = [
            .resolve(fixedIn: "1.5.0"), .ignore(until: 1_795_132_800_123, crashes: 7), .merge(into: text), .note,
        ]
        let made = actions.map {
            Decision(
                signature: text, time: 1_795_132_800_001, author: text, action: $0, ticket: "https://t/1", note: text)
        }
        for (index, decision) in made.enumerated() {
            let all = try DecisionJournal(catalog).append { contents in
                #expect(contents.decisions.count == index)
                return decision
            }
            #expect(all == Array(made[...index]))
        }
        // Another machine reads the same.
        let read = try DecisionJournal(try stage.catalog()).read()
        #expect(read.decisions == made && read.unreadable.isEmpty && !read.isTorn)
        #expect(read.decisions.allSatisfy { $0.signature.hasSameBytes(as: text) })
    }

    @Test func severalWritersLoseNothingAndSeeEachOther() throws {
        _ = try stage.catalog()
        let uri = stage.uri
        let local = stage.local
        let counts = try onThreads(4) { writer in
            let catalog = try Catalog.open(shared: uri, local: local)
            return try (0..<25).map { number in
                var seen = 0
                let all = try DecisionJournal(catalog).append { contents in
                    seen = contents.decisions.count
                    return Self.decision("\(writer)-\(number)")
                }
                // Nothing came between what the decision was made for and the decision.
                #expect(all.count == seen + 1 && all.last?.note == "\(writer)-\(number)")
                return seen
            }
        }
        #expect(counts.flatMap(\.self).sorted() == Array(0..<100))
        #expect(Set(try notes(try stage.catalog()).compactMap(\.self)).count == 100)
    }

    @Test func linesThatCannotBeReadAreKeptAndNamed() throws {
        let catalog = try stage.catalog()
        _ = try DecisionJournal(catalog).append { _ in Self.decision("one") }
        #expect(try catalog.append([0xFF, 0x00], to: .decisions, after: 1, at: 0))
        #expect(try catalog.append(Array("{\"signature\":\"S\"}".utf8), to: .decisions, after: 2, at: 0))
        _ = try DecisionJournal(catalog).append { _ in Self.decision("two") }
        let read = try DecisionJournal(catalog).read()
        #expect(read.decisions.map(\.note) == ["one", "two"])
        #expect(read.unreadable.map(\.line) == [2, 3])
        #expect(read.unreadable.map(\.why) == ["is not a JSON object", "has no time"])
    }

    @Test func nothingIsWrittenForADecisionThatIsRefused() throws {
        let catalog = try stage.catalog()
        #expect(throws: StoreError.self) {
            try DecisionJournal(catalog).append { _ in throw StoreError(.usage, "no", kind: .invalid) }
        }
        #expect(try notes(catalog).isEmpty)
    }

    @Test func aStoreThatWasOpenedForQuestionsTakesDecisionsAndPins() throws {
        let catalog = try stage.catalog()
        var address = SharedStoreAddress(catalog: stage.uri)
        address.cache = stage.local + "/questions"
        let store = try Store(.shared(address))
        let overview = try store.decide(
            Decision(
                signature: "Boom", time: RealStore.hour(1), author: "anna", action: .ignore(until: nil, crashes: nil)),
            now: RealStore.hour(2))
        #expect(overview.state == .ignored)
        #expect(try store.decisions().count == 1)
        #expect(try DecisionJournal(catalog).read().decisions.map(\.author) == ["anna"])
        try stage.execute("INSERT INTO sessions(key, id, state) VALUES(1, 'a1', 'harvested'), (2, 'b1', 'harvested')")
        try store.setPinned(["a"], true, by: "ben") { #expect($0 == "a1") }
        #expect(try catalog.pins().map(\.session) == ["a1"] && catalog.pins().map(\.by) == ["ben"])
        #expect(throws: CatalogError.self) { try store.setPinned(["b1", "nobody"], true) { _ in } }
        var listed: [String] = []
        try store.forEachPinnedSession { listed.append($0.session) }
        #expect(listed == ["a1"])
        try store.setPinned(["a1"], false) { _ in }
        #expect(try catalog.pins().isEmpty)
    }

    @Test func aNumberIsTakenOnce() throws {
        let catalog = try stage.catalog()
        #expect(try catalog.append([1], to: .decisions, after: 0, at: 0))
        #expect(try !catalog.append([2], to: .decisions, after: 0, at: 0))
        #expect(try catalog.lines(of: .decisions, largest: 1).map(\.bytes) == [[1]])
        #expect(throws: CatalogError.self) { try catalog.lines(of: .decisions, largest: 0) }
    }

    @Test func aTableThatCannotBeReadIsNotAnEmptyJournal() throws {
        let catalog = try stage.catalog()
        try stage.execute("ALTER TABLE journal RENAME TO elsewhere")
        let error = try #require(throws: StoreError.self) { try DecisionJournal(catalog).read() }
        #expect(error.code == .unreadableNow && error.kind == .tryAgain)
        #expect(throws: (any Error).self) { try DecisionJournal(catalog).append { _ in Self.decision("x") } }
    }
}
