import Foundation
import Sandbox
import Testing

extension ServerSuites {
    /// The programs in `Examples/`, run as they are. That of CrashAnalysis and that of Pack need no server.
    @Suite struct ExampleTests {
        private static let example = program("session-api-example")

        private static func program(_ name: String) -> URL { Program.besideTests.appendingPathComponent(name) }

        private func run(_ name: String, _ arguments: String...) throws -> Program.Outcome {
            try Program.Running(Self.program(name), arguments, environment: [:]).wait()
        }

        /// What each operation prints, one after the other.
        private static let lines = [
            "get-available-locations: ", "session-run: ", "describe-session: ", "tag-exists: ", "session-list: ",
            "join-session: ada, linus joined, 2 in the session now", "leave-session: linus left, 1 remain",
            "session-stop: ", "stream-logs: ", "artifacts: downloaded the archive of /game/Saved",
        ]

        @Test(.timeLimit(.minutes(2))) func allTenAgainstTheSandbox() async throws {
            let scratch = try Scratch()
            let image = scratch.path("images/arena/1.0")
            try FileManager.default.createDirectory(atPath: image, withIntermediateDirectories: true)
            let server = image + "/server"
            try """
            #!/bin/bash
            mkdir -p game/Saved
            echo "on $MAP" | tee game/Saved/Game.log
            trap 'echo leaving; exit 0' TERM
            while :; do sleep 0.05; done
            """.write(toFile: server, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: server)
            let sandbox = try SandboxServer(
                SandboxConfiguration(images: scratch.path("images"), root: scratch.path("sessions")))
            let url = try await sandbox.start()
            let outcome = try Program.Running(
                Self.example, ["all", "arena", "/game/Saved"],
                environment: ["SESSION_API_URL": url, "GAMEYE_API_TOKEN": "sandbox"]
            ).wait()
            await sandbox.stop()
            #expect(outcome.status == 0, "\(outcome.err)")
            #expect(outcome.err.isEmpty)
            expectInOrder(Self.lines, outcome.out)
            #expect(outcome.out.contains("describe-session: arena 1.0 is running\n  labels mode=ranked, players 0"))
            #expect(outcome.out.contains("stream-logs: on harbour"))
            #expect(outcome.out.contains("tag-exists: arena 1.0 can run in europe"))
        }

        @Test func allTenAgainstTheMock() throws {
            let outcome = try Program.Running(Self.example, ["mock"], environment: [:]).wait()
            #expect(outcome.status == 0, "\(outcome.err)")
            expectInOrder(Self.lines, outcome.out)
        }

        @Test func aFailureIsToldInOneLine() throws {
            let outcome = try Program.Running(
                Self.example, ["describe-session", "s"], environment: ["SESSION_API_URL": "http://127.0.0.1:1"]
            ).wait()
            #expect(outcome.status == 1 && outcome.err.contains("GAMEYE_API_TOKEN is not set"), "\(outcome.err)")
            #expect(outcome.err.split(separator: "\n").count == 1)
        }

        @Test(.timeLimit(.minutes(2))) func theSandboxRunsInTheProgram() throws {
            let outcome = try run("sandbox-example")
            #expect(outcome.status == 0, "\(outcome.err)")
            let lines = outcome.out.split(separator: "\n")
            #expect(
                lines == [
                    "arena 1.0 in europe is running", "a fault: describe-session answered 503",
                    "log: on harbour, leaving", "exited with code 3",
                ])
        }

        @Test(.enabled(if: Program.corpora != nil, "shared corpora are absent"), arguments: dumps)
        func crashesOfOtherProjectsFilesAreRead(dump: Dump) throws {
            let corpora = try #require(Program.corpora)
            let outcome = try run("crash-analysis-example", corpora.appendingPathComponent(dump.file).path)
            #expect(outcome.status == 0, "\(outcome.err)")
            expectInOrder(dump.lines, outcome.out)
        }

