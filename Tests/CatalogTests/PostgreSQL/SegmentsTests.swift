import Foundation
import Model
import Pack
import Testing
import Text

@testable import Catalog

/// Which packs have filters in the bucket, and where.
@Suite(.withPostgres) struct SegmentsTests {
    private static func path(_ session: String, _ generation: UInt64 = 1) -> String {
        PackPath.generation(
            PackPath.relative(session: session, created: moment(1)), epoch: generation, nonce: 7)
    }

    private static func commit(_ session: String, to catalog: Catalog, generation: UInt64 = 1) throws {
        let facts = SessionMetadata(
            session: session, image: "img", tag: session.hasPrefix("a") ? "one" : "two", created: moment(1),
            state: "exited", source: "harvest")
        try catalog.commit([
            PackContents(
                facts: facts, artifacts: [], members: [], crashes: [], path: path(session, generation),
                packBytes: 1000 + generation)
        ])
    }

    private static func found(
        _ catalog: Catalog, _ selection: Selection = Selection(), among packs: [String], listed: [String]
    ) throws -> [String: Bool] {
        var found: [String: Bool] = [:]
        try catalog.forEachPack(selection, among: packs, listed: listed) { found[$0.session] = $1 }
        return found
    }

    private static func object(_ key: String, level: Int = 0) -> ListedFilters {
        ListedFilters(key: key, day: 20_777, level: level, blocks: 7, bytes: 1000)
    }

    @Test func aPackIsAskedDirectlyUntilItsFiltersAreListed() throws {
        let stage = try PostgresStore()
        defer { withExtendedLifetime(stage) {} }
        let catalog = try stage.open()
        for session in ["a1", "a2", "b1"] { try Self.commit(session, to: catalog) }
        #expect(try Self.found(catalog, among: [], listed: []) == ["a1": true, "a2": true, "b1": true])
        let before = try catalog.listedFilters()
        #expect(before.isEmpty)
        try catalog.addFilters(Self.object("filters/segments/k1"), packs: [Self.path("a1"), Self.path("a2")])
        // A search that listed the objects before must not lose them.
        #expect(try Self.found(catalog, among: [], listed: []).count == 3)
        let listed = try catalog.listedFilters()
        #expect(listed == [Self.object("filters/segments/k1")])
        let keys = listed.map(\.key)
        #expect(try Self.found(catalog, among: [], listed: keys) == ["b1": true])
        #expect(try Self.found(catalog, among: [Self.path("a2")], listed: keys) == ["a2": false, "b1": true])
        var tagged = Selection()
        tagged.tags = ["one"]
        #expect(try Self.found(catalog, tagged, among: [Self.path("a2")], listed: keys) == ["a2": false])
    }

    @Test func aNewGenerationHasNoFiltersYet() throws {
        let stage = try PostgresStore()
        defer { withExtendedLifetime(stage) {} }
        let catalog = try stage.open()
        try Self.commit("a1", to: catalog)
        try catalog.addFilters(Self.object("k1"), packs: [Self.path("a1")])
        try Self.commit("a1", to: catalog, generation: 2)
        #expect(try Self.found(catalog, among: [Self.path("a1")], listed: ["k1"]) == ["a1": true])
        #expect(try catalog.currentPacks(among: [Self.path("a1"), Self.path("a1", 2)]).count == 1)
        // Written again, it is the same pack.
        try catalog.addFilters(Self.object("k2"), packs: [Self.path("a1", 2)])
        try Self.commit("a1", to: catalog, generation: 2)
        #expect(try Self.found(catalog, among: [], listed: ["k1", "k2"]).isEmpty)
    }

    @Test func objectsAreReplacedOnce() throws {
        let stage = try PostgresStore()
        defer { withExtendedLifetime(stage) {} }
        let catalog = try stage.open()
        try catalog.addFilters(Self.object("k1"), packs: [])
        try catalog.addFilters(Self.object("k2"), packs: [])
        #expect(try catalog.replaceFilters(["k1", "k2"], by: Self.object("s1", level: 1)))
        #expect(try !catalog.replaceFilters(["k2"], by: Self.object("s2", level: 1)))
        let listed = try catalog.listedFilters()
        #expect(listed.filter { !$0.isReplaced } == [Self.object("s1", level: 1)])
        #expect(listed.filter(\.isReplaced).map(\.key) == ["k1", "k2"])
        #expect(try catalog.replaceFilters(["s1"], by: nil))
        #expect(try catalog.listedFilters().allSatisfy(\.isReplaced))
        #expect(try catalog.takeGarbage(10).isEmpty, "replaced objects stay for a day")
    }

    @Test func whatNobodyFilteredIsFound() throws {
        let stage = try PostgresStore()
        defer { withExtendedLifetime(stage) {} }
        let catalog = try stage.open()
        for session in ["a1", "a2"] { try Self.commit(session, to: catalog) }
        #expect(try catalog.packsWithoutFilters(for: 600_000, limit: 9).isEmpty)
        #expect(try catalog.packsWithoutFilters(for: 0, limit: 9).sorted() == [Self.path("a1"), Self.path("a2")])
        #expect(try catalog.packsWithoutFilters(for: 0, limit: 1).count == 1)
        try catalog.addFilters(Self.object("k1"), packs: [Self.path("a1"), Self.path("a2")])
        #expect(try catalog.packsWithoutFilters(for: 0, limit: 9).isEmpty)
        try catalog.addPacksWithoutFilters([Self.path("a2")])
        #expect(try catalog.packsWithoutFilters(for: 0, limit: 9) == [Self.path("a2")])
        try catalog.forgetFilteredPacks()
        #expect(try Self.found(catalog, among: [], listed: ["k1"]) == ["a2": true])
    }

    @Test func theSizeOfASearchIsKnown() throws {
        let stage = try PostgresStore()
        defer { withExtendedLifetime(stage) {} }
        let catalog = try stage.open()
        for session in ["a1", "a2", "b1"] { try Self.commit(session, to: catalog) }
        #expect(try catalog.searchSize(Selection()) == .init(packs: 3, packBytes: 3003, bytes: 0))
        var tagged = Selection()
        tagged.tags = ["one"]
        #expect(try catalog.searchSize(tagged).packs == 2)
    }
}
