import Foundation
import Glibc
import Testing

extension ServerSuites {
    /// `migrate` with the real program, PostgreSQL and an S3 server.
    @Suite(.serialized, .enabled(if: SharedStoreStage.isPossible, SharedStoreStage.advice)) struct MigrateTests {
        /// Ingests sessions with logs; every fifth crashed.
        private func fill(_ store: String, _ count: Int, _ stage: SharedStoreStage) throws {
            for number in 0..<count {
                let log = stage.scratch.path("in/s-\(number)/Game.log")
                try FileManager.default.createDirectory(
                    atPath: stage.scratch.path("in/s-\(number)"), withIntermediateDirectories: true)
                var lines = (0..<50).map { "2026-11-20T10:00:\(10 + $0 % 40)Z LogNet: needle \(number) \($0)" }
                if number % 5 == 0 {
                    lines.append("thread 'main' panicked at src/main.rs:4:5:\nindex out of bounds\nstack backtrace:")
                }
                try (lines.joined(separator: "\n") + "\n").write(toFile: log, atomically: true, encoding: .utf8)
            }
            let outcome = try stage.salvage(
                store,
                ["ingest", "--quiet", "--image", "arena", "--tag", "1.0", "--each", stage.scratch.path("in")])
            try #require(outcome.status == 0, "\(outcome.err)")
        }

        /// The answers of every kind of query. The places of packs differ between stores.
        private func answers(_ store: String, _ stage: SharedStoreStage) throws -> [String: String] {
            let queries = [
                ["sessions"], ["sessions", "--crashed"], ["show", "s-0"], ["why", "s-1"], ["coverage"], ["crashes"],
                ["crashes", "top"], ["crashes", "decisions"], ["crashes", "builds"], ["files", "s-0"], ["pin"],
                ["grep", "needle 3 ", "--sort", "path"], ["logs", "s-2"], ["symbols", "missing"],
            ]
            var answers: [String: String] = [:]
            for query in queries {
                let outcome = try stage.salvage(store, query + ["--json"])
                #expect(outcome.status == 0 || outcome.status == 1, "\(query): \(outcome.err)")
                answers[query.joined(separator: " ")] = SharedStoreStage.comparable(outcome)
            }
            return answers
        }

        /// Expects a store to answer all queries as another did.
        private func expect(
            _ store: String, _ stage: SharedStoreStage, answers before: [String: String],
            _ location: SourceLocation = #_sourceLocation
        ) throws {
            for (query, found) in try answers(store, stage) {
                let difference = SharedStoreStage.difference(found, before[query] ?? "")
                #expect(difference == nil, "\(query)", sourceLocation: location)
            }
        }

        @Test func everythingArrivesAndComesBack() throws {
            let stage = try SharedStoreStage()
            let store = stage.scratch.path("store")
            try fill(store, 20, stage)
            #expect(try stage.salvage(store, ["pin", "s-3"]).status == 0)
            let top = try stage.salvage(store, ["crashes", "top", "--json"])
            let signature = try #require(top.objects.first?["signature"] as? String)
            #expect(try stage.salvage(store, ["crashes", "note", signature, "known since 1.0"]).status == 0)
            let before = try answers(store, stage)

            let dry = try stage.salvage(store, ["migrate", "--to", stage.address, "--dry-run", "--json"])
            #expect(dry.status == 0, "\(dry.err)")
            #expect(dry.objects.first?["packs"] as? Int == 20)
            #expect(dry.objects.first?["dry_run"] as? Bool == true)

            let moved = try stage.salvage(store, ["migrate", "--to", stage.address, "--json"])
            #expect(moved.status == 0, "\(moved.err)")
            #expect(moved.objects.first?["finished"] as? Bool == true, "\(moved.out)")
            #expect(moved.objects.first?["packs"] as? Int == 20)
            try expect(stage.address, stage, answers: before)
            #expect(try stage.salvage(stage.address, ["verify", "--quiet"]).status == 0)
            // The old store answers, and takes nothing more.
            try expect(store, stage, answers: before)
            let refused = try stage.salvage(
                store, ["ingest", "--session", "late", "--image", "arena", stage.scratch.path("in/s-0/Game.log")])
            #expect(refused.status == 2 && refused.err.contains("was migrated to postgres://"), "\(refused.err)")
            // There is nothing left to copy.
            let again = try stage.salvage(store, ["migrate", "--to", stage.address, "--json"])
            #expect(again.status == 0 && again.objects.first?["packs"] as? Int == 0, "\(again.out)\(again.err)")
            #expect(again.objects.first?["copied"] as? Int == 0)

            let back = stage.scratch.path("back")
            let returned = try stage.salvage(stage.address, ["migrate", "--to", back, "--json"])
            #expect(returned.status == 0, "\(returned.err)")
            try expect(back, stage, answers: before)
            #expect(try stage.salvage(back, ["verify", "--quiet"]).status == 0)
        }

        @Test func aKilledMigrationIsResumed() throws {
            let stage = try SharedStoreStage()
            let store = stage.scratch.path("store")
            try fill(store, 150, stage)
            let before = try answers(store, stage)
            let running = try Program.start(
                [
                    "migrate", "--store", store, "--to", stage.address, "--quiet", "--config",
                    stage.scratch.path("shared.yaml"),
                ], environment: SharedStoreStage.keys)
            // Once the first batch is there.
            while running.process.isRunning {
                let there = try stage.salvage(stage.address, ["sessions", "--json", "--limit", "1"])
                if !there.objects.isEmpty { break }
            }
            kill(running.process.processIdentifier, SIGKILL)
            _ = running.wait()
            let resumed = try stage.salvage(store, ["migrate", "--to", stage.address, "--json"])
            #expect(resumed.status == 0, "\(resumed.err)")
            #expect(try #require(resumed.objects.first?["packs"] as? Int) < 150, "\(resumed.out)")
            try expect(stage.address, stage, answers: before)
            #expect(try stage.salvage(stage.address, ["verify", "--quiet"]).status == 0)
        }

        /// Whoever holds the lock keeps the last step from being done, and nothing else.
        @Test func theLastStepWaitsForTheHarvestToEnd() throws {
            let stage = try SharedStoreStage()
            let sandbox = try SandboxProgram()
            let store = sandbox.scratch.path("store")
            for id in ["b-1", "b-2"] {
                let run = try sandbox.salvage(
                    "api", "session-run", "--id", id, "--image", "brief", "--version", "1.0", "--location", "europe")
                try #require(run.status == 0, "\(run.err)")
                try sandbox.ended(id)
            }
            let watch = try Program.start(
                ["watch", "--quiet"],
                environment: [
                    "SALVAGE_API_URL": sandbox.url, "GAMEYE_API_TOKEN": "sandbox", "SALVAGE_STORE": store,
                ])
            while watch.process.isRunning {
                if try sandbox.salvage("sessions", "--json", "--state", "harvested").objects.count == 2 { break }
            }
            let waiting = try stage.salvage(store, ["migrate", "--to", stage.address, "--json"])
            #expect(waiting.status == 75, "\(waiting.out)\(waiting.err)")
            #expect(waiting.objects.first?["finished"] as? Bool == false)
            #expect(try stage.salvage(stage.address, ["sessions", "--json"]).objects.count == 2)
            watch.process.terminate()
            _ = watch.wait()
            let finished = try stage.salvage(store, ["migrate", "--to", stage.address, "--json"])
            #expect(finished.status == 0 && finished.objects.first?["finished"] as? Bool == true, "\(finished.err)")
            let refused = try sandbox.salvage("harvest", "--quiet")
            #expect(refused.status == 2 && refused.err.contains("was migrated to"), "\(refused.err)")
        }
    }
}
