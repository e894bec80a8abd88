import Catalog
import Model
import Testing
import Text

@testable import Store

@Suite struct NoveltyTests {
    private let stage: RealStore
    private static let now = RealStore.hour(30)

    init() throws { stage = try RealStore() }

    private func add(_ session: String, _ tag: String = "1.4.0", hour: Int = 12, _ signatures: String...) throws {
        let crashes = signatures.enumerated().map { index, text in
            RealStore.crash(text, id: "\(session)-\(index)", time: "2026-11-20T\(hour - 1):59:00.000Z")
        }
        try stage.add(session, tag: tag, exited: RealStore.hour(hour), crashes: crashes)
    }

    private func decide(_ action: Decision.Action, _ signature: String = "Boom", hour: Int = 13) throws {
        _ = try stage.open().decide(
            Decision(signature: signature, time: RealStore.hour(hour), author: "anna", action: action),
            now: RealStore.hour(hour))
    }

    private func novelty(_ session: String) throws -> [CrashNovelty] {
        try stage.open().novelty(ofCrashesIn: session, now: Self.now).map(\.novelty)
    }

    @Test func theFirstThatIsCommittedIsNewWhateverTheTimesSay() throws {
        try add("a", hour: 20, "Boom")
        #expect(try novelty("a") == [.new])
        // Its crash is the earlier one, but the signature was seen before.
        try add("b", hour: 12, "Boom", "Other", "Other")
        #expect(try novelty("b") == [.known, .new, .known])
        try add("c", hour: 21, "Other")
        #expect(try novelty("c") == [.known])
        // The answers do not depend on when they are asked for.
        #expect(try novelty("a") == [.new])
        #expect(try novelty("b") == [.known, .new, .known])
        #expect(try novelty("nobody").isEmpty)
        let found = try stage.open().novelty(ofCrashesIn: "b", now: Self.now)
        #expect(found.map(\.crash.row.crash) == ["b-0", "b-1", "b-2"])
        #expect(found.first?.signature.selected.count == 2)
    }

    @Test func returnedIsSaidOnceForABuildWithTheFix() throws {
        try add("a", "1.4.0", hour: 12, "Boom")
        try decide(.resolve(fixedIn: "1.5.0"))
        try add("old", "1.4.1", hour: 14, "Boom")
        #expect(try novelty("old") == [.known])
        try add("back", "1.5.0", hour: 15, "Boom")
        #expect(try novelty("back") == [.returned])
        try add("more", "1.5.1", hour: 16, "Boom")
        #expect(try novelty("more") == [.known])
        try decide(.resolve(fixedIn: "1.5.2"), hour: 17)
        try add("newer", "1.6.0", hour: 18, "Boom")
        #expect(try novelty("newer") == [.returned])
    }

    @Test func withoutABuildLaterSessionsReturn() throws {
        try add("a", hour: 12, "Boom")
        try decide(.resolve(fixedIn: nil))
        try add("b", hour: 14, "Boom")
        try add("c", hour: 15, "Boom")
        #expect(try novelty("b") == [.returned] && novelty("c") == [.known])
    }

    @Test func whatWasPrunedIsKnown() throws {
        try add("a", "1.4.0", hour: 12, "Boom", "Other")
        try decide(.resolve(fixedIn: "1.5.0"), "Other")
        try add("b", "1.5.0", hour: 14, "Other")
        #expect(try novelty("b") == [.returned])
        let catalog = try stage.catalog()
        let packs = try ["a", "b"].map { ($0, try #require(try catalog.session($0)?.pack), "age") }
        #expect(try catalog.prune(packs, now: Self.now).count == 2)
        try add("c", "1.6.0", hour: 16, "Boom", "Other", "Third")
        #expect(try novelty("c") == [.known, .known, .new])
        let found = try stage.open().signatures(Selection(), now: Self.now)
        let other = try #require(found.first { $0.signature == "Other" })
        #expect(other.firstTag == "1.4.0" && other.lastTag == "1.6.0" && other.state == .returned)
        #expect(other.firstSeen == RealStore.hour(12) - 60_000 && other.selected.count == 1)
    }

    /// Decisions about an earlier signature hold, even if no crash is left that had both.
    @Test func aSignatureThatChangedBeforeItWasPrunedKeepsItsDecisions() throws {
        try add("a", "1.4.0", hour: 12, "Boom")
        try decide(.resolve(fixedIn: "1.5.0"))
        let catalog = try stage.catalog()
        try catalog.update(crashes: [
            CrashUpdate(session: "a", crash: "a-0", json: Array(RealStore.crash("Named", id: "a-0").utf8))
        ])
        let pack = try #require(try catalog.session("a")?.pack)
        #expect(try catalog.prune([("a", pack, "age")], now: Self.now).count == 1)
        try add("b", "1.5.0", hour: 14, "Named")
        #expect(try novelty("b") == [.returned])
        let rebuilt = try RealStore()
        try rebuilt.catalog().add(try catalog.rememberedCrashes())
        #expect(try rebuilt.catalog().rememberedCrashes() == (try catalog.rememberedCrashes()))
        #expect(try rebuilt.catalog().successors(of: ["Boom"])["Boom"] == ["Named"])
    }

    @Test func ignoredAndMergedAreKnown() throws {
        try add("a", hour: 12, "Boom", "Other")
        try decide(.ignore(until: nil, crashes: nil))
        try add("b", hour: 14, "Boom")
        #expect(try novelty("b") == [.ignored])
        try decide(.merge(into: "Other"), "Third")
        try add("c", hour: 15, "Third")
        #expect(try novelty("c") == [.known])
        let error = Array("{\"kind\":\"error\",\"signature\":\"warned\",\"crash\":\"e-1\"}".utf8)
        try stage.add("d", crashes: [String(decoding: error, as: UTF8.self)])
        #expect(try novelty("d").isEmpty)
    }
}
