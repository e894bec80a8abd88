import Catalog
import Foundation
import Model
import Testing

@Suite(.everyEngine) struct WantedModulesTests {
    let store: TestStore
    let catalog: Catalog

    /// A crash with one named frame and others that wait.
    private static func crash(_ id: String, waiting: [(String, String)], kind: String = "core") -> [UInt8] {
        let frames = waiting.map { ",{\"index\":1,\"module\":\"\($0.1)\",\"build_id\":\"\($0.0)\"}" }.joined()
        return Array(
            ("{\"kind\":\"\(kind)\",\"crash\":\"\(id)\",\"signature\":\"s\",\"frames\":[{\"index\":0,\"module\":\"libc.so\","
                + "\"build_id\":\"cc\",\"function\":\"abort\"}\(frames)],\"threads\":[]}").utf8)
    }

    init() throws {
        store = try TestStore()
        catalog = try store.open()
        let server = ("aa", "server")
        let engine = ("bb", "libengine.so")
        try catalog.commit([
            contents("one", tag: "1.0", crashes: [Self.crash("c1", waiting: [server, engine, server])]),
            contents(
                "two", tag: "1.0",
                crashes: [
                    Self.crash("c2", waiting: [engine, server]), Self.crash("c3", waiting: []),
                    Self.crash("c4", waiting: [server], kind: "error"),
                ]),
            contents("three", tag: "1.1", crashes: [Self.crash("c5", waiting: [("dd", "odd\\tname\\nhere")])]),
        ])
    }

    private func counts(_ selection: Selection = Selection()) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for wanted in try catalog.wantedModules(selection) {
            for module in wanted.modules {
                counts["\(wanted.image):\(wanted.tag ?? "") \(module.buildID) \(module.module)", default: 0] +=
                    wanted.crashes
            }
        }
        return counts
    }

    private let all = ["arena:1.0 aa server": 2, "arena:1.0 bb libengine.so": 2, "arena:1.1 dd odd name here": 1]

    @Test func eachBuildIdOfACrashCountsOnce() throws {
        #expect(try counts() == all)
        #expect(try counts(Selection(tags: ["1.1"])) == ["arena:1.1 dd odd name here": 1])
        #expect(try counts(Selection(sessions: ["one"])) == ["arena:1.0 aa server": 1, "arena:1.0 bb libengine.so": 1])
        #expect(try counts(Selection(errors: true)) == ["arena:1.0 aa server": 1])
    }

    @Test func aRecordMadeAnewWaitsNoMore() throws {
        try catalog.update(crashes: [.init(session: "one", crash: "c1", json: Self.crash("c1", waiting: []))])
        #expect(try counts()["arena:1.0 aa server"] == 1)
        try catalog.commit(contents("two", tag: "1.0", crashes: []))
        #expect(try counts() == ["arena:1.1 dd odd name here": 1])
    }
}
