import Foundation
import Testing

/// The programs of docs/sandbox.md that start a session with each language's own library, run unchanged
/// against a real sandbox.
@Suite struct SampleProgramTests {
    /// A language, how its block begins in the document, and what runs it.
    struct Sample: Sendable, CustomTestStringConvertible {
        let language: String
        let begins: String
        let file: String
        let command: String
        /// Succeeds where the language and its library are there.
        let probe: String

        var testDescription: String { language }
    }

    static let samples = [
        Sample(language: "curl", begins: "curl --location", file: "sample.sh", command: "sh", probe: "curl --version"),
        Sample(
            language: "JavaScript", begins: "const ", file: "sample.mjs", command: "node",
            probe: "node -e 'process.exit(typeof fetch === \"function\" ? 0 : 1)'"),
        Sample(
            language: "Ruby", begins: "require ", file: "sample.rb", command: "ruby", probe: "ruby -rnet/http -e ''"),
        Sample(
            language: "Python", begins: "import requests", file: "sample.py", command: "python3",
            probe: "python3 -c 'import requests'"),
    ]

    /// The whole block of the document, with this address in place of the document's.
    private static func text(_ sample: Sample, url: String) throws -> String {
        let document = Program.package.appendingPathComponent("docs/sandbox.md")
        let lines = try String(contentsOf: document, encoding: .utf8).components(separatedBy: "\n")
        let start = try #require(lines.firstIndex { $0.hasPrefix("    " + sample.begins) }, "\(sample.language)")
        let block = lines[start...].prefix { $0.hasPrefix("    ") }.map { $0.dropFirst(4) + "\n" }.joined()
        #expect(block.contains("http://127.0.0.1:8080/session"))
        return block.replacingOccurrences(of: "http://127.0.0.1:8080", with: url)
    }

    /// A sandbox with the image that the samples start.
    private final class Server {
        let scratch: Scratch
        let running: Program.Running
        let url: String

        init(_ flags: [String]) async throws {
            scratch = try Scratch()
            let server = scratch.url.appendingPathComponent("images/arena/1.2.0/server")
            try FileManager.default.createDirectory(
                at: server.deletingLastPathComponent(), withIntermediateDirectories: true)
            try "#!/bin/sh\nwhile :; do sleep 0.1; done\n".write(to: server, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: server.path)
            let file = scratch.path("port")
            running = try Program.Running(
                Program.folder.appendingPathComponent("salvage-sandbox"),
                ["--images", scratch.path("images"), "--root", scratch.path("sessions"), "--port-file", file] + flags,
                environment: [:])
            var port: String?
            for _ in 0..<600 where port == nil && running.process.isRunning {
                port = try? String(contentsOfFile: file, encoding: .utf8)
                if port == nil { try await Task.sleep(for: .milliseconds(50)) }
            }
            let known = try #require(port, "salvage-sandbox does not listen")
            url = "http://127.0.0.1:" + known.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        func run(_ sample: Sample) throws -> (status: Int32, out: String) {
            let file = scratch.path(sample.file)
            try SampleProgramTests.text(sample, url: url).write(toFile: file, atomically: true, encoding: .utf8)
            return try shell("\(SampleProgramTests.path) \(sample.command) '\(file)' 2>&1")
        }

        func sessions() throws -> [String] {
            let list = try Program.run(
                ["--json", "api", "session-list"],
                environment: ["SALVAGE_API_URL": url, "GAMEYE_API_TOKEN": "any"])
            #expect(list.status == 0 || list.status == 1, "\(list.err)")
            return list.objects.compactMap { $0["id"] as? String }
        }

        func stop() {
            running.process.terminate()
            _ = running.wait()
        }
    }

    private static let path = "env PATH=/usr/local/bin:/usr/bin:/bin"

    private static func isThere(_ sample: Sample) throws -> Bool {
        if try shell("\(path) \(sample.probe)").status == 0 { return true }
        print("skipped: \(sample.language) is not installed (scripts/packages --test installs it)")
        return false
    }

    @Test(arguments: samples) func startsASession(_ sample: Sample) async throws {
        guard try Self.isThere(sample) else { return }
        let server = try await Server(["--no-auth"])
        defer { server.stop() }
        let ran = try server.run(sample)
        #expect(ran.status == 0, "\(ran.out)")
        let start = try #require(ran.out.firstIndex(of: "{"), "\(ran.out)")
        let printed = try #require(
            try JSONSerialization.jsonObject(with: Data(ran.out[start...].utf8)) as? [String: Any], "\(ran.out)")
        let id = try #require(printed["id"] as? String)
        #expect(printed["host"] as? String == "127.0.0.1")
        #expect((printed["ports"] as? [[String: Any]])?.isEmpty == false)
        #expect(try server.sessions() == [id])
    }

    @Test func withoutTheFlagASampleIsRefused() async throws {
        let sample = Self.samples[0]
        guard try Self.isThere(sample) else { return }
        let server = try await Server(["--token", "any"])
        defer { server.stop() }
        let ran = try server.run(sample)
        #expect(ran.out.contains("\"statusCode\":401"), "\(ran.out)")
        #expect(try server.sessions() == [])
    }
}
