import Foundation
import Sandbox
import Testing

extension ServerSuites {
    /// Harvests from the sandbox with the real program: real processes, real crashes, real kills.
    @Suite(.serialized) struct HarvestCommandTests {
        private struct Stage {
            let scratch: Scratch
            let server: SandboxServer
            let url: String
            let environment: [String: String]

            var store: String { scratch.path("store") }

            init(_ change: (inout SandboxConfiguration) -> Void = { _ in }) async throws {
                scratch = try Scratch()
                let images = scratch.path("images")
                try shell("\(Program.package.path)/scripts/images/build \(images)")
                var configuration = SandboxConfiguration(images: images, root: scratch.path("sessions"))
                configuration.minute = 3
                change(&configuration)
                server = try SandboxServer(configuration)
                url = try await server.start()
                let config = scratch.path("salvage.yaml")
                try """
                store: \(scratch.path("store"))
                api:
                  url: \(url)
                rules:
                  - name: all
                    artifacts: [/game/Saved]
                """.write(toFile: config, atomically: true, encoding: .utf8)
                environment = ["SALVAGE_CONFIG": config, "GAMEYE_API_TOKEN": "sandbox"]
            }

            func salvage(_ arguments: String...) throws -> Program.Outcome {
                try Program.run(arguments, environment: environment)
            }

            func started(_ id: String, _ image: String, _ version: String, _ more: String...) throws {
                let outcome = try Program.run(
                    ["api", "session-run", "--id", id, "--image", image, "--version", version, "--location", "europe"]
                        + more,
                    environment: environment)
                try #require(outcome.status == 0, "\(outcome.err)")
            }

            func waitUntilNothingRuns() async throws {
                for _ in 0..<300 {
                    if try salvage("--json", "api", "session-list").objects.isEmpty { return }
                    try await Task.sleep(for: .milliseconds(200))
                }
                Issue.record("sessions are still running after a minute")
            }
        }

        @Test func aPassThatTheDiskHadNoRoomForSaysSo() async throws {
            let stage = try await Stage()
            try stage.started("full-1", "lobby", "1.0.0")
            #expect(try stage.salvage("api", "session-stop", "full-1").status == 0)
            try await stage.waitUntilNothingRuns()
            let config = stage.scratch.path("salvage.yaml")
            let usual = try String(contentsOfFile: config, encoding: .utf8)
            // No disk has so much free: the reserve would be touched.
            try (usual + "\nlimits: { reserve: 900TiB }\n").write(toFile: config, atomically: true, encoding: .utf8)
            let full = try stage.salvage("harvest", "--quiet")
            #expect(full.status == 75, "\(full.out)\(full.err)")
            #expect(full.err.contains("1 session waits: the store's disk has too little free space"), "\(full.err)")
            #expect(full.err.contains("reserve") && full.err.contains("hint"), "\(full.err)")
            let json = try stage.salvage("harvest", "--json")
            #expect(json.status == 75 && json.err.contains(#""code":"no_room""#), "\(json.err)")
            try usual.write(toFile: config, atomically: true, encoding: .utf8)
            let again = try stage.salvage("harvest", "--quiet")
            #expect(again.status == 0 && again.err.isEmpty, "\(again.out)\(again.err)")
            #expect(try stage.salvage("show", "full-1").out.contains("harvested"))
        }

