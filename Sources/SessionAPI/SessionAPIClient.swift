public import AsyncHTTPClient
public import Logging

/// The Session API's ten operations over HTTP/1.1.
///
/// Short requests, downloads and followed logs have connections of their own, so that a thousand followed logs never
/// keep a list waiting. Nothing is retried here: the caller knows its deadlines, and ``RetryingSessionAPI`` is there for
/// callers who want it. Call ``shutdown()`` when done.
public final class SessionAPIClient: SessionOperations {
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
        /// Longest time of one call from its beginning to its end: the token, the connection, the head and the whole body,
        /// that of a download and of a followed log included. Nil sets no such limit.
        /// ``SessionAPIClient/limited(to:)`` sets one for single calls.
        public var callTimeout: Duration?
        /// Whether ``SessionLabels/environment`` holds the container's environment. It often holds secrets, so it is dropped
        /// while an answer is read unless this is true.
        public var keepsEnvironment = false
        /// The proxy that connections go through; nil connects directly. Environment variables are not looked at.
        public var proxy: Proxy?
        /// The authorities whose certificates are trusted, in place of the system's; nil trusts the system's.
        public var authorities: Authorities?
        /// Gets one line for each call, at level `info` where it succeeded and `warning` where not: operation, session, status
        /// and milliseconds as metadata, and the kind of the error. A stream's line is written when its head has come. No
        /// line holds the token.
        public var logger: Logger?

        /// A configuration for a server and a source of tokens.
        /// - Parameters:
        ///   - baseURL: the server's address; ``SessionAPIServer`` has those that the API's description names.
        ///   - token: gives the bearer token, without `Bearer`.
        public init(baseURL: String, token: @escaping @Sendable () async throws -> String) {
            self.baseURL = baseURL
            self.token = token
        }
    }

    /// A proxy that connections to the server go through.
    public struct Proxy: Sendable, Equatable {
        /// What the proxy speaks.
        public enum Kind: Sendable, Equatable {
            /// HTTP; every connection is a tunnel that `CONNECT` opens, to `http` addresses too.
            case http
            /// SOCKS version 5, without a login.
            case socks5
        }

        /// What it speaks.
        public var kind: Kind
        /// Its name or address.
        public var host: String
        /// Its port, 1 to 65535.
        public var port: Int
        /// Who asks; nil asks without a login. HTTP only.
        public var user: String?
        /// The password that belongs to ``user``.
        public var password: String?

        /// A proxy from its parts.
        public init(_ kind: Kind = .http, host: String, port: Int, user: String? = nil, password: String? = nil) {
            self.kind = kind
            self.host = host
            self.port = port
            self.user = user
            self.password = password
        }
    }

    /// Certificates of authorities, in PEM form, one or several.
    public enum Authorities: Sendable, Equatable {
        /// A file of them, read once when the client is made.
        case file(String)
        /// Their bytes.
        case pem([UInt8])
    }

    let configuration: Configuration
    let base: String
    let transports: Transports

    /// A client for one server. Opens no connection yet.
    /// - Throws: `invalidArgument` when the base address is none, or the authorities cannot be read.
    public convenience init(_ configuration: Configuration) throws(APIError) {
        let base = try Self.base(of: configuration)
        self.init(configuration, base, try Transports(configuration))
    }

    /// A client that sends its requests through an HTTP client of the caller's, who shuts it down after the last call.
    ///
    /// It must be made with `httpVersion = .http1Only` (with HTTP/2 followed logs wait for each other behind the limit of
    /// streams), must not follow redirects (they would carry the token elsewhere), must not decompress (an archive would
    /// arrive in another form than announced), and must allow as many connections to one host as logs are followed and
    /// downloads run at once. What concerns connections is its own affair: `connectTimeout`, the three numbers of
    /// connections, `proxy` and `authorities` of the configuration have no effect.
    /// - Throws: `invalidArgument` when the base address is none.
    public convenience init(_ configuration: Configuration, transport: HTTPClient) throws(APIError) {
        let base = try Self.base(of: configuration)
        self.init(configuration, base, Transports(shared: transport))
    }

    private init(_ configuration: Configuration, _ base: String, _ transports: Transports) {
        self.configuration = configuration
        self.base = base
        self.transports = transports
    }

    private static func base(of configuration: Configuration) throws(APIError) -> String {
        guard let base = Endpoint.checkedBase(configuration.baseURL) else {
            throw APIError(
                .invalidArgument, operation: .sessionList,
                message: "the API's address must look like https://host[:port][/path], without user, query or spaces")
        }
        return base
    }

    /// A client with the same connections whose calls each end within a time, the token, the connection, the head and the
    /// whole body included, or fail with `timeout`. A shorter ``Configuration/callTimeout`` stays.
    ///
    /// `try await client.limited(to: .seconds(5)).describeSession(id)`
    public func limited(to limit: Duration) -> SessionAPIClient {
        var configuration = configuration
        configuration.callTimeout = min(limit, configuration.callTimeout ?? limit)
        return SessionAPIClient(configuration, base, transports)
    }

    /// Closes all connections, also those of clients made by ``limited(to:)``; requests under way fail. An HTTP client of the
    /// caller's stays open.
    public func shutdown() async {
        await transports.shutdown()
    }
}