        /// A file of the corpora and the beginnings of lines that its crash prints.
        struct Dump: Sendable {
            let file: String
            let lines: [String]
        }

        private static let dumps = [
            Dump(
                file: "minidump/rust-minidump-test.dmp",
                lines: [
                    "minidump: test_app.exe+0x429e [5a9832e5] (offset)", "  EXCEPTION_ACCESS_VIOLATION_WRITE, 0x45",
                    "  #0 test_app.exe+0x429e [context]", "  #3 kernel32.dll+0x16fd6 [frame_pointer]",
                ]),
            Dump(
                file: "text/satyr-python-01.txt",
                lines: [
                    "python: AttributeError | _getPackage (symbol)",
                    "  #0 _getPackage at /home/user/PackageKit/helpers/yum/yumBackend.py:2534 ",
                ]),
            Dump(
                file: "core/casr-core.test_abort",
                lines: [
                    "elf_core: abort | test_abort+0x78c [6480041d] (offset)", "  SIGABRT", "  #0 libc-2.27.so+0x3efb7",
                ]),
        ]

        @Test func aFileWithoutACrashSaysSo() throws {
            let scratch = try Scratch()
            try "all is well\n".write(toFile: scratch.path("calm.log"), atomically: true, encoding: .utf8)
            let calm = try run("crash-analysis-example", scratch.path("calm.log"))
            #expect(calm.status == 1 && calm.err.contains("calm.log has no crash"), "\(calm.err)")
            let absent = try run("crash-analysis-example", scratch.path("absent"))
            #expect(absent.status == 2 && absent.err.contains("cannot open"), "\(absent.err)")
            #expect(try run("crash-analysis-example").status == 64)
        }

        @Test func aPackIsListedAndItsMemberRead() throws {
            let scratch = try Scratch()
            // Larger than the piece that the example reads at a time.
            let log = (1...40_000).map { "line \($0)\n" }.joined()
            try FileManager.default.createDirectory(atPath: scratch.path("Saved"), withIntermediateDirectories: true)
            try log.write(toFile: scratch.path("Saved/Game.log"), atomically: true, encoding: .utf8)
            try shell("cd \(scratch.url.path) && tar czf saved.tar.gz Saved")
            let ingest = try Program.run(
                ["ingest", "--session", "s", "--image", "arena", "--tag", "1.4.0", scratch.path("saved.tar.gz")],
                environment: ["SALVAGE_STORE": scratch.path("store")])
            try #require(ingest.status == 0, "\(ingest.err)")
            let found = try shell("find \(scratch.path("store/packs")) -name '*.pack'").out
            let pack = found.trimmingCharacters(in: .whitespacesAndNewlines)
            let list = try run("pack-example", pack)
            #expect(list.status == 0, "\(list.err)")
            expectInOrder(
                [
                    "session s, image arena 1.4.0", "\(scratch.path("saved.tar.gz")) is collected",
                    "  Saved/: directory", "  Saved/Game.log: log, \(log.utf8.count) bytes",
                ], list.out)
            let member = try run("pack-example", pack, "Saved/Game.log")
            #expect(member.status == 0 && member.out == log, "\(member.err)")
            let absent = try run("pack-example", pack, "Saved/Other.log")
            #expect(absent.status == 1 && absent.err.contains("has no member Saved/Other.log"), "\(absent.err)")
            let noPack = try run("pack-example", scratch.path("saved.tar.gz"))
            #expect(noPack.status == 2 && !noPack.err.isEmpty)
        }

        private func expectInOrder(_ beginnings: [String], _ text: String) {
            var rest = text.split(separator: "\n")[...]
            for beginning in beginnings {
                let place = rest.firstIndex { $0.hasPrefix(beginning) }
                #expect(place != nil, "no line '\(beginning)' in its place in:\n\(text)")
                rest = place.map { rest[($0 + 1)...] } ?? rest
            }
        }
    }
}
