import Dispatch
import Foundation
import Sandbox
import Testing

/// A sandbox with shell scripts as game servers, and `watch` over it.
struct LiveStage {
    let scratch: Scratch
    let server: SandboxServer
    let url: String
    let environment: [String: String]

    var store: String { scratch.path("store") }

    private static let scripts: [String: String] = [
        // Writes lines at a fixed rate until SIGTERM.
        "talker": """
        mkdir -p game/Saved; echo saved > game/Saved/state.txt
        trap 'echo "$(date -u "+[%Y.%m.%d-%H.%M.%S:%3N]")[9]LogExit: leaving"; exit 0' TERM
        n=0
        while :; do
          n=$((n + 1)); echo "$(date -u "+[%Y.%m.%d-%H.%M.%S:%3N]")[$n]LogTalk: line $n of $GAMEYE_SESSION_ID"; sleep 0.05
        done
        """,
        // Writes files and waits for SIGTERM.
        "writer": """
        trap 'exit 0' TERM
        mkdir -p game/Saved; echo "state of $GAMEYE_SESSION_ID" > game/Saved/state.txt
        head -c 100000 /dev/urandom > game/Saved/noise.bin
        echo "[2026.11.21-01.00.00:000][1]LogInit: hello from $GAMEYE_SESSION_ID"
        while :; do sleep 0.2; done
        """,
        // Logs a crash of one of its parts and continues.
        "limping": """
        trap 'exit 0' TERM
        echo "[2026.11.21-01.00.00:000][1]LogInit: hello"
        echo "[2026.11.21-01.00.01:000][2]LogCore: Error: === Critical error: ==="
        echo "[2026.11.21-01.00.01:000][2]LogCore: Error: Unhandled Exception: SIGSEGV: invalid attempt to read memory at address 0x0000000000000018"
        echo "[2026.11.21-01.00.01:000][2]LogCore: Error: [Callstack] 0x00000000021a3f10 GameServer!AWeapon::Fire(FVector const&) [Weapon.cpp:212]"
        echo "[2026.11.21-01.00.01:000][2]LogCore: Error: [Callstack] 0x00000000021a3e10 GameServer!UMatch::Tick(float) [Match.cpp:40]"
        echo "[2026.11.21-01.00.01:000][2]LogCore: Error: end: stack for UAT"
        while :; do echo "[2026.11.21-01.05.00:000][3]LogTick: alive"; sleep 0.2; done
        """,
    ]

    /// - Parameter more: keys of the configuration.
    init(
        more: String = "limits: { silence: 1s }", follow: Bool = true,
        _ change: (inout SandboxConfiguration) -> Void = { _ in }
    ) async throws {
        scratch = try Scratch()
        for (name, script) in Self.scripts {
            let image = scratch.path("images/\(name)/1.0")
            try FileManager.default.createDirectory(atPath: image, withIntermediateDirectories: true)
            try ("#!/bin/bash\n" + script + "\n").write(toFile: image + "/server", atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: image + "/server")
        }
        var configuration = SandboxConfiguration(images: scratch.path("images"), root: scratch.path("sessions"))
        configuration.stopGrace = 1
        change(&configuration)
        server = try SandboxServer(configuration)
        url = try await server.start()
        let config = scratch.path("salvage.yaml")
        try """
        store: \(scratch.path("store"))
        api:
          url: \(url)
        poll: { running: 300ms, all: 600ms }
        \(more)
        rules:
          - name: all
            artifacts: [/game/Saved]
            follow: \(follow)
        """.write(toFile: config, atomically: true, encoding: .utf8)
        environment = ["SALVAGE_CONFIG": config, "GAMEYE_API_TOKEN": "sandbox"]
    }

    func salvage(_ arguments: String...) async throws -> Program.Outcome {
        try await offPool { [environment] in try Program.run(arguments, environment: environment) }
    }

    func watch() throws -> Program.Running { try Program.start(["watch"], environment: environment) }

    func started(_ id: String, _ image: String, faults: String? = nil) async throws {
        var arguments = [
            "api", "session-run", "--id", id, "--image", image, "--version", "1.0", "--location", "europe",
        ]
        if let faults { arguments += ["--label", "sandbox.faults=\(faults)"] }
        let outcome = try await offPool { [arguments, environment] in
            try Program.run(arguments, environment: environment)
        }
        try #require(outcome.status == 0, "\(outcome.err)")
    }

    /// Waits until something holds; fails the test after a minute.
    func until(_ what: String, _ holds: () async throws -> Bool) async throws {
        for _ in 0..<600 {
            if try await holds() { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("a minute passed, and still not: \(what)")
    }

    /// Waits until the process that was started works on the store. To ask with a second `harvest` would be a race for the
    /// lock, which the daemon may lose.
    func untilItWatches() async throws {
        try await until("it watches") {
            let held = try? String(contentsOfFile: store + "/lock", encoding: .utf8)
            guard let holder = held.flatMap({ Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }) else {
                return false
            }
            let words = (try? String(contentsOfFile: "/proc/\(holder)/cmdline", encoding: .utf8)) ?? ""
            return words.split(separator: "\0").contains("watch")
        }
    }

    func state(_ id: String) async throws -> String? {
        try await salvage("sessions", "--json").objects.first { $0["session"] as? String == id }?["state"] as? String
    }

    /// Ends a program that was started.
    func stop(_ running: Program.Running, by signal: Int32 = SIGTERM) async throws -> Program.Outcome {
        kill(running.process.processIdentifier, signal)
        return try await wait(running)
    }

    func wait(_ running: Program.Running) async throws -> Program.Outcome {
        let carried = Carried(value: running)
        return try await offPool { carried.value.wait() }
    }
}

/// Waits for a program where that does not hold up the server, which answers on the same pool of threads.
func offPool<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Swift.Result { try work() }) }
    }
}

/// Passes a value to another thread; only one thread at a time uses it.
private struct Carried<Value>: @unchecked Sendable {
    let value: Value
}
