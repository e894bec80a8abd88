import Foundation
import Sandbox
import SessionAPI

// Starts a Session API server in this process and takes one session through its life: it is started, listed, loses a
// request to a fault that the sandbox was told to make, is stopped, and has an exit code that the API does not report.
// A test of your own code against the API looks like this. Needs bash; everything is in a temporary folder.
//
//     swift run sandbox-example

/// Writes an image: a folder `NAME/VERSION` with an executable `server`. This one waits for SIGTERM.
func writeImage(in images: URL) throws {
    let version = images.appendingPathComponent("arena/1.0")
    try FileManager.default.createDirectory(at: version, withIntermediateDirectories: true)
    let server = version.appendingPathComponent("server")
    try """
    #!/bin/bash
    trap 'echo leaving; exit 3' TERM
    echo "on $MAP"
    while :; do sleep 0.05; done
    """.write(to: server, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: server.path)
}

func runOneSession(_ server: SandboxServer, _ api: SessionAPIClient) async throws {
    let started = try await api.sessionRun(
        SessionRunRequest(location: "europe", image: "arena", env: ["MAP": "harbour"]))
    let session = try await api.describeSession(started.id).session
    print("\(session.image) \(session.tag ?? "?") in \(session.location) is \(session.status?.rawValue ?? "?")")

    // Faults are set for one session or for all, and may change while the server runs.
    server.setFaults(try Faults(json: #"{"failures": [{"operation": "describe-session", "status": 503, "count": 1}]}"#))
    do {
        _ = try await api.describeSession(started.id)
    } catch {
        print("a fault: \(error.operation.rawValue) answered \(error.status ?? 0)")
    }

    try await api.sessionStop(started.id)
    // The log ends when the session does.
    var log: [UInt8] = []
    for try await chunk in try await api.streamLogs(session: started.id, follow: true) { log += chunk.bytes }
    print("log: \(String(decoding: log, as: UTF8.self).split(separator: "\n").joined(separator: ", "))")
    let ended = try await api.describeSession(started.id).session
    let report = server.report(started.id)
    print("\(ended.status?.rawValue ?? "?") with code \(report?.exitCode ?? -1)")
}

let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("sandbox-example-\(UUID().uuidString)")
let images = scratch.appendingPathComponent("images")
do {
    defer { try? FileManager.default.removeItem(at: scratch) }
    try writeImage(in: images)
    let server = try SandboxServer(
        SandboxConfiguration(images: images.path, root: scratch.appendingPathComponent("sessions").path))
    let client = try SessionAPIClient(.init(baseURL: try await server.start()) { "sandbox" })
    try await runOneSession(server, client)
    await client.shutdown()
    await server.stop()
} catch {
    FileHandle.standardError.write(Data("sandbox-example: \(error)\n".utf8))
    exit(1)
}
