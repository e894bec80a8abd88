import Foundation
import Sandbox
import Testing

extension ServerSuites {
    /// `prune`, `pin`, `doctor`, and `watch` as a service, with the real program.
    @Suite(.serialized) struct KeepCommandTests {
        private func ingest(_ names: [String], into store: String, _ scratch: Scratch) throws {
            for name in names {
                let log = scratch.path("\(name).log")
                try "2026-11-20T10:00:00Z \(name) needle-\(name)\n".write(
                    toFile: log, atomically: true, encoding: .utf8)
                let outcome = try Program.run([
                    "ingest", "--store", store, "--session", name, "--tag", name.hasPrefix("dev") ? "dev-1" : "1.0",
                    log,
                ])
                try #require(outcome.status == 0, "\(outcome.err)")
            }
        }

        @Test func pruneSaysBeforeItDoesAndKeepsPinsAndLedger() throws {
            let scratch = try Scratch()
            let store = scratch.path("store")
            try ingest(["dev-a", "dev-b", "rel-a", "rel-b"], into: store, scratch)
            func salvage(_ arguments: String...) throws -> Program.Outcome {
                try Program.run(arguments + ["--store", store])
            }
            #expect(try salvage("prune").status == 0)
            #expect(try salvage("prune", "--tag", "x").status == 64)
            #expect(try salvage("prune", "--keep-per-signature", "3").status == 64)
            #expect(try salvage("pin", "rel-b").status == 0)
            #expect(try salvage("pin").out == "rel-b\n")
            let before = Scratch.listing(store)
            let dry = try salvage("prune", "--dry-run", "--older-than", "0s", "--json")
            #expect(Set(dry.objects.compactMap { $0["session"] as? String }) == ["dev-a", "dev-b", "rel-a"])
            #expect(dry.objects.allSatisfy { $0["dry_run"] as? Bool == true })
            #expect(Scratch.listing(store) == before)

            let pruned = try salvage("prune", "--older-than", "0s", "--tag", "dev-*")
            #expect(pruned.status == 0 && pruned.out.contains("removed 2 packs"), "\(pruned.out)\(pruned.err)")
            #expect(try salvage("grep", "needle", "--no-filename").out.split(separator: "\n").count == 2)
            let gone = try salvage("cat", "dev-a", "x")
            #expect(gone.status == 1 && gone.err.contains("pruned"), "\(gone.err)")
            #expect(try salvage("why", "dev-a").out.contains("Its pack was pruned"))
            #expect(try salvage("verify").status == 0)
            #expect(try salvage("reindex").out.contains("indexed 2 packs"))

            #expect(try salvage("prune", "--max-bytes", "1").out.contains("kept 1 pinned"))
            #expect(try salvage("status", "--json").objects.first?["packs"] as? Int == 1)
            #expect(try salvage("pin", "rel-b", "--remove").status == 0)
            #expect(
                try salvage("prune", "--max-bytes", "0", "--history", "0s").out.contains(
                    "deleted the ledger of 4 sessions"))
            #expect(try salvage("sessions").status == 1)
            let left = Scratch.listing(store).filter { $0.contains(".pack ") || $0.contains(".rows ") }
            #expect(left == [])
        }

        /// Only the selected history is deleted, and it is listed.
        @Test func historyGoesByTheSelectionAndPinsAndIsSaid() throws {
            let scratch = try Scratch()
            let store = scratch.path("store")
            try ingest(["dev-a", "dev-b", "rel-a", "rel-b"], into: store, scratch)
            func salvage(_ arguments: String...) throws -> Program.Outcome {
                try Program.run(arguments + ["--store", store])
            }
            func left() throws -> Set<String> {
                Set(try salvage("sessions", "--json").objects.compactMap { $0["session"] as? String })
            }
            #expect(try salvage("prune", "--older-than", "0s").status == 0)
            #expect(try salvage("pin", "dev-b").status == 0)
            let dry = try salvage("prune", "--history", "0s", "--tag", "dev-*", "--json", "--dry-run")
            #expect(dry.objects.compactMap { $0["session"] as? String } == ["dev-a"], "\(dry.out)")
            #expect(dry.objects.first?["forgotten"] as? Bool == false && dry.objects.first?["dry_run"] as? Bool == true)
            #expect(try left().count == 4)
            let done = try salvage("prune", "--history", "0s", "--tag", "dev-*", "--json")
            #expect(done.objects.compactMap { $0["session"] as? String } == ["dev-a"], "\(done.out)")
            #expect(done.objects.first?["forgotten"] as? Bool == true)
            #expect(done.objects.first?["reason"] as? String == "history")
            #expect(try left() == ["dev-b", "rel-a", "rel-b"])

            // A history that the configuration names is a rule by itself; the default is none.
            let config = scratch.path("c.yaml")
            try "store: \(store)\n".write(toFile: config, atomically: true, encoding: .utf8)
            #expect(try Program.run(["prune", "--config", config]).out.contains("there is no retention rule"))
            try "store: \(store)\nhistory: 1h\n".write(toFile: config, atomically: true, encoding: .utf8)
            let ruled = try Program.run(["prune", "--config", config, "--verbose"])
            #expect(ruled.status == 0 && ruled.out.contains("deleted the ledger of rel-a"), "\(ruled.out)\(ruled.err)")
            #expect(try left() == ["dev-b"])
        }

