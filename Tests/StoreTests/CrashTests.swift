import Catalog
import Model
import Testing
import Text

@testable import Store

@Suite struct CrashTests {
    @Test func crashesAreNamedByIdPrefixOrSession() throws {
        let stage = try RealStore()
        try stage.add("s1", crashes: [RealStore.crash("A", id: "c-1"), RealStore.crash("B", id: "c-2")])
        try stage.add("quiet")
        let store = try stage.open()
        func ids(_ name: String) throws -> [String] {
            try store.crashes(named: name).map { crash in
                switch crash {
                case .stored(let stored): stored.row.crash
                case .followed(let record): "running " + record.crash
                }
            }
        }
        #expect(try ids("c-1") == ["c-1"])
        #expect(try ids("s1") == ["c-1", "c-2"])
        #expect(try ids("quiet").isEmpty)
        #expect(throws: CatalogError.self) { try store.crashes(named: "nobody") }
        let report = try store.report(on: try #require(try store.crashes(named: "c-1").first))
        #expect(report.signature?.selected.count == 1)
        #expect(report.aliases.isEmpty)
    }

    @Test func crashesArePassedNewestFirst() throws {
        let stage = try RealStore()
        try stage.add("s1", crashes: [RealStore.crash("A", id: "old", time: "2026-11-20T08:00:00.000Z")])
        try stage.add("s2", crashes: [RealStore.crash("A", id: "new", time: "2026-11-20T09:00:00.000Z")])
        var seen: [String] = []
        try stage.open().forEachCrash(Selection()) { crash in
            if case .stored(let stored) = crash { seen.append(stored.row.crash) }
        }
        #expect(seen == ["new", "old"])
        #expect(try stage.open().signatures(Selection(), now: 0).map(\.selected.count) == [2])
    }

    @Test func aCrashOfASessionHasAPlace() throws {
        let stage = try RealStore()
        try stage.add("s", crashes: [RealStore.crash("A", id: "abc-1"), RealStore.crash("A", id: "abd-2")])
        let store = try stage.open()
        let session = try store.session(named: "s")
        #expect(try store.place(ofCrash: "abc", in: session).crash == "abc-1")
        #expect(try store.place(ofCrash: "abc", in: session).time != nil)
        #expect(throws: StoreError.self) { try store.place(ofCrash: "ab", in: session) }
        #expect(throws: StoreError.self) { try store.place(ofCrash: "x", in: session) }
    }

    @Test func buildsAreComparedByTheShareOfTheirSessions() throws {
        let stage = try RealStore()
        try stage.add("a1", tag: "1.0", crashes: [RealStore.crash("Both", id: "1"), RealStore.crash("Gone", id: "2")])
        try stage.add("a2", tag: "1.0")
        try stage.add("b1", tag: "1.1", crashes: [RealStore.crash("Both", id: "3"), RealStore.crash("New", id: "4")])
        let comparison = try stage.open().compare(before: "1.0", after: "1.1", Selection(limit: 1))
        #expect(comparison.before.sessions == 2 && comparison.after.sessions == 1)
        #expect(comparison.changes.map(\.signature) == ["New", "Both", "Gone"])
        #expect(comparison.changes.map(\.word) == [.new, .more, .gone])
        #expect(comparison.changes[1].share == (0.5, 1))
        let error = try #require(throws: StoreError.self) {
            try stage.open().compare(before: "1.0", after: "9.9", Selection())
        }
        #expect(error.code == .noSessions && error.kind == .notFound)
    }
}
