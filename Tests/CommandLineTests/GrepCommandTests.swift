import Foundation
import Testing

/// `salvage grep` beside ripgrep on the same files, both as programs.
@Suite(.enabled(if: GrepStage.ripgrep != nil, "ripgrep is not installed"))
struct GrepCommandTests {
    /// Lines as an Unreal server writes them; several blocks of them.
    static func log(_ lines: Int, seed: Int) -> [UInt8] {
        let words = [
            "error", "Error", "warning", "player", "größe", "straße", "tick", "Kick", "foo", "barfoo", "foo.bar", "k",
        ]
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var text = ""
        for line in 0..<lines {
            let (minute, second) = (line / 600 % 60, line / 10 % 60)
            text += String(format: "[2026.11.20-21.%02d.%02d:%03d][%3d]Log: ", minute, second, line % 1000, line % 997)
            for _ in 0..<(3 + below(6)) {
                text += words[below(words.count)] + (below(3) == 0 ? "=\(below(1000)) " : " ")
            }
            if below(20) == 0 { text += "10.0.\(below(9)).\(below(256)):27015" }
            text += "\n"
            if below(25) == 0 { text += "    at Foo.Bar()\t(\(line))\n" }
            if below(40) == 0 { text += "\n" }
        }
        return Array(text.utf8)
    }

    static let files: [(String, [UInt8])] = [
        ("Logs/arena.log", log(9000, seed: 1)),
        ("Logs/crlf.log", Array("foo\r\nbar=1\r\nfoo bar\r\n\r\nError foo\r\nlast foo".utf8)),
        ("Logs/empty.log", []),
        ("Logs/feeds.log", [0x0A, 0x0A]),
        (
            "Logs/invalid.log",
            Array("foo \u{FC}\n".utf8) + [0xFF, 0xFE, 0x20] + Array("foo error\nk".utf8) + [0xC3, 0x28, 0x0A]
                + Array("foo=7 ".utf8) + [0xF0, 0x9F, 0x0A]
        ),
        ("Logs/open.log", Array("first foo\nthe last line has no feed foo".utf8)),
        ("notes with blanks.txt", Array("a foo in a text\nFOO=12\n".utf8)),
    ]

    /// Lines longer than a block, and than the longest block there is.
    static let long = [
        (
            "Logs/long.log",
            Array("short foo\nbegin ".utf8) + [UInt8](repeating: 0x78, count: 700_000) + Array(" foo end\nfoo=3\n".utf8)
                + [UInt8](repeating: 0x79, count: 5_000_000) + Array(" error\nfoo after\nlast".utf8)
        )
    ]

    /// Binary according to ripgrep and to ingest.
    static let binaries: [(String, [UInt8])] = [
        ("Logs/nul.log", Array("foo one\nfoo two\nab\u{0}cd foo\nfoo end\n".utf8)),
        ("core.bin", [0x7F, 0x00, 0x01, 0x02] + Array("foo in a core\nError\n".utf8) + [0x00, 0xFF]),
    ]

    /// Outputs are compared outside of `#expect`, which would take megabytes of them apart to print them.
    private func same(_ ours: [UInt8], _ theirs: [UInt8], _ what: String) {
        let difference = GrepStage.difference(ours, theirs)
        #expect(difference == nil, "\(what)")
    }

    static func stage() throws -> GrepStage {
        let stage = try GrepStage()
        try stage.ingest("s-1", files)
        try stage.ingest("s-2", tag: "1.3", [("Logs/arena.log", log(3000, seed: 2)), ("Logs/b.log", log(20, seed: 3))])
        try stage.ingest("s-3", [("Logs/\u{FC}n\u{ED}.log", log(40, seed: 4))])
        for session in ["s-1", "s-2", "s-3"] { try stage.export(session) }
        return stage
    }

    /// Flags that both take under the same name.
    static let flags: [[String]] = [
        [], ["-i"], ["-S"], ["-w"], ["-x"], ["-v"], ["-c"], ["-l"], ["-o"], ["-A2"], ["-B", "2"], ["-C1"], ["-m2"],
        ["--count-matches"], ["--no-filename"], ["--heading"], ["-N"], ["--crlf"], ["-a"], ["-q"],
        ["-i", "-w"], ["-i", "-o"], ["-i", "-c"], ["-v", "-c"], ["-v", "-m3"], ["-v", "-l"], ["-o", "-N"],
        ["-o", "-m2"], ["-o", "-i", "--no-filename"], ["-c", "-m3"], ["-c", "--include-zero"], ["-c", "--no-filename"],
        ["-l", "-i"], ["-l", "-m1"], ["-A1", "-B3"], ["-C2", "-m1"], ["-A3", "-m2", "-i"], ["-v", "-C1", "-m5"],
        ["-N", "-C1"], ["--heading", "-C1"], ["--heading", "-N"], ["--heading", "-o"], ["-w", "-m1", "-A1"],
        ["-x", "-v", "-c"], ["-x", "-i"], ["--count-matches", "-i"], ["--count-matches", "-w"], ["--crlf", "-x"],
        ["--crlf", "-o"], ["-iwm2"], ["-in"], ["--ignore-case", "--max-count=3", "--line-number"],
        ["--after-context", "1", "--word-regexp"], ["-F", "-w"], ["-F", "-i", "-c"], ["-F", "-x"], ["-F", "-o"],
    ]

