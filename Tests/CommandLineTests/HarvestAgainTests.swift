import Foundation
import Sandbox
import Testing

extension LiveStage {
    /// Writes the configuration: store, address and short intervals, and what is given.
    func configure(_ more: String) throws {
        try """
        store: \(store)
        api: { url: '\(url)' }
        poll: { running: 300ms, all: 600ms }
        \(more)

        """.write(toFile: scratch.path("salvage.yaml"), atomically: true, encoding: .utf8)
    }

    /// The root of a session's container.
    func root(of id: String) throws -> String {
        let found = try shell("ls -d \(scratch.path("sessions"))/s*-\(id)/fs").out.split(separator: "\n").first
        return String(try #require(found))
    }

    /// Starts a server and ends it once it has left its files.
    func ran(_ ids: String...) async throws {
        for id in ids {
            try await started(id, "writer")
            let file = try root(of: id) + "/game/Saved/noise.bin"
            try await until("\(id) has written") {
                (try? FileManager.default.attributesOfItem(atPath: file)[.size] as? Int) == 100_000
            }
            #expect(try await salvage("api", "session-stop", id).status == 0)
        }
        try await until("nothing runs") {
            // Stopped is not yet exited: a program that takes its time to end is listed with all.
            guard try await salvage("--json", "api", "session-list").objects.isEmpty else { return false }
            return try await salvage("--json", "api", "session-list", "--all").objects.allSatisfy {
                $0["status"] as? String == "exited"
            }
        }
    }

    /// The paths of the files that the store has of a session.
    func files(_ id: String) async throws -> Set<String> {
        Set(try await salvage("files", id, "--json").objects.compactMap { $0["path"] as? String })
    }

    /// How many requests the ledger knows of a session.
    func requests(_ id: String) async throws -> Int {
        try await salvage("why", id, "--json").objects.reduce(0) {
            $0 + (($1["requests"] as? [Any])?.count ?? 0)
        }
    }
}

extension ServerSuites {
    /// What was never requested is fetched once a rule requests it.
    @Suite(.serialized) struct HarvestAgainTests {
        @Test func aPathThatIsNowhereIsSaidAndMendedRulesFetchIt() async throws {
            let stage = try await LiveStage()
            // The folder around it is fetched as well, so what it holds is known.
            try stage.configure("rules: [{name: all, artifacts: [/game/saved, /game/Saved/none, /game]}]")
            try await stage.ran("w-1", "w-2")
            let two = try await stage.salvage("harvest")
            #expect(two.status == 0 && !two.err.contains("absent"), "two sessions say nothing: \(two.err)")
            try await stage.ran("w-3")
            let first = try await stage.salvage("harvest", "--quiet")
            #expect(first.status == 0, "\(first.err)")
            #expect(
                first.err.contains("/game/saved of rule 'all' is absent in every session where it was requested (3)"))
            #expect(first.err.contains("did you mean /game/Saved?"), "\(first.err)")

            let show = try await stage.salvage("show", "w-1").out
            #expect(show.contains("Collected what exists; absent: /game/Saved/none, /game/saved."), "\(show)")
            #expect(!show.contains("Everything"), "\(show)")
            #expect(try await stage.salvage("why", "w-1").out.contains("Collected what exists; absent: "))
            let coverage = try await stage.salvage("coverage")
            #expect(coverage.out.contains("requested paths that do not exist: 6"), "\(coverage.out)")
            #expect(
                coverage.out.contains("absent in every session") && coverage.out.contains("did you mean /game/Saved"))
            let rows = try await stage.salvage("coverage", "--json").objects.filter {
                $0["everywhere"] as? Bool == true
            }
            #expect(rows.first { $0["artifact"] as? String == "/game/saved" }?["nearest"] as? String == "/game/Saved")
            #expect(
                rows.count == 2 && rows.allSatisfy { $0["sessions"] as? Int == 3 && $0["rule"] as? String == "all" })
            #expect(try await stage.salvage("status").out.contains("absent    /game/saved of rule 'all'"))
            let status = try await stage.salvage("status", "--json").objects.first?["absent_paths"] as? [[String: Any]]
            #expect(status?.count == 2, "\(String(describing: status))")
            let doctor = try await stage.salvage("doctor", "--offline")
            #expect(doctor.status == 3 && doctor.out.contains("/game/saved of rule 'all' is absent"), "\(doctor.out)")

            try await stage.ran("w-4")
            let quiet = try await stage.salvage("harvest", "--quiet")
            #expect(quiet.status == 0 && quiet.err.isEmpty, "it was said: \(quiet.err)")

