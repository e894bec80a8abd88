import Foundation
import Sandbox
import Testing

extension ServerSuites {
    /// A harvest on a machine that lacks resources: what cannot be packed now is packed later, and no download is
    /// blamed.
    @Suite(.serialized) struct ScarcityTests {
        private static func fleet(_ count: Int) async throws -> LiveStage {
            let stage = try await LiveStage(
                more:
                    "limits: { requests_per_minute: { list: 60000, describe: 60000, artifacts: 60000, logs: 60000 } }",
                follow: false
            ) { $0.fleet = SandboxFleet(running: count, artifactBytes: 20_000, seed: 3) }
            // So that none of those that follow on them is taken for one of these.
            #expect(stage.server.endFleetSessions(count) == count)
            return stage
        }

        /// Runs salvage by way of the shell.
        private static func shelled(
            _ stage: LiveStage, _ before: String, _ words: String = "harvest --quiet"
        ) async throws -> Program.Outcome {
            let environment = stage.environment
            return try await offPool {
                try Program.Running(
                    URL(fileURLWithPath: "/bin/sh"), ["-c", "\(before) \(Program.salvage.path) \(words)"],
                    environment: environment
                ).wait()
            }
        }

        private static func states(_ stage: LiveStage) async throws -> [String: Int] {
            try await stage.salvage("sessions", "--json").objects.reduce(into: [:]) { tally, session in
                guard let state = session["state"] as? String, state != "running" else { return }
                tally[state, default: 0] += 1
            }
        }

        private static func quarantine(_ stage: LiveStage) -> [String] {
            (try? FileManager.default.contentsOfDirectory(atPath: stage.store + "/spool/.quarantine")) ?? []
        }

        /// What must hold once there was enough of everything.
        private static func expectAll(_ count: Int, _ stage: LiveStage) async throws {
            #expect(try await states(stage) == ["harvested": count])
            #expect(quarantine(stage).isEmpty)
            #expect(try await stage.salvage("verify").status == 0)
            let left = Scratch.listing(stage.store + "/spool").filter { !$0.hasPrefix(".new ") }
            #expect(left.isEmpty, "\(left)")
        }

        @Test func twentyRestartsWithFewOpenFilesEndWithEverything() async throws {
            let stage = try await Self.fleet(59)
            let limits = [32, 48, 33, 64, 40] + (0..<15).map { 32 + $0 * 32 / 14 }
            for limit in limits {
                let pass = try await Self.shelled(stage, "ulimit -n \(limit); exec")
                #expect([0, 75].contains(pass.status), "\(limit): \(pass.status) \(pass.err)")
                #expect(Self.quarantine(stage).isEmpty)
            }
            try await Self.expectAll(59, stage)
            await stage.server.stop()
        }

        @Test func onePassWithFewOpenFilesIsEnough() async throws {
            let stage = try await Self.fleet(12)
            let pass = try await Self.shelled(stage, "ulimit -n 48; exec")
            #expect(pass.status == 0, "\(pass.err)")
            try await Self.expectAll(12, stage)
            await stage.server.stop()
        }

        @Test func theSoftLimitOfOpenFilesIsRaised() async throws {
            let stage = try await Self.fleet(4)
            // Too few as it stands, and more are allowed.
            let pass = try await Self.shelled(stage, "ulimit -Sn 20; exec")
            #expect(pass.status == 0, "\(pass.err)")
            try await Self.expectAll(4, stage)
            let few = try await Self.shelled(stage, "ulimit -n 20; exec")
            #expect(
                few.status == 75 && few.err.contains("open files is 20") && few.err.contains("ulimit -n"), "\(few.err)")
            await stage.server.stop()
        }

