import Foundation
import Testing

/// Repeated flags, bulk ingest, and listings of running and pruned sessions.
@Suite(.serialized) struct SelectionFlagTests {
    private let scratch: Scratch
    private var store: String { scratch.path("store") }

    init() throws { scratch = try Scratch() }

    private func salvage(_ arguments: String...) throws -> Program.Outcome {
        try Program.run(arguments, environment: ["SALVAGE_STORE": store])
    }

    private func ingest(_ session: String, _ more: String...) throws {
        let log = scratch.path("console.log")
        try "2026-11-20T10:00:00Z needle\nthread 'main' panicked at src/\(session).rs:4:5:\nboom\n".write(
            toFile: log, atomically: true, encoding: .utf8)
        let outcome = try Program.run(
            ["ingest", "--session", session, log] + more, environment: ["SALVAGE_STORE": store])
        try #require(outcome.status == 0, "\(outcome.err)")
    }

    @Test func aRepeatedGlobMeansEitherForEveryQuestion() throws {
        for (id, tag) in [("a", "1"), ("b", "2"), ("c", "3")] {
            try ingest(id, "--tag", tag, "--image", "image-\(id)", "--location", "place-\(id)")
        }
        let flags = [
            ["--tag", "1", "--tag", "2"], ["--image", "image-a", "--image", "*-b"],
            ["--location", "place-a", "--location=place-b"], ["--tag", "[12]", "--tag", "1"],
        ]
        for flag in flags {
            for question in [
                ["sessions"], ["crashes"], ["grep", "needle"], ["grep", "--path", "*", "needle"],
                ["prune", "--dry-run", "--older-than", "0s"],
            ] {
                let found = try Program.run(question + flag + ["--json"], environment: ["SALVAGE_STORE": store])
                #expect(found.status == 0, "\(question) \(flag): \(found.err)")
                let named = Set(
                    found.objects.compactMap {
                        $0["session"] as? String ?? ($0["data"] as? [String: Any])?["session"] as? String
                    })
                #expect(named == ["a", "b"], "\(question) \(flag): \(found.out)")
            }
            let covered = try Program.run(["coverage"] + flag, environment: ["SALVAGE_STORE": store])
            #expect(try covered.out == salvage("coverage", "--session", "a", "--session", "b").out, "\(covered.out)")
            #expect(try covered.out != salvage("coverage").out)
            let top = try Program.run(["crashes", "top", "--json"] + flag, environment: ["SALVAGE_STORE": store])
            #expect(top.objects.reduce(0) { $0 + ($1["sessions"] as? Int ?? 0) } == 2, "\(top.out)")
        }
        let both = try salvage("sessions", "--tag", "1", "--image", "image-a", "--image", "image-b", "--json")
        #expect(both.objects.compactMap { $0["session"] as? String } == ["a"])
        #expect(try salvage("crashes", "diff", "1", "2", "--tag", "3").status == 64)
    }

