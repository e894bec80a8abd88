import Foundation
import Glibc
import Testing

/// Decisions about signatures with the real program.
@Suite struct DecisionCommandTests {
    private let scratch: Scratch
    private var store: String { scratch.path("store") }
    private var journal: String { store + "/journal/decisions.jsonl" }

    init() throws { scratch = try Scratch() }

    private func salvage(_ arguments: String...) throws -> Program.Outcome {
        try Program.run(
            arguments, environment: ["SALVAGE_STORE": store, "SALVAGE_CONFIG": "/dev/null", "USER": "anna"])
    }

    /// A session that ended at an hour of 2026-11-20, crashed with an exception of this type if one is given.
    private func add(_ id: String, tag: String, hour: Int, _ type: String?) throws {
        let log =
            type.map { type in
                """
                Traceback (most recent call last):
                  File "server.py", line 3, in <module>
                    tick()
                  File "server.py", line 2, in \(type.lowercased())_tick
                    raise \(type)("x")
                \(type): x

                """
            } ?? "bye\n"
        let file = scratch.path(id + ".log")
        try log.write(toFile: file, atomically: true, encoding: .utf8)
        let outcome = try salvage(
            "ingest", "--session", id, "--image", "arena", "--tag", tag, "--location", "fra",
            "--created", "2026-11-20T\(hour):00:00Z", "--exited", "2026-11-20T\(hour):10:00Z", file)
        try #require(outcome.status == 0, "\(outcome.err)")
    }

    private func signature(_ part: String) throws -> [String: Any] {
        let top = try salvage("crashes", "top", "--json")
        let found = top.objects.filter { ($0["signature"] as? String)?.contains(part) == true }
        return try #require(found.first, "\(top.out)\(top.err)")
    }

    private func state(_ part: String) throws -> String? { try signature(part)["state"] as? String }

    @Test func aFixedSignatureReturnsWithABuildThatHasTheFix() throws {
        try add("a1", tag: "1.4.0", hour: 10, "KeyError")
        try add("a2", tag: "1.4.0", hour: 10, nil)
        let fixed = try salvage(
            "crashes", "resolve", "keyerror", "--fixed-in", "1.5.0", "--ticket", "https://tracker/GAME-7", "--note",
            "checks the key")
        #expect(fixed.status == 0 && fixed.out.contains("fixed in 1.5.0"), "\(fixed.out)\(fixed.err)")
        #expect(fixed.out.contains("https://tracker/GAME-7") && fixed.out.contains("checks the key (anna)"))
        try add("b1", tag: "1.4.9", hour: 14, "KeyError")
        #expect(try state("KeyError") == "fixed")
        try add("c1", tag: "1.10.0", hour: 15, "KeyError")
        let found = try signature("KeyError")
        #expect(found["state"] as? String == "returned" && found["fixed_in"] as? String == "1.5.0", "\(found)")
        #expect(found["first_tag"] as? String == "1.4.0" && found["last_tag"] as? String == "1.10.0")
        #expect(found["share"] as? Double == 0.75 && found["ticket"] as? String == "https://tracker/GAME-7")
        #expect((found["id"] as? String)?.count == 12 && found["locations"] as? [String] == ["fra"])
        // The same, named by session and by id; on the screens about one crash, too.
        #expect(try salvage("crashes", "reopen", "c1", "--as", "bob").out.contains("state      open"))
        let id = try #require(found["id"] as? String)
        #expect(try salvage("crashes", "assign", id, "carol").out.contains("owner      carol"))
        let show = try salvage("show", "c1", "--json").objects.first?["signature_history"] as? [String: Any]
        #expect(show?["owner"] as? String == "carol" && show?["state"] as? String == "open")
        #expect(try salvage("crash", "c1").out.contains("owner carol"))
        let history = try salvage("crashes", "decisions", "KeyError", "--json").objects
        #expect(history.map { $0["action"] as? String } == ["resolve", "reopen", "assign"])
        #expect(history.map { $0["author"] as? String } == ["anna", "bob", "anna"])
        #expect(try salvage("crashes", "decisions").out.contains("resolve in 1.5.0"))
        let table = try salvage("crashes", "top").out
        #expect(table.contains("CRASHES") && table.contains("75.0 %") && table.contains("carol"), "\(table)")
    }

