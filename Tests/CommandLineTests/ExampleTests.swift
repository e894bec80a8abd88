import Foundation
import Sandbox
import Testing

extension ServerSuites {
    /// The example programs of the library, run as they are against a sandbox.
    @Suite struct ExampleTests {
        private static let example = Program.besideTests.appendingPathComponent("session-api-example")

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
