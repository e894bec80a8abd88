import Clocks
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Text

/// The interface under `/_sandbox/`, which the real API does not have.
///
/// | request | does |
/// |---|---|
/// | `GET /_sandbox/health` | 200 when the server is up |
/// | `GET /_sandbox/sessions` | every real session with pid, exit code, signal, times and folder |
/// | `POST /_sandbox/sessions/ID/remove` | removes the container at once |
/// | `POST /_sandbox/sessions/ID/signal/N` | sends a signal to the process |
/// | `GET /_sandbox/faults` | the faults that are set; `?session=ID` those that apply to one session |
/// | `POST /_sandbox/faults` | `{"session": "ID" or "*", "faults": {…}}` replaces the faults of one or of all |
/// | `DELETE /_sandbox/faults` | clears the faults for `*`; `?session=ID` those of one session |
/// | `GET /_sandbox/fleet` | how many sessions are running, how many have ended |
/// | `POST /_sandbox/fleet/exit/N` | ends N synthetic sessions at once |
/// | `GET /_sandbox/requests` | responses so far, by operation and status |
/// | `GET /_sandbox/openapi.json` | the OpenAPI description of the ten operations, with this address as its server |
///
/// HEAD is GET without the body. Any other method on one of these paths is 405.
extension SandboxService {
    func admin(_ request: Request, path: Substring, query: Query, channel: any Channel) async throws -> Response {
        if let token = configuration.adminToken,
            request.headers[.authorization]?.hasSameBytes(as: "Bearer \(token)") != true
        {
            throw APIError.of(status: 401)
        }
        let parts = path.dropFirst().split(separator: "/").compactMap { Percent.decode($0, plusIsSpace: false) }
        guard let methods = Self.adminMethods(parts) else { throw APIError.notFound("There is nothing at this path.") }
        let method = request.method == .head ? .get : request.method
        guard methods.contains(method) else { throw APIError.method(allow: Route.allow(methods)) }
        var query = query
        switch (method, parts[1], parts.count) {
        case (.get, "health", 2): return Self.json(.object([.init("status", .string("ok"))]))
        case (.get, "sessions", 2): return Self.json(sessionsListing)
        case (.post, "sessions", 4) where parts[3] == "remove":
            guard removeContainer(parts[2]) else { throw APIError.session(parts[2]) }
            return Response(status: .noContent)
        case (.post, "sessions", 5) where parts[3] == "signal":
            guard let number = Int32(parts[4]), registry.signal(parts[2], number) else {
                throw APIError.conflict("The session is not running, or there is no such signal.")
            }
            return Response(status: .noContent)
        case (.get, "faults", 2):
            if let session = query.text("session") {
                return Self.json(Self.value(faultRegistry.verdict(session).faults))
            }
            return Self.json(.object(faultRegistry.listing.map { .init($0.session, Self.value($0.faults)) }))
        case (.post, "faults", 2):
            try await setFaults(Self.body(of: request))
            return Response(status: .noContent)
        case (.delete, "faults", 2):
            faultRegistry.clear(session: query.text("session").flatMap { $0 == "*" ? nil : $0 })
            return Response(status: .noContent)
        case (.get, "fleet", 2): return Self.json(fleetListing)
        case (.post, "fleet", 4) where parts[2] == "exit":
            guard let fleet, let count = Int(parts[3]) else { throw APIError.notFound("There is no fleet.") }
            return Self.json(.object([.init("ended", .integer(Int64(fleet.exit(count: count))))]))
        case (.get, "requests", 2):
            return Self.json(
                .object(
                    answered.sorted { $0.key < $1.key }.map { .init($0.key, .integer(Int64($0.value))) }))
        case (.get, "openapi.json", 2): return openAPI(request, channel: channel)
        default: throw APIError.notFound("There is nothing at this path.")
        }
    }

    /// The methods of a path under `/_sandbox/`; nil when there is no such path.
    private static func adminMethods(_ parts: [String]) -> [HTTPRequest.Method]? {
        switch (parts.count > 1 ? parts[1] : "", parts.count) {
        case ("health", 2), ("sessions", 2), ("fleet", 2), ("requests", 2), ("openapi.json", 2): [.get]
        case ("faults", 2): [.get, .post, .delete]
        case ("sessions", 4) where parts[3] == "remove": [.post]
        case ("sessions", 5) where parts[3] == "signal": [.post]
        case ("fleet", 4) where parts[2] == "exit": [.post]
        default: nil
        }
    }

    /// Removes the container of a session, real or synthetic. False when there is none.
    func removeContainer(_ id: String) -> Bool { registry.remove(id) || fleet?.remove(id) == true }

    private func setFaults(_ bytes: [UInt8]) throws {
        guard let value = try? JSONValue(parsing: bytes), let faults = value["faults"],
            let session = value["session"]?.string
        else {
            throw APIError.invalid([.init(field: "body", description: #"must be {"session": …, "faults": {…}}"#)])
        }
        do {
            let parsed = try Faults(json: String(decoding: faults.utf8, as: UTF8.self))
            faultRegistry.set(parsed, session: session == "*" ? nil : session, at: WallClock.now())
        } catch let error as SandboxError {
            throw APIError.invalid([.init(field: "faults", description: error.message)])
        }
    }

    private static func value(_ faults: Faults) -> JSONValue { (try? JSONValue(parsing: faults.json.utf8)) ?? .null }

    private var fleetListing: JSONValue {
        let counts = fleet?.counts ?? (running: 0, ended: 0)
        return .object([
            .init("running", .integer(Int64(counts.running))), .init("ended", .integer(Int64(counts.ended))),
        ])
    }

    private var sessionsListing: JSONValue {
        .array(
            registry.all().map { session in
                var members: [JSONValue.Member] = [
                    .init("id", .string(session.id)), .init("status", .string(session.life.status.rawValue)),
                    .init("image", .string(session.image.name)), .init("tag", .string(session.image.version)),
                    .init("created", .integer(session.created)), .init("root", .string(session.folder.root)),
                    .init("restarts", .integer(Int64(session.life.restarts))),
                ]
                if case .running(let pid) = session.life.phase { members.append(.init("pid", .integer(Int64(pid)))) }
                if let ended = session.ended { members.append(.init("ended", .integer(ended))) }
                if let removed = session.life.removedAt { members.append(.init("removed", .integer(removed))) }
                if let end = session.life.end {
                    members.append(.init("exit_code", .integer(Int64(end.exitCode))))
                    members.append(.init("signal", .integer(Int64(end.signal))))
                    members.append(.init("core_dumped", .bool(end.dumped)))
                }
                return .object(members)
            })
    }
}
