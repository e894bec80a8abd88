import Foundation
import Testing

@Suite struct IngestCommandTests {
    /// Verdicts as the corpora's README gives them; what is not named is `ok`.
    private static let expected: [String: String] = ["tar-rs-empty_filename.tar": "incomplete"]

    @Test func everyArchiveOfTheCorporaIsJudgedAndStaysInsideTheStore() throws {
        guard let corpora = Program.corpora else {
            print("skipped: ../shared/corpora is not there")
            return
        }
        let scratch = try Scratch()
        let store = scratch.path("store")
        let files = try FileManager.default.contentsOfDirectory(atPath: corpora.appendingPathComponent("tar").path)
        try #require(files.count > 20)
        let before = Scratch.listing(scratch.url.path, leavingOut: "store")
        for file in files.sorted() {
            let path = corpora.appendingPathComponent("tar/\(file)").path
            let outcome = try Program.run(["ingest", "--store", store, "--json", "--session", "s-\(file)", path])
            let verdict = outcome.objects.first?["verdict"] as? String
            let wanted = Self.expected[file] ?? "ok"
            #expect(verdict == wanted, "\(file): \(outcome.out)\(outcome.err)")
            #expect(outcome.status == (wanted == "ok" ? 0 : 3), "\(file)")
        }
        #expect(Scratch.listing(scratch.url.path, leavingOut: "store") == before)
        #expect(!FileManager.default.fileExists(atPath: "/tmp/evil"))
        // The store contains packs and the catalog only, no name from an archive.
        let inside = Scratch.listing(store).map { String($0.split(separator: " ")[0]) }
        let files2 = inside.filter { $0.contains(".") && !$0.hasPrefix("catalog.sqlite") && !$0.hasPrefix("filters") }
        #expect(files2.allSatisfy { $0.hasSuffix(".pack") || $0.hasPrefix("spool") }, "\(files2)")
    }

    @Test func hostileNamesAreExportedEscapedAndNowhereElse() throws {
        guard let corpora = Program.corpora else {
            print("skipped: ../shared/corpora is not there")
            return
        }
        let scratch = try Scratch()
        let store = scratch.path("store")
        let attacks = [
            "traversal-absolute", "traversal-dotdot", "traversal-dirsymlink", "traversal-hardlink",
            "traversal-symlink-write", "names-escape-newline-bidi", "special-device-fifo-setuid",
        ]
        for name in attacks {
            let path = corpora.appendingPathComponent("tar/\(name).tar.gz").path
            try Program.run(["ingest", "--store", store, "--session", name, path])
            let before = Scratch.listing(scratch.url.path, leavingOut: "out-\(name)").filter { !$0.hasPrefix("store") }
            let outcome = try Program.run(["export", "--store", store, name, "--to", scratch.path("out-\(name)")])
            #expect(outcome.status == 0, "\(name): \(outcome.err)")
            let after = Scratch.listing(scratch.url.path, leavingOut: "out-\(name)").filter { !$0.hasPrefix("store") }
            #expect(after == before)
            for entry in Scratch.listing(scratch.path("out-\(name)")) {
                #expect(entry.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0.value != 0x202E })
                #expect(entry.contains("NSFileTypeRegular") || entry.contains("NSFileTypeDirectory"), "\(entry)")
            }
        }
    }

    @Test func aCutArchiveIsKeptAndALaterWholeOneTakesItsPlace() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch.path("Saved"), withIntermediateDirectories: true)
        let line = "[2026.11.20-21.16.03:123][  1]LogTick: frame \(UUID())\n"
        for number in 0..<5 {
            let text = (0..<4000).map { "\($0) \(number) \(UUID()) " + line }.joined()
            try Data(text.utf8).write(to: scratch.url.appendingPathComponent("Saved/\(number).log"))
        }
        try shell(
            "cd \(scratch.url.path) && tar czf whole.tgz Saved && cp whole.tgz game.tgz && truncate -s 60% game.tgz")
        let whole = try Data(contentsOf: scratch.url.appendingPathComponent("whole.tgz"))
        try whole.prefix(whole.count * 6 / 10).write(to: scratch.url.appendingPathComponent("game.tgz"))
        let store = scratch.path("store")
        let first = try Program.run(["ingest", "--store", store, "--json", "--session", "s", scratch.path("game.tgz")])
        #expect(first.status == 3)
        #expect(first.objects.first?["verdict"] as? String == "incomplete")
        let kept = try Program.run(["files", "--store", store, "--json", "s"]).objects
        #expect(kept.contains { $0["path"] as? String == "Saved/0.log" || $0["path"] as? String == "Saved/1.log" })
        try whole.write(to: scratch.url.appendingPathComponent("game.tgz"))
        let second = try Program.run(["ingest", "--store", store, "--json", "--session", "s", scratch.path("game.tgz")])
        #expect(second.status == 0, "\(second.err)")
        let files = try Program.run(["files", "--store", store, "--json", "s"]).objects.filter {
            $0["kind"] as? String == "log"
        }
        #expect(files.count == 5)
        for file in files {
            let path = try #require(file["path"] as? String)
            let sum = try shell("sha256sum \(scratch.path(path))").out.prefix(64)
            #expect(file["sha256"] as? String == String(sum))
        }
    }

    @Test func aPackIsPlainZstdAndAFlippedBitIsNamed() throws {
        let scratch = try Scratch()
        let log = (0..<3000).map { "line \($0) of a log\n" }.joined()
        try Data(log.utf8).write(to: scratch.url.appendingPathComponent("Game.log"))
        let store = scratch.path("store")
        try #require(
            try Program.run(["ingest", "--store", store, "--session", "s", scratch.path("Game.log")]).status == 0)
        let pack = try shell("find \(store)/packs -name '*.pack'").out.trimmingCharacters(in: .whitespacesAndNewlines)
        if try shell("command -v zstd").status == 0 {
            #expect(try shell("zstd -dc \(pack)").out == log)
        } else {
            print("skipped: zstd is not installed")
        }
        #expect(try Program.run(["verify", "--store", store]).status == 0)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: pack))
        bytes[60] ^= 1
        try bytes.write(to: URL(fileURLWithPath: pack))
        let verdict = try Program.run(["verify", "--store", store])
        #expect(verdict.status == 3)
        #expect(verdict.out.contains("Game.log"), "\(verdict.out)")
        let cat = try Program.run(["cat", "--store", store, "s", "Game.log"])
        #expect(cat.status == 3 && cat.err.contains("damaged"))
    }
}
