import Foundation
import Testing

/// The sandbox as a program: its flags and its messages.
@Suite(.serialized) struct SandboxProgramTests {
    private static let program = Program.folder.appendingPathComponent("salvage-sandbox")

    /// Starts the program with an image `game`, hands its address to `body`, and returns what it wrote.
    private func with(_ flags: [String], _ body: (String, Scratch) async throws -> Void) async throws
        -> Program.Outcome
    {
        let scratch = try Scratch()
        try shell(
            """
            cd '\(scratch.url.path)' && mkdir -p images/game/1.0 \
            && printf '#!/bin/sh\\nsleep 60\\n' > images/game/1.0/server && chmod +x images/game/1.0/server
            """)
        let running = try Program.Running(
            Self.program,
            [
                "--images", scratch.path("images"), "--root", scratch.path("root"), "--port-file",
                scratch.path("port"),
            ]
                + flags, environment: [:])
        for _ in 0..<400 where !FileManager.default.fileExists(atPath: scratch.path("port")) {
            try await Task.sleep(for: .milliseconds(25))
        }
        let port = try String(contentsOfFile: scratch.path("port"), encoding: .utf8)
        do {
            try await body("http://127.0.0.1:\(port.dropLast())", scratch)
        } catch {
            running.process.terminate()
            throw error
        }
        running.process.terminate()
        return running.wait()
    }

    /// The status, the headers and the body.
    private func run(_ url: String, at location: String = "europe") throws -> String {
        try shell("curl -s -i -d '{\"location\":\"\(location)\",\"image\":\"game\"}' \(url)/session")
            .out
    }

    @Test func limitsAndRegionsAreFlags() async throws {
        let outcome = try await with([
            "--no-auth", "--locations", "europe=frankfurt+paris,us-east", "--max-sessions", "3",
            "--starts-per-minute",
            "2", "--minute", "1h",
        ]) { url, _ in
            for _ in 0..<2 { #expect(try run(url).hasPrefix("HTTP/1.1 201")) }
            let full = try run(url)
            #expect(full.hasPrefix("HTTP/1.1 420"))
            #expect(full.lowercased().contains("\nretry-after: "))
            let list = try shell("curl -s '\(url)/session?location=europe'").out
            #expect(list.contains(#""location":"frankfurt""#) && list.contains(#""location":"paris""#))
            #expect(try run(url, at: "moon").contains("There are: europe, us-east, frankfurt, paris."))
        }
        #expect(outcome.status == 0, "\(outcome.err)")
    }

    @Test func aBrokenImageIsSaidOnStandardError() async throws {
        let outcome = try await with(["--no-auth"]) { url, scratch in
            try shell("printf '{\"ports\":5}' > '\(scratch.path("images"))/game/1.0/image.json'")
            #expect(try run(url).hasPrefix("HTTP/1.1 500"))
        }
        let lines = outcome.err.split(separator: "\n").filter { $0.contains("image.json") }
        #expect(lines.count == 1, "\(outcome.err)")
        let line = try #require(lines.first)
        #expect(line.hasPrefix("salvage-sandbox: /"))
        #expect(line.hasSuffix("game/1.0/image.json: ports must be an array of strings"))
    }

    @Test(arguments: [
        (["--locations", "europe="], "europe="), (["--locations", "a=b,b"], "duplicate name"),
        (["--locations", ""], "empty or invalid name"), (["--max-sessions", "-1"], "--max-sessions"),
        (["--starts-per-minute", "-1"], "--starts-per-minute"),
        (["--no-auth", "--token", "x"], "--no-auth"),
    ])
    func whatMakesNoSenseIsAUsageError(flags: [String], text: String) throws {
        let scratch = try Scratch()
        let running = try Program.Running(
            Self.program, ["--images", scratch.url.path, "--root", scratch.path("root")] + flags,
            environment: [:])
        let outcome = running.wait()
        #expect(outcome.status == 64)
        #expect(outcome.err.contains(text), "\(outcome.err)")
    }
}
