/// A port of a container and the host's port that leads to it.
struct PortMapping: Sendable, Equatable {
    var type: String
    var container: Int
    var host: Int

    var json: JSONValue {
        .object([
            .init("type", .string(type)), .init("container", .integer(Int64(container))),
            .init("host", .integer(Int64(host))),
        ])
    }
}

/// What a caller asked session-run for, after validation.
struct RunRequest: Sendable {
    var id: String?
    var location = ""
    var image = ""
    var version: String?
    var env: [(String, String)] = []
    var args: [String] = []
    var restart = false
    var labels: [(String, String)] = []
    var ttl: TimeToLive?
    var externalID: String?
    /// Those that its own label brings.
    var faults: Faults?
}

/// What the API shows of a session, whatever stands behind it.
struct SessionView: Sendable {
    var id: String
    var image: String
    var tag: String
    /// The data centre is what the API shows as the location.
    var place: Place
    var host: String
    var created: Milliseconds
    var ports: [PortMapping]
    var status: SessionStatus
    /// The caller's labels.
    var tags: [(String, String)]
    var env: [(String, String)]
    /// Labels of the image itself.
    var imageLabels: [(String, String)] = []
    var players = PlayerRoll()
    var externalID: String?
    /// Ended by a signal.
    var crashed = false
    var ended: Milliseconds?
    /// When the container was removed.
    var removed: Milliseconds?

    var isOver: Bool { ended != nil || removed != nil }
}

/// One real session: its request, its process and its folder.
struct Session: Sendable {
    let id: String
    let request: RunRequest
    let image: Image
    let place: Place
    let host: String
    let created: Milliseconds
    let ports: [PortMapping]
    let env: [(String, String)]
    let folder: SessionFolder
    var life: SessionLife
    var players = PlayerRoll()
    /// Kept over removal, unlike the phase that held it.
    var ended: Milliseconds?

    var view: SessionView {
        SessionView(
            id: id, image: image.name, tag: image.version, place: place, host: host, created: created,
            ports: ports, status: life.status, tags: request.labels, env: env, imageLabels: image.description.labels,
            players: players, externalID: request.externalID, crashed: (life.end?.signal ?? 0) != 0,
            ended: ended, removed: life.removedAt)
    }
}