    @Test func mergedSignaturesAreOne() throws {
        try add("a1", tag: "1.0", hour: 10, "KeyError")
        try add("a2", tag: "1.0", hour: 10, "TypeError")
        #expect(try salvage("crashes", "merge", "KeyError", "TypeError").out.contains("2 crashes in 2 sessions"))
        #expect(try salvage("crashes", "top", "--json").objects.map { $0["count"] as? Int } == [2])
        #expect(try salvage("crashes", "--signature", "*TypeError*", "--json").objects.count == 2)
        #expect(try salvage("crashes", "merge", "TypeError", "KeyError").status == 64)
        #expect(try salvage("crashes", "unmerge", "KeyError").status == 0)
        #expect(try salvage("crashes", "top", "--json").objects.count == 2)
        #expect(try salvage("crashes", "unmerge", "KeyError").status == 64)
    }

    @Test func whatIsNotPossibleIsSaid() throws {
        try add("a1", tag: "1.0", hour: 10, "KeyError")
        try add("a2", tag: "1.0", hour: 10, "TypeError")
        let ambiguous = try salvage("crashes", "ignore", "error")
        #expect(ambiguous.status == 64 && ambiguous.err.contains("KeyError") && ambiguous.err.contains("TypeError"))
        #expect(try salvage("crashes", "ignore", "nobody").status == 1)
        #expect(try salvage("crashes", "resolve", "KeyError", "--ticket", "javascript:alert(1)").status == 64)
        #expect(try salvage("crashes", "ignore", "KeyError", "--crashes", "0").status == 64)
        #expect(try salvage("crashes", "ignore", "KeyError", "--until", "@0").status == 64)
        #expect(try salvage("crashes", "note", "KeyError").status == 64)
        #expect(try salvage("crashes", "decisions").status == 1)
        #expect(try salvage("crashes", "ignore", "KeyError", "--until", "7d").out.contains("ignored until"))
        #expect(try state("KeyError") == "ignored")
    }

    @Test func buildsAreListedAndTheLatestTwoCompared() throws {
        try add("a1", tag: "1.9.0", hour: 10, "OSError")
        try add("b1", tag: "1.10.0-rc1", hour: 11, "KeyError")
        try add("c1", tag: "1.10.0", hour: 12, "OSError")
        try add("c2", tag: "1.10.0", hour: 12, "TypeError")
        let builds = try salvage("crashes", "builds", "--json").objects
        #expect(builds.map { $0["tag"] as? String } == ["1.10.0", "1.10.0-rc1", "1.9.0"])
        #expect(builds.map { $0["new_signatures"] as? Int } == [1, 1, 1])
        let diff = try salvage("crashes", "diff", "--json").objects
        #expect(diff.map { $0["change"] as? String } == ["new", "returned", "gone"], "\(diff)")
        #expect(diff.map { $0["last_in"] as? String } == [nil, "1.9.0", nil])
        #expect(diff.allSatisfy { ($0["chance"] as? Double ?? 0) > 0.3 })
        let text = try salvage("crashes", "diff", "1.10.0").out
        #expect(text.contains("returned (last in 1.9.0)") && text.contains("likely chance"), "\(text)")
        #expect(try salvage("crashes", "diff", "1.9.0").status == 1)
        // The configuration knows better.
        let file = scratch.path("salvage.yaml")
        try "builds: {order: ['1.10.0', '1.9.*']}\n".write(toFile: file, atomically: true, encoding: .utf8)
        let listed = try Program.run(["crashes", "builds", "--json", "--store", store, "--config", file]).objects
        #expect(listed.map { $0["tag"] as? String } == ["1.10.0-rc1", "1.9.0", "1.10.0"])
    }