    @Test func aSignatureSelectsForEveryQuestion() throws {
        for (id, mode) in [("a", "duel"), ("b", "ffa"), ("c", "raid")] { try ingest(id, "--label", "mode=\(mode)") }
        let log = scratch.path("quiet.log")
        try "2026-11-20T10:00:00Z needle\n".write(toFile: log, atomically: true, encoding: .utf8)
        #expect(try salvage("ingest", "--session", "quiet", log).status == 0)
        let signatures = try salvage("crashes", "--json", "--session", "a", "--session", "b").objects.compactMap {
            $0["signature"] as? String
        }
        try #require(signatures.count == 2)
        let ids = try salvage("crashes", "top", "--json").objects.filter {
            signatures.contains($0["signature"] as? String ?? "")
        }.compactMap { $0["id"] as? String }
        try #require(ids.count == 2)
        let flags = [
            ["--signature", signatures[0], "--signature", signatures[1]], ["--signature", "*[ab].rs*"],
            ["--signature", ids[0], "--signature", ids[1]], ["--signature", ids[0], "--signature", "*[ab].rs*"],
            ["--label", "mode=duel", "--label", "mode=ffa"], ["--signature", "*.rs*", "--label", "mode=[df]*"],
        ]
        for flag in flags {
            for question in [
                ["sessions"], ["crashes"], ["grep", "needle"], ["prune", "--dry-run", "--older-than", "0s"],
                ["coverage", "--all"],
            ] {
                let found = try Program.run(question + flag + ["--json"], environment: ["SALVAGE_STORE": store])
                #expect(found.status == 0, "\(question) \(flag): \(found.err)")
                let named = Set(
                    found.objects.compactMap {
                        $0["session"] as? String ?? ($0["data"] as? [String: Any])?["session"] as? String
                    })
                #expect(named == ["a", "b"], "\(question) \(flag): \(found.out)")
            }
        }
        for flag in [signatures[0], ids[ids.count - 1]] {
            #expect(try salvage("crashes", "top", "--json", "--signature", flag).objects.count == 1)
        }
        // A name that no signature has must not widen the selection to everything.
        for flag in [["--signature", "nothing*"], ["--signature", "nothing"], ["--signature", "0123456789ab"]] {
            let prune = try Program.run(
                ["prune", "--older-than", "0s"] + flag, environment: ["SALVAGE_STORE": store])
            #expect(prune.status == 0 && prune.out.contains("removed 0 packs"), "\(prune.out)\(prune.err)")
            #expect(try Program.run(["sessions"] + flag, environment: ["SALVAGE_STORE": store]).status == 1)
        }
        #expect(try salvage("prune", "--signature", "*").status == 64, "a selection without a rule is a mistake")
        #expect(try salvage("sessions", "--json").objects.allSatisfy { $0["pruned"] == nil })
        #expect(try salvage("sessions", "--state", "harvested", "--json").objects.count == 4)
        #expect(try salvage("sessions", "--state", "odd").status == 64)
    }

    @Test func buildsCountTheCrashesOfASignature() throws {
        for (id, tag) in [("a", "1.0"), ("b", "1.0"), ("c", "1.1")] { try ingest(id, "--tag", tag) }
        let builds = try salvage("crashes", "builds", "--json", "--signature", "*[ac].rs*").objects
        #expect(builds.map { $0["tag"] as? String } == ["1.1", "1.0"])
        #expect(builds.map { $0["crashed_sessions"] as? Int } == [1, 1], "\(builds)")
        #expect(builds.map { $0["sessions"] as? Int } == [1, 2])
        #expect(try salvage("crashes", "builds", "--json").objects.map { $0["crashes"] as? Int } == [1, 2])
    }

    @Test func theIdOfACrashIsNoSession() throws {
        try ingest("a")
        let crash = try #require(try salvage("crashes", "--json").objects.first?["crash"] as? String)
        let wrong = try salvage("sessions", "--session", crash)
        #expect(wrong.status == 1 && wrong.err.contains("crash \(crash) is of session a"), "\(wrong.err)")
    }

    @Test func aSingleValueGivenTwiceIsAMistakeAndNotTheLast() throws {
        try ingest("a")
        let twice = [
            ["sessions", "--since", "1h", "--since", "2h"], ["sessions", "--limit", "1", "--limit=2"],
            ["crashes", "--until", "1h", "--until", "2h"], ["crashes", "top", "--since", "1h", "--since", "2h"],
            ["grep", "x", "--since", "1h", "--since", "2h"], ["grep", "x", "--last", "1m", "--last", "2m"],
            ["ingest", "--session", "a", "--session", "b", scratch.path("console.log")],
            ["ingest", "--session", "a", "--tag", "1", "--tag", "2", scratch.path("console.log")],
            ["export", "a", "--to", scratch.path("x"), "--to", scratch.path("y")],
            ["prune", "--dry-run", "--older-than", "1d", "--older-than", "2d"],
            ["doctor", "--every", "1m", "--every", "2m"],
            ["sessions", "--store", store, "--store", scratch.path("other")],
            ["api", "session-list", "--image", "a", "--image", "b"], ["logs", "a", "-g", "x", "-g", "y"],
            ["logs", "a", "-g", "x", "--grep", "y"], ["logs", "a", "--since", "1h", "--since=2h"],
        ]
        for arguments in twice {
            let outcome = try Program.run(arguments, environment: ["SALVAGE_STORE": store])
            #expect(outcome.status == 64, "\(arguments): \(outcome.status) \(outcome.out)\(outcome.err)")
            #expect(outcome.err.contains("is given twice"), "\(arguments): \(outcome.err)")
        }
        #expect(!FileManager.default.fileExists(atPath: scratch.path("y")))
        // What may be repeated, and values that only look like flags.
        for arguments in [
            ["sessions", "--session", "a", "--session", "a"], ["sessions", "--color", "never", "--color", "always"],
            ["grep", "-e", "--since", "-e", "--since", "-e", "needle"],
            ["grep", "needle", "-C", "1", "--context", "2"],
            ["grep", "--regexp", "needle", "--regexp", "x", "--context", "1", "--context", "2"],
            ["files", "a", "--kind", "log", "--kind", "text"],
        ] {
            let outcome = try Program.run(arguments, environment: ["SALVAGE_STORE": store])
            #expect(outcome.status == 0, "\(arguments): \(outcome.status) \(outcome.err)")
        }
    }

