import HTTPTypes
import Text

/// The ten operations; the raw value is the operationId.
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

    /// Its HTTP method.
    var method: HTTPRequest.Method {
        switch self {
        case .run: .post
        case .list, .describe, .artifacts, .locations, .tagExists, .logs: .get
        case .stop, .leave: .delete
        case .join: .put
        }
    }

    /// Its path, with variables in braces. Only tag-exists accepts an empty variable.
    var path: String {
        switch self {
        case .run, .list: "/session"
        case .describe, .stop: "/session/{id}"
        case .join: "/session/player/join"
        case .leave: "/session/player/leave"
        case .artifacts: "/artifacts"
        case .locations: "/available-location/{image}"
        case .tagExists: "/tag/{region}/{image}/{version}"
        case .logs: "/logs"
        }
    }

    /// The required scope. Joining and leaving need a valid token but no scope: the API's description names none.
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

/// The operations and variables of a path.
struct Route: Sendable {
    /// The operations of the path's methods.
    let operations: [Operation]
    /// The path's variables, decoded, in order.
    let variables: [String]

    func operation(_ method: HTTPRequest.Method) -> Operation? {
        // HEAD is GET without the body.
        let wanted = method == .head ? .get : method
        return operations.first { $0.method == wanted }
    }

    var allow: String { Self.allow(operations.map(\.method)) }

    /// The text of the header Allow.
    static func allow(_ methods: [HTTPRequest.Method]) -> String {
        var names = methods.map(\.rawValue)
        if names.contains("GET") { names.append("HEAD") }
        return names.sorted().joined(separator: ", ")
    }

    /// Finds the route; nil for an unknown path. The path is split before it is decoded, so that an id may hold `%2F`.
    init?(path: Substring) {
        guard path.hasPrefix("/") else { return nil }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            .map { Percent.decode($0, plusIsSpace: false) }
        let names = parts.compactMap { $0 }
        guard names.count == parts.count, let template = Self.templates.first(where: { $0.leads(names) }) else {
            return nil
        }
        operations = template.operations
        variables = zip(template.parts, names).compactMap { $0.isVariable ? $1 : nil }
    }

    /// The paths of the API, each with its operations.
    private static let templates: [Template] = {
        var templates: [Template] = []
        for operation in Operation.allCases where !templates.contains(where: { $0.path == operation.path }) {
            templates.append(Template(path: operation.path))
        }
        return templates
    }()

    private struct Template: Sendable {
        let path: String
        let parts: [Part]
        let operations: [Operation]

        init(path: String) {
            self.path = path
            parts = path.dropFirst().split(separator: "/").map { Part(text: String($0)) }
            operations = Operation.allCases.filter { $0.path == path }
        }

        func leads(_ names: [String]) -> Bool {
            parts.count == names.count
                && zip(parts, names).allSatisfy { part, name in
                    part.isVariable ? !name.isEmpty || operations == [.tagExists] : part.text.hasSameBytes(as: name)
                }
        }
    }

    private struct Part: Sendable {
        let text: String

        var isVariable: Bool { text.hasPrefix("{") }
    }
}