            try stage.configure("rules: [{name: all, artifacts: [/game/Saved, /game]}]")
            let mended = try await stage.salvage("harvest", "--json")
            #expect(mended.objects.first?["again"] as? Int == 4, "\(mended.out)\(mended.err)")
            for id in ["w-1", "w-2", "w-3", "w-4"] {
                let files = try await stage.files(id)
                #expect(files.isSuperset(of: ["Saved/state.txt", "game/Saved/state.txt", "console.log"]), "\(files)")
                #expect(try await stage.state(id) == "harvested")
            }
            let asked = try await stage.requests("w-1")
            let last = try await stage.salvage("harvest")
            #expect(last.out.hasPrefix("nothing to harvest") && last.err.isEmpty, "\(last.out)\(last.err)")
            #expect(try await stage.requests("w-1") == asked)
            #expect(try await stage.salvage("verify").status == 0)
            #expect(!(try await stage.salvage("status").out.contains("absent")))
            await stage.server.stop()
        }

        @Test func anEmptyArchiveIsAPathThatDoesNotExist() async throws {
            let stage = try await LiveStage()
            stage.server.setFaults(Faults { $0.absentPath = .emptyArchive })
            try stage.configure("rules: [{name: all, artifacts: [/game/saved, /game/Saved]}]")
            try await stage.ran("w-1", "w-2", "w-3")
            let harvest = try await stage.salvage("harvest")
            #expect(harvest.status == 0 && harvest.err.contains("did you mean /game/Saved?"), "\(harvest.err)")
            let why = try await stage.salvage("why", "w-1").out
            #expect(why.contains("the archive has no entries: the path does not exist"), "\(why)")
            #expect(try await stage.salvage("coverage").out.contains("6 collected, 3 absent"))
            try shell("rm -f \(stage.store)/catalog.sqlite*")
            #expect(try await stage.salvage("reindex").status == 0)
            #expect(try await stage.salvage("coverage").out.contains("6 collected, 3 absent"), "packs say so too")
            await stage.server.stop()
        }

        @Test func aRunWithoutAConfigurationSaysThatItKeepsLogsOnlyAndIsMadeUpFor() async throws {
            let stage = try await LiveStage()
            try await stage.ran("w-1")
            let nothing = [
                "SALVAGE_API_URL": stage.url, "SALVAGE_STORE": stage.store, "GAMEYE_API_TOKEN": "sandbox",
                "HOME": stage.scratch.path("nobody"),
            ]
            let bare = try await offPool { try Program.run(["harvest"], environment: nothing) }
            #expect(bare.status == 0 && bare.out.hasPrefix("1 harvested"), "\(bare.out)\(bare.err)")
            #expect(bare.err.contains("no configuration was found: only logs are kept, no artifacts"), "\(bare.err)")
            #expect(bare.err.contains("hint:") && bare.err.contains("docs/configuration.md"), "\(bare.err)")
            let quiet = try await offPool { try Program.run(["harvest", "--quiet"], environment: nothing) }
            #expect(quiet.status == 0 && quiet.err.isEmpty, "\(quiet.err)")
            #expect(try await stage.salvage("show", "w-1").out.contains("no other artifact was asked for"))
            // An emptied file is a mistake also where nobody wants to hear of anything.
            try "# emptied\n".write(
                toFile: stage.scratch.path("empty.yaml"), atomically: true, encoding: .utf8)
            let empty = try await offPool { [path = stage.scratch.path("empty.yaml")] in
                try Program.run(["harvest", "--quiet", "--config", path], environment: nothing)
            }
            #expect(empty.status == 0 && empty.err.contains("has no keys: only logs are kept"), "\(empty.err)")

            let made = try await stage.salvage("harvest", "--verbose")
            #expect(made.out.contains("1 finished session was reopened"), "\(made.out)\(made.err)")
            #expect(made.err.contains("session w-1 is reopened because a rule changed, for /game/Saved"), "\(made.err)")
            #expect(try await stage.files("w-1").isSuperset(of: ["Saved/state.txt", "console.log"]))
            await stage.server.stop()
        }

        @Test func againAsksOnceMoreForWhatDidNotCome() async throws {
            let stage = try await LiveStage()
            try stage.configure("rules: [{name: all, artifacts: [/game/Saved, /game/late]}]")
            try await stage.ran("w-1", "w-2", "w-3")
            #expect(try await stage.salvage("harvest").status == 0)
            for id in ["w-1", "w-2"] {
                let late = try stage.root(of: id) + "/game/late"
                try FileManager.default.createDirectory(atPath: late, withIntermediateDirectories: true)
                try "late".write(toFile: late + "/core.txt", atomically: false, encoding: .utf8)
            }
            let usual = try await stage.salvage("harvest")
            #expect(usual.out.hasPrefix("nothing to harvest"), "absent paths are not asked for at each pass")
            let one = try await stage.salvage("harvest", "--again", "--session", "w-1", "--json")
            #expect(one.status == 0 && one.objects.first?["again"] as? Int == 1, "\(one.out)\(one.err)")
            #expect(try await stage.files("w-1").isSuperset(of: ["late/core.txt", "Saved/state.txt", "console.log"]))
            #expect(try await stage.files("w-2").contains("late/core.txt") == false)
            stage.server.removeContainer("w-3")
            let all = try await stage.salvage("harvest", "--again", "--tag", "1.0")
            #expect(all.status == 0, "what is known of w-3 stays true: \(all.out)\(all.err)")
            #expect(try await stage.files("w-2").contains("late/core.txt"))
            #expect(try await stage.state("w-3") == "harvested")
            #expect(try await stage.salvage("coverage", "--session", "w-3").out.contains("1 absent"))
            let rest = try await stage.salvage("harvest", "--again", "--session", "w-1")
            #expect(rest.out.contains("no session lacks anything"), "\(rest.out)")
            #expect(try await stage.salvage("harvest", "--again", "--session", "nobody").status == 1)
            let misuse = try await stage.salvage("harvest", "--tag", "1.0")
            #expect(misuse.status == 64 && misuse.err.contains("--again"), "\(misuse.err)")
            #expect(try await stage.salvage("verify").status == 0)

            let watch = try stage.watch()
            try await stage.untilItWatches()
            let locked = try await stage.salvage("harvest", "--again")
            #expect(locked.status == 75 && locked.err.contains("SIGHUP"), "\(locked.err)")
            #expect(try await stage.stop(watch).status == 0)
            await stage.server.stop()
        }
    }
}