    @Test func anIngestedSessionEndedWhenItsLogsOrFilesSaySo() throws {
        func ended(_ session: String) throws -> String? {
            try salvage("sessions", "--session", session, "--json").objects.first?["exited"] as? String
        }
        let log = scratch.path("game.log")
        func write(_ day: String, future: Bool = false) throws {
            var lines = (0..<30).map { "\(day)T10:\(10 + $0):00Z LogNet: line \($0)" }
            if future { lines.append("2999-01-01T00:00:00Z LogNet: a clock that jumped") }
            try (lines.joined(separator: "\n") + "\n").write(toFile: log, atomically: true, encoding: .utf8)
        }
        try write("2025-11-20")
        #expect(try salvage("ingest", "--session", "logged", log).status == 0)
        #expect(try ended("logged") == "2025-11-20T10:39:00.000Z")
        // More of the session arrives: its end moves; values given once stay.
        try write("2025-11-21")
        try shell("mv \(log) \(scratch.path("later.log"))")
        #expect(try salvage("ingest", "--session", "logged", scratch.path("later.log")).status == 0)
        #expect(try ended("logged") == "2025-11-21T10:39:00.000Z")
        #expect(try salvage("ingest", "--session", "logged", "--exited", "2025-11-22T00:00Z", log).status != 0)
        try write("2025-11-20")
        #expect(try salvage("ingest", "--session", "logged", "--exited", "2025-11-22T00:00Z", log).status == 0)
        #expect(try ended("logged") == "2025-11-22T00:00:00.000Z")
        #expect(try salvage("ingest", "--session", "logged", scratch.path("later.log")).status == 0)
        #expect(try ended("logged") == "2025-11-22T00:00:00.000Z")

        let plain = scratch.path("plain.bin")
        try shell("printf x > \(plain); touch -d '2025-10-01T12:00:00Z' \(plain)")
        #expect(try salvage("ingest", "--session", "changed", plain).status == 0)
        #expect(try ended("changed") == "2025-10-01T12:00:00.000Z")
        try shell("touch -d '2099-10-01T12:00:00Z' \(plain)")
        #expect(try salvage("ingest", "--session", "unknown", plain).status == 0)
        #expect(try ended("unknown")?.hasPrefix("2099") == false)
        #expect(try salvage("ingest", "--session", "x", "--exited", "2999-01-01T00:00Z", plain).status == 64)
        #expect(
            try salvage(
                "ingest", "--session", "x", "--created", "2025-02-01T00:00Z", "--exited", "2025-01-01T00:00Z", plain
            ).status == 64)

