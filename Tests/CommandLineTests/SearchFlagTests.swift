import Foundation
import Testing

/// Flags of `grep` and `logs` that ripgrep does not have or that concern several sessions, with the real program.
@Suite struct SearchFlagTests {
    /// Lines of one server, some of which have no time of their own.
    private static func log(_ name: String, _ seconds: [Int]) -> [UInt8] {
        var text = ""
        for second in seconds {
            text += String(format: "[2026.11.20-21.%02d.%02d:000] %@ at %d\n", second / 60, second % 60, name, second)
            if second % 3 == 0 { text += "    \(name) continues\n" }
        }
        return Array(text.utf8)
    }

    /// Three sessions; each has its log twice.
    private static func stage() throws -> GrepStage {
        let stage = try GrepStage()
        for (name, seconds) in [("A", [0, 3, 5, 9]), ("B", [1, 3, 4]), ("C", [2, 6])] {
            try stage.ingest(
                name, tag: "1.\(name)", created: "2026-11-20T21:00:00Z", exited: "2026-11-20T21:30:00Z",
                [("Logs/game.log", log(name, seconds)), ("console.log", log(name, seconds))])
        }
        return stage
    }

    @Test func copiesArePrintedOnce() throws {
        let stage = try Self.stage()
        let hits = try stage.grep(["A at"])
        #expect(hits.lines.count == 4 && Set(hits.lines.map { $0.split(separator: ":")[1] }).count == 1, "\(hits.text)")
        #expect(hits.err.isEmpty)
        #expect(try stage.grep(["--duplicates", "A at"]).lines.count == 8)
        let names = try stage.grep(["-l", "A at"])
        #expect(names.lines.count == 2 && names.lines.allSatisfy { $0.hasPrefix("A:Saved/") }, "\(names.text)")
        #expect(try stage.grep(["-c", "A at"]).lines.count == 1)
        #expect(try stage.grep(["--heading", "A at"]).text.contains(" (also: Saved/"))
        let begin = try #require(try stage.grep(["--json", "A at"]).lines.first)
        #expect(begin.contains(#""also":["Saved/"#))
        let explained = try stage.grep(["--explain", "--no-filters", "at"])
        #expect(explained.err.contains("3 copies not searched"), "\(explained.err)")
    }

    @Test func someLinesOfEachSession() throws {
        let stage = try Self.stage()
        #expect(try stage.grep(["--per-session", "1", " at "]).lines.map { $0.prefix(1) } == ["A", "B", "C"])
        #expect(try stage.grep(["--per-session", "2", "--duplicates", "-m1", " at "]).lines.count == 6)
        #expect(try stage.grep(["--per-session", "2", "--limit", "3", " at "]).lines.count == 3)
        #expect(try stage.grep(["--per-session", "-1", " at "]).status == 64)
    }

