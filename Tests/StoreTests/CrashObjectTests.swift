import Catalog
import Foundation
import JSON
import Model
import Store
import Testing

/// The JSON of crashes: what lists leave out, and that everything printed is declared.
@Suite struct CrashObjectTests {
    private let stage: RealStore

    init() throws {
        stage = try RealStore()
        var record = CrashRecord(kind: "elf_core")
        record.crash = "c1"
        record.signature = "Bar::tick"
        record.cause = CrashCause(detector: "assert", exception: "failed", message: "x > 0")
        record.thread = 7
        var frame = CrashFrame(index: 0, trust: .context)
        frame.function = "Bar::tick"
        record.frames = [frame]
        record.threads = [CrashThread(thread: 7, name: "main", frames: [frame], registers: ["rip": Address(4096)])]
        record.modules = [CrashModule(name: "game", base: Address(4096), size: .max)]
        try stage.add("s", crashes: [String(decoding: record.json(), as: UTF8.self)])
    }

    private func object(_ json: [UInt8]) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any])
    }

    @Test func listsHaveTheCrashedThreadsFramesOnly() throws {
        let store = try stage.open()
        let crash = try #require(try store.crashPage(limit: 1).rows.first)
        let listed = try object(crash.json)
        #expect((listed["frames"] as? [Any])?.count == 1)
        #expect((listed["threads"] as? [Any])?.isEmpty == true && (listed["modules"] as? [Any])?.isEmpty == true)
        #expect(!String(decoding: crash.json, as: UTF8.self).contains("rip"))
        let whole = try object(crash.wholeJSON)
        #expect((whole["threads"] as? [Any])?.count == 1 && (whole["modules"] as? [Any])?.count == 1)
        var seen: [[UInt8]] = []
        try store.forEachCrash(Selection()) { seen.append($0.json) }
        #expect(seen == [crash.json])
    }

    @Test func everyFieldOfACrashIsDeclared() throws {
        let crash = try #require(try stage.open().crashPage(limit: 1).rows.first)
        let declared = Dictionary(uniqueKeysWithValues: Shapes.descriptions.map { ($0.name, $0) })
        func check(_ value: [String: Any], _ name: String) throws {
            let shape = try #require(declared[name], "\(name)")
            let fields = Dictionary(uniqueKeysWithValues: shape.fields.map { ($0.name, $0) })
            for field in shape.fields where field.isAlways {
                #expect(value[field.name] != nil, "\(name).\(field.name)")
            }
            for (key, inner) in value {
                let field = try #require(fields[key], "\(name).\(key)")
                guard let other = field.kind.reference else { continue }
                for object in inner as? [[String: Any]] ?? [inner as? [String: Any] ?? [:]] { try check(object, other) }
            }
        }
        for json in [crash.json, crash.wholeJSON, ListedCrash.followed(CrashRecord(kind: "asan")).json] {
            try check(try object(json), "Crash")
        }
    }

    @Test func aRecordThatCannotBeReadStillHasWhatIsAlwaysThere() throws {
        try stage.add("t", crashes: [#"{"crash":"later","kind":{"name":"of a later version"},"signature":"s"}"#])
        let crash = try #require(try stage.open().crashes(named: "later").first)
        let value = try object(crash.json)
        for field in CrashRecord.shape.descriptions where field.isAlways {
            #expect(value[field.name] != nil, "\(field.name)")
        }
    }

    @Test func aSessionIsNamedByItsCrash() throws {
        let store = try stage.open()
        #expect(try store.session(named: "c1").session == "s")
        #expect(try store.latestSession()?.session == "s")
        try stage.add("later", exited: RealStore.hour(20))
        #expect(try stage.open().latestSession()?.session == "s", "the latest that crashed comes first")
    }
}
