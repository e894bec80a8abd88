import Model
import Testing

@testable import SalvageServer

/// The forms with which people decide about a signature.
@Suite struct DecisionFormTests {
    private let now: Int64 = 1_796_083_200_000

    private func decision(_ pairs: [(name: String, value: String)]) throws -> Decision {
        try DecisionForm.decision(QueryItems(pairs: pairs), signature: "s", author: "ann", now: now) { "text of \($0)" }
    }

    @Test func eachActionIsRead() throws {
        #expect(
            try decision([("action", "resolve"), ("fixed_in", "1.5.0"), ("ticket", "https://t"), ("note", "n")])
                == Decision(
                    signature: "s", time: now, author: "ann", action: .resolve(fixedIn: "1.5.0"), ticket: "https://t",
                    note: "n"))
        #expect(try decision([("action", "resolve"), ("fixed_in", "")]).action == .resolve(fixedIn: nil))
        #expect(
            try decision([("action", "ignore"), ("until", "2d")]).action
                == .ignore(until: now + 172_800_000, crashes: nil))
        #expect(try decision([("action", "ignore"), ("crashes", "7")]).action == .ignore(until: nil, crashes: 7))
        #expect(try decision([("action", "reopen")]).action == .reopen)
        #expect(try decision([("action", "assign"), ("owner", "bob")]).action == .assign(owner: "bob"))
        #expect(try decision([("action", "assign"), ("owner", "")]).action == .assign(owner: nil))
        #expect(try decision([("action", "merge"), ("into", "ab12")]).action == .merge(into: "text of ab12"))
        #expect(try decision([("action", "note"), ("note", "n")]).action == .note)
    }

    @Test(arguments: [
        [("action", "")], [("action", "delete")], [("action", "merge")], [("action", "note")],
        [("action", "ignore"), ("until", "yesterday")], [("action", "ignore"), ("crashes", "-1")],
        [("action", "reopen"), ("action", "merge")],
        [("action", "note"), ("note", String(repeating: "x", count: 9000))],
    ])
    func aFormThatCannotBeMeantIsRefused(_ pairs: [(String, String)]) {
        #expect(throws: ServerFailure.self) { try decision(pairs.map { (name: $0.0, value: $0.1) }) }
    }
}
