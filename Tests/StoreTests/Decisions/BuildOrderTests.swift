import Model
import Testing
import Text

@Suite struct BuildOrderTests {
    /// The order of Semantic Versioning 2.0, paragraph 11, and what build engineers make of it.
    @Test(arguments: [
        [
            "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
            "1.0.0-rc.1", "1.0.0",
        ],
        ["release-1.4.1-rc2", "release-1.4.1-rc10", "release-1.4.1", "release-1.4.2"],
        ["v1.2", "v1.2.1", "v1.10", "v2.0"],
        ["shooter-1.4.0", "shooter-1.4.0+9", "shooter-1.4.0+17", "shooter-1.4.1"],
        ["1.4.1-RC1", "1.4.1-rc2", "1.4.1", "1.4.1-hotfix1"],
        ["v1.4.1", "v1.4.1-17-gdeadbee", "v1.4.2"],
        ["9", "10", "100"],
        ["1.2.3.4.5", "1.2.3.4.10", "1.2.3.5"],
        ["1.99999999999999999999999999", "1.100000000000000000000000000"],
        ["1.4.007", "1.4.8"],
        ["1.4.1rc1", "1.4.1"],
    ])
    func versionsAreOrderedByTheirNumbers(tags: [String]) {
        let order = BuildOrder()
        #expect(order.sorted(tags.reversed()) == tags)
        for (index, tag) in tags.enumerated() {
            for (place, other) in tags.enumerated() {
                #expect(order.precedes(tag, other) == (index < place), "\(tag) \(other)")
                #expect(order.isAtOrAfter(tag, other) == (index >= place), "\(tag) \(other)")
            }
        }
    }

    @Test func equalVersionsAreOneBuildThoughOneStandsBeforeTheOther() {
        let order = BuildOrder()
        #expect(order.isAtOrAfter("v1.2", "1.2.0") && order.isAtOrAfter("1.2.0", "v1.2"))
        #expect(order.sorted(["v1.2", "1.2.0", "1.2"]) == ["1.2", "1.2.0", "v1.2"])
    }

    @Test func tagsWithoutAVersionAreOrderedByWhenTheyWereFirstSeen() {
        #expect(!BuildOrder.isVersion("main-3f2a91c") && !BuildOrder.isVersion("build-17") && !BuildOrder.isVersion(""))
        let order = BuildOrder(firstSeen: ["main-b": 10, "main-a": 20, "main-c": 20])
        #expect(order.sorted(["main-a", "main-b", "main-c", "never"]) == ["main-b", "main-a", "main-c", "never"])
        #expect(!order.isAtOrAfter("main-b", "main-a"))
        #expect(order.isAtOrAfter("main-a", "main-c"))
    }

    @Test func aMixtureHasATotalOrderThatKeepsVersionsInOrder() {
        // 1.4.2 is a fix for an old release, made after 1.5.0.
        let seen: ByteDictionary<Int64> = [
            "1.4.0": 10, "dev-a": 20, "1.5.0": 30, "dev-b": 35, "1.4.2": 40, "dev-c": 50,
        ]
        let order = BuildOrder(firstSeen: seen)
        let sorted = order.sorted(seen.keys)
        #expect(sorted == ["1.4.0", "dev-a", "dev-b", "1.4.2", "1.5.0", "dev-c"])
        for (index, tag) in sorted.enumerated() {
            for (place, other) in sorted.enumerated() { #expect(order.precedes(tag, other) == (index < place)) }
        }
        // Nobody has it yet.
        #expect(order.precedes("dev-c", "1.6.0") && order.precedes("1.5.0", "1.6.0"))
        #expect(order.precedes("1.4.1", "1.4.2") && order.precedes("dev-a", "1.4.1"))
    }

    @Test func theConfigurationOverrules() {
        let order = BuildOrder(listed: ["beta-*", "alpha-9", "alpha-*"], firstSeen: ["alpha-1": 5, "alpha-2": 3])
        let tags = ["1.0", "alpha-1", "alpha-2", "alpha-9", "beta-2.0", "beta-1.0"]
        #expect(order.sorted(tags) == ["beta-1.0", "beta-2.0", "alpha-9", "alpha-2", "alpha-1", "1.0"])
        #expect(BuildOrder(listed: ["2.0", "1.0"]).precedes("2.0", "1.0"))
    }

    @Test func anyTextHasAPlace() {
        var generator = SystemRandomNumberGenerator()
        let letters = Array("019.-+vrcéß\u{0}".unicodeScalars)
        let tags = (0..<60).map { _ in
            String(
                (0..<Int.random(in: 0...8)).reduce(into: "") { text, _ in
                    text.unicodeScalars.append(letters.randomElement(using: &generator) ?? "0")
                })
        }
        let seen = ByteDictionary(tags.map { ($0, Int64.random(in: 0..<20)) }) { first, _ in first }
        let order = BuildOrder(firstSeen: seen)
        for a in tags {
            for b in tags {
                #expect(!(order.precedes(a, b) && order.precedes(b, a)), "\(a) \(b)")
                #expect(order.precedes(a, b) || order.precedes(b, a) || a.hasSameBytes(as: b), "\(a) \(b)")
                for c in tags.prefix(20) where order.precedes(a, b) && order.precedes(b, c) {
                    #expect(order.precedes(a, c), "\(a) \(b) \(c)")
                }
            }
        }
    }
}
