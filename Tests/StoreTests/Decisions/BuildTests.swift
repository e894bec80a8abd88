import Catalog
import Model
import Testing
import Text

@testable import Store

@Suite struct BuildTests {
    private let stage: RealStore

    init() throws {
        stage = try RealStore()
        for (session, tag, signatures) in [
            ("a1", "1.3.9", ["Back", "Always"]), ("b1", "1.4.0", ["Always"]), ("b2", "1.4.0", []),
            ("c1", "1.10.0", ["Always", "Back", "Fresh"]), ("c2", "1.10.0", ["Always"]),
        ] {
            try stage.add(
                session, tag: tag, exited: RealStore.hour(12),
                crashes: signatures.map { RealStore.crash($0, id: "\(session)-\($0)") })
        }
        try stage.catalog().record(sessions: [
            SessionUpdate(SessionIdentity(id: "r", image: "arena", tag: "2.0"), state: .running)
        ])
    }

    @Test func buildsAreListedTheLatestFirst() throws {
        let builds = try stage.open().builds(Selection(), now: 0)
        #expect(builds.map(\.tag) == ["1.10.0", "1.4.0", "1.3.9"])
        #expect(builds.map(\.sessions) == [2, 2, 1] && builds.map(\.crashedSessions) == [2, 1, 1])
        #expect(builds.map(\.crashes) == [4, 1, 2] && builds.map(\.newSignatures) == [1, 0, 2])
        #expect(builds.map(\.images) == [["arena"], ["arena"], ["arena"]])
        #expect(builds.first?.crashFree == 0)
        #expect(try stage.open().builds(Selection(tags: ["1.4.*"], limit: 1), now: 0).map(\.tag) == ["1.4.0"])
        #expect(try stage.open().builds(Selection(locations: ["nowhere"]), now: 0).isEmpty)
        let listed = try Store(stage.path, builds: ["1.10.0"]).builds(Selection(), now: 0)
        #expect(listed.map(\.tag) == ["1.4.0", "1.3.9", "1.10.0"])
    }

    @Test func theLatestTwoAreComparedByDefault() throws {
        let comparison = try stage.open().compare([], Selection())
        #expect(comparison.before.tag == "1.4.0" && comparison.after.tag == "1.10.0")
        #expect(comparison.changes.map(\.signature) == ["Fresh", "Back", "Always"])
        #expect(comparison.changes.map(\.word) == [.new, .returned, .more])
        #expect(comparison.changes.map(\.lastIn) == [nil, "1.3.9", nil])
        #expect(comparison.changes.allSatisfy { $0.isLikelyChance && $0.chance > 0.3 })
        let one = try stage.open().compare(["1.4.0"], Selection())
        #expect(one.before.tag == "1.3.9" && one.changes.map(\.word) == [.fewer, .gone])
        for tags in [["1.3.9"], ["9.9"]] {
            let error = try #require(throws: StoreError.self) { try stage.open().compare(tags, Selection()) }
            #expect(error.code == .noSessions)
        }
    }

    @Test func signaturesAreNamedInManyWays() throws {
        let store = try stage.open()
        func text(_ name: String) throws -> String { try store.signature(named: name, now: 0).signature }
        let id = try store.signature(named: "Fresh", now: 0).id
        #expect(id.utf8.count == 12)
        for name in [id, "Fresh", "fresh", "esh", "c1-Fresh"] { #expect(try text(name) == "Fresh", "\(name)") }
        #expect(try text("b1") == "Always" && text("c2-") == "Always" && text("b") == "Back")
        for (name, code) in [
            ("a", StoreError.Code.ambiguousSignature), ("c1", .ambiguousSignature), ("FRESH", .signatureNotFound),
            ("nothing like it", .signatureNotFound), ("", .signatureNotFound), ("b2", .signatureNotFound),
        ] {
            let error = try #require(throws: StoreError.self) { try text(name) }
            #expect(error.code == code, "\(name): \(error)")
        }
    }
}
