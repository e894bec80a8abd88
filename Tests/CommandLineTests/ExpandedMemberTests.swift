import Foundation
import Testing

/// The real program finds text in compressed and UTF-16 members.
@Suite struct ExpandedMemberTests {
    private static let compressors = ["gz": "gzip -n", "zst": "zstd -q", "xz": "xz", "bz2": "bzip2", "lz4": "lz4 -q"]

    private func installed(_ command: String) throws -> Bool {
        try shell("command -v \(command.split(separator: " ")[0])").status == 0
    }

    private func log(_ lines: Int, _ word: String) -> String {
        var text = ""
        for index in 0..<lines {
            let (minute, second) = (index / 3600 % 60, index / 60 % 60)
            let stamp = String(format: "[2026.11.20-21.%02d.%02d:%03d]", minute, second, index % 1000)
            text += "\(stamp)[\(index % 997)]LogNet: \(word) player \(index * 7919 % 100_003)\n"
        }
        return text
    }

    @Test func rotatedLogsAreSearchedAsTheirContentAndStayAsTheyCame() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        let folder = scratch.path("Saved/Logs")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var wanted: [String] = []
        for (ending, command) in Self.compressors.sorted(by: { $0.key < $1.key }) where try installed(command) {
            // The name says nothing: what counts is the content.
            let name = ending == "bz2" ? "old-\(ending)" : "\(ending).log.1.\(ending)"
            try log(20_000, "only-\(ending)").write(
                toFile: "\(folder)/\(ending).plain", atomically: true, encoding: .utf8)
            try shell("\(command) -c < \(folder)/\(ending).plain > \(folder)/\(name); rm \(folder)/\(ending).plain")
            wanted.append(ending == "bz2" ? "\(name)!\(name)" : "\(name)!\(ending).log.1")
        }
        try #require(wanted.count >= 2)
        try shell("cd \(scratch.url.path) && tar czf a.tar.gz Saved")
        let ingest = try Program.run(["ingest", "--store", store, "--session", "s", scratch.path("a.tar.gz")])
        #expect(ingest.status == 0, "\(ingest.out)\(ingest.err)")
        let files = try Program.run(["files", "s", "--json", "--store", store]).objects
        for name in wanted {
            let row = files.first { $0["path"] as? String == "Saved/Logs/\(name)" }
            #expect(row?["flags"] as? [String] == ["decompressed"], "\(name)")
            #expect(row?["kind"] as? String == "log", "\(name)")
        }
        let grep = try Program.run(["grep", "--store", store, "only-.* player 7919$"])
        #expect(grep.out.split(separator: "\n").count == wanted.count, "\(grep.out)\(grep.err)")
        for name in wanted { #expect(grep.out.contains("s:Saved/Logs/\(name):2:")) }
        let plain = try Program.run(["cat", "s", "gz.log.1", "--store", store])
        #expect(plain.out == log(20_000, "only-gz"))
        // Export writes the original members, and others only with --expanded.
        #expect(try Program.run(["export", "s", "--to", scratch.path("out"), "--store", store]).status == 0)
        #expect(try shell("diff -r \(scratch.path("out"))/Saved \(scratch.path("Saved"))").status == 0)
        #expect(
            try Program.run(["export", "s", "--expanded", "--to", scratch.path("all"), "--store", store]).status == 0)
        #expect(try shell("ls \(scratch.path("all"))/Saved/Logs").out.split(separator: "\n").count == 2 * wanted.count)
        #expect(try Program.run(["verify", "--store", store]).status == 0)
    }

    @Test func bombsAndCutLogsSaySoAndKeepWhatWasRead() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        let folder = scratch.path("Saved")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try log(20_000, "cut").write(toFile: "\(folder)/plain", atomically: true, encoding: .utf8)
        try shell(
            """
            cd \(folder) && gzip -c plain | head -c 60000 > cut.log.gz; rm plain
            (yes 'a line of a log that never ends' | head -c 900000000) | gzip -c > bomb.log.gz
            """)
        try shell("cd \(scratch.url.path) && tar cf a.tar Saved")
        let config = scratch.path("salvage.yaml")
        try "limits:\n  unpack: {expanded_size: 300MB}\n".write(toFile: config, atomically: true, encoding: .utf8)
        let ingest = try Program.run(
            ["ingest", "--store", store, "--config", config, "--json", "--session", "s", scratch.path("a.tar")])
        #expect(ingest.status == 0, "\(ingest.err)")
        let flags = ingest.objects.first?["flags"] as? [String] ?? []
        #expect(flags.contains("expansion_limited") && flags.contains("expansion_damaged"), "\(flags)")
        let files = try Program.run(["files", "s", "--json", "--store", store]).objects
        func member(_ ending: String) -> [String: Any] {
            files.first { ($0["path"] as? String ?? "").hasSuffix(ending) } ?? [:]
        }
        #expect(member("!bomb.log")["flags"] as? [String] == ["decompressed", "limited"])
        #expect((member("!bomb.log")["size"] as? Int ?? 0) >= 250_000_000)
        #expect((member("!bomb.log")["size"] as? Int ?? .max) <= 301_000_000)
        #expect(member("!cut.log")["flags"] as? [String] == ["truncated", "decompressed"])
        #expect((member("!cut.log")["size"] as? Int ?? 0) > 100_000)
        #expect(try Program.run(["grep", "--store", store, "-q", "cut player 7919$"]).status == 0)
        #expect(try Program.run(["verify", "--store", store]).status == 0)
    }

    @Test func grepOfACompressedLogIsGrepOfItsContent() throws {
        let stage = try GrepStage()
        let text = log(30_000, "whole")
        let plain = stage.scratch.path("plain")
        try text.write(toFile: plain, atomically: true, encoding: .utf8)
        var files: [(String, [UInt8])] = []
        for (ending, command) in Self.compressors.sorted(by: { $0.key < $1.key }) where try installed(command) {
            try shell("\(command) -c < \(plain) > \(plain).x")
            files.append(
                ("Logs/\(ending).log.\(ending)", Array(try Data(contentsOf: URL(fileURLWithPath: plain + ".x")))))
        }
        try stage.ingest("s", files)
        for (name, _) in files {
            let content =
                "Saved/\(name)!" + name.split(separator: "/")[1].split(separator: ".").prefix(2).joined(separator: ".")
            let all = try stage.grep(["", "-N", "--no-filename", "--path", content])
            let isSame = all.out == Array(text.utf8)
            #expect(isSame, "\(content): \(all.out.count) bytes instead of \(text.utf8.count), \(all.err)")
            let found = try stage.grep([
                "-c", "player 7\\d+$", "--path", "**/*!*.log", "--session", "s", "--duplicates",
            ])
            #expect(found.lines.count == files.count && found.text.contains("s:\(content):"), "\(found.text)")
            let named = try stage.grep(["-l", "whole player 7919$", "--path", content])
            #expect(named.text == "s:\(content)\n")
        }
    }

    @Test func nestedAndHostileCompressedLogsAreBounded() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        let folder = scratch.path("Saved")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try log(2000, "deep").write(toFile: "\(folder)/plain", atomically: true, encoding: .utf8)
        try shell(
            """
            cd \(folder) && gzip -nc plain > once.log.gz && gzip -nc once.log.gz > twice.log.gz.gz
            bzip2 -c once.log.gz > mixed.log.gz.bz2; rm plain
            : | gzip -nc > none; for n in 1 2 3 4 5 6 7 8 9 10 11 12; do cat none none > more; mv more none; done
            mv none empties.log.gz
            yes 'the same line of a log again' | head -c 40000000 | gzip -nc > bomb
            for n in 1 2 3 4 5 6 7 8 9; do cp bomb bomb-$n.log.gz; done; rm bomb
            """)
        let config = scratch.path("salvage.yaml")
        try "limits:\n  unpack: {expanded_size: 100MB}\n".write(toFile: config, atomically: true, encoding: .utf8)
        let ingest = try Program.run(
            ["ingest", "--store", store, "--config", config, "--json", "--session", "s", folder])
        #expect(ingest.status == 0, "\(ingest.err)")
        let flags = ingest.objects.first?["flags"] as? [String] ?? []
        #expect(flags.contains("expansion_limited"), "\(ingest.out)")
        let files = try Program.run(["files", "s", "--json", "--store", store]).objects
        let derived = files.filter { ($0["path"] as? String ?? "").contains("!") }
        let paths = derived.compactMap { $0["path"] as? String }
        // What a compressed file holds is looked into once: a file within a file stays as it came.
        #expect(paths.contains("Saved/once.log.gz!once.log"), "\(paths)")
        #expect(!paths.contains { $0.hasPrefix("Saved/twice") || $0.hasPrefix("Saved/mixed") }, "\(paths)")
        let bytes = derived.reduce(0) { $0 + ($1["size"] as? Int ?? 0) }
        // Each is stopped after the piece that went beyond what was left.
        #expect(bytes > 60_000_000 && bytes <= 105_000_000, "\(bytes)")
        let grep = try Program.run(["grep", "--store", store, "deep player 7919$"])
        #expect(
            grep.out.split(separator: "\n").count == 1 && grep.out.contains("once.log.gz!once.log:2:"), "\(grep.out)")
        #expect(try Program.run(["verify", "--store", store]).status == 0)
    }

    @Test func compressedDumpsAreAnalysed() throws {
        guard let corpora = Program.corpora else {
            print("skipped: ../shared/corpora is not there")
            return
        }
        let scratch = try Scratch()
        let store = scratch.path("store")
        let sources = ["core/casr-core.test_abort", "minidump/rust-minidump-test.dmp"]
        for (ending, command) in Self.compressors where try installed(command) {
            for (number, source) in sources.enumerated() {
                // Neither the name nor the ending tells what it is.
                let path = scratch.path("dump-\(ending)-\(number)")
                try shell("\(command) -c < \(corpora.appendingPathComponent(source).path) > \(path)")
                let session = "\(ending)-\(number)"
                let ingest = try Program.run(["ingest", "--store", store, "--session", session, path])
                #expect(ingest.status == 0, "\(session): \(ingest.err)")
                let crashes = try Program.run(["crashes", "--json", "--session", session, "--store", store]).objects
                #expect(crashes.count == 1, "\(session)")
                let kind = crashes.first?["kind"] as? String
                #expect(kind == (number == 0 ? "elf_core" : "minidump") || kind == "crash", "\(session): \(kind ?? "")")
                if number == 0 { #expect(crashes.first?["signal"] as? String == "SIGABRT", "\(session)") }
                let files = try Program.run(["files", session, "--json", "--store", store]).objects
                #expect(files.map { $0["kind"] as? String } == ["crash_dump"], "\(session)")
            }
        }
    }

    @Test func logsInUTF16AndLogsWithNULsAreText() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        let folder = scratch.path("Saved")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let text = log(100, "größe")
        for (name, encoding, mark) in [
            ("le.log", String.Encoding.utf16LittleEndian, [0xff, 0xfe]), ("be.log", .utf16BigEndian, [0xfe, 0xff]),
        ] as [(String, String.Encoding, [UInt8])] {
            let bytes = try #require(text.data(using: encoding))
            try (Data(mark) + bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        try Data(Array(text.utf8) + [0, 0, 0] + Array("after the NULs\n".utf8)).write(
            to: URL(fileURLWithPath: "\(folder)/nul.log"))
        // Emptied while its writer went on: a hole, then lines.
        try shell("printf 'behind the hole\\n' | dd of=\(folder)/hole.log bs=1 seek=200000 2>/dev/null")
        #expect(try Program.run(["ingest", "--store", store, "--session", "s", folder]).status == 0)
        let files = try Program.run(["files", "s", "--json", "--store", store]).objects
        let kinds = files.reduce(into: [String: String]()) {
            $0[$1["path"] as? String ?? ""] = $1["kind"] as? String
        }
        #expect(kinds["Saved/le.log!utf-8"] == "log" && kinds["Saved/be.log!utf-8"] == "log")
        #expect(kinds["Saved/nul.log"] == "log" && kinds["Saved/hole.log"] == "log")
        let grep = try Program.run(["grep", "--store", store, "--duplicates", "-c", "größe player 7919$"])
        #expect(grep.out.contains("le.log!utf-8:1") && grep.out.contains("be.log!utf-8:1"), "\(grep.out)")
        #expect(try Program.run(["grep", "--store", store, "-a", "after the NULs"]).status == 0)
        #expect(try Program.run(["grep", "--store", store, "-a", "behind the hole"]).status == 0)
        let cat = try Program.run(["cat", "s", "le.log!utf-8", "--store", store])
        #expect(cat.out == text)
    }
}
