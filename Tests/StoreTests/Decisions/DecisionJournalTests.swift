import Files
import Glibc
import JSON
import Model
import Testing
import Text

@testable import Store

@Suite struct DecisionJournalTests {
    private let stage: RealStore
    private var path: String { stage.path + "/" + DecisionFile.file }

    init() throws { stage = try RealStore() }

    private func decision(_ note: String, _ signature: String = "Boom") -> Decision {
        Decision(signature: signature, time: RealStore.hour(1), author: "anna", action: .note, note: note)
    }

    private func append(_ note: String) throws {
        _ = try DecisionJournal(store: stage.path).append { _ in decision(note) }
    }

    private func bytes() throws -> [UInt8] { try OpenFile(path, O_RDONLY).rest(limit: 1 << 20) }

    private func write(_ bytes: [UInt8]) throws {
        try Folders.make(stage.path + "/journal")
        try Replacement.write(bytes, to: path)
    }

    private func problems() throws -> [String] {
        _ = try stage.catalog()
        var found: [String] = []
        let check = { (problem: StoreProblem) in
            if problem.file == DecisionFile.file { found.append(problem.message ?? "") }
        }
        _ = try stage.open().verify(quick: true, progress: { _ in }, found: check)
        return found
    }

    @Test func everyDecisionComesBackAsItWasMade() throws {
        let text = "f(char*) \"é\" e\u{301} \u{1B}[31m\n\u{0}\u{2028}\u{10FFFF}"
        let actions: [Decision.Action] = [
            .resolve(fixedIn: "1.5.0"), .resolve(fixedIn: nil), .ignore(until: 1_795_132_800_123, crashes: 7),
            .ignore(until: nil, crashes: nil), .reopen, .assign(owner: text), .assign(owner: nil), .merge(into: text),
            .unmerge, .note,
        ]
        let made = actions.map {
            Decision(
                signature: text, time: 1_795_132_800_001, author: text, action: $0, ticket: "https://t/1", note: text)
        }
        for decision in made { _ = try DecisionJournal(store: stage.path).append { _ in decision } }
        let read = try DecisionJournal(store: stage.path).read()
        #expect(read.decisions == made && read.unreadable.isEmpty && !read.isTorn)
        #expect(read.decisions.allSatisfy { $0.signature.hasSameBytes(as: text) })
        #expect(try bytes().split(separator: 0x0A).count == made.count)
        var facts = stat()
        #expect(stat(path, &facts) == 0 && facts.st_mode & 0o777 == 0o600)
    }

    @Test func aTornLineIsEndedByTheNextWriterAndReported() throws {
        try append("one")
        let whole = try bytes()
        try append("two")
        let both = try bytes()
        for length in [whole.count + 1, (whole.count + both.count) / 2, both.count - 2] {
            try write(Array(both[..<length]))
            #expect(try DecisionJournal(store: stage.path).read().decisions.map(\.note) == ["one"])
            #expect(try problems() == ["line 2 was cut off while it was written; it is skipped"])
            try append("three")
            #expect(try DecisionJournal(store: stage.path).read().decisions.map(\.note) == ["one", "three"])
            #expect(try Array(bytes()[..<length]) == Array(both[..<length]), "nothing is dropped")
            #expect(try problems() == ["line 2 is not a JSON object; it is skipped"])
        }
        // Only the newline is missing.
        try write(Array(both.dropLast()))
        #expect(try DecisionJournal(store: stage.path).read().decisions.map(\.note) == ["one", "two"])
        #expect(try problems() == ["the last line has no end"])
        try append("three")
        #expect(try DecisionJournal(store: stage.path).read().decisions.map(\.note) == ["one", "two", "three"])
        #expect(try problems().isEmpty)
    }

    @Test func linesThatCannotBeReadAreKeptAndReported() throws {
        try append("one")
        let garbage: [[UInt8]] = [
            [0xFF, 0xFE, 0x00], Array("{}".utf8), Array("[1]".utf8), Array("{\"signature\":\"S\"}".utf8),
            Array("{\"signature\":\"S\",\"time\":\"2026-11-20T00:00:00Z\",\"action\":\"vote\"}".utf8),
            [UInt8](repeating: UInt8(ascii: "["), count: 5000),
        ]
        try write(try bytes() + garbage.flatMap { $0 + [0x0A] } + [0x0A])
        let before = try bytes()
        try append("two")
        #expect(try bytes().starts(with: before))
        let read = try DecisionJournal(store: stage.path).read()
        #expect(read.decisions.map(\.note) == ["one", "two"])
        #expect(read.unreadable.map(\.line) == [2, 3, 4, 5, 6, 7])
        let found = try problems()
        #expect(found.count == 6 && found[4] == "line 6 has an action that this version does not know; it is skipped")
    }

    @Test func aJournalThatCannotBeReadIsNotAnEmptyOne() throws {
        _ = try stage.catalog()
        try Folders.make(path)
        for ask in [
            { _ = try stage.open().signatures(Selection(), now: 0) }, { _ = try stage.open().decisions() },
        ] {
            let error = try #require(throws: StoreError.self) { try ask() }
            #expect(error.code == .unreadableNow && error.kind == .tryAgain, "\(error)")
        }
        let error = try #require(throws: StoreError.self) { try append("x") }
        #expect(error.code == .decisionFailed)
        #expect(try problems().count == 1)
        #expect(rmdir(path) == 0 && rmdir(stage.path + "/journal") == 0)
        // A link to a disk that is not mounted.
        #expect(symlink("/nowhere/at/all", stage.path + "/journal") == 0)
        #expect(throws: StoreError.self) { try DecisionJournal(store: stage.path).read() }
    }

    @Test func nothingIsWrittenForADecisionThatIsRefused() throws {
        try append("one")
        let before = try bytes()
        #expect(throws: StoreError.self) {
            try DecisionJournal(store: stage.path).append { contents in
                #expect(contents.decisions.count == 1)
                throw StoreError(.usage, "no", kind: .invalid)
            }
        }
        #expect(try bytes() == before)
        // The lock is free again.
        try append("two")
    }
}
