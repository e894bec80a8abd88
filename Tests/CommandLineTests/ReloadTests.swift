import Foundation
import Sandbox
import Testing

/// A daemon whose log goes to a file that can be read while it runs.
private final class Daemon {
    private let process = Process()
    private let log: String

    init(_ stage: LiveStage, _ arguments: String...) throws {
        log = stage.scratch.path("watch-\(UUID().uuidString).log")
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.executableURL = Program.salvage
        process.arguments = ["watch"] + arguments
        process.environment = stage.environment.merging(["PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"]) {
            $1
        }
        process.standardInput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        process.standardOutput = FileHandle.nullDevice
        try process.run()
    }

    deinit { if process.isRunning { process.terminate() } }

    var said: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    func count(_ words: String) -> Int { said.components(separatedBy: words).count - 1 }

    func reload() { kill(process.processIdentifier, SIGHUP) }

    func end() async throws -> Int32 {
        process.terminate()
        while process.isRunning { try await Task.sleep(for: .milliseconds(50)) }
        return process.terminationStatus
    }
}

extension ServerSuites {
    /// SIGHUP applies everything that a restart would, except changes that are more likely accidents.
    @Suite(.serialized) struct ReloadTests {
        @Test func mendedRulesFetchFromWhatIsDone() async throws {
            let stage = try await LiveStage()
            try stage.configure("rules: [{name: all, artifacts: [/game/saved]}]")
            let daemon = try Daemon(stage, "--metrics", "127.0.0.1:0")
            try await stage.until("metrics") { daemon.said.contains("metrics on port ") }
            let port = daemon.said.components(separatedBy: "metrics on port ").last?.prefix { $0.isNumber } ?? "0"
            func metrics() async throws -> String {
                try await offPool { try shell("curl -s http://127.0.0.1:\(port)/metrics").out }
            }
            try await stage.ran("w-1", "w-2", "w-3")
            for id in ["w-1", "w-2", "w-3"] {
                try await stage.until("\(id) is done") { try await stage.state(id) == "harvested" }
            }
            try await stage.until("it is said") { daemon.said.contains("/game/saved of rule 'all' is absent in every") }
            let before = try await metrics()
            #expect(before.contains("\nsalvage_absent_paths 1\n"), "\(before)")
            #expect(before.contains("salvage_absent_path_sessions{rule=\"all\",path=\"/game/saved\"} 3\n"), "\(before)")
            #expect(daemon.count("is absent in every") == 1, "once")

            try stage.configure("rules: [{name: all, artifacts: [/game/Saved]}]")
            daemon.reload()
            for id in ["w-1", "w-2", "w-3"] {
                try await stage.until("\(id) has what the rule wants") {
                    try await stage.files(id).isSuperset(of: ["Saved/state.txt", "console.log"])
                }
            }
            #expect(daemon.said.contains("the configuration was reloaded: 1 rule\n"), "\(daemon.said)")
            #expect(daemon.said.contains("session w-1 is reopened because a rule changed"), "\(daemon.said)")
            try await stage.until("the metric falls") { try await metrics().contains("\nsalvage_absent_paths 0\n") }
            #expect(try await daemon.end() == 0)

            // A change made while no daemon ran applies too.
            try stage.configure("rules: [{name: all, artifacts: [/game/Saved, /game]}]")
            let next = try Daemon(stage)
            for id in ["w-1", "w-2", "w-3"] {
                try await stage.until("\(id) has the whole folder") {
                    try await stage.files(id).isSuperset(of: ["game/Saved/state.txt", "Saved/state.txt"])
                }
            }
            #expect(try await next.end() == 0)
            #expect(try await stage.salvage("verify").status == 0)
            await stage.server.stop()
        }

        @Test func redactionLimitsAndSignaturesAreTakenUpAndTheRestIsNamed() async throws {
            let stage = try await LiveStage()
            let rules = "rules: [{name: all, artifacts: [/game/Saved], follow: true}]"
            try stage.configure(rules)
            let daemon = try Daemon(stage)
            try await stage.ran("before")
            try await stage.until("done") { try await stage.state("before") == "harvested" }
            #expect(try await stage.salvage("logs", "before").out.contains("hello from before"))
            try stage.configure(
                "redact: [{name: greeting, pattern: 'hello from \\S+', replace: '<gone>'}]\n"
                    + "limits: {stall: 20s, unpack: {entry_size: 1KiB}}\n" + rules)
            daemon.reload()
            try await stage.until("reload") { daemon.said.contains("the configuration was reloaded") }
            #expect(daemon.said.contains("these keys need a restart: limits.stall\n"), "\(daemon.said)")
            try await stage.ran("after")
            try await stage.until("done") {
                try await stage.state("after").map { $0 != "running" && $0 != "pending" } == true
            }
            let log = try await stage.salvage("logs", "after").out
            #expect(log.contains("<gone>") && !log.contains("hello from"), "\(log)")
            #expect(try await stage.salvage("grep", "-a", "hello from after").status == 1)
            let noise = try await stage.salvage("files", "after", "--json").objects.first {
                ($0["path"] as? String)?.hasSuffix("noise.bin") == true
            }
            #expect(noise?["size"] as? Int != 100_000, "limits.unpack counts: \(String(describing: noise))")

            try stage.configure("rules: [{name: all, artifacts: [/game/Saved]}]")
            let text = try String(contentsOfFile: stage.scratch.path("salvage.yaml"), encoding: .utf8)
            try text.replacing(stage.url, with: "http://127.0.0.1:9").write(
                toFile: stage.scratch.path("salvage.yaml"), atomically: true, encoding: .utf8)
            daemon.reload()
            try await stage.until("named") { daemon.said.contains("these keys need a restart: api.url\n") }
            #expect(try await daemon.end() == 3, "what the limit cut off is missing")
            await stage.server.stop()
        }