        @Test func aPruneThatWasKilledIsFinishedByTheNext() throws {
            let scratch = try Scratch()
            let store = scratch.path("store")
            try ingest(["a", "b"], into: store, scratch)
            let packs = try shell("find \(store)/packs -name '*.pack'").out.split(separator: "\n").map(String.init)
            let aside = try packs.map { ($0, try Data(contentsOf: URL(fileURLWithPath: $0))) }
            #expect(try Program.run(["prune", "--store", store, "--older-than", "0s"]).status == 0)
            // The rows are gone and the files still exist, as after a kill between the two.
            for (path, bytes) in aside {
                try FileManager.default.createDirectory(
                    atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path,
                    withIntermediateDirectories: true)
                try bytes.write(to: URL(fileURLWithPath: path))
            }
            #expect(try Program.run(["prune", "--store", store, "--older-than", "1d"]).status == 0)
            #expect(try shell("find \(store)/packs -name '*.pack'").out == "")
        }

        @Test func doctorNamesWhatIsWrongAndChangesNothing() throws {
            let scratch = try Scratch()
            let store = scratch.path("store")
            let config = scratch.path("salvage.yaml")
            try "store: \(store)\nrules:\n  - artifacts: [/game/Saved]\n".write(
                toFile: config, atomically: true, encoding: .utf8)
            var environment = ["SALVAGE_CONFIG": config]
            let bare = try Program.run(["doctor", "--offline", "--json"], environment: environment)
            #expect(bare.status == 2)
            let token = bare.objects.first { $0["check"] as? String == "token" }
            #expect(token?["result"] as? String == "failure")
            #expect(!FileManager.default.fileExists(atPath: store))

            environment["GAMEYE_API_TOKEN"] = "very-secret-token"
            try ingest(["a"], into: store, scratch)
            let good = try Program.run(["doctor", "--offline"], environment: environment)
            #expect(!good.out.contains("FAIL"), "\(good.out)")
            #expect(good.out.contains("no_new_privs") && !good.out.contains("very-secret-token"))
            try shell("chmod 755 \(store)")
            let open = try Program.run(["doctor", "--offline", "--every", "3h"], environment: environment)
            #expect(open.status == 3)
            #expect(
                open.out.contains("open to users other than") && open.out.contains("polling every"), "\(open.out)")
            // Nobody listens there.
            environment["SALVAGE_API_URL"] = "http://127.0.0.1:1"
            #expect(try Program.run(["doctor"], environment: environment).status == 2)
        }

        @Test func watchIsAServiceWithMetricsAndReloads() async throws {
            let scratch = try Scratch()
            let images = scratch.path("images/g/1")
            try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: true)
            try shell("printf '#!/bin/sh\\necho hello\\n' > \(images)/run; chmod +x \(images)/run")
            try "{\"executable\":\"run\"}".write(toFile: images + "/image.json", atomically: true, encoding: .utf8)
            let server = try SandboxServer(
                SandboxConfiguration(images: scratch.path("images"), root: scratch.path("sessions")))
            let url = try await server.start()
            let config = scratch.path("salvage.yaml")
            let text =
                "store: \(scratch.path("store"))\napi: {url: '\(url)'}\npoll: {running: 200ms, all: 400ms}\n"
                + "limits: {requests_per_minute: {list: 6000}}\n"
            try text.write(toFile: config, atomically: true, encoding: .utf8)
            let environment = ["SALVAGE_CONFIG": config, "GAMEYE_API_TOKEN": "sandbox"]
            let log = scratch.path("watch.log")
            let watch = Process()
            watch.executableURL = Program.salvage
            watch.arguments = ["watch", "--metrics", "127.0.0.1:0"]
            watch.environment = environment.merging(["PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"]) { $1 }
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            watch.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
            watch.standardOutput = FileHandle.nullDevice
            try watch.run()
            defer { watch.terminate() }
            func said() -> String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
            func waitFor(_ what: String, _ holds: () throws -> Bool) async throws {
                for _ in 0..<300 {
                    if try holds() { return }
                    try await Task.sleep(for: .milliseconds(100))
                }
                Issue.record("\(what) did not come: \(said())")
            }
            try await waitFor("metrics") { said().contains("metrics on port ") }
            let port = said().components(separatedBy: "metrics on port ").last?.prefix { $0.isNumber } ?? "0"
            let run = try Program.run(
                ["api", "session-run", "--id", "s1", "--image", "g", "--version", "1", "--location", "europe"],
                environment: environment)
            #expect(run.status == 0, "\(run.err)")
            func metrics() throws -> [String] {
                try shell("curl -s http://127.0.0.1:\(port)/metrics").out.split(separator: "\n").map(String.init)
            }
            try await waitFor("settled") {
                try metrics().contains("salvage_settled_sessions_total{state=\"harvested\"} 1")
            }
            #expect(try shell("curl -s -w %{http_code} http://127.0.0.1:\(port)/healthz").out == "ok\n200")

            try (text + "bogus: 1\n").write(toFile: config, atomically: true, encoding: .utf8)
            kill(watch.processIdentifier, SIGHUP)
            try await waitFor("refusal") { said().contains("reload failed, keeping the old configuration") }
            try (text + "rules: [{name: none, sample: never}]\n").write(
                toFile: config, atomically: true, encoding: .utf8)
            kill(watch.processIdentifier, SIGHUP)
            try await waitFor("reload") { said().contains("the configuration was reloaded") }
            try Program.run(
                ["api", "session-run", "--id", "s2", "--image", "g", "--version", "1", "--location", "europe"],
                environment: environment)
            try await waitFor("new rules") {
                try metrics().contains("salvage_settled_sessions_total{state=\"skipped\"} 1")
            }
            watch.terminate()
            watch.waitUntilExit()
            #expect(watch.terminationStatus == 0)
            await server.stop()
        }
    }
}
