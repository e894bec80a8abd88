import Foundation
import Testing

@testable import Sandbox

/// A running sandbox with images made for the tests, and everything removed afterwards.
struct Stage: Sendable {
    let server: SandboxServer
    let client: WireClient
    let url: String
    let folder: String

    /// Game servers as shell scripts.
    private static let scripts: [String: String] = [
        // Writes files and lines, then ends with the code that its first argument gives.
        "player": """
        mkdir -p game/Saved/Logs game/Saved/Crashes
        echo "session $GAMEYE_SESSION_ID map $MAP"
        echo "session $GAMEYE_SESSION_ID" > game/Saved/Logs/Game.log
        ln -s /etc game/Saved/outside
        ln -s ../../../../../../../../etc/passwd game/Saved/passwd
        head -c 100000 /dev/urandom > game/Saved/noise.bin
        echo "an Error: on the other stream" >&2
        exit ${1:-0}
        """,
        // Runs until SIGTERM.
        "waiter": """
        trap 'echo leaving; exit 0' TERM
        echo waiting
        while :; do sleep 0.05; done
        """,
        // Ignores SIGTERM.
        "stubborn": "trap '' TERM; echo deaf; while :; do sleep 0.05; done",
        // Fails twice, then succeeds.
        "flaky": """
        echo try >> tries
        [ $(wc -l < tries) -ge 3 ] || exit 1
        echo recovered
        """,
        // Dies of a real fault and leaves a core in its working folder.
        "crasher": """
        mkdir -p game/Saved/Crashes && cd game/Saved/Crashes && echo dying && kill -SEGV $$
        """,
        // Writes lines at a fixed rate.
        "talker": "for i in 1 2 3 4 5 6; do echo line $i; sleep 0.05; done",
    ]

    static func with(
        _ change: (inout SandboxConfiguration) -> Void = { _ in }, log: ServerLog = .standardError,
        _ body: (Stage) async throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory() + "sandbox-\(UUID().uuidString)"
        for (name, script) in scripts {
            let image = "\(folder)/images/\(name)/1.0"
            try FileManager.default.createDirectory(atPath: image, withIntermediateDirectories: true)
            try ("#!/bin/bash\n" + script + "\n").write(
                toFile: image + "/server", atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: image + "/server")
        }
        var configuration = SandboxConfiguration(images: folder + "/images", root: folder + "/sessions")
        configuration.restartDelay = 0.1
        configuration.stopGrace = 0.3
        change(&configuration)
        let server = try SandboxServer(configuration, log: log)
        let url = try await server.start()
        let stage = Stage(server: server, client: WireClient(url: url), url: url, folder: folder)
        do {
            try await body(stage)
        } catch {
            await server.stop()
            try? FileManager.default.removeItem(atPath: folder)
            throw error
        }
        await server.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    @discardableResult
    func start(_ id: String, _ image: String, _ more: String = "") async throws -> WireClient.Answer {
        let json = #"{"id":"\#(id)","location":"europe","image":"\#(image)"\#(more.isEmpty ? "" : "," + more)}"#
        let answer = try await client.ask("POST", "/session", json: json)
        #expect(answer.status == 201, "\(answer.text)")
        return answer
    }

    /// Follows the log to its end, which is the session's.
    @discardableResult
    func untilEnd(_ id: String) async throws -> WireClient.Answer {
        try await client.ask("GET", "/logs?id=\(id)&follow=true")
    }

    func status(_ id: String) async throws -> String? {
        let answer = try await client.ask("GET", "/session/\(id)")
        return answer.status == 200 ? try object(answer)["status"] as? String : nil
    }

    /// Waits for something that needs a moment; the number of tries bounds a test that would otherwise hang.
    func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<400 {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(25))
        }
        return false
    }

    func object(_ answer: WireClient.Answer) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
    }

    func list(_ query: String = "") async throws -> [[String: Any]] {
        let answer = try await client.ask("GET", "/session\(query)")
        #expect(answer.status == 200)
        return try #require(try object(answer)["sessions"] as? [[String: Any]])
    }

    /// The system tar's reading of an archive: `member: first bytes`.
    func tar(_ arguments: [String], _ archive: [UInt8]) throws -> (status: Int32, output: String) {
        let path = "\(folder)/\(UUID().uuidString).tar"
        try Data(archive).write(to: URL(fileURLWithPath: path))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/tar")
        process.arguments = [arguments[0], path] + arguments.dropFirst()
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
