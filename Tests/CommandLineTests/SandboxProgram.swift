import Foundation
import Testing

/// The real `salvage-sandbox` as a process of its own, over images that shell scripts play.
final class SandboxProgram {
    let scratch: Scratch
    let url: String
    private let process: Program.Running

    /// Servers that shell scripts play: `lobby` leaves files and waits, `brief` ends at once.
    static let scripts = [
        "lobby": """
        trap 'echo leaving; exit 0' TERM
        mkdir -p game/Saved/Logs; echo "log of $GAMEYE_SESSION_ID" > game/Saved/Logs/Game.log
        echo "hello from $GAMEYE_SESSION_ID"
        while :; do sleep 0.05; done
        """,
        "brief": "echo done",
    ]

    /// Starts the program with these arguments beside its folders.
    init(_ arguments: [String] = ["--token", "sandbox"], version: String = "1.0") throws {
        scratch = try Scratch()
        for (name, script) in Self.scripts {
            let image = scratch.path("images/\(name)/\(version)")
            try FileManager.default.createDirectory(atPath: image, withIntermediateDirectories: true)
            try ("#!/bin/bash\n" + script + "\n").write(toFile: image + "/server", atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: image + "/server")
        }
        let portFile = scratch.path("port")
        process = try Program.Running(
            Program.folder.appendingPathComponent("salvage-sandbox"),
            [
                "--images", scratch.path("images"), "--root", scratch.path("sessions"), "--port-file", portFile,
                "--stop-grace", "1s",
            ] + arguments, environment: [:])
        var port: String?
        for _ in 0..<600 where port == nil {
            port = try? String(contentsOfFile: portFile, encoding: .utf8)
            if port == nil { usleep(50_000) }
        }
        url = "http://127.0.0.1:" + (try #require(port).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    deinit {
        process.process.terminate()
        _ = process.wait()
    }

    /// Runs `salvage` against it.
    func salvage(_ arguments: String...) throws -> Program.Outcome {
        try Program.run(
            arguments,
            environment: [
                "SALVAGE_API_URL": url, "GAMEYE_API_TOKEN": "sandbox", "SALVAGE_STORE": scratch.path("store"),
            ])
    }

    /// Waits until a session has ended.
    func ended(_ id: String) throws {
        for _ in 0..<600 {
            let status = try salvage("api", "describe-session", id).objects.first?["status"] as? String
            if status == "exited" { return }
            usleep(50_000)
        }
        Issue.record("session \(id) did not end")
    }
}