    @Test func decisionsOutliveTheCatalogAndTheDisk() throws {
        try add("a1", tag: "1.0", hour: 10, "KeyError")
        #expect(try salvage("crashes", "ignore", "KeyError", "--note", "known").status == 0)
        try shell("rm -f '\(store)'/catalog.sqlite*")
        #expect(try salvage("reindex").status == 0)
        #expect(try state("KeyError") == "ignored")
        try shell("mkdir '\(scratch.path("backups"))'")
        #expect(try salvage("backup", scratch.path("backups")).status == 0)
        let copy = scratch.path("copy")
        #expect(try Program.run(["restore", scratch.path("backups"), "--store", copy]).status == 0)
        let restored = try Program.run(["crashes", "decisions", "--store", copy, "--json"])
        #expect(restored.objects.first?["note"] as? String == "known", "\(restored.err)")
        #expect(try Program.run(["verify", "--store", copy]).status == 0)
    }

    /// Retention must not make a known bug look new, whatever happens to the catalog afterwards.
    @Test func aPrunedSignatureIsNotNewAgain() throws {
        try add("a1", tag: "1.4.0", hour: 10, "KeyError")
        try add("a2", tag: "1.4.0", hour: 11, "TypeError")
        try add("b0", tag: "1.4.1", hour: 12, nil)
        #expect(try salvage("crashes", "resolve", "KeyError", "--fixed-in", "1.5.0").status == 0)
        try add("c1", tag: "1.5.0", hour: 13, "KeyError")
        #expect(try state("KeyError") == "returned")
        let removed = try salvage("prune", "--older-than", "1s", "--crashed")
        #expect(removed.status == 0 && removed.out.contains("3"), "\(removed.out)\(removed.err)")
        #expect(try salvage("crashes", "top").status == 1)
        for lostCatalog in [false, true] {
            if lostCatalog {
                try shell("rm -f '\(store)'/catalog.sqlite*")
                #expect(try salvage("reindex").status == 0)
            }
            try add("d\(lostCatalog)", tag: "1.4.2", hour: 14, "KeyError")
            let found = try signature("KeyError")
            #expect(found["state"] as? String == "returned" && found["first_tag"] as? String == "1.4.0", "\(found)")
            #expect(found["last_tag"] as? String == "1.5.0")
            #expect((found["first_seen"] as? String)?.hasPrefix("2026-11-20T10") == true, "\(found)")
            #expect(found["count"] as? Int == (lostCatalog ? 2 : 1))
        }
        try add("e1", tag: "1.5.1", hour: 16, "TypeError")
        let diff = try salvage("crashes", "diff", "1.4.2", "1.5.1", "--json").objects
        #expect(diff.first { $0["change"] as? String == "returned" }?["last_in"] as? String == "1.4.0", "\(diff)")
    }