        @Test func aCrashIsHarvestedAnalysedAndAnswered() async throws {
            guard try shell("command -v gcc && cat /proc/sys/kernel/core_pattern").out.contains("core") else {
                print("skipped: no gcc, or core dumps go elsewhere on this machine")
                return
            }
            let stage = try await Stage()
            try stage.started("crash-1", "shooter", "1.4.0", "--label", "mode=raid", "--arg", "--seconds=1")
            try stage.started("clean-1", "arena", "2.0.3", "--arg", "--seconds=1")
            try stage.started("gone-1", "lobby", "1.0.0")
            #expect(try stage.salvage("harvest").status == 0)
            #expect(try stage.salvage("api", "session-stop", "gone-1").status == 0)
            try await stage.waitUntilNothingRuns()
            stage.server.removeContainer("gone-1")
            let harvest = try stage.salvage("harvest")
            #expect(harvest.status == 3, "\(harvest.out)\(harvest.err)")
            #expect(harvest.err.contains("gone-1"))

            let sessions = try stage.salvage("sessions", "--json").objects
            let states = sessions.reduce(into: [String: String]()) {
                $0[$1["session"] as? String ?? ""] = $1["state"] as? String
            }
            #expect(states == ["crash-1": "harvested", "clean-1": "harvested", "gone-1": "lost"])

            let crashes = try stage.salvage("crashes", "--json").objects
            #expect(crashes.count == 1)
            let crash = try #require(crashes.first)
            #expect(crash["session"] as? String == "crash-1")
            #expect(crash["signal"] as? String == "SIGSEGV")
            // The list is short; one crash has its modules.
            #expect((crash["modules"] as? [[String: Any]])?.isEmpty == true)
            let whole = try stage.salvage("crash", crash["crash"] as? String ?? "", "--json").objects.first
            #expect(((whole?["modules"] as? [[String: Any]]) ?? []).contains { $0["build_id"] != nil })

            let show = try stage.salvage("show", "crash-1")
            #expect(show.out.contains("SIGSEGV") && show.out.contains("shooter") && show.out.contains("Next:"))
            let grep = try stage.salvage("grep", "dropped weapon", "--label", "mode=raid")
            #expect(grep.status == 0 && grep.out.contains("crash-1:Saved/Logs/"))
            #expect(try stage.salvage("grep", "no such text anywhere").status == 1)
            let why = try stage.salvage("why", "gone-1")
            #expect(why.out.contains("404") && why.out.contains("gone"))
            let prefix = try stage.salvage("show", "cra")
            #expect(prefix.status == 0 && prefix.out.contains("crash-1"))
            #expect(try stage.salvage("show", "nobody").status == 1)
            #expect(try stage.salvage("verify").status == 0)
            await stage.server.stop()
        }

        @Test func theCatalogComesBackFromThePacksAlone() async throws {
            let stage = try await Stage()
            try stage.started("a-1", "arena", "2.0.3", "--label", "mode=duel", "--arg", "--seconds=1")
            try stage.started("r-1", "racer", "0.9.7", "--arg", "--seconds=1")
            try await stage.waitUntilNothingRuns()
            #expect(try stage.salvage("harvest").status == 0)
            let questions = [
                ["sessions", "--json"], ["crashes", "--json"], ["crashes", "top", "--json"],
                ["files", "a-1", "--json"],
                ["files", "r-1", "--json"], ["grep", "LogInit", "-c"], ["why", "--json", "r-1"],
            ]
            func answers() throws -> [String] {
                try questions.map { question in
                    let out = try Program.run(question, environment: stage.environment).out
                    // Packs do not contain when a session was first seen and the history of requests.
                    return out.replacing(/"first_seen":"[^"]*",?/, with: "").replacing(/"requests":\[.*?\]/, with: "")
                }
            }
            let before = try answers()
            try shell("rm -f \(stage.store)/catalog.sqlite*")
            let reindex = try stage.salvage("reindex")
            #expect(reindex.status == 0, "\(reindex.err)")
            let after = try answers()
            for (index, question) in questions.enumerated() {
                #expect(after[index] == before[index], "\(question)")
            }
            await stage.server.stop()
        }

        @Test func aKilledHarvestEndsInTheSameStoreAsAnUndisturbedOne() async throws {
            let stage = try await Stage()
            for number in 0..<6 { try stage.started("s-\(number)", "arena", "2.0.3", "--arg", "--seconds=1") }
            try await stage.waitUntilNothingRuns()
            func contents(_ store: String) throws -> [String] {
                try (0..<6).flatMap { number in
                    try Program.run(["files", "s-\(number)", "--json", "--store", store]).objects.map { file in
                        "s-\(number) \(file["path"] ?? "") \(file["size"] ?? "") \(file["sha256"] ?? "")"
                    }
                }.sorted()
            }
            let calm = scratchStore(stage, "calm")
            #expect(try Program.run(["harvest", "--store", calm], environment: stage.environment).status == 0)
            let wanted = try contents(calm)
            #expect(wanted.count > 20)

            let rough = scratchStore(stage, "rough")
            for delay in [5, 20, 40, 60, 90, 130, 180, 240, 320, 420] {
                let running = try Program.start(["harvest", "--store", rough], environment: stage.environment)
                try await Task.sleep(for: .milliseconds(delay))
                kill(running.process.processIdentifier, SIGKILL)
                _ = running.wait()
            }
            let last = try Program.run(["harvest", "--store", rough], environment: stage.environment)
            #expect(last.status == 0, "\(last.out)\(last.err)")
            #expect(try contents(rough) == wanted)
            #expect(try Program.run(["verify", "--store", rough]).status == 0)
            let leftovers = Scratch.listing(rough).filter {
                $0.contains(".new/") || $0.contains(".part") || $0.contains(".complete")
            }
            #expect(leftovers.isEmpty, "\(leftovers)")
            await stage.server.stop()
        }