        let before = try salvage("sessions", "--json").out
        try shell("rm \(store)/catalog.sqlite*")
        #expect(try salvage("reindex").status == 0)
        #expect(try ended("logged") == "2025-11-22T00:00:00.000Z" && ended("changed") == "2025-10-01T12:00:00.000Z")
        #expect(try salvage("sessions", "--json").out.contains("logged") && before.contains("logged"))
    }

    @Test func aFolderForEachSessionIsIngestedAndABadOneStopsNobody() throws {
        let folder = scratch.path("old")
        try shell(
            """
            mkdir -p \(folder)/one/Saved \(folder)/two \(folder)/empty \(folder)/bad \(folder)/.hidden && cd \(folder)
            echo dot > one/.dot; echo needle-one > one/console.log; echo x > one/Saved/x.bin; tar czf two/saved.tar.gz -C one Saved
            echo '{"session":"t/w/o","tag":"9","image":"arena","labels":{"mode":"duel"},"created":"2025-01-01T00:00Z",
              "exited":"2025-01-02T00:00Z","members":[]}' > two/salvage-metadata.json
            echo '{"exited":"whenever"}' > bad/salvage-metadata.json; echo needle-bad > bad/log.txt; echo y > stray.txt
            """)
        let outcome = try salvage("ingest", "--each", folder, "--image", "shooter")
        #expect(outcome.status == 3, "\(outcome.out)\(outcome.err)")
        #expect(outcome.out.contains("2 of 4 sessions"), "\(outcome.out)")
        for word in ["whenever", "empty", "stray.txt"] { #expect(outcome.err.contains(word), "\(outcome.err)") }
        let rows = try salvage("sessions", "--json").objects
        #expect(Set(rows.compactMap { $0["session"] as? String }) == ["one", "t/w/o"])
        let two = try #require(rows.first { $0["session"] as? String == "t/w/o" })
        #expect(two["image"] as? String == "shooter" && two["tag"] as? String == "9", "flags outweigh: \(two)")
        #expect(two["exited"] as? String == "2025-01-02T00:00:00.000Z")
        #expect(try salvage("cat", "one", "Saved/x.bin").out == "x\n")
        #expect(try salvage("cat", "t/w/o", "Saved/x.bin").out == "x\n")
        #expect(try salvage("cat", "one", ".dot").out == "dot\n")
        #expect(try shell("find \(store)/spool -mindepth 1 ! -name .new").out == "", "no folder stays in the spool")
        // A repetition adds nothing and loses nothing.
        try shell("cd \(folder) && rm -r empty bad stray.txt")
        #expect(try salvage("ingest", "--each", folder, "--image", "shooter").status == 0)
        #expect(try salvage("sessions", "--json").objects.count == 2)
        // What `export` writes can be ingested again.
        try shell("mkdir \(scratch.path("exported"))")
        #expect(try salvage("export", "t/w/o", "--to", scratch.path("exported/x")).status == 0)
        let copy = scratch.path("copy")
        let again = try Program.run(["ingest", "--each", scratch.path("exported"), "--store", copy])
        #expect(again.status == 0, "\(again.err)")
        let record = try Program.run(["sessions", "--json", "--store", copy]).objects.first
        #expect(record?["session"] as? String == "t/w/o" && record?["tag"] as? String == "9")
        #expect(record?["exited"] as? String == "2025-01-02T00:00:00.000Z")

        for mistake in [
            ["ingest", "--each", folder, "--session", "x"], ["ingest", "--each", folder, folder], ["ingest"],
            ["ingest", "--session", "x"], ["ingest", "--session", "", folder],
        ] {
            #expect(try Program.run(mistake, environment: ["SALVAGE_STORE": store]).status == 64, "\(mistake)")
        }
        #expect(try salvage("ingest", "--each", scratch.path("nowhere")).status == 2)
        // Without a session's id only a bundle can be taken.
        try "note\n".write(toFile: scratch.path("plain.txt"), atomically: true, encoding: .utf8)
        let nameless = try salvage("ingest", scratch.path("plain.txt"))
        #expect(nameless.status == 2 && nameless.err.contains("--session ID"), "\(nameless.err)")
    }

    /// Names are arbitrary bytes: one that cannot be ingested affects only itself.
    @Test func aNameThatCannotBeTakenStopsNobody() throws {
        let folder = scratch.path("names")
        // Two label keys that Swift's String takes for the same.
        let labels = "{\"caf\\u00e9\":\"one\",\"cafe\\u0301\":\"two\"}"
        try shell(
            """
            mkdir -p \(folder)/good \(folder)/mixed \(folder)/twice && cd \(folder) && mkdir "$(printf 'b\\344d')"
            echo needle-good > good/a.log; echo needle-mixed > mixed/a.log; echo x > "mixed/$(printf 'l\\366g')"
            ln -s nowhere mixed/dangling; mkfifo mixed/fifo; echo x > "$(printf 'b\\344d')/x"; echo needle-twice > twice/a.log
            printf '%s' '{"labels":\(labels)}' > good/salvage-metadata.json
            echo '{"labels":{"mode":"duel","mode":"ffa"}}' > twice/salvage-metadata.json
            """)
        let outcome = try salvage("ingest", "--each", folder)
        #expect(outcome.status == 3, "\(outcome.out)\(outcome.err)")
        for word in ["b\u{FFFD}d", "l\u{FFFD}g", "dangling", "fifo", "'mode' twice", "not UTF-8"] {
            #expect(outcome.err.contains(word), "\(word): \(outcome.err)")
        }
        #expect(outcome.out.contains("1 of 3 sessions"), "\(outcome.out)")
        let rows = try salvage("sessions", "--json").objects
        #expect(Set(rows.compactMap { $0["session"] as? String }) == ["good", "mixed"])
        #expect(try salvage("cat", "mixed", "a.log").out == "needle-mixed\n")
        for (key, value) in [("caf\u{e9}", "one"), ("cafe\u{301}", "two")] {
            #expect(try salvage("sessions", "--label", "\(key)=\(value)").status == 0, "\(value)")
        }
        // Files only are no sessions at all.
        #expect(try salvage("ingest", "--each", folder + "/twice").status == 1)
        // The whole folder is taken, bytes of names and all.
        #expect(try salvage("ingest", "--session", "all", folder + "/mixed").status == 0)
    }

    /// Otherwise the last of two values would win silently.
    @Test func oneKeyHasOneValue() throws {
        let log = scratch.path("k.log")
        try "x\n".write(toFile: log, atomically: true, encoding: .utf8)
        let run = ["api", "session-run", "--image", "i", "--location", "l"]
        for mistake in [
            ["ingest", "--session", "k", "--label", "mode=duel", "--label", "mode=ffa", log],
            run + ["--env", "A=1", "--env", "A=2"], run + ["--label", "k=a", "--label", "k=b"],
            ["api", "session-list", "--filter", "k=a", "--filter", "k=b"],
            ["api", "session-list", "--filter-not", "k=a", "--filter-not", "k=b"],
        ] {
            let outcome = try Program.run(mistake, environment: ["SALVAGE_STORE": store, "GAMEYE_API_TOKEN": "t"])
            #expect(outcome.status == 64 && outcome.err.contains("twice"), "\(mistake): \(outcome.err)")
        }
        #expect(try salvage("sessions", "--session", "k").status != 0)
        #expect(
            try salvage("ingest", "--session", "k", "--label", "mode=duel", "--label", "mode=duel", log).status == 0)
        for flag in [["--keep", "2"], ["--full"], ["--dry-run"]] {
            let outcome = try Program.run(["backup", scratch.path("b"), "--verify"] + flag)
            #expect(outcome.status == 64 && outcome.err.contains("--verify"), "\(outcome.err)")
        }
    }

    @Test func doctorCountsDownloadsAndListsMistakesALineEach() throws {
        try ingest("a")
        try shell(
            "cd \(store) && mkdir -p spool/e1 spool/e2 spool/w && echo '{}' > spool/e2/session.json && echo x > spool/w/logs.1.part"
        )
        let config = scratch.path("bad.yaml")
        try "bogus: 1\nrules:\n  - artifcts: [x]\n".write(toFile: config, atomically: true, encoding: .utf8)
        let doctor = try salvage("doctor", "--offline")
        #expect(doctor.out.contains("1 session has downloads"), "\(doctor.out)")
        let mistaken = try salvage("doctor", "--offline", "--config", config)
        #expect(mistaken.status == 64, "\(mistaken.out)")
        #expect(!mistaken.out.contains("\\n") && mistaken.out.contains("did you mean 'artifacts'?"), "\(mistaken.out)")
        #expect(mistaken.out.split(separator: "\n").contains { $0.contains("line 3") && !$0.contains("line 1") })
        // A scheduled prune without rules has nothing to do.
        let prune = try salvage("prune")
        #expect(prune.status == 0 && prune.out.contains("--older-than"), "\(prune.out)\(prune.err)")
        let quiet = try salvage("prune", "--quiet")
        #expect(quiet.status == 0 && quiet.out.isEmpty && quiet.err.isEmpty)
        #expect(try salvage("prune", "--tag", "x").status == 64)
    }
}
