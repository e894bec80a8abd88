import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import NIOPosix
import Synchronization
import Text

/// A request as handlers see it.
struct Call: Sendable {
    var operation: Operation
    var variables: [String]
    var query: Query
    var verdict: FaultRegistry.Verdict
    var channel: any Channel

    var faults: Faults { verdict.faults }

    /// Rejects all parameters, for operations that take none.
    /// - Throws: `APIError` with status 422 when there are any.
    func refuseParameters() throws(APIError) {
        var query = query
        try query.close()
    }
}

/// Gives handlers the connection, because some faults act on it.
struct SandboxContext: InitializableFromSource {
    typealias Source = ApplicationRequestContextSource
    let channel: any Channel

    init(source: ApplicationRequestContextSource) { channel = source.channel }
}

/// Handles requests: finds the operation, applies faults, checks the token and calls the handler.
final class SandboxService: HTTPResponder {
    typealias Context = SandboxContext

    let configuration: SandboxConfiguration
    let hosting: Hosting
    let registry: Registry
    let faultRegistry: FaultRegistry
    let fleet: FleetStore?
    let log: ServerLog
    /// Number of responses so far, by operation and status.
    private let tally = Mutex<[String: Int]>([:])

    /// Messages that are logged only once.
    private let mentioned = Mutex<ByteSet>([])

    init(configuration: SandboxConfiguration, places: Places, registry: Registry, log: ServerLog) {
        self.configuration = configuration
        self.registry = registry
        self.log = log
        hosting = Hosting(
            images: ImageFolder(path: configuration.images), places: places, portCount: configuration.ports.count)
        faultRegistry = FaultRegistry(common: configuration.faults, mix: configuration.faultMix)
        fleet = configuration.fleet.map { FleetStore($0, places: places, configuration: configuration) }
    }

    var answered: [String: Int] { tally.withLock { $0 } }

    func respond(to request: Request, context: SandboxContext) async throws -> Response {
        let target = request.head.path ?? "/"
        // Split bytes, not characters: a combining mark may follow the question mark.
        let halves = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
            .map { Substring($0) }
        let path = halves.first ?? "/"
        let query = Query(halves.count > 1 ? halves[1] : "")
        var name = "none"
        var response: Response
        do {
            if path == "/_sandbox" || path.hasPrefix("/_sandbox/") {
                name = "admin"
                response = try await admin(request, path: path, query: query, channel: context.channel)
            } else {
                (name, response) = try await operate(request, path: path, query: query, channel: context.channel)
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            response = answer(to: error).response(path: String(path))
        }
        tally.withLock { $0["\(name) \(response.status.code)", default: 0] += 1 }
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func operate(
        _ request: Request, path: Substring, query: Query, channel: any Channel
    ) async throws -> (String, Response) {
        guard let route = Route(path: path) else { throw APIError.notFound("There is nothing at this path.") }
        guard let operation = route.operation(request.method) else { throw APIError.method(allow: route.allow) }
        let session = Self.session(operation, route, query)
        let verdict = faultRegistry.verdict(session)
        let call = Call(
            operation: operation, variables: route.variables, query: query, verdict: verdict, channel: channel)
        if let delay = verdict.faults.delaySeconds { try await Task.sleep(for: .seconds(delay)) }
        do {
            if let failure = faultRegistry.take(operation, verdict) {
                return (operation.rawValue, Self.response(failure, path: String(path)))
            }
            try authorise(operation, request.headers)
            return (operation.rawValue, try await perform(call, request))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return (operation.rawValue, answer(to: error).response(path: String(path)))
        }
    }

    /// Turns any error into the API's form. Errors that the operator must fix are also logged.
    private func answer(to error: any Error) -> APIError {
        switch error {
        case let error as APIError: return error
        case let image as BrokenImage:
            log(image.text)
            return .broken(image)
        case let failure as StartFailure:
            switch failure {
            case .image(let image): return answer(to: image)
            case .capacity(let reason): return .full(reason, retryAfter: nil)
            case .request(let field, let reason): return .invalid([.init(field: field, description: reason)])
            case .server(let reason): return answer(to: SandboxError(reason))
            case .stopping: return .of(status: 503)
            }
        default:
            log("\(error)")
            return .server("\(error)")
        }
    }

    /// Logs a message once.
    func mention(_ text: String) {
        if mentioned.withLock({ $0.insert(text).inserted }) { log(text) }
    }

    private func perform(_ call: Call, _ request: Request) async throws -> Response {
        switch call.operation {
        case .run: try await run(call, body: Self.body(of: request))
        case .list: try list(call)
        case .describe: try describe(call)
        case .stop: try stop(call)
        case .join: try join(call, body: await Self.body(of: request))
        case .leave: try leave(call, body: await Self.body(of: request))
        case .artifacts: try await artifacts(call)
        case .locations: try await locations(call)
        case .tagExists: try await tagExists(call)
        case .logs: try logs(call)
        }
    }

    private func authorise(_ operation: Operation, _ headers: HTTPFields) throws {
        guard configuration.requiresToken else { return }
        let words = (headers[.authorization] ?? "").split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bearer",
            let token = configuration.tokens.first(where: { $0.text.hasSameBytes(as: words[1]) })
        else {
            var error = APIError.of(status: 401)
            error.details = "The bearer token is missing or not known."
            error.headers[.wwwAuthenticate] = "Bearer"
            throw error
        }
        if let scope = operation.scope, !token.scopes.contains(scope) {
            var error = APIError.of(status: 403)
            error.details = "The token lacks the scope \(scope.rawValue)."
            throw error
        }
    }

    private static func session(_ operation: Operation, _ route: Route, _ query: Query) -> String? {
        switch operation {
        case .describe, .stop: route.variables.first
        case .artifacts: query.pairs.first { $0.name.hasSameBytes(as: "session") }?.value
        case .logs: query.pairs.first { $0.name.hasSameBytes(as: "id") }?.value
        default: nil
        }
    }

    private static func response(_ failure: Faults.Failure, path: String) -> Response {
        var error = APIError.of(status: min(max(failure.status, 200), 999))
        if let text = failure.retryAfter { error.retry(after: text) }
        return error.response(path: path, body: failure.body ?? .json)
    }

    /// Reads a request body.
    /// - Throws: `APIError` when the body is larger than 1 MiB or incomplete.
    static func body(of request: Request) async throws -> [UInt8] {
        do {
            return Array(buffer: try await request.body.collect(upTo: 1 << 20))
        } catch is NIOTooManyBytesError {
            throw APIError.invalid([.init(field: "body", description: "must not exceed 1 MiB")])
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // The caller's fault: not for the operator's log.
            throw APIError.invalid([.init(field: "body", description: "is incomplete")])
        }
    }

    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: value.utf8)))
    }

    /// Runs work that blocks on files in a thread pool, where it does not block other requests.
    static func blocking<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await NIOThreadPool.singleton.runIfActive(work)
    }

    /// The session, real or synthetic; nil when it never existed.
    func view(_ id: String) -> SessionView? { registry.view(id) ?? fleet?.view(id) }

    /// Whether a session is over; cheap enough for polling.
    func isOver(_ id: String) -> Bool { registry.isOver(id) ?? fleet?.isOver(id) ?? true }
}
