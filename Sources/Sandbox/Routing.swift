import HTTPTypes

/// The ten operations by their operationId.
enum Operation: String, Sendable, CaseIterable {
    case run = "session-run"
    case list = "session-list"
    case describe = "describe-session"
    case stop = "session-stop"
    case join = "join-session"
    case leave = "leave-session"
    case artifacts
    case locations = "get-available-locations"
    case tagExists = "tag-exists"
    case logs = "stream-logs"

    /// Joining and leaving ask for a valid token and no scope: the API's description names none for them.
    var scope: SandboxScope? {
        switch self {
        case .run: .sessionStart
        case .list, .describe: .sessionRead
        case .stop: .sessionStop
        case .join, .leave: nil
        case .artifacts: .artifactRead
        case .locations, .tagExists: .regionsRead
        case .logs: .logsRead
        }
    }
}

/// What a path leads to.
struct Route: Sendable {
    var methods: [(HTTPRequest.Method, Operation)]
    /// The path's variables, decoded, in order.
    var variables: [String] = []

    func operation(_ method: HTTPRequest.Method) -> Operation? {
        // HEAD is GET without the body.
        let wanted = method == .head ? .get : method
        return methods.first { $0.0 == wanted }?.1
    }

    var allow: String {
        var names = methods.map(\.0.rawValue)
        if names.contains("GET") { names.append("HEAD") }
        return names.sorted().joined(separator: ", ")
    }

    /// Nil when nothing is there. The path is split before it is decoded, so that an id may hold `%2F`.
    init?(path: Substring) {
        guard path.hasPrefix("/") else { return nil }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            .map { Percent.decode($0, plusIsSpace: false) }
        guard !parts.contains(where: { $0 == nil }) else { return nil }
        let names = parts.compactMap { $0 }
        switch names.count {
        case 1 where names[0] == "session": methods = [(.post, .run), (.get, .list)]
        case 1 where names[0] == "artifacts": methods = [(.get, .artifacts)]
        case 1 where names[0] == "logs": methods = [(.get, .logs)]
        case 2 where names[0] == "session" && !names[1].isEmpty:
            methods = [(.get, .describe), (.delete, .stop)]
            variables = [names[1]]
        case 2 where names[0] == "available-location" && !names[1].isEmpty:
            methods = [(.get, .locations)]
            variables = [names[1]]
        case 3 where names[0] == "session" && names[1] == "player" && names[2] == "join":
            methods = [(.put, .join)]
        case 3 where names[0] == "session" && names[1] == "player" && names[2] == "leave":
            methods = [(.delete, .leave)]
        case 4 where names[0] == "tag":
            methods = [(.get, .tagExists)]
            variables = Array(names[1...])
        default: return nil
        }
    }
}
