import Foundation
import SessionAPI

// Runs one example, or all ten in sequence, each using the results of the earlier ones:
//
//     GAMEYE_API_TOKEN=… session-api-example all IMAGE PATH
//     GAMEYE_API_TOKEN=… session-api-example describe-session ID
//
// The server is SESSION_API_URL, by default a sandbox on this machine.

let environment = ProcessInfo.processInfo.environment
let url = environment["SESSION_API_URL"] ?? "http://127.0.0.1:8080"
let arguments = Array(CommandLine.arguments.dropFirst())

/// Returns an argument, or exits with a message that it is missing.
func argument(_ index: Int, _ name: String) -> String {
    guard index < arguments.count else {
        FileHandle.standardError.write(Data("\(name) is missing\n".utf8))
        exit(64)
    }
    return arguments[index]
}

func runExample(_ api: some SessionOperations) async throws {
    switch argument(0, "the operation") {
    case "session-run": _ = try await runSession(api, image: argument(1, "IMAGE"), location: argument(2, "LOCATION"))
    case "session-list": try await listSessions(api)
    case "describe-session": _ = try await describeSession(api, id: argument(1, "ID"))
    case "session-stop": try await stopSession(api, id: argument(1, "ID"))
    case "join-session": try await joinPlayers(api, id: argument(1, "ID"), players: Array(arguments.dropFirst(2)))
    case "leave-session": try await removePlayers(api, players: Array(arguments.dropFirst()))
    case "artifacts": try await downloadArtifact(api, id: argument(1, "ID"), path: argument(2, "PATH"))
    case "get-available-locations": _ = try await listLocations(api, image: argument(1, "IMAGE"))
    case "tag-exists":
        try await checkTag(
            api, region: argument(1, "REGION"), image: argument(2, "IMAGE"), version: argument(3, "VERSION"))
    case "stream-logs": try await followLog(api, id: argument(1, "ID"))
    case "all": try await runAll(api, image: argument(1, "IMAGE"), path: argument(2, "PATH"))
    case "mock": try await runAll(MockServer(), image: "arena", path: "/game/Saved")
    case let other:
        FileHandle.standardError.write(Data("there is no example '\(other)'\n".utf8))
        exit(64)
    }
}

var configuration = SessionAPIClient.Configuration(baseURL: url) {
    guard let token = ProcessInfo.processInfo.environment["GAMEYE_API_TOKEN"] else { throw MissingToken() }
    return token
}
configuration.userAgent = "session-api-example"

struct MissingToken: Error, CustomStringConvertible {
    var description: String { "GAMEYE_API_TOKEN is not set" }
}

do {
    let client = try SessionAPIClient(configuration)
    // Retries temporary failures, and never starts a session twice.
    let api = RetryingSessionAPI(client, policy: RetryPolicy(attempts: 4, total: .seconds(60)))
    try await runExample(api)
    await client.shutdown()
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