    @Test func linesOfAllSessionsInTheOrderOfTime() throws {
        let stage = try Self.stage()
        func texts(_ arguments: [String]) throws -> [String] {
            let found = try stage.grep(["--sort", "time"] + arguments)
            #expect(found.err.isEmpty, "\(found.err)")
            return found.lines.map { line in
                let text = line.split(separator: "] ").last.map(String.init) ?? ""
                return text.hasPrefix("[") || !text.contains(":") ? text : String(text.split(separator: ":").last ?? "")
            }
        }
        #expect(
            try texts([""]) == [
                "A at 0", "    A continues", "B at 1", "C at 2", "A at 3", "    A continues", "B at 3",
                "    B continues", "B at 4", "A at 5", "C at 6", "    C continues", "A at 9", "    A continues",
            ])
        #expect(try texts([" at ", "--limit", "2"]) == ["A at 0", "B at 1"])
        #expect(try texts([" at ", "--sortr", "time", "--limit", "2"]) == ["A at 9", "C at 6"])
        let json = try stage.grep(["--sort", "time", "--json", " at 3"])
        #expect(json.lines.count == 3 && json.text.contains(#""time":"2026-11-20T21:00:03.000Z""#), "\(json.text)")
        #expect(try stage.grep(["--sort", "session", "-l", " at 3"]).lines.first?.hasPrefix("A:") == true)
        #expect(try stage.grep(["--sortr", "session", "-l", " at 3"]).lines.first?.hasPrefix("B:") == true)
        #expect(try stage.grep(["--sort", "size", "x"]).status == 64)
    }

    @Test(.enabled(if: GrepStage.ripgrep != nil, "ripgrep is not installed"))
    func spansColumnsAndOrderAreThoseOfRipgrep() throws {
        let stage = try GrepStage()
        try stage.ingest("s-1", [("Logs/a.log", GrepCommandTests.log(9000, seed: 1))])
        try stage.ingest("s-2", [("Logs/b.log", GrepCommandTests.log(300, seed: 2))])
        for session in ["s-1", "s-2"] { try stage.export(session) }
        for flags in [["-U"], ["-U", "-c"], ["-U", "-o"], ["-U", "--vimgrep"], ["-U", "-C1"], ["-U", "--json"]] {
            for pattern in ["Foo\\.Bar\\(\\)\\s+\\(\\d+\\)\\n\\n", "error[^\\[]*\\n\\[.*Kick=7"] {
                let (ours, theirs) = (try stage.grep(flags + ["-e", pattern]), try stage.rg(flags + ["-e", pattern]))
                #expect(ours.status == theirs.status, "\(flags) \(pattern)")
                if flags.contains("--json") {
                    let matches = [ours, theirs].map { $0.lines.count { $0.contains(#""type":"match""#) } }
                    #expect(matches[0] == matches[1] && matches[0] > 0, "\(pattern): \(matches)")
                } else {
                    #expect(GrepStage.difference(ours.out, theirs.out) == nil, "\(flags) \(pattern)")
                }
            }
        }
        for flags in [
            ["--column"], ["--vimgrep"], ["--column", "-N"], ["--no-heading"], ["--sort", "path"],
            ["--sort", "path", "-l"],
        ] {
            let (ours, theirs) = (try stage.grep(flags + ["Kick"]), try stage.rg(flags + ["Kick"]))
            #expect(GrepStage.difference(ours.out, theirs.out) == nil, "\(flags)")
        }
        let mistake = try stage.grep(["a\\nb"])
        #expect(mistake.status == 2 && mistake.err.contains("-U"), "\(mistake.err)")
    }

    @Test func logsOfSeveralSessionsAreOneStory() throws {
        let stage = try Self.stage()
        let merged = try stage.salvage(["logs", "A", "B", "--path", "Saved/Logs/*"])
        #expect(merged.status == 0, "\(merged.err)")
        #expect(
            merged.lines.map { $0.prefix(2) } == ["A:", "A:", "B:", "A:", "A:", "B:", "B:", "B:", "A:", "A:", "A:"])
        let numbered = try stage.salvage(["logs", "A", "-n", "--path", "Saved/Logs/*", "-g", "at 5"])
        #expect(numbered.text.hasPrefix("5:["), "\(numbered.text)")
        #expect(try stage.salvage(["logs", "A", "B", "-f"]).status == 64)
        #expect(try stage.salvage(["logs"]).status == 64)
        #expect(try stage.salvage(["logs", "A", "nobody"]).status != 0)
    }

    /// A server whose log ends with a report of its death.
    private static func crashing(_ seconds: Range<Int>) -> [UInt8] {
        var text = ""
        for second in seconds {
            text += String(format: "2026-11-20 21:00:%02d.000 tick %d\n", second, second)
        }
        return Array((text + "thread 'main' panicked at src/pond.rs:42:9:\nthe pond is dry\n").utf8)
    }

    @Test func linesBeforeEachCrash() throws {
        let stage = try GrepStage()
        for (name, end) in [("s-1", 20), ("s-2", 30), ("s-3", 40)] {
            try stage.ingest(
                name, created: "2026-11-20T21:00:00Z", exited: "2026-11-20T21:10:00Z",
                [("Logs/game.log", Self.crashing(0..<end))])
        }
        let crashes = try stage.salvage(["crashes", "--json"]).lines.compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        try #require(crashes.count == 3, "\(crashes)")
        let signature = try #require(crashes.first?["signature"] as? String)
        let found = try stage.salvage(
            ["logs", "--signature", signature, "--around", "crash", "--lines", "2", "--sessions", "2"])
        #expect(found.status == 0 && found.err.contains("1 more session"), "\(found.err)")
        #expect(found.lines.count { $0.hasPrefix("==> s-") } == 2, "\(found.text)")
        #expect(found.lines.count { $0.contains(" tick ") } == 4, "\(found.text)")
        #expect(!found.text.contains("panicked at src"), "\(found.text)")
        let objects = try stage.salvage(["--json", "logs", "--signature", signature, "--around", "crash"]).lines
        #expect(objects.count == 3 && objects.allSatisfy { $0.contains(#""lines":[{"number":"#) }, "\(objects)")
        let id = try #require(crashes.first?["crash"] as? String)
        let around = try stage.salvage(["logs", id])
        #expect(around.status == 0 && around.text.contains("panicked at"), "\(around.text)\(around.err)")
        #expect(try stage.salvage(["logs", "--signature", "no such signature"]).status == 1)
        let two = try stage.salvage(["logs", "s-1", "s-2", "--around", "crash", "--lines", "1", "-n"])
        #expect(two.lines.contains { $0.hasPrefix("20:") } && two.lines.contains { $0.hasPrefix("30:") }, "\(two.text)")
    }
}
