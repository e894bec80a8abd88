import Catalog
import Foundation
import Model
import Pack
import Testing

@testable import Store

/// What a bundle holds. That it comes in again is tested with the real program, which starts confined readers.
@Suite struct BundleTests {
    private static let sheet: @Sendable (CrashReport) throws -> CrashSheet = { report in
        guard case .stored(let crash) = report.crash else { return CrashSheet(text: [], json: []) }
        return CrashSheet(text: Array("crash \(crash.row.crash) of 10.0.0.1\n".utf8), json: crash.row.json)
    }

    private static func folder(_ change: (inout BundleOptions) -> Void = { _ in }) -> BundleOptions {
        var options = BundleOptions()
        options.isFolder = true
        change(&options)
        return options
    }

    private func object(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    @Test func aBundleDescribesItsSessionsAndTheirFiles() throws {
        let stage = try RealStore()
        try stage.add(
            "a/b c", tag: "1.2", [.init("f/x.log", "1\n"), .init("../y\u{1B}.log", artifact: 1, "2\n")],
            crashes: [RealStore.crash("Boom", id: "c-1")])
        try stage.add("second", [.init("z.log", "3\n")])
        let target = stage.path + "/out"
        let report = try stage.open().bundle(
            ["a/b c", "second", "secon"], to: target, Self.folder(), sheet: Self.sheet, progress: { _ in })
        #expect(report.sessions == ["a/b c", "second"] && report.files == 3 && report.crashes == 1)
        #expect(report.faults.isEmpty && report.redacted == nil && report.target == target)
        let place = target + "/sessions/a%2Fb%20c"
        let session = try object(place + "/session.json")
        #expect(session["session"] as? String == "a/b c" && session["tag"] as? String == "1.2")
        #expect(session["image"] as? String == "arena" && session["location"] as? String == "fra")
        #expect(session["created"] as? String == "2026-11-20T11:50:00.000Z")
        #expect(session["exited"] as? String == "2026-11-20T12:00:00.000Z")
        let members = try #require(session["members"] as? [[String: Any]])
        #expect(members.map { $0["file"] as? String } == ["f/x.log", "%2E%2E/y%1B.log"])
        #expect(members.map { $0["artifact"] as? String } == ["/data", "logs"])
        #expect(try String(contentsOfFile: place + "/stored/%2E%2E/y%1B.log", encoding: .utf8) == "2\n")
        #expect(try String(contentsOfFile: place + "/crash.txt", encoding: .utf8) == "crash c-1 of 10.0.0.1\n")
        #expect(try object(place + "/crash.json")["signature"] as? String == "Boom")
        let index = try object(target + "/bundle.json")
        #expect(index["format"] as? String == "salvage-bundle" && index["version"] as? Int == 1)
        #expect(
            (index["sessions"] as? [[String: Any]])?.compactMap { $0["folder"] as? String } == ["a%2Fb%20c", "second"])
        #expect(FileManager.default.fileExists(atPath: target + "/README.txt"))
        let taken = try #require(throws: StoreError.self) {
            try stage.open().bundle(["second"], to: target, Self.folder(), sheet: Self.sheet, progress: { _ in })
        }
        #expect(taken.code == .exists)
        let left = try FileManager.default.contentsOfDirectory(atPath: stage.path)
        #expect(!left.contains { $0.hasPrefix(".salvage-bundle") }, "\(left)")
    }

    @Test func theSameContentMakesTheSameArchive() throws {
        let stage = try RealStore()
        try stage.add("s", [.init("b.log", "1\n"), .init("a.log", "2\n")], crashes: [RealStore.crash("A", id: "1")])
        func archive(_ name: String) throws -> Data {
            let folder = stage.path + "/" + name
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            let report = try stage.open().bundle(["s"], to: folder + "/x", sheet: Self.sheet, progress: { _ in })
            #expect(report.target == folder + "/x.tar.gz")
            return try Data(contentsOf: URL(fileURLWithPath: report.target))
        }
        #expect(try archive("one") == archive("two"))
    }

    @Test func rulesApplyToEveryTextAndWhatCannotBeRedactedIsLeftOut() throws {
        let stage = try RealStore()
        try stage.add(
            "s",
            [
                .init("x.log", "from 10.0.0.1 and 10.0.0.2\nok\n"), .init("core", kind: .crashDump, "10.0.0.3"),
                .init("b.bin", kind: .binary, "10.0.0.4"),
            ], crashes: [RealStore.crash("Boom 10.0.0.5", id: "c-1")])
        let rules = [RedactionRule(name: "address", pattern: #"\d+(\.\d+){3}"#, replacement: "<ip>")]
        let strict = stage.path + "/strict"
        let report = try stage.open().bundle(
            ["s"], to: strict, Self.folder { $0.redactions = rules }, sheet: Self.sheet, progress: { _ in })
        #expect(report.files == 1 && report.unredactable == 2)
        #expect(report.redacted == 4 && report.unredactedNames == 0)
        let place = strict + "/sessions/s"
        #expect(try String(contentsOfFile: place + "/stored/x.log", encoding: .utf8) == "from <ip> and <ip>\nok\n")
        #expect(try String(contentsOfFile: place + "/crash.txt", encoding: .utf8) == "crash c-1 of <ip>\n")
        #expect(try object(place + "/crash.json")["signature"] as? String == "Boom <ip>")
        #expect(!FileManager.default.fileExists(atPath: place + "/stored/core"))
        // Names stay and are counted.
        let named = try stage.open().bundle(
            ["s"], to: stage.path + "/named",
            Self.folder {
                $0.redactions = [RedactionRule(name: "name", pattern: #"x\.log"#, replacement: "<file>")]
            }, sheet: Self.sheet, progress: { _ in })
        #expect(named.unredactedNames == 1)
        let loose = stage.path + "/loose"
        let with = try stage.open().bundle(
            ["s"], to: loose,
            Self.folder {
                $0.redactions = rules
                $0.withDumps = true
            }, sheet: Self.sheet, progress: { _ in })
        #expect(with.files == 3 && with.unredactable == 0)
        #expect(try String(contentsOfFile: loose + "/sessions/s/stored/core", encoding: .utf8) == "10.0.0.3")
    }

    @Test func aBundleNeedsANameOfItsOwn() throws {
        let stage = try RealStore()
        try stage.add("s", [.init("x.log", "1\n")])
        for target in [".", "..", "/", stage.path + "/."] {
            let error = try #require(throws: StoreError.self) {
                try stage.open().bundle(["s"], to: target, sheet: Self.sheet, progress: { _ in })
            }
            #expect(error.code == .bundleFailed, "\(target)")
        }
        let lost = try #require(throws: StoreError.self) {
            try stage.open().bundle(["s"], to: stage.path + "/no/x", sheet: Self.sheet, progress: { _ in })
        }
        #expect(lost.code == .bundleFailed && lost.hint != nil)
    }

    @Test func theBestExamplesAreOfDifferentBuilds() throws {
        let stage = try RealStore()
        func crash(_ id: String, quality: String, minute: Int) -> String {
            RealStore.crash("A", id: id, time: "2026-11-20T11:0\(minute):00.000Z").replacing(
                "\"signature_quality\":\"symbol\"", with: "\"signature_quality\":\"\(quality)\"")
        }
        try stage.add("old-named", tag: "1", crashes: [crash("1", quality: "symbol", minute: 1)])
        try stage.add("new-bare", tag: "1", crashes: [crash("2", quality: "offset", minute: 5)])
        try stage.add("newer-named", tag: "1", crashes: [crash("3", quality: "symbol", minute: 3)])
        try stage.add("other-build", tag: "2", crashes: [crash("4", quality: "offset", minute: 0)])
        try stage.add("other-bug", tag: "3", crashes: [RealStore.crash("B", id: "5")])
        let store = try stage.open()
        let selection = Selection(signatures: ["A"])
        #expect(try store.examples(selection, most: 1) == ["newer-named"])
        #expect(try store.examples(selection, most: 2) == ["newer-named", "other-build"])
        #expect(try store.examples(selection, most: 9) == ["newer-named", "other-build", "old-named", "new-bare"])
        let none = try #require(throws: StoreError.self) {
            try store.examples(Selection(signatures: ["C"]), most: 3)
        }
        #expect(none.code == .noSessions && none.kind == .notFound)
    }

    @Test func scriptsQuoteWhateverAPathHolds() throws {
        let scripts = DebuggerScripts(
            session: "s\n$(touch owned)", core: "stored/it's $(touch owned) `x` \"y\".core", program: nil,
            sources: "/build/game")
        let text = String(decoding: scripts.gdb, as: UTF8.self)
        #expect(text.contains("'--core=./stored/it'\\''s $(touch owned) `x` \"y\".core'"), "\(text)")
        #expect(
            text.split(separator: "\n").allSatisfy { $0.hasPrefix("#") || $0.hasPrefix("cd ") || $0.hasPrefix("exec ") }
        )
        #expect(text.contains("set substitute-path /build/game DIR"))
        #expect(DebuggerScripts.quoted("") == "''")
    }

    @Test func theSourcesOfAStackHaveACommonFolder() {
        func sources(_ files: [String]) -> String? {
            var record = CrashRecord(kind: "elf_core")
            record.frames = files.enumerated().map { index, file in
                var frame = CrashFrame(index: index, trust: .cfi)
                frame.file = file
                return frame
            }
            return DebuggerScripts.sources(of: record)
        }
        #expect(sources(["/build/game/a/x.c", "/build/game/b/y.c", "/usr/include/z.h"]) == "/build/game")
        #expect(sources(["x.c"]) == nil)
        #expect(sources(["/a/x.c", "/b/y.c"]) == nil)
        #expect(sources(["/a\" ; shell/x.c"]) == nil)
    }
}
