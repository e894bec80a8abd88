import CrashExport
import Foundation
import JSON
import Model
import Pack
import SalvageConfiguration
import Testing

@testable import Store

/// What the export reads of a store.
@Suite struct SentryCrashesTests {
    private static let dump = "MDMP" + String(repeating: "stack and registers ", count: 40_000)

    private func record(_ id: String, member: String, kind: String = "minidump") -> String {
        RealStore.crash("Game::tick", id: id).replacing("\"elf_core\"", with: "\"\(kind)\"")
            .replacing("\"also_in\":[]", with: "\"also_in\":[],\"member\":\"\(member)\"")
    }

    private func content(
        _ crash: String, of session: String, in store: RealStore, minidump: Bool = true, page: String? = nil
    ) throws -> ExportContent {
        var configuration = Configuration()
        configuration.notify.page = page
        return SentryCrashes(try store.open(), CurrentConfiguration(configuration)).content(
            ofCrash: crash, session: session, withMinidump: minidump)
    }

    @Test func aCrashHasItsMinidumpAndTheSessionsFacts() throws {
        let store = try RealStore()
        try store.add(
            "raid-1", [.init("f/Saved/game.dmp", kind: .crashDump, Self.dump)],
            crashes: [record("c1", member: "f/Saved/game.dmp")])
        let found = try content("c1", of: "raid-1", in: store, page: "https://salvage.example")
        guard case .crash(let crash) = found else {
            Issue.record("\(found)")
            return
        }
        #expect(crash.signature == "Game::tick" && crash.session == "raid-1" && crash.record.session == "raid-1")
        #expect(crash.record.image == "arena" && crash.record.tag == "1.0" && crash.record.location == "fra")
        #expect(crash.link == "https://salvage.example/crashes/c1")
        let minidump = try #require(crash.minidump)
        #expect(minidump.name == "game.dmp" && minidump.size == UInt64(Self.dump.utf8.count))
        var read: [UInt8] = []
        try minidump.read { read += $0 }
        #expect(read == Array(Self.dump.utf8))
        guard case .crash(let plain) = try content("c1", of: "raid-1", in: store, minidump: false) else {
            Issue.record("not found without its minidump")
            return
        }
        #expect(plain.minidump == nil && plain.note == nil)
    }

    @Test func whatOnlyHasTheNameOfAMinidumpIsNone() throws {
        let store = try RealStore()
        try store.add(
            "raid-1", [.init("game.dmp", kind: .crashDump, "\u{1}\u{2}not a minidump"), .init("game.log", Self.dump)],
            crashes: [
                record("c1", member: "game.dmp"), record("c2", member: "game.log", kind: "elf_core"),
                record("c3", member: "nowhere.dmp"),
            ])
        for id in ["c1", "c2", "c3"] {
            guard case .crash(let crash) = try content(id, of: "raid-1", in: store) else {
                Issue.record("\(id) is not found")
                continue
            }
            #expect(crash.minidump == nil, "\(id)")
        }
    }

    @Test func whatIsNotInTheStoreIsGone() throws {
        let store = try RealStore()
        try store.add("raid-1", crashes: [record("c1", member: "game.dmp")])
        for (crash, session) in [("c1", "raid-2"), ("c2", "raid-1"), ("raid-1", "raid-1")] {
            guard case .gone = try content(crash, of: session, in: store) else {
                Issue.record("\(crash) of \(session) is found")
                continue
            }
        }
    }

    @Test func aStoreThatCannotBeReadIsNoAbsence() throws {
        let store = try RealStore()
        guard case .unreadable = try content("c1", of: "raid-1", in: store) else {
            Issue.record("a store without a catalog is not unreadable")
            return
        }
    }

    @Test func aMissingPackLeavesTheEvent() throws {
        let store = try RealStore()
        let pack = try store.add(
            "raid-1", [.init("game.dmp", kind: .crashDump, Self.dump)], crashes: [record("c1", member: "game.dmp")])
        try FileManager.default.removeItem(atPath: store.path + "/" + pack)
        guard case .crash(let crash) = try content("c1", of: "raid-1", in: store) else {
            Issue.record("the crash is not found")
            return
        }
        #expect(crash.minidump == nil && crash.note?.hasPrefix("sent without its minidump: ") == true)
    }

    @Test func reportsHaveWhatWasSent() throws {
        let store = try RealStore()
        try store.add("raid-1", crashes: [record("c1", member: "game.dmp")])
        let before = try store.open().report(on: "raid-1", logLines: 0)
        #expect(before.exports.entries.isEmpty && before.exports.problem == nil)
        #expect(!Shapes.sessionReport.line(before).text.contains("\"exports"))
        let folder = store.path + "/export"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try """
        {"record":"queued","crash":"c1","session":"raid-1","since":5,"minidump":true}

        """.write(toFile: folder + "/sentry.jsonl", atomically: true, encoding: .utf8)
        let after = try store.open().explanation(of: "raid-1")
        #expect(after.exports.entries.map(\.state) == [.waiting])
        #expect(
            Shapes.explanation.line(after).text.contains(
                #""exports":[{"crash":"c1","service":"sentry","state":"waiting""#))
    }
}