        @Test func aChildThatTheKernelKillsCostsNothing() async throws {
            let stage = try await Self.fleet(8)
            let running = try Program.start(["harvest"], environment: stage.environment)
            let parent = running.process.processIdentifier
            let killed = try await offPool { () -> Int in
                var killed: Set<Int32> = []
                // Half of the children that are seen, as they come.
                var seen: Set<Int32> = []
                while kill(parent, 0) == 0, killed.count < 12 {
                    for child in ConfinedChildTests.children(of: parent) where seen.insert(child).inserted {
                        if seen.count % 2 == 1, kill(child, SIGKILL) == 0 { killed.insert(child) }
                    }
                    usleep(500)
                }
                return killed.count
            }
            let outcome = try await stage.wait(running)
            #expect(killed > 0, "no child was seen")
            #expect([0, 75].contains(outcome.status), "\(outcome.err)")
            #expect(try await stage.salvage("harvest").status == 0)
            try await Self.expectAll(8, stage)
            await stage.server.stop()
        }

        @Test func aLockedCatalogIsCalledThatAndLosesNothing() async throws {
            let stage = try await Self.fleet(1)
            #expect(try await stage.salvage("harvest", "--session", "nobody").status != 0)
            // The catalog is there; now somebody else writes to it for as long as the pass lasts.
            let holder = Process()
            holder.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            holder.arguments = [
                "python3", "-c",
                "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\nc.execute('BEGIN IMMEDIATE')\n"
                    + "print('held',flush=True)\nsys.stdin.read()", stage.store + "/catalog.sqlite",
            ]
            let (input, output) = (Pipe(), Pipe())
            holder.standardInput = input
            holder.standardOutput = output
            try holder.run()
            #expect(try await offPool { output.fileHandleForReading.availableData.count } > 0)
            let locked = try await stage.salvage("harvest", "--json", "--max-runtime", "5s")
            #expect(locked.status == 75, "\(locked.status) \(locked.err)")
            #expect(!locked.err.contains("no_room") && !locked.err.contains("free space"), "\(locked.err)")
            #expect(locked.err.contains("locked"), "\(locked.err)")
            try input.fileHandleForWriting.close()
            holder.waitUntilExit()
            #expect(try await stage.salvage("harvest").status == 0)
            try await Self.expectAll(1, stage)
            await stage.server.stop()
        }

        /// With too little address space, or too few threads, the process ends and says why; it does not hang.
        @Test func withTooLittleMemoryOrThreadsItEndsAndSaysSo() async throws {
            let stage = try await Self.fleet(2)
            for kibibytes in [150_000, 250_000, 400_000, 600_000, 900_000, 1_300_000, 2_000_000] {
                for words in ["harvest --quiet", "ingest --session x /etc/hostname"] {
                    let pass = try await Self.shelled(stage, "ulimit -v \(kibibytes); exec timeout -s KILL 60", words)
                    #expect(pass.status != 137, "\(kibibytes) KiB, \(words): it hangs. \(pass.err)")
                    #expect(
                        pass.status == 0 || !pass.err.isEmpty,
                        "\(kibibytes) KiB, \(words): \(pass.status) without a word")
                }
            }
            if geteuid() == 0, FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv") {
                // The limit of processes does not bind root.
                let user = 61_234
                try shell("chmod -R a+rwX \(stage.scratch.url.path); mkdir -p \(stage.store)")
                try shell("chown -R \(user) \(stage.store)")
                for threads in [1, 2, 4, 8] {
                    let pass = try await Self.shelled(
                        stage,
                        "exec timeout -s KILL 60 setpriv --reuid \(user) --clear-groups prlimit --nproc=\(threads)")
                    #expect(pass.status == 75, "\(threads) threads: \(pass.status) \(pass.err)")
                    #expect(pass.err.contains("threads"), "\(threads) threads: \(pass.err)")
                }
                try shell("chown -R \(geteuid()) \(stage.store)")
            }
            #expect(try await stage.salvage("harvest").status == 0)
            #expect(Self.quarantine(stage).isEmpty)
            await stage.server.stop()
        }
    }
}
