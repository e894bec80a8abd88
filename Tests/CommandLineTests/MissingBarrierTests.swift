import Foundation
import Testing

/// If a barrier cannot be set up, nothing is read unless the configuration allows it to be missing.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/strace"), "strace is not installed"))
struct MissingBarrierTests {
    private static let barriers = [
        ("landlock", "landlock_create_ruleset:error=ENOSYS"), ("landlock", "landlock_restrict_self:error=EPERM"),
        ("seccomp", "seccomp:error=ENOSYS"), ("data", "prlimit64:error=ENOSYS"),
    ]

    private func run(_ inject: String, _ arguments: [String]) throws -> Program.Outcome {
        try Program.Running(
            URL(fileURLWithPath: "/usr/bin/strace"),
            ["-f", "-qq", "-o", "/dev/null", "-e", "inject=\(inject)", Program.salvage.path] + arguments,
            environment: [:]
        ).wait()
    }

    private func archive(_ scratch: Scratch) throws -> String {
        try shell("cd \(scratch.url.path) && mkdir in && echo needle > in/a.log && tar czf a.tar.gz in")
        return scratch.path("a.tar.gz")
    }

    @Test func nothingIsReadAndTheErrorSaysWhatToDo() throws {
        let scratch = try Scratch()
        let archive = try archive(scratch)
        for (barrier, inject) in Self.barriers {
            for command in [
                ["verify", archive], ["analyze", archive],
                ["ingest", "--store", scratch.path("store"), "--session", "s", archive],
            ] {
                let outcome = try run(inject, command)
                if outcome.err.contains("ptrace") { return print("skipped: this machine lets nothing be traced") }
                let what = "\(inject) \(command[0]): \(outcome.out)\(outcome.err)"
                #expect(outcome.status == 2 && outcome.out.isEmpty, "\(what)")
                #expect(
                    outcome.err.contains("the confined process cannot be set up: "),
                    "\(inject) \(command[0]): \(outcome.err)")
                #expect(outcome.err.contains("confinement: {allow_missing: ["), "\(command[0]): \(outcome.err)")
                #expect(outcome.err.contains(barrier), "\(inject) \(command[0]): \(outcome.err)")
            }
        }
        // The file itself is not to blame: it is neither packed nor put aside.
        let left = Scratch.listing(scratch.path("store")).filter { $0.contains(".pack") || $0.contains("quarantine") }
        #expect(left == [])
    }

    @Test func whatMayBeMissingIsSaidByTheConfigurationAndByDoctor() throws {
        let scratch = try Scratch()
        let archive = try archive(scratch)
        let config = scratch.path("salvage.yaml")
        let store = ["--store", scratch.path("store"), "--config", config]
        let inject = "landlock_create_ruleset:error=ENOSYS"
        func write(_ text: String) throws { try text.write(toFile: config, atomically: true, encoding: .utf8) }

        try write("history: 365d\n")
        let refused = try run(inject, ["doctor", "--offline", "--json"] + store)
        if refused.err.contains("ptrace") { return print("skipped: this machine lets nothing be traced") }
        let finding = refused.objects.first { $0["check"] as? String == "confinement" }
        #expect(finding?["result"] as? String == "failure", "\(refused.out)")
        #expect((finding?["hint"] as? String)?.contains("allow_missing: [landlock]") == true, "\(refused.out)")
        // Said before anything is asked of the API, whose address leads nowhere.
        let harvest = try Program.Running(
            URL(fileURLWithPath: "/usr/bin/strace"),
            ["-f", "-qq", "-o", "/dev/null", "-e", "inject=\(inject)", Program.salvage.path, "harvest"] + store,
            environment: ["GAMEYE_API_TOKEN": "t", "SALVAGE_API_URL": "http://127.0.0.1:9"]
        ).wait()
        #expect(harvest.status == 2 && harvest.err.contains("allow_missing: [landlock]"), "\(harvest.err)")

        try write("confinement: { allow_missing: [landlock] }\n")
        let allowed = try run(inject, ["doctor", "--offline", "--json"] + store)
        let warning = allowed.objects.first { $0["check"] as? String == "confinement" }
        #expect(warning?["result"] as? String == "warning", "\(allowed.out)")
        #expect(try run(inject, ["verify", archive] + store).status == 0)
        #expect(try run(inject, ["ingest", "--session", "s", archive] + store).status == 0)
        #expect(try run("seccomp:error=ENOSYS", ["verify", archive] + store).status == 2)

        try write("confinement: { allow_missing: [landlok] }\n")
        let mistake = try Program.run(["verify", archive] + store)
        #expect(mistake.status == 64 && mistake.err.contains("did you mean 'landlock'"), "\(mistake.err)")
    }
}