    @Test func everyFlagGivesWhatRipgrepGives() throws {
        let stage = try Self.stage()
        #expect(stage.names.count == 10)
        var compared = 0
        for flags in Self.flags {
            let patterns =
                flags.contains("-F")
                ? ["foo.bar", "foo", "=3", "Error foo"]
                : ["foo", "Kick=\\d+", "(error|warning) .*tick", "gr\u{F6}\u{DF}e"]
            for pattern in patterns {
                let theirs = try stage.rg(flags + ["-e", pattern])
                let ours = try stage.grep(flags + ["-e", pattern])
                // With --crlf ripgrep ends its own lines with CR LF too.
                let ending = flags.contains("--crlf")
                same(
                    ending ? ours.out.filter { $0 != 0x0D } : ours.out,
                    ending ? theirs.out.filter { $0 != 0x0D } : theirs.out, "\(flags) -e \(pattern)")
                #expect(ours.status == theirs.status && ours.err.isEmpty, "\(flags) -e \(pattern): \(ours.err)")
                compared += theirs.out.isEmpty ? 0 : 1
            }
        }
        #expect(compared > Self.flags.count * 2)
    }

    @Test func linesWithoutAFinishAndLinesBeyondABlock() throws {
        let stage = try GrepStage()
        try stage.ingest("s-1", Self.long + Self.files.suffix(4))
        try stage.export("s-1")
        let sets = [[], ["-c"], ["-o", "-m3"], ["-v", "-m3"], ["-C1", "-m2"], ["-A2"], ["-B1"], ["--json", "-C1"]]
        for pattern in ["^begin x+ foo end$", "y{100} error", "[xy] (foo|error)", "^$", "", ".$", "^foo", "\\d$"] {
            for flags in sets {
                // ripgrep prints empty matches at an open end twice, and each is a message of its own in JSON.
                if pattern.isEmpty || pattern == "^$", ["-o", "--json"].contains(flags.first) { continue }
                var theirs = try stage.rg(flags + ["-e", pattern])
                var ours = try stage.grep(flags + ["-e", pattern])
                #expect(ours.status == theirs.status, "\(flags) -e \(pattern): \(ours.err)")
                if flags.first == "--json" {
                    theirs.out = Array(try Self.messages(theirs.out).joined(separator: "\n").utf8)
                    ours.out = Array(try Self.messages(ours.out).joined(separator: "\n").utf8)
                }
                same(ours.out, theirs.out, "\(flags) -e \(pattern)")
            }
        }
    }

