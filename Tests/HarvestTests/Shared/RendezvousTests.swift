import Testing
import Text

@testable import Harvest

@Suite struct RendezvousTests {
    private static let sessions = (0..<20_000).map { "session-\($0)" }

    private static func choices(_ harvesters: [String]) -> [String] {
        sessions.map { Rendezvous.choice(for: $0, among: harvesters) ?? "" }
    }

    @Test func sharesAreEven() {
        for count in [2, 3, 7] {
            let harvesters = (0..<count).map { "host-\($0)" }
            var shares: [String: Int] = [:]
            for choice in Self.choices(harvesters) { shares[choice, default: 0] += 1 }
            let even = Self.sessions.count / count
            for harvester in harvesters {
                let share = shares[harvester] ?? 0
                #expect(share > even * 9 / 10 && share < even * 11 / 10, "\(harvester) of \(count): \(share)")
            }
        }
    }

    @Test func onlyTheShareOfTheOneThatLeavesOrJoinsMoves() {
        let three = Self.choices(["a", "b", "c"])
        let two = Self.choices(["c", "a"])
        for (before, after) in zip(three, two) where before != "b" { #expect(before == after) }
        let moved = zip(three, Self.choices(["a", "b", "c", "d"])).filter { $0 != $1 }
        #expect(moved.allSatisfy { $0.1 == "d" })
        #expect(moved.count > 4500 && moved.count < 5500, "a fourth: \(moved.count)")
    }

    @Test func theChoiceDependsOnBytesOnlyAndNotOnTheOrder() {
        #expect(Rendezvous.choice(for: "s", among: []) == nil)
        #expect(Rendezvous.choice(for: "s", among: ["only"]) == "only")
        #expect(Self.choices(["x", "y", "z"]) == Self.choices(["z", "x", "y"]))
        // Both spell é; as bytes they are two sessions, and somewhere two choices.
        let names = (0..<16).map { "host-\($0)" }
        let pairs = (0..<64).map { number in
            (
                Rendezvous.choice(for: "\(number)\u{e9}", among: names),
                Rendezvous.choice(for: "\(number)e\u{301}", among: names)
            )
        }
        #expect(pairs.contains { $0.0 != $0.1 })
        // The same in every version and on every machine: logs must not change hands with an upgrade.
        #expect(Self.sessions.prefix(6).map { Rendezvous.choice(for: $0, among: ["a", "b", "c"]) } == Self.pinned)
    }

    private static let pinned: [String?] = ["a", "c", "c", "a", "c", "a"]
}
