import Foundation
import Testing

/// Early ends, escapes and `--explain` of `salvage grep`, with the real program.
@Suite struct GrepMannersTests {
    /// Five sessions of some twelve blocks each; every block has the word tick.
    private static func stage() throws -> GrepStage {
        let stage = try GrepStage()
        for number in 0..<5 {
            try stage.ingest("s-\(number)", [("Logs/big.log", GrepCommandTests.log(30_000, seed: 10 + number))])
        }
        return stage
    }

    @Test func enoughIsEnough() throws {
        let stage = try Self.stage()
        let full = try stage.grep(["--explain", "-c", "tick"])
        let all = try #require(GrepStage.explained(full.err, "decoded"))
        try #require(all >= 40, "\(full.err)")
        #expect(GrepStage.explained(full.err, "opened") == 5)
        for flags in [
            ["-m", "1"], ["-l"], ["-q"], ["--limit", "1"], ["--limit", "2", "-c"], ["--limit", "2", "-l"],
        ] {
            let some = try stage.grep(["--explain", "-j1"] + flags + ["tick"])
            let decoded = try #require(GrepStage.explained(some.err, "decoded"), "\(some.err)")
            #expect(some.status == 0 && decoded < all / 2, "\(flags): \(decoded) of \(all)")
            // Workers that look ahead may have begun some blocks more, never all.
            let together = try stage.grep(["--explain", "-j4"] + flags + ["tick"])
            #expect(together.out == some.out, "\(flags)")
            #expect(try #require(GrepStage.explained(together.err, "decoded")) < all, "\(flags)")
        }
        #expect(try stage.grep(["-m", "1", "tick"]).lines.count == 5)
        #expect(try stage.grep(["--limit", "1", "tick"]).lines.count == 1)
        let quiet = try stage.grep(["-q", "--explain", "tick"])
        #expect(quiet.out.isEmpty)
        #expect(try #require(GrepStage.explained(quiet.err, "opened")) == 1, "\(quiet.err)")
    }

    @Test func aClosedPipeEndsTheSearchQuietly() throws {
        let stage = try Self.stage()
        let all = try #require(GrepStage.explained(try stage.grep(["--explain", "-c", "tick"]).err, "decoded"))
        for flags in ["", "-C2", "-o", "--json", "-v"] {
            let errors = stage.scratch.path("errors")
            let line = try shell(
                """
                cd \(stage.scratch.url.path); \
                bash -c '\(Program.salvage.path) grep --store \(stage.store) --explain \(flags) tick 2>\(errors) | head -c 20 \
                | wc -c; echo ${PIPESTATUS[0]}'
                """)
            #expect(line.out.split(whereSeparator: \.isWhitespace) == ["20", "0"], "\(flags): \(line.out)")
            let told = try String(contentsOfFile: errors, encoding: .utf8)
            #expect(!told.contains("salvage:"), "\(flags): \(told)")
            #expect(try #require(GrepStage.explained(told, "decoded")) < all, "\(flags)")
        }
    }

    @Test func hostileBytesAreHarmlessOnATerminalAndRawInAPipe() throws {
        guard try shell("command -v script").status == 0 else {
            print("skipped: script, which makes a terminal, is not installed")
            return
        }
        let stage = try GrepStage()
        let evil =
            Array("title \u{1B}]0;owned\u{7} mark \u{1B}[2Jfoo\u{9B}31m \u{202E}x\rover\n".utf8)
            + Array("hidden\rfoo here\r\n".utf8) + [0x66, 0x6F, 0x6F, 0xFF, 0x0A]
        try stage.ingest("s-\u{1B}[31m", [("Logs/a\u{1B}[2J.log", evil), ("Logs/b\nc.log", Array("foo\n".utf8))])
        let command = "\(Program.salvage.path) grep --store \(stage.store)"
        for flags in ["foo", "--heading foo", "-o foo.", "-l foo", "-c foo", "-C1 foo", "-v nothing"] {
            let tty = try shell("env -u NO_COLOR TERM=xterm script -qec '\(command) \(flags)' /dev/null </dev/null").out
            #expect(tty.contains("s-\\x1b[31m:Saved/Logs/a\\x1b[2J.log"), "\(flags): \(tty.debugDescription)")
            var plain = tty
            for color in ["\u{1B}[35m", "\u{1B}[32m", "\u{1B}[1;31m", "\u{1B}[0m"] {
                plain = plain.replacingOccurrences(of: color, with: "")
            }
            let unsafe = plain.unicodeScalars.filter {
                ($0.value < 0x20 && $0 != "\n" && $0 != "\r") || (0x7F...0x9F).contains($0.value) || $0.value == 0x202E
            }
            #expect(unsafe.isEmpty, "\(flags): \(plain.debugDescription)")
            // A terminal's own line ends are CR LF; no other CR is left.
            #expect(!plain.replacingOccurrences(of: "\r\n", with: "").contains("\r"), "\(flags)")
        }
        let tty = try shell("env -u NO_COLOR TERM=xterm script -qec '\(command) foo' /dev/null </dev/null").out
        #expect(tty.contains("\u{1B}[1;31mfoo\u{1B}[0m"), "\(tty.debugDescription)")
        #expect(tty.contains("hidden\\r\u{1B}[1;31mfoo\u{1B}[0m here"), "\(tty.debugDescription)")
        #expect(tty.contains("\u{1B}[35ms-\\x1b[31m:Saved/Logs/b\\nc.log\u{1B}[0m"), "\(tty.debugDescription)")
        let bare = try shell("NO_COLOR=1 TERM=xterm script -qec '\(command) foo' /dev/null </dev/null").out
        #expect(!bare.contains("\u{1B}") && bare.contains("hidden\\rfoo here"), "\(bare.debugDescription)")
        let pipe = try stage.grep(["-N", "--no-filename", "--path", "**/a*", "foo"])
        #expect(pipe.out == evil)
    }