        private func scratchStore(_ stage: Stage, _ name: String) -> String { stage.scratch.path(name) }

        /// A service manager may stop a daemon as soon as it has started it.
        @Test func aDaemonStoppedWhileItStartsEndsWithoutAnError() async throws {
            let stage = try await Stage()
            for _ in 0..<5 {
                let watch = try Program.start(["watch"], environment: stage.environment)
                while !FileManager.default.fileExists(atPath: stage.store + "/lock"), watch.process.isRunning {
                    sched_yield()
                }
                watch.process.terminate()
                let ended = watch.wait()
                #expect(ended.status == 0, "\(ended.err)")
                try FileManager.default.removeItem(atPath: stage.store)
            }
            await stage.server.stop()
        }

        @Test func aSecondCopyAndAMissingTokenSayWhatIsWrong() async throws {
            let stage = try await Stage()
            let watch = try Program.start(["watch"], environment: stage.environment)
            for _ in 0..<100 where !FileManager.default.fileExists(atPath: stage.store + "/catalog.sqlite") {
                try await Task.sleep(for: .milliseconds(50))
            }
            let second = try stage.salvage("harvest")
            #expect(second.status == 75, "\(second.err)")
            watch.process.terminate()
            let ended = watch.wait()
            #expect(ended.status == 0, "\(ended.err)")

            var noToken = stage.environment
            noToken["GAMEYE_API_TOKEN"] = nil
            let anonymous = try Program.run(["harvest"], environment: noToken)
            #expect(anonymous.status == 77 && anonymous.err.contains("GAMEYE_API_TOKEN"))
            var wrong = stage.environment
            wrong["GAMEYE_API_TOKEN"] = "not-a-token"
            let refused = try Program.run(["harvest"], environment: wrong)
            #expect(refused.status == 77, "\(refused.err)")
            #expect(!refused.err.contains("not-a-token"))
            var nowhere = stage.environment
            nowhere["SALVAGE_API_URL"] = "http://127.0.0.1:9"
            #expect(try Program.run(["harvest"], environment: nowhere).status == 75)
            await stage.server.stop()
        }

        @Test func anInvalidConfigurationNamesLineKeyAndFix() throws {
            let scratch = try Scratch()
            let config = scratch.path("salvage.yaml")
            try "store: x\nrules:\n  - name: a\n    artefacts: [/game]\n".write(
                toFile: config, atomically: true, encoding: .utf8)
            let outcome = try Program.run(["harvest", "--config", config], environment: ["GAMEYE_API_TOKEN": "t"])
            #expect(outcome.status == 64, "\(outcome.err)")
            #expect(outcome.err.contains("4") && outcome.err.contains("artefacts") && outcome.err.contains("artifacts"))
        }

        @Test func allTenOperationsWorkFromTheCommandLine() async throws {
            let stage = try await Stage()
            try stage.started("op-1", "lobby", "1.0.0", "--label", "a=b")
            #expect(try stage.salvage("api", "session-list", "--json").objects.count == 1)
            #expect(
                try stage.salvage("api", "describe-session", "op-1").objects.first?["status"] as? String == "running")
            #expect(try stage.salvage("api", "join-session", "op-1", "p1", "p2").status == 0)
            #expect(try stage.salvage("api", "leave-session", "p1").status == 0)
            #expect(try stage.salvage("api", "get-available-locations", "lobby").out.contains("europe"))
            #expect(try stage.salvage("api", "tag-exists", "europe", "lobby", "1.0.0").out.contains("true"))
            try await Task.sleep(for: .milliseconds(500))
            #expect(try stage.salvage("api", "stream-logs", "op-1").out.contains("LogInit"))
            #expect(try stage.salvage("api", "session-stop", "op-1").status == 0)
            try await stage.waitUntilNothingRuns()
            let file = stage.scratch.path("saved.tgz")
            #expect(try stage.salvage("api", "artifacts", "op-1", "/game/Saved", "--output", file).status == 0)
            #expect(try shell("tar tzf \(file)").out.contains("Saved/Logs"))
            let unknown = try stage.salvage("api", "describe-session", "nobody")
            #expect(unknown.status != 0 && unknown.err.contains("404"))
            await stage.server.stop()
        }
    }
}
