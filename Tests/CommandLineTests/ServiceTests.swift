import Foundation
import Glibc
import Sandbox
import Testing

extension ServerSuites {
    /// The units and cron lines that are shipped and documented, run the way systemd and cron would as far as that can be
    /// done without them.
    @Suite(.serialized) struct ServiceTests {
        private struct Stage {
            let scratch: Scratch
            let server: SandboxServer
            let config: String
            var store: String { scratch.path("state/salvage") }
            /// A copy that a user may run who cannot enter the build's folder.
            var program: String { scratch.path("salvage") }

            init() async throws {
                scratch = try Scratch()
                let images = scratch.path("images/g/1")
                try FileManager.default.createDirectory(atPath: images, withIntermediateDirectories: true)
                try shell("printf '#!/bin/sh\\necho hello\\n' > \(images)/run; chmod +x \(images)/run")
                try "{\"executable\":\"run\"}".write(toFile: images + "/image.json", atomically: true, encoding: .utf8)
                server = try SandboxServer(
                    SandboxConfiguration(images: scratch.path("images"), root: scratch.path("sessions")))
                let url = try await server.start()
                config = scratch.path("salvage.yaml")
                // As in docs/service.md: the file names the token that root alone may read.
                try "api: {url: '\(url)', token_file: '\(scratch.path("token"))'}\n".write(
                    toFile: config, atomically: true, encoding: .utf8)
                try shell(
                    """
                    chmod 755 \(scratch.url.path); cp '\(Program.salvage.path)' \(scratch.path("salvage"))
                    printf sandbox > \(scratch.path("token")); chmod 600 \(scratch.path("token"))
                    mkdir -p \(scratch.path("state/salvage")) \(scratch.path("credentials"))
                    """)
                let run = try Program.run(
                    ["api", "session-run", "--id", "s1", "--image", "g", "--version", "1", "--location", "europe"],
                    environment: ["SALVAGE_API_URL": url, "GAMEYE_API_TOKEN": "sandbox"])
                try #require(run.status == 0, "\(run.err)")
            }
        }

        @Test func theUnitsAreUnderstoodBySystemd() throws {
            guard try shell("command -v systemd-analyze").status == 0 else {
                print("skipped: systemd-analyze is not installed")
                return
            }
            let scratch = try Scratch()
            try shell(
                """
                cp -r '\(Program.package.path)/scripts/systemd' \(scratch.path("units"))
                sed -i 's#/usr/local/bin/salvage#/bin/true#' \(scratch.path("units"))/*.service
                """)
            let verdict = try shell("cd \(scratch.path("units")) && systemd-analyze verify --man=no * 2>&1")
            #expect(verdict.status == 0 && verdict.out == "", "\(verdict.out)")
        }

        @Test func aServiceReadsItsCredentialThoughTheTokenFileIsRoots() async throws {
            guard geteuid() == 0, try shell("command -v setpriv").status == 0 else {
                print("skipped: only root can be somebody else")
                return
            }
            let stage = try await Stage()
            // What LoadCredential= makes: a file that the service's user reads.
            try shell(
                """
                cp \(stage.scratch.path("token")) \(stage.scratch.path("credentials/token"))
                chmod 440 \(stage.scratch.path("credentials/token")); chgrp 65534 \(stage.scratch.path("credentials/token"))
                chown 65534 \(stage.store); chmod 700 \(stage.store)
                """)
            let user = "setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs"
            let bare = "\(user) env -i PATH=/usr/bin:/bin SALVAGE_STORE=\(stage.store) SWIFT_BACKTRACE=enable=no"
            let service = bare + " CREDENTIALS_DIRECTORY=\(stage.scratch.path("credentials"))"
            func run(_ environment: String, _ arguments: String) throws -> (status: Int32, out: String) {
                try shell("cd / && \(environment) \(stage.program) \(arguments) --config \(stage.config) 2>&1")
            }
            // The commands of the units, on a file system of which only the state's folder may be written.
            let strict = try shell("unshare -m true").status == 0
            let harvest = try Self.execStart("salvage-harvest.service")
            for _ in 0..<50 {
                let inner = "cd / && \(service) \(stage.program) \(harvest) --config \(stage.config) 2>&1"
                let script =
                    "mount --bind \(stage.store) \(stage.store) && mount -o remount,bind,ro / && \(inner)"
                let outcome = try strict ? shell("unshare -m sh -c '\(script)'") : shell(inner)
                #expect(outcome.status == 0 && outcome.out == "", "\(outcome.out)")
                if try run(service, "show s1").out.contains("harvested") { break }
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(try run(service, "logs s1").out.contains("hello"))
            let doctor = try run(service, "doctor")
            #expect(doctor.out.contains("credentials/token") && doctor.out.contains("API"), "\(doctor.out)")
            #expect(doctor.status == 3 && !doctor.out.contains("FAIL"), "only rules without artifacts: \(doctor.out)")
            let prune = try run(service, Self.execStart("salvage-prune.service"))
            #expect(prune.status == 0, "\(prune.out)")

            // The same user without the credential, as under sudo: doctor says what it could not check.
            let alone = try run(bare, "doctor")
            #expect(alone.status == 3 && alone.out.contains("not checked"), "\(alone.out)")
            #expect(alone.out.contains("LoadCredential"), "\(alone.out)")
            let refused = try run(bare, "harvest")
            #expect(refused.status == 77 && refused.out.contains("may not read the token file"), "\(refused.out)")
            await stage.server.stop()
        }

        /// The arguments of a unit's command, without the configuration.
        private static func execStart(_ unit: String) throws -> String {
            let path = Program.package.appendingPathComponent("scripts/systemd/\(unit)").path
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("ExecStart=") })
            let words = line.split(separator: " ").map(String.init)
            #expect(words.first == "ExecStart=/usr/local/bin/salvage")
            let option = try #require(words.firstIndex(of: "--config"))
            return (words[1..<option] + words[(option + 2)...]).joined(separator: " ")
        }

