internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The Session API's ten operations over HTTP/1.1.
///
/// Short requests, downloads and followed logs have connections of their own, so that a thousand followed logs never
/// keep a list waiting. Nothing is retried here: the caller knows its deadlines. Call ``shutdown()`` when done.
public final class SessionAPIClient: Sendable {
    /// How a client reaches its server.
    public struct Configuration: Sendable {
        /// The server's address: `https://api.sandbox-gameye.gameye.net`, `http://127.0.0.1:8080`,
        /// `http+unix://%2Frun%2Fapi.sock`.
        public var baseURL: String
        /// Gives the bearer token, asked before every request so that a token can be exchanged while running.
        public var token: @Sendable () async throws -> String
        /// What the client calls itself.
        public var userAgent = "salvage"
        /// Longest time for a connection to be made, TLS included.
        public var connectTimeout: Duration = .seconds(10)
        /// Longest time from sending a request, waiting for a free connection included, to the head of the answer.
        public var headTimeout: Duration = .seconds(60)
        /// Longest time without a byte inside a body. Followed logs are exempt: a server may be silent for hours.
        public var stallTimeout: Duration = .seconds(60)
        /// Least pace of a body, in bytes a second over twice ``stallTimeout``: a server that sends a byte now and then
        /// never stalls, and never ends. Only time in which bytes are waited for counts. Followed logs are exempt.
        public var slowestBody = 256
        /// Longest time from asking for the session list to its last byte.
        public var listTimeout: Duration = .seconds(600)
        /// Longest time from the head of another JSON answer to its last byte.
        public var answerTimeout: Duration = .seconds(60)
        /// Largest session list that is read, in bytes; it is never held in memory.
        public var maximumList: Int64 = 1 << 30
        /// Most connections for short requests.
        public var requestConnections = 64
        /// Most connections for downloads.
        public var downloadConnections = 64
        /// Most connections for followed logs.
        public var followConnections = 2_000
        /// Largest JSON answer taken into memory, in bytes; the session list is not among them.
        public var maximumAnswer = 16 << 20

        /// A configuration for a server and a source of tokens.
        public init(baseURL: String, token: @escaping @Sendable () async throws -> String) {
            self.baseURL = baseURL
            self.token = token
        }
    }

    /// Which of the client's connections a request uses.
    enum Lane {
        case requests
        case downloads
        case followers
    }

    /// What a request is made of.
    struct Call {
        var method: HTTPMethod
        var endpoint: Endpoint
        var accept = "application/json"
        var body: [UInt8]?
        var lane = Lane.requests
    }

    let configuration: Configuration
    let base: String
    private let requests: HTTPClient
    private let downloads: HTTPClient
    private let followers: HTTPClient

    /// A client for one server. Opens no connection yet.
    /// - Throws: `invalidArgument` when the base address is none.
    public init(_ configuration: Configuration) throws(APIError) {
        guard let base = Endpoint.checkedBase(configuration.baseURL) else {
            throw APIError(
                .invalidArgument, operation: .sessionList,
                message: "the API's address must look like https://host[:port][/path], without user, query or spaces")
        }
        self.base = base
        self.configuration = configuration
        requests = Self.transport(configuration, connections: configuration.requestConnections)
        downloads = Self.transport(configuration, connections: configuration.downloadConnections)
        followers = Self.transport(configuration, connections: configuration.followConnections)
    }

    deinit {
        let clients = [requests, downloads, followers]
        // A transport must not be dropped open. After `shutdown` this finds nothing left to do.
        Task.detached { for client in clients { try? await client.shutdown() } }
    }

    /// Closes all connections; requests under way fail.
    public func shutdown() async {
        // Shutting down twice is reported as an error, which tells us nothing.
        try? await requests.shutdown()
        try? await downloads.shutdown()
        try? await followers.shutdown()
    }

    private static func transport(_ configuration: Configuration, connections: Int) -> HTTPClient {
        var transport = HTTPClient.Configuration()
        // HTTP/2 costs several times the processor time for downloads and queues followers behind a stream limit.
        transport.httpVersion = .http1Only
        transport.decompression = .disabled
        // A redirect would carry the token to an address nobody configured.
        transport.redirectConfiguration = .disallow
        transport.timeout = .init(connect: .init(configuration.connectTimeout))
        transport.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, connections)
        // Retrying is the caller's, who knows how much time is left.
        transport.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: transport)
    }
}

// MARK: Sending

extension SessionAPIClient {
    /// The base address as an endpoint to build on.
    func endpoint(_ segments: String...) -> Endpoint {
        var endpoint = Endpoint(base: base)
        for segment in segments { endpoint.segment(segment) }
        return endpoint
    }