        @Test func newSignatureRulesSignTheNextCrashes() async throws {
            let stage = try await LiveStage()
            let rules = "rules: [{name: all, artifacts: [/game/Saved], follow: true}]"
            try stage.configure(rules)
            let daemon = try Daemon(stage)
            try await stage.untilItWatches()
            func signature(of id: String) async throws -> String? {
                try await stage.started(id, "limping")
                try await stage.until("\(id) has crashed") {
                    try await stage.salvage("logs", id).out.contains("alive")
                }
                #expect(try await stage.salvage("api", "session-stop", id).status == 0)
                try await stage.until("\(id) is done") {
                    try await stage.state(id).map { $0 != "running" && $0 != "pending" } == true
                }
                return try await stage.salvage("crashes", "--session", id, "--json").objects.first?["signature"]
                    as? String
            }
            #expect(try await signature(of: "before")?.contains("AWeapon::Fire") == true)
            try stage.configure("signatures: {skip: ['AWeapon::*']}\n" + rules)
            daemon.reload()
            try await stage.until("reload") { daemon.said.contains("the configuration was reloaded") }
            let after = try await signature(of: "after")
            #expect(after?.contains("UMatch::Tick") == true, "\(after ?? "no crash")")
            #expect(try await stage.salvage("crashes", "--session", "before").out.contains("AWeapon::Fire"))
            _ = try await daemon.end()
            await stage.server.stop()
        }

        @Test func anAccidentIsRefusedAndTheOldRulesStay() async throws {
            let stage = try await LiveStage()
            let config = stage.scratch.path("salvage.yaml")
            try stage.configure("rules: [{name: all, artifacts: [/game/Saved]}]")
            let good = try String(contentsOfFile: config, encoding: .utf8)
            let daemon = try Daemon(stage)
            try await stage.untilItWatches()
            let accidents: [(String, String)] = [
                (": > \(config)", "has no keys"),
                ("printf '# all gone\\n' > \(config)", "has no keys"),
                ("head -n 2 \(config).good > \(config)", "no longer has rules"),
                ("rm \(config)", "does not exist"),
                ("rm -f \(config); mkfifo \(config)", "is a pipe"),
                ("rm -f \(config); mkdir \(config)", "is a folder"),
                ("rmdir \(config); ln -s /dev/zero \(config)", "is a device"),
                ("rm -f \(config); head -c 2000000 /dev/zero | tr '\\0' '#' > \(config)", "larger than 1 MiB"),
                ("printf '\\377\\376' > \(config)", "not UTF-8"),
                ("head -c 300 /dev/zero > \(config)", "contains NUL bytes"),
            ]
            try good.write(toFile: config + ".good", atomically: true, encoding: .utf8)
            for (number, accident) in accidents.enumerated() {
                try shell(accident.0)
                daemon.reload()
                try await stage.until(accident.0) {
                    daemon.count("reload failed, keeping the old configuration") == number + 1
                }
                #expect(daemon.said.contains(accident.1), "\(accident): \(daemon.said)")
            }
            // The configuration is no file any more, so the queries are told where the store is.
            try shell("rm -rf \(config); cp \(config).good \(config)")
            try await stage.ran("w-1")
            try await stage.until("done") { try await stage.state("w-1") == "harvested" }
            #expect(try await stage.files("w-1").contains("Saved/state.txt"), "the old rule is in force")
            #expect(!daemon.said.contains("reloaded"))
            #expect(try await daemon.end() == 0)
            await stage.server.stop()
        }

        @Test func whatIsNoConfigurationAtTheStartIsAnError() throws {
            let scratch = try Scratch()
            let environment = ["GAMEYE_API_TOKEN": "t", "SALVAGE_STORE": scratch.path("store")]
            try shell("mkfifo \(scratch.path("silent"))")
            for (path, words) in [(scratch.path("silent"), "cannot be read"), (scratch.path("."), "is a folder")] {
                let outcome = try Program.run(["harvest", "--config", path], environment: environment)
                #expect(outcome.status == 64 && outcome.err.contains(words), "\(outcome.err)")
            }
            let store = scratch.path("elsewhere")
            let piped = try shell(
                "bash -c '\(Program.salvage.path) status --config <(sleep 0.2; echo store: \(store))' 2>&1")
            #expect(piped.out.contains("there is no catalog in \(store)"), "\(piped.out)")
        }
    }
}
