import SessionAPI

/// Something that the remaining examples need is missing.
struct NothingToShow: Error, CustomStringConvertible {
    var description: String
}

/// All ten operations on one session, from choosing a location to downloading its files.
func runAll(_ api: some SessionOperations, image: String, path: String) async throws {
    guard let location = try await listLocations(api, image: image).first else {
        throw NothingToShow(description: "no location can host \(image) now")
    }
    let id = try await runSession(api, image: image, location: location.id)
    guard let session = try await describeSession(api, id: id)?.session else {
        throw NothingToShow(description: "the server does not know session \(id), which was just started")
    }
    try await checkTag(api, region: location.id, image: image, version: session.tag ?? "latest")
    try await listSessions(api)
    try await joinPlayers(api, id: id, players: ["ada", "linus"])
    try await removePlayers(api, players: ["linus"])
    try await stopSession(api, id: id)
    // Ends when the session does. From then on its artifacts can be downloaded.
    try await followLog(api, id: id)
    try await downloadArtifact(api, id: id, path: path)
}
