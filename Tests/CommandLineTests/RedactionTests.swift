import Foundation
import Sandbox
import Testing

/// Redaction rules of the configuration, applied by the real program.
@Suite struct RedactionTests {
    private static let rules = """
        redact:
          - {name: address, pattern: '\\b\\d{1,3}(\\.\\d{1,3}){3}\\b', replace: '<ip>'}
          - 'Bearer \\S+'

        """

    @Test func secretsInLogsAreNotStoredHoweverTheyCome() throws {
        let scratch = try Scratch()
        let store = scratch.path("store")
        let folder = scratch.path("Saved")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let text = (0..<5000).map { "line \($0) from 10.11.12.\($0 % 250) Authorization: Bearer s3cr3t\($0)\n" }
            .joined()
        try text.write(toFile: "\(folder)/plain.log", atomically: true, encoding: .utf8)
        try shell("cd \(folder) && gzip -c plain.log > rotated.log.gz && head -c 5000 /dev/urandom | gzip > x.bin.gz")
        try (Data([0xff, 0xfe]) + #require(text.data(using: .utf16LittleEndian))).write(
            to: URL(fileURLWithPath: "\(folder)/wide.log"))
        let config = scratch.path("salvage.yaml")
        try Self.rules.write(toFile: config, atomically: true, encoding: .utf8)
        let ingest = try Program.run(
            ["ingest", "--store", store, "--config", config, "--session", "s", "--json", folder])
        #expect(ingest.status == 0, "\(ingest.err)")
        #expect((ingest.objects.first?["flags"] as? [String])?.contains("redacted=30000") == true, "\(ingest.out)")
        let show = try Program.run(["show", "s", "--store", store])
        #expect(show.out.contains("redacted=30000"), "\(show.out)")

        let files = try Program.run(["files", "s", "--json", "--store", store]).objects
        let paths = Set(files.compactMap { $0["path"] as? String })
        #expect(
            paths == [
                "Saved/", "Saved/plain.log", "Saved/rotated.log.gz!rotated.log", "Saved/wide.log!utf-8",
                "Saved/x.bin.gz",
            ], "\(paths)")
        for secret in ["10[.]11[.]12", "s3cr3t"] {
            #expect(try Program.run(["grep", "--store", store, "-a", secret]).status == 1, "\(secret)")
            let raw = try shell("find \(store) -name '*.pack' -exec zstd -dc {} + | grep -c '\(secret)'")
            #expect(raw.out == "0\n", "\(secret): \(raw.out)")
        }
        let grep = try Program.run([
            "grep", "--store", store, "-c", "--duplicates", "line 4711 from <ip> Authorization: .redacted.",
        ])
        #expect(grep.out.split(separator: "\n").count == 3, "\(grep.out)")
        #expect(try Program.run(["verify", "--store", store]).status == 0)
        // What is exported is what is stored: the hash is that of the redacted text.
        #expect(try Program.run(["export", "s", "--to", scratch.path("out"), "--store", store]).status == 0)
        for row in files where (row["flags"] as? [String])?.contains("redacted") == true {
            let name = try #require(row["path"] as? String)
            let sum = try shell("sha256sum '\(scratch.path("out"))/\(name)'").out.prefix(64)
            #expect(String(sum) == row["sha256"] as? String, "\(name)")
        }
    }

    @Test func thePlatformsLogIsRedactedToo() async throws {
        let scratch = try Scratch()
        let images = scratch.path("images")
        try shell("\(Program.package.path)/scripts/images/build \(images)")
        var setting = SandboxConfiguration(images: images, root: scratch.path("sessions"))
        setting.minute = 3
        let server = try SandboxServer(setting)
        let url = try await server.start()
        let config = scratch.path("salvage.yaml")
        let yaml = "store: \(scratch.path("store"))\napi:\n  url: \(url)\nredact: ['Log[A-Z]\\w+']\n"
        try yaml.write(toFile: config, atomically: true, encoding: .utf8)
        let environment = ["SALVAGE_CONFIG": config, "GAMEYE_API_TOKEN": "sandbox"]
        func salvage(_ arguments: String...) throws -> Program.Outcome {
            try Program.run(arguments, environment: environment)
        }
        let start = try salvage(
            "api", "session-run", "--id", "a-1", "--image", "arena", "--version", "2.0.3", "--location", "europe",
            "--arg", "--seconds=1")
        try #require(start.status == 0, "\(start.err)")
        for _ in 0..<100 {
            if try salvage("--json", "api", "session-list").objects.isEmpty { break }
            try await Task.sleep(for: .milliseconds(200))
        }
        let harvest = try salvage("harvest")
        #expect(harvest.status == 0, "\(harvest.out)\(harvest.err)")
        let log = try salvage("cat", "a-1", "console.log")
        #expect(log.out.contains("[redacted]") && !log.out.contains("LogInit"), "\(log.out.prefix(300))")
        #expect(try salvage("show", "a-1").out.contains("redacted="))
        await server.stop()
    }

    @Test func aPatternThatIsNoneIsAnsweredWithItsPlace() throws {
        let scratch = try Scratch()
        let config = scratch.path("salvage.yaml")
        for (rule, word) in [
            ("- '('", "at byte 2"), ("- 'x*'", "can match the empty string"), ("- {name: a}", "no pattern"),
        ] {
            try "redact:\n  \(rule)\n".write(toFile: config, atomically: true, encoding: .utf8)
            let outcome = try Program.run(["harvest", "--config", config], environment: ["GAMEYE_API_TOKEN": "t"])
            #expect(outcome.status == 64 && outcome.err.contains("line 2"), "\(outcome.err)")
            #expect(outcome.err.contains("redact[0]") && outcome.err.contains(word), "\(outcome.err)")
        }
    }
}
