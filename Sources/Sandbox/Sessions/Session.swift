import JSON

/// A port of a container and the host's port that maps to it.
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

/// A validated request of session-run.
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
    /// The faults in the request's own label.
    var faults: Faults?
}

/// What the API shows of a session, real or synthetic.
struct SessionView: Sendable {
    var id: String
    var image: String
    var tag: String
    /// Where it runs. The API shows the data center as the location.
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
    /// Whether it ended by a signal.
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
    /// When it ended. Kept after removal, unlike the phase.
    var ended: Milliseconds?

    var view: SessionView {
        SessionView(
            id: id, image: image.name, tag: image.version, place: place, host: host, created: created,
            ports: ports, status: life.status, tags: request.labels, env: env, imageLabels: image.description.labels,
            players: players, externalID: request.externalID, crashed: (life.end?.signal ?? 0) != 0,
            ended: ended, removed: life.removedAt)
    }
}
