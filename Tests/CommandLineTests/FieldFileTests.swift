import Foundation
import Testing

/// Files that earlier versions handled wrongly: links, names, control characters, other compressions, files that shrank.
@Suite(.enabled(if: Program.corpora != nil, "shared corpora are absent")) struct FieldFileTests {
    private func corpus(_ path: String) throws -> String {
        try #require(Program.corpora).appendingPathComponent("field/binary/" + path).path
    }

    private func salvage(_ scratch: Scratch, _ arguments: String...) throws -> Program.Outcome {
        try Program.run(arguments, environment: ["SALVAGE_STORE": scratch.path("store")])
    }

    /// A store with one session `s` of this file.
    private func store(_ file: String) throws -> Scratch {
        let scratch = try Scratch()
        let ingest = try salvage(scratch, "ingest", "--session", "s", file)
        try #require(ingest.status == 0, "\(ingest.err)")
        return scratch
    }

    @Test(arguments: [
        ("go_docker.tar.gz", "Saved/link.log", "docker a\n"), ("hl_before.tar.gz", "Saved/h.log", "target\n"),
    ])
    func aHardLinkHasItsTargetsBytes(archive: String, link: String, content: String) throws {
        let scratch = try store(try corpus("archives/" + archive))
        let cat = try salvage(scratch, "cat", "s", link)
        #expect(cat.status == 0 && cat.out == content, "\(cat.err)")
        let word = String(content.prefix(6))
        let grep = try salvage(scratch, "grep", "-l", word)
        #expect(grep.out.split(separator: "\n").contains("s:\(link)"), "\(grep.out)\(grep.err)")
        #expect(grep.out.split(separator: "\n").count == 2)
        let logs = try salvage(scratch, "logs", "s", "--path", link)
        #expect(logs.out == content, "\(logs.err)")
        // Without --path the same lines are not printed twice.
        #expect(try salvage(scratch, "logs", "s", "-g", word).out.components(separatedBy: word).count == 2)
        let whole = try salvage(scratch, "export", "s", "--to", scratch.path("whole"))
        #expect(whole.status == 0, "\(whole.err)")
        #expect(try String(contentsOfFile: scratch.path("whole/" + link), encoding: .utf8) == content)
        let alone = try salvage(scratch, "export", "s", "--to", scratch.path("alone"), "--path", link)
        #expect(alone.status == 0, "\(alone.err)")
        #expect(try String(contentsOfFile: scratch.path("alone/" + link), encoding: .utf8) == content)
    }

    @Test func aHardLinkThatLeadsNowhereSaysSo() throws {
        let scratch = try Scratch()
        try shell(
            """
            cd \(scratch.url.path) && mkdir -p S/d && echo x > S/a.log && ln S/a.log S/b.log && ln S/a.log S/c.log
            tar cf all.tar S/a.log S/b.log S/c.log && tar cf links.tar S/a.log S/b.log && tar f links.tar --delete S/a.log
            """)
        #expect(try salvage(scratch, "ingest", "--session", "s", scratch.path("links.tar")).status == 0)
        let cat = try salvage(scratch, "cat", "s", "S/b.log")
        #expect(cat.status == 1 && cat.err.contains("was not collected"), "\(cat.err)")
        #expect(try salvage(scratch, "export", "s", "--to", scratch.path("out")).status == 0)
        // What comes later has the file that the link means.
        try shell("cd \(scratch.url.path) && mv all.tar links.tar")
        #expect(try salvage(scratch, "ingest", "--session", "s", scratch.path("links.tar")).status == 0)
        for name in ["a", "b", "c"] { #expect(try salvage(scratch, "cat", "s", "S/\(name).log").out == "x\n") }
        #expect(try salvage(scratch, "export", "s", "--to", scratch.path("all")).status == 0)
        let facts = try FileManager.default.attributesOfItem(atPath: scratch.path("all/S/c.log"))
        #expect(facts[.referenceCount] as? Int == 3)
    }

    @Test func noTwoPathsLookTheSame() throws {
        let scratch = try store(try corpus("archives/names.tar.gz"))
        let files = try salvage(scratch, "files", "s", "--json").objects
        let paths = files.compactMap { $0["path"] as? String }
        #expect(paths.count == 11 && Set(paths).count == 11, "\(paths)")
        #expect(paths.contains("S/a\\nb.log") && paths.contains("S/a\\\\nb.log"))
        for path in paths { #expect(try salvage(scratch, "cat", "s", path).status == 0, "\(path)") }
    }

    @Test func aRawNameIsFound() throws {
        let scratch = try store(try corpus("archives/names2.tar.gz"))
        let files = try salvage(scratch, "files", "s", "--json").objects
        #expect(files.contains { $0["path_base64"] as? String == "Uy9j6S5sb2c=" })
        let outcome = try shell(
            "SALVAGE_STORE=\(scratch.path("store")) \(Program.salvage.path) cat s \"$(printf 'S/c\\351.log')\"")
        #expect(outcome.out == "raw\n" || outcome.out == "raw", "\(outcome.out)")
    }

    @Test(.enabled(if: GrepStage.ripgrep != nil, "ripgrep is absent"))
    func logsWithMarksAndControlCharactersAreSearchedAsByRipgrep() throws {
        let stage = try GrepStage()
        let logs = try ["bom.log", "vt_crlf.log", "backspace.log"].map {
            ($0, Array(try Data(contentsOf: URL(fileURLWithPath: corpus("logs/" + $0)))))
        }
        try stage.ingest("s", logs)
        try stage.export("s")
        for arguments in [
            ["-c", "^test123"], ["^test123"], ["-o", "^test"], ["-c", "x"], ["-c", "progress"], ["progress"],
            ["-v", "-c", "x"], ["-c", "^"], ["-A1", "^test123"], ["-c", "end$"],
        ] {
            let (mine, theirs) = (try stage.grep(arguments), try stage.rg(arguments))
            #expect(mine.status == theirs.status, "\(arguments)")
            // The order of members is the archive's.
            #expect(mine.lines.sorted() == theirs.lines.sorted(), "\(arguments)")
        }
        let json = try stage.grep(["--json", "^test123"])
        let offsets = json.lines.compactMap {
            ((try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any])?["data"] as? [String: Any]
        }.compactMap { $0["absolute_offset"] as? Int }
        #expect(offsets == [0, 8])
    }

    @Test(arguments: ["zstd -q -c", "xz -c", "bzip2 -c"])
    func anArchiveInAnotherCompressionIsReadUnderGzipsName(command: String) throws {
        let scratch = try Scratch()
        let made = try shell(
            "cd \(scratch.url.path) && mkdir S && echo line > S/a.log && tar cf - S | \(command) > a.tar.gz")
        guard made.status == 0 else { return }
        let verify = try salvage(scratch, "verify", scratch.path("a.tar.gz"), "--json")
        #expect(verify.objects.first?["verdict"] as? String == "ok", "\(verify.out)\(verify.err)")
        #expect((verify.objects.first?["flags"] as? [String])?.contains("other_compression") == true)
        #expect(try salvage(scratch, "ingest", "--session", "s", scratch.path("a.tar.gz")).status == 0)
        #expect(try salvage(scratch, "cat", "s", "S/a.log").out == "line\n")
    }

    @Test func aFileThatShrankIsFlaggedAndSearched() throws {
        let scratch = try Scratch()
        try shell(
            """
            cd \(scratch.url.path) && mkdir S && (seq 1 30; head -c 5000 /dev/zero) > S/shrank.txt
            (seq 1 40000; head -c 300000 /dev/zero) > S/large.log && echo whole > S/whole.log && tar czf a.tar.gz S
            """)
        let verify = try salvage(scratch, "verify", scratch.path("a.tar.gz"), "--json")
        #expect(verify.objects.first?["flags"] as? [String] == ["zero_padded"], "\(verify.out)")
        #expect(try salvage(scratch, "ingest", "--session", "s", scratch.path("a.tar.gz")).status == 0)
        for file in try salvage(scratch, "files", "s", "--json").objects where file["kind"] as? String != "directory" {
            let path = file["path"] as? String ?? ""
            let isFlagged = (file["flags"] as? [String])?.contains("zero_padded") == true
            #expect(isFlagged == (path != "S/whole.log"), "\(path)")
            if path == "S/shrank.txt" { #expect(file["kind"] as? String == "text") }
        }
        let grep = try salvage(scratch, "grep", "-c", "^[0-9]*7$")
        #expect(grep.out.split(separator: "\n").sorted() == ["s:S/large.log:4000", "s:S/shrank.txt:3"])
        #expect(try salvage(scratch, "grep", "^40000$").out == "s:S/large.log:40000:40000\n")
        #expect(try salvage(scratch, "export", "s", "--to", scratch.path("out")).status == 0)
        #expect(try shell("cmp \(scratch.path("out/S/large.log")) \(scratch.path("S/large.log"))").status == 0)
    }

    @Test func timesBefore1970AreKept() throws {
        let scratch = try store(try corpus("archives/go_docker.tar.gz"))
        let files = try salvage(scratch, "files", "s", "--json").objects
        let early = files.first { ($0["path"] as? String) == "Saved/neg.log" }
        #expect((early?["mtime"] as? String)?.hasPrefix("1969-12-") == true, "\(String(describing: early))")
        #expect(try salvage(scratch, "export", "s", "--to", scratch.path("out")).status == 0)
        #expect(try shell("stat -c %Y \(scratch.path("out/Saved/neg.log"))").out.hasPrefix("-"))
    }
}