    /// Sends a request and returns a successful answer whose body has not been read.
    func send(
        _ call: Call, _ operation: Operation, session: String? = nil
    ) async throws(APIError) -> (HTTPClientResponse, RequestContext) {
        var context = RequestContext(operation: operation, session: session, secret: "")
        context.secret = try await token(context)
        var request = HTTPClientRequest(url: call.endpoint.url)
        request.method = call.method
        request.headers.add(name: "authorization", value: "Bearer \(context.secret)")
        request.headers.add(name: "accept", value: call.accept)
        request.headers.add(name: "accept-encoding", value: "identity")
        request.headers.add(name: "user-agent", value: configuration.userAgent)
        if let body = call.body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(body)
        }
        let response: HTTPClientResponse
        do {
            let deadline = NIODeadline.now() + TimeAmount(configuration.headTimeout)
            response = try await transport(call.lane).execute(request, deadline: deadline)
        } catch {
            throw context.failure(error, during: .head)
        }
        guard (200...299).contains(response.status.code) else { throw await refusal(response, context) }
        return (response, context)
    }

    /// Sends a request and decodes its JSON answer.
    func answer<Answer: Decodable>(
        _ type: Answer.Type, _ call: Call, _ operation: Operation, session: String? = nil
    ) async throws(APIError) -> Answer {
        let (response, context) = try await send(call, operation, session: session)
        let limit = configuration.maximumAnswer
        var body: [UInt8] = []
        for try await chunk in stream(response, context, within: configuration.answerTimeout) {
            guard body.count + chunk.count <= limit else {
                throw context.error(.invalidAnswer, "the answer is larger than \(limit) bytes")
            }
            chunk.withUnsafeBytes { body.append(contentsOf: $0) }
        }
        // One character that is none must not hide everything else that the answer says.
        if let mended = try? JSONDecoder().decode(type, from: Data(JSONMender.mended(body))) { return mended }
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            var failure = context.error(.invalidAnswer, Self.complaint(error))
            failure.status = Int(response.status.code)
            failure.bodyExcerpt = body.withUnsafeBytes { APIError.excerpt($0) }
            throw failure.redacting(context.secret)
        }
    }

    /// The body of a response as a stream, which must end within a time from a moment on where one is given.
    func stream(
        _ response: HTTPClientResponse, _ context: RequestContext, stalls: Bool = true, within limit: Duration? = nil,
        since begun: ContinuousClock.Instant = .now
    ) -> ByteStream {
        var pace = BodyPace()
        if stalls {
            pace.stall = configuration.stallTimeout
            pace.slowest = configuration.slowestBody
        }
        if let limit { pace.end = (limit, begun + limit) }
        return ByteStream(body: response.body, context: context, pace: pace, framing: BodyHead(response).framing)
    }

    /// JSON bytes of a request body.
    func json(_ value: some Encodable, _ operation: Operation) throws(APIError) -> [UInt8] {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Array(try encoder.encode(value))
        } catch {
            throw APIError(.invalidArgument, operation: operation, message: "the request cannot be written as JSON")
        }
    }

    private func transport(_ lane: Lane) -> HTTPClient {
        switch lane {
        case .requests: requests
        case .downloads: downloads
        case .followers: followers
        }
    }

    private func token(_ context: RequestContext) async throws(APIError) -> String {
        let token: String
        do {
            token = try await configuration.token()
        } catch let error as APIError {
            throw error
        } catch {
            throw context.error(.noToken, "the token cannot be had: \(error)")
        }
        // Anything else would end the header early and could smuggle in another.
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw context.error(
                .noToken, token.isEmpty ? "the token is empty" : "the token holds a space or a line break")
        }
        return token
    }

    /// The error that an answer without success stands for.
    private func refusal(_ response: HTTPClientResponse, _ context: RequestContext) async -> APIError {
        var body: [UInt8] = []
        do {
            for try await chunk in stream(response, context, within: .seconds(10)) {
                chunk.withUnsafeBytes { body.append(contentsOf: $0.prefix(65_536 - body.count)) }
                if body.count == 65_536 { break }
            }
        } catch {
            // What has arrived of the error's text is worth more than the fact that the rest is missing.
        }
        let retryAfter = response.headers.first(name: "retry-after").flatMap {
            RetryAfter.seconds(
                $0, serverDate: response.headers.first(name: "date"), now: Int64(Date().timeIntervalSince1970))
        }
        let clean = Self.without(context.secret, body)
        return clean.withUnsafeBytes {
            APIError.answer(
                context.operation, session: context.session, status: Int(response.status.code), body: $0,
                retryAfter: retryAfter)
        }.redacting(context.secret)
    }

    /// A body without the token, taken out before an excerpt could keep half of it.
    private static func without(_ secret: String, _ body: [UInt8]) -> [UInt8] {
        let parts = body.split(separator: Array(secret.utf8), omittingEmptySubsequences: false)
        return Array(parts.joined(separator: "[token]".utf8))
    }

    private static func complaint(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "the answer cannot be understood" }
        switch error {
        case .keyNotFound(let key, _): return "the answer lacks the field \(key.stringValue)"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return "the answer's field \(path.isEmpty ? "(top level)" : path) has another type than documented"
        case .dataCorrupted: return "the answer is not valid JSON"
        @unknown default: return "the answer cannot be understood"
        }
    }
}