    @Test func whatWasLookedAtIsExplained() throws {
        let stage = try Self.stage()
        let id = "9b2e77aa-1c3d-4e5f-8a9b-0c1d2e3f4a5b"
        try stage.ingest(
            "s-uuid", [("Logs/big.log", GrepCommandTests.log(9000, seed: 77) + Array("Log: player \(id) left\n".utf8))])
        let selective = try stage.grep(["--explain", id])
        #expect(selective.lines.count == 1 && selective.status == 0)
        #expect(selective.err.contains("literals        \"\(id)\"\n"), "\(selective.err)")
        #expect(GrepStage.explained(selective.err, "opened") == 1)
        #expect(selective.err.contains("packs           1 opened, 5 ruled out by the filter index"), "\(selective.err)")
        #expect(GrepStage.explained(selective.err, "passed") == 1 && GrepStage.explained(selective.err, "decoded") == 1)
        #expect(selective.err.contains("1 with selected lines"), "\(selective.err)")
        #expect(selective.err.contains("selected        1 line\n"), "\(selective.err)")
        let common = try stage.grep(["--explain", "-c", "tick"])
        let blocks = try #require(GrepStage.explained(common.err, "decoded"))
        #expect(common.err.contains("literals        \"tick\"\n") && common.err.contains("0 ruled out"))
        #expect(
            GrepStage.explained(common.err, "checked") == blocks && GrepStage.explained(common.err, "passed") == blocks)
        let sum = common.lines.reduce(0) { $0 + (Int($1.split(separator: ":").last ?? "") ?? 0) }
        #expect(common.err.contains("selected        \(sum) lines"), "\(common.err)")
        let none = try stage.grep(["--explain", "-c", "[0-9a-f]{8}-[0-9a-f]{4}"])
        #expect(none.err.contains("literals        every block\n"), "\(none.err)")
        #expect(GrepStage.explained(none.err, "checked") == 0 && GrepStage.explained(none.err, "decoded") == blocks)
        #expect(none.lines.count == 1 && none.err.contains("selected        1 line\n"))
        // The raw bytes of all logs are what was decoded.
        let raw = try shell("cat \(stage.scratch.url.path)/in-*/Saved/Logs/*.log | wc -c").out
        #expect(none.err.contains(", \(raw.trimmingCharacters(in: .whitespacesAndNewlines)) bytes,"), "\(none.err)")
    }

    @Test func harmedRecordsGiveTheSameAnswer() throws {
        let stage = try GrepStage()
        let id = "9b2e77aa-1c3d-4e5f-8a9b-0c1d2e3f4a5b"
        for number in 0..<3 {
            let own = "player \(number == 1 ? id : UUID().uuidString) at 10.0.\(number).77:27015\n"
            try stage.ingest("s-\(number)", [("a.log", GrepCommandTests.log(4000, seed: number) + Array(own.utf8))])
        }
        let patterns = [id, "at 10\\.0\\.2\\.77", "Kick=777"]
        let sound = try patterns.map { try stage.grep(["--no-filters", $0]) }
        #expect(sound[0].lines.count == 1 && sound[1].lines.count == 1 && sound[2].lines.count > 1)
        #expect(GrepStage.explained(try stage.grep(["--explain", id]).err, "decoded") == 1)
        let folder = stage.store + "/filters"
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
        let file = URL(fileURLWithPath: folder + "/" + name)
        let bytes = Array(try Data(contentsOf: file))
        var harmed: [[UInt8]] = []
        // Every field of a record's header, then path, table and filters; then cuts, odd ones too.
        for at in Array(stride(from: 0, to: 40, by: 4)) + [41, 60, 80, 90, 100]
            + (1..<20).map({ bytes.count * $0 / 20 })
        {
            var copy = bytes
            copy[at] ^= 0x5A
            harmed.append(copy)
        }
        for length in [1, 7, 8, 13, 39, 41, bytes.count / 2, bytes.count / 2 + 3, bytes.count - 1, bytes.count - 8] {
            harmed.append(Array(bytes.prefix(length)))
        }
        // The filters of each record, zeroed: only their checksums reveal it.
        var record = 0
        while record < bytes.count {
            func number(_ at: Int, _ size: Int) -> Int {
                (0..<size).reduce(0) { $0 | Int(bytes[record + at + $1]) << (8 * $1) }
            }
            let filters = record + number(4, 4)..<record + number(8, 8)
            var copy = bytes
            copy.replaceSubrange(filters, with: repeatElement(0, count: filters.count))
            harmed.append(copy)
            record = filters.upperBound
        }
        for (number, copy) in harmed.enumerated() {
            try Data(copy).write(to: file)
            for (pattern, right) in zip(patterns, sound) {
                let found = try stage.grep([pattern])
                let isSame = found.out == right.out && found.status == 0
                #expect(isSame, "harm \(number), \(pattern): \(found.status) \(found.err)")
            }
        }
        try FileManager.default.removeItem(at: file)
        #expect(try stage.grep([id]).lines.count == 1)
        #expect(try stage.salvage(["reindex"]).status == 0)
        #expect(GrepStage.explained(try stage.grep(["--explain", id]).err, "decoded") == 1)
    }

    @Test func theCatalogNamesSessionsWithAndWithoutASelection() throws {
        let stage = try GrepStage()
        try stage.ingest("s-1", tag: "1.2.0", [("a.log", Array("needle in s-1\n".utf8))])
        // The pack keeps the facts of the time when it was written.
        let changed = try shell(
            "sqlite3 \(stage.store)/catalog.sqlite \"UPDATE sessions SET tag = '9.9', location = 'mars' WHERE id = 's-1'\""
        )
        try #require(changed.status == 0, "\(changed.out)")
        func tags(_ flags: [String]) throws -> Set<String> {
            let found = try stage.grep(["--json", "needle"] + flags)
            let messages = try found.lines.map {
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            }
            let data = messages.compactMap { $0?["data"] as? [String: Any] }.filter { $0["session"] != nil }
            #expect(data.count == 3, "\(found.text)")
            return Set(data.map { "\($0["tag"] ?? "") \($0["location"] ?? "")" })
        }
        for flags in [[], ["--session", "s-1"], ["--tag", "9.*"], ["--no-filters"]] {
            #expect(try tags(flags) == ["9.9 mars"], "\(flags)")
        }
        #expect(try stage.grep(["--tag", "1.2.0", "needle"]).status == 1)
    }

    @Test func selectionComesBeforeAnyBlock() throws {
        let stage = try GrepStage()
        for (number, tag) in ["1.2.0", "1.2.1", "2.0.0"].enumerated() {
            try stage.ingest(
                "s-\(number)", tag: tag, exited: "1m",
                [("Logs/a.log", GrepCommandTests.log(50, seed: number)), ("Config/b.ini", Array("foo=1\n".utf8))])
        }
        // No literal: without a selection every block is read.
        let pattern = "[fo]{3}"
        let all = try stage.grep(["--explain", "-l", pattern])
        #expect(all.lines.count == 6 && GrepStage.explained(all.err, "opened") == 3)
        // With --since the log is read and has no such lines; a member without times is kept.
        let cases: [(flags: [String], opened: Int, names: Int)] = [
            (["--tag", "1.2.*"], 2, 4), (["--tag", "2.0.0"], 1, 2), (["--session", "s-1"], 1, 2),
            (["--session", "s-0", "--session", "s-2"], 2, 4), (["--image", "other*"], 0, 0),
            (["--location", "eu"], 3, 6), (["--location", "us*"], 0, 0), (["--crashed"], 0, 0),
            (["--label", "mode=duel"], 0, 0), (["--since", "1h", "--tag", "1.2.0"], 1, 1),
            (["--path", "Saved/Logs/**"], 3, 3), (["--path", "**/*.ini", "--tag", "1.2.1"], 1, 1),
            (["-g", "*.ini", "-g", "*.log"], 3, 6), (["-g", "*.none"], 3, 0),
        ]
        for (flags, opened, names) in cases {
            let some = try stage.grep(["--explain", "-l", pattern] + flags)
            #expect(GrepStage.explained(some.err, "opened") == opened, "\(flags): \(some.err)")
            #expect(
                some.lines.count == names && some.status == (names > 0 ? 0 : 1), "\(flags): \(some.text)\(some.err)")
        }
        let missing = try stage.grep([pattern, "--session", "nobody"])
        #expect(missing.status != 0 && missing.out.isEmpty)
    }
}