        /// Every cron line of the README and the crontab, without its times and its user.
        private static func cronCommands() throws -> [String] {
            var commands: [String] = []
            for (file, isSystem) in [("README.md", false), ("scripts/crontab.example", true)] {
                let text = try String(contentsOf: Program.package.appendingPathComponent(file), encoding: .utf8)
                for line in text.split(separator: "\n") {
                    let words = line.split(separator: " ").map(String.init)
                    let fields = isSystem ? 6 : 5
                    guard words.count > fields,
                        words.prefix(5).allSatisfy({ $0.allSatisfy { "0123456789*/,-".contains($0) } })
                    else { continue }
                    commands.append(words[fields...].joined(separator: " "))
                }
            }
            return commands
        }

        @Test func cronLinesRunWithNothingButCronsEnvironmentAndPrintNothing() async throws {
            let stage = try await Stage()
            let commands = try Self.cronCommands()
            #expect(commands.count == 4, "\(commands)")
            let variables = "SALVAGE_CONFIG=\(stage.config) SALVAGE_STORE=\(stage.store)"
            func cron(_ command: String) throws -> (status: Int32, out: String) {
                let here = command.replacingOccurrences(of: "/usr/local/bin/salvage", with: stage.program)
                    .replacingOccurrences(of: "/etc/salvage/salvage.yaml", with: stage.config)
                // cron gives no more than these, and runs /bin/sh.
                let environment =
                    "HOME=\(stage.scratch.url.path) LOGNAME=x SHELL=/bin/sh PATH=/usr/bin:/bin \(variables)"
                return try shell("cd / && env -i \(environment) SWIFT_BACKTRACE=enable=no /bin/sh -c '\(here)' 2>&1")
            }
            for command in commands {
                #expect(command.hasPrefix("/usr/local/bin/salvage "), "cron has no PATH: \(command)")
                let outcome = try cron(command)
                #expect(outcome.status == 0 && outcome.out == "", "\(command): \(outcome.status) \(outcome.out)")
            }
            // Another copy is running: no output that cron would mail, and exit code 75.
            let lock = open(stage.store + "/lock", O_RDWR)
            try #require(lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
            for command in commands where command.contains(" harvest ") {
                let overlap = try cron(command)
                #expect(overlap.status == 75 && overlap.out == "", "\(command): \(overlap.status) \(overlap.out)")
            }
            let loud = try Program.run(
                ["harvest", "--store", stage.store, "--config", stage.config])
            #expect(
                loud.status == 75 && loud.err.contains("another salvage process is using this store"), "\(loud.err)")
            close(lock)
            // Errors are mailed.
            await stage.server.stop()
            let away = try cron(commands[0])
            #expect(away.status == 75 && away.out != "", "\(away.status) \(away.out)")
        }
    }
}
