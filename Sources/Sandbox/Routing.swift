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

enum Percent {
    /// Nil when an escape is incomplete or the bytes are not UTF-8.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            } else if byte == UInt8(ascii: "+"), plusIsSpace {
                bytes.append(UInt8(ascii: " "))
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// The parameters after the question mark, in order, and what was wrong with them.
struct Query: Sendable {
    var pairs: [(name: String, value: String)] = []
    var violations: [APIError.Violation] = []

    init(_ text: Substring) {
        for part in text.split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Percent.decode(halves[0], plusIsSpace: true),
                let value = Percent.decode(halves.count > 1 ? halves[1] : "", plusIsSpace: true)
            else {
                violations.append(.init(field: "query", description: "must be percent-encoded UTF-8"))
                continue
            }
            pairs.append((name, value))
        }
    }

    mutating func text(_ name: String) -> String? {
        let values = pairs.filter { $0.name == name }
        if values.count > 1 { violations.append(.init(field: name, description: "must be given once")) }
        return values.first?.value
    }

    /// A text that must be there and not be empty.
    mutating func required(_ name: String) -> String {
        let value = text(name) ?? ""
        if value.isEmpty { violations.append(.init(field: name, description: "must be given and not be empty")) }
        return value
    }

    /// The API documents no other answer than 404 for operations that find a session by a parameter.
    /// - Throws: `APIError` with status 404 when something is wrong so far.
    func refuseAsNotFound() throws(APIError) {
        guard !violations.isEmpty else { return }
        var error = APIError.notFound("The session does not exist.", details: "The request names none.")
        error.violations = violations
        throw error
    }

    mutating func flag(_ name: String) -> Bool {
        switch text(name) {
        case nil, "false": return false
        case "true": return true
        case .some:
            violations.append(.init(field: name, description: "must be true or false"))
            return false
        }
    }

    /// `name[key]=value`.
    mutating func members(_ name: String) -> [(key: String, value: String)] {
        if pairs.contains(where: { $0.name == name }) {
            violations.append(.init(field: name, description: "must be given as \(name)[key]=value"))
        }
        return pairs.compactMap { pair in
            guard pair.name.hasPrefix(name + "["), pair.name.hasSuffix("]") else { return nil }
            return (String(pair.name.dropFirst(name.count + 1).dropLast()), pair.value)
        }
    }
}