    @Test func filesWithoutAMatchAndSeveralPatterns() throws {
        let stage = try Self.stage()
        let patterns = stage.scratch.path("patterns")
        try Data("foo\\.bar\nno such thing\n^first\n".utf8).write(to: URL(fileURLWithPath: patterns))
        let windows = stage.scratch.path("windows")
        try Data("Kick=1\\d\\d\r\n(?i)ERROR foo\r\n".utf8).write(to: URL(fileURLWithPath: windows))
        let empty = stage.scratch.path("empty")
        try Data().write(to: URL(fileURLWithPath: empty))
        let cases: [(ours: [String], theirs: [String])] = [
            (["-L", "foo"], ["--files-without-match", "-e", "foo"]),
            (["-L", "-i", "foo"], ["--files-without-match", "-i", "-e", "foo"]),
            (["-L", "."], ["--files-without-match", "-e", "."]),
            (["-e", "^first", "-e", "Kick=7"], ["-e", "^first", "-e", "Kick=7"]),
            (["-f", patterns], ["-f", patterns]),
            (["-f", patterns, "-e", "Bar"], ["-f", patterns, "-e", "Bar"]),
            (["-F", "-f", patterns], ["-F", "-f", patterns]),
            (["-f", windows], ["-f", windows]),
            (["-f", empty], ["-f", empty]),
            (["-e", "-foo"], ["-e", "-foo"]),
            (["-c", "--", "-foo|k$"], ["-c", "-e", "-foo|k$"]),
            (["-s", "-i", "-c", "ERROR"], ["-s", "-i", "-c", "-e", "ERROR"]),
            (["-i", "-s", "-c", "ERROR"], ["-i", "-s", "-c", "-e", "ERROR"]),
            (["-i", "-S", "-c", "ERROR"], ["-i", "-S", "-c", "-e", "ERROR"]),
            (["-S", "-i", "-c", "Kick"], ["-S", "-i", "-c", "-e", "Kick"]),
            (["-n", "-N", "-m1", "foo"], ["-n", "-N", "-m1", "-e", "foo"]),
            (["-N", "-n", "-m1", "foo"], ["-N", "-n", "-m1", "-e", "foo"]),
            (["-l", "-c", "foo"], ["-l", "-c", "-e", "foo"]),
            (["-L", "--count-matches", "foo"], ["--files-without-match", "--count-matches", "-e", "foo"]),
            (["-x", "-w", "-c", "foo"], ["-x", "-w", "-c", "-e", "foo"]),
            (["-w", "-x", "-c", "foo"], ["-w", "-x", "-c", "-e", "foo"]),
            (["--count-matches", "-c", "o"], ["--count-matches", "-c", "-e", "o"]),
            (["-c", "--count-matches", "o"], ["-c", "--count-matches", "-e", "o"]),
            (["-l", "-L", "foo"], ["-l", "--files-without-match", "-e", "foo"]),
            (["-L", "-l", "-l", "foo"], ["--files-without-match", "-l", "-e", "foo"]),
            (["-iom1", "kick"], ["-iom1", "-e", "kick"]), (["-ice", "kick"], ["-ice", "kick"]),
            (["-m0", "foo"], ["-m0", "-e", "foo"]),
        ]
        for (mine, other) in cases {
            let theirs = try stage.rg(other)
            let ours = try stage.grep(mine)
            same(ours.out, theirs.out, "\(mine)")
            #expect(ours.status == theirs.status, "\(mine): \(ours.err)")
        }
    }