    @Test func statesAskForTheConfiguredOrderOfBuilds() throws {
        try add("a1", tag: "blue", hour: 10, "KeyError")
        try add("b1", tag: "green", hour: 11, "KeyError")
        #expect(try salvage("crashes", "resolve", "KeyError", "--fixed-in", "green").out.contains("returned"))
        let file = scratch.path("salvage.yaml")
        try "builds: {order: [blue, green, red]}\n".write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try salvage("crashes", "resolve", "KeyError", "--fixed-in", "red").out.contains("fixed"))
        for command in [
            ["sessions"], ["crashes"], ["crashes", "top"], ["prune", "--dry-run", "--older-than", "1s"],
        ] {
            func lines(_ state: String) throws -> Int {
                try Program.run(
                    command + ["--state", state, "--json", "--store", store, "--config", file]
                ).objects.filter { $0["session"] != nil || $0["signature"] != nil }.count
            }
            #expect(try lines("fixed") > 0, "\(command)")
            #expect(try lines("returned") == 0, "\(command)")
        }
    }

    @Test func linesThatAreNoDecisionsAreReportedAndKept() throws {
        try add("a1", tag: "1.0", hour: 10, "KeyError")
        #expect(try salvage("crashes", "note", "KeyError", "first").status == 0)
        try shell("printf 'garbage\\n{\"signature\":\"x' >> '\(journal)'")
        #expect(try salvage("crashes", "decisions", "--json").objects.count == 1)
        #expect(try salvage("crashes", "note", "KeyError", "second").status == 0)
        #expect(
            try salvage("crashes", "decisions", "--json").objects.map { $0["note"] as? String } == ["first", "second"])
        let verify = try salvage("verify", "--json")
        #expect(verify.status == 3, "\(verify.out)\(verify.err)")
        let files = verify.objects.filter { $0["file"] as? String == "journal/decisions.jsonl" }
        #expect(files.count == 2 && verify.out.contains("line 2") && verify.out.contains("line 3"), "\(verify.out)")
        #expect(try String(contentsOfFile: journal, encoding: .utf8).contains("garbage\n"))
    }

    @Test func writersAtOnceTearNothing() throws {
        try add("a1", tag: "1.0", hour: 10, "KeyError")
        let script =
            "for i in 1 2 3 4 5; do '\(Program.salvage.path)' crashes note KeyError \"$0 $i\" --store '\(store)' "
            + "--quiet || exit 1; done"
        let running = try (0..<6).map { number in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", script, "writer \(number)"]
            try process.run()
            return process
        }
        for process in running {
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
        }
        let notes = try salvage("crashes", "decisions", "--json").objects.compactMap { $0["note"] as? String }
        #expect(notes.count == 30 && Set(notes).count == 30)
        for number in 0..<6 {
            #expect(notes.filter { $0.hasPrefix("writer \(number) ") } == (1...5).map { "writer \(number) \($0)" })
        }
        #expect(try salvage("verify").status == 0)
    }

    /// Whatever a writer was doing when it was killed: what it reported as done is there, and the next one can write.
    @Test func aKilledWriterLosesNothingThatWasReported() throws {
        try add("a1", tag: "1.0", hour: 10, "KeyError")
        var reported: [String] = []
        for round in 0..<25 {
            let note = "round \(round) " + String(repeating: "x", count: 8000)
            let writer = try Program.start(
                ["crashes", "note", "KeyError", note, "--quiet"], environment: ["SALVAGE_STORE": store])
            usleep(UInt32(round) * 1500)
            kill(writer.process.processIdentifier, SIGKILL)
            if writer.wait().status == 0 { reported.append(note) }
        }
        #expect(try salvage("crashes", "note", "KeyError", "last").status == 0)
        let notes = try salvage("crashes", "decisions", "--json").objects.compactMap { $0["note"] as? String }
        #expect(notes.last == "last")
        for note in reported { #expect(notes.contains(note)) }
        let text = try String(contentsOfFile: journal, encoding: .utf8)
        #expect(text.hasSuffix("\n"))
    }

    @Test func aStoreThatCannotBeWrittenSaysSo() throws {
        try add("a1", tag: "1.0", hour: 10, "KeyError")
        // Root may write anywhere, but not below a file.
        try "".write(toFile: store + "/journal", atomically: true, encoding: .utf8)
        for command in [["crashes", "top"], ["crashes", "note", "KeyError", "x"], ["show", "a1"]] {
            let outcome = try Program.run(command + ["--json"], environment: ["SALVAGE_STORE": store])
            #expect(outcome.status == 75 && outcome.err.contains("unreadable_now"), "\(command) \(outcome.err)")
        }
        try shell("rm '\(store)/journal'")
        guard geteuid() != 0 else { return }
        try shell("chmod 500 '\(store)'")
        defer { chmod(store, 0o700) }
        let refused = try salvage("crashes", "note", "KeyError", "x", "--json")
        #expect(refused.status == 2 && refused.err.contains("decision_failed"), "\(refused.err)")
        #expect(try salvage("crashes", "top").status == 0)
    }
}