    @Test func binaryMembersAsRipgrepHasThem() throws {
        let stage = try GrepStage()
        try stage.ingest("s-1", Self.binaries + [("Logs/text.log", Array("foo\n".utf8))])
        try stage.export("s-1")
        for flags in [[], ["-c"], ["-l"], ["-i"], ["-m1"], ["-v", "-c"], ["-q"], ["--no-filename"]] {
            let theirs = try stage.rg(flags + ["-e", "foo"])
            let ours = try stage.grep(["--binary"] + flags + ["-e", "foo"])
            // A log with a NUL in it stays a log: its lines are printed as far as the one with the NUL.
            let kept = Array(ours.text.replacing(#/.*nul.log:[12]:foo (one|two)\n/#, with: "").utf8)
            let listsLines = flags.isEmpty || flags == ["-i"]
            if !flags.contains("-m1"), !flags.contains("--no-filename") {
                same(listsLines ? kept : ours.out, theirs.out, "\(flags)")
            }
            #expect(ours.status == theirs.status, "\(flags): \(ours.err)")
            let text = try stage.rg(["-a"] + flags + ["-e", "foo"])
            let mine = try stage.grep(["-a"] + flags + ["-e", "foo"])
            same(mine.out, text.out, "-a \(flags)")
        }
        // By default, members that are not text are skipped, as ripgrep skips binary files in a folder.
        let unasked = try stage.grep(["foo"])
        #expect(!unasked.text.contains("core.bin"))
        #expect(unasked.text.contains("s-1:Saved/Logs/nul.log:2:foo two\n"))
        #expect(unasked.text.contains("s-1:Saved/Logs/nul.log: binary file matches"))
        #expect(!unasked.out.contains(0))
    }

    @Test func jsonHasTheShapeOfRipgreps() throws {
        let stage = try Self.stage()
        for flags in [
            ["foo"], ["-C1", "-m2", "Kick=7"], ["-v", "-m1", "foo"], ["-i", "-w", "ERROR"], ["gr\u{F6}\u{DF}e"],
        ] {
            let theirs = try Self.messages(try stage.rg(["--json"] + flags.dropLast() + ["-e", flags.last ?? ""]).out)
            let ours = try Self.messages(try stage.grep(["--json"] + flags).out)
            let differs = zip(ours, theirs).first { $0 != $1 }.map { "ours: \($0)\nripgrep's: \($1)" }
            #expect(differs == nil && ours.count == theirs.count, "\(flags)")
        }
        // ripgrep refuses these together; text where JSON was asked for would be worse.
        for flag in ["-c", "-l", "-L", "--count-matches"] {
            let refused = try stage.grep(["--json", flag, "foo"])
            #expect(refused.status == 64 && refused.out.isEmpty, "\(flag)")
        }
    }

    /// Messages without times and sizes, our own fields taken out and checked.
    private static func messages(_ out: [UInt8]) throws -> [String] {
        try out.split(separator: 0x0A).map { line in
            var object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
            var data = try #require(object["data"] as? [String: Any])
            if let session = data.removeValue(forKey: "session") as? String, let path = data["path"] as? [String: Any] {
                data["path"] = ["text": "\(session):\(path["text"] ?? "")"]
                #expect(data.removeValue(forKey: "tag") as? String == (session == "s-2" ? "1.3" : "1.2"))
                #expect(data.removeValue(forKey: "image") as? String == "arena")
                #expect(data.removeValue(forKey: "location") as? String == "eu")
            }
            data["elapsed_total"] = nil
            if var statistics = data["stats"] as? [String: Any] {
                for key in ["elapsed", "bytes_searched", "bytes_printed"] {
                    #expect(statistics.removeValue(forKey: key) != nil)
                }
                // ripgrep counts the files it was given, grep those that were not ruled out.
                if object["type"] as? String == "summary" {
                    let searches = try #require(statistics.removeValue(forKey: "searches") as? Int)
                    #expect(searches >= statistics["searches_with_match"] as? Int ?? .max)
                }
                data["stats"] = statistics
            }
            object["data"] = data
            return String(
                decoding: try JSONSerialization.data(withJSONObject: object, options: .sortedKeys), as: UTF8.self)
        }
    }

    @Test func exitCodesAreRipgreps() throws {
        let stage = try GrepStage()
        try stage.ingest("s-1", [("a.log", Array("foo\n".utf8))])
        try stage.export("s-1")
        for (flags, status) in [
            (["foo"], 0), (["nothing"], 1), (["-q", "foo"], 0), (["-q", "nothing"], 1), (["-v", "foo"], 1),
            (["("], 2), (["-f", "/no/such/file"], 2), (["-L", "foo"], 1), (["-L", "nothing"], 0),
        ] as [([String], Int32)] {
            let ours = try stage.grep(flags)
            #expect(ours.status == status, "\(flags): \(ours.err)")
            #expect((status == 2) == !ours.err.isEmpty, "\(flags): \(ours.err)")
            let map = flags.map { $0 == "-L" ? "--files-without-match" : $0 }
            let last = flags.contains("-f") ? [] : ["-e", map.last ?? ""]
            #expect(try stage.rg((last.isEmpty ? map : map.dropLast()) + last).status == status, "rg \(flags)")
        }
        let nowhere = try stage.grep(["--store", stage.scratch.path("none"), "foo"])
        #expect(nowhere.status == 2 && !nowhere.err.isEmpty)
    }

    @Test func smartCaseByConfiguration() throws {
        let stage = try Self.stage()
        let config = stage.scratch.path("smart.yaml")
        try Data("grep:\n  smart_case: true\n".utf8).write(to: URL(fileURLWithPath: config))
        let named = ["SALVAGE_CONFIG": config]
        for pattern in ["kick", "Kick", "error \\S+", "Error \\S+", "\\d", "\\W"] {
            let smart = try stage.rg(["-S", "-c", "-e", pattern])
            #expect(try stage.grep(["-c", pattern], environment: named).out == smart.out, "\(pattern)")
            #expect(try stage.grep(["-c", pattern, "--config", config]).out == smart.out, "\(pattern)")
            // Long enough for the argument parser to have read it.
            #expect(try stage.grep(["-c", "-i", "-S", pattern], environment: named).out == smart.out, "\(pattern)")
            let exact = try stage.rg(["-s", "-c", "-e", pattern])
            #expect(try stage.grep(["-c", "-s", pattern], environment: named).out == exact.out, "\(pattern)")
            #expect(try stage.grep(["-c", pattern]).out == exact.out, "\(pattern)")
            let folded = try stage.rg(["-i", "-c", "-e", pattern])
            #expect(try stage.grep(["-c", "-i", pattern], environment: named).out == folded.out, "\(pattern)")
        }
        try Data("grep:\n  smart_case: perhaps\n".utf8).write(to: URL(fileURLWithPath: config))
        let wrong = try stage.grep(["kick"], environment: named)
        #expect(wrong.status != 0 && wrong.out.isEmpty && wrong.err.contains("smart_case"), "\(wrong.err)")
    }
}
