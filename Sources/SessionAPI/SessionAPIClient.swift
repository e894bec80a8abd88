public import AsyncHTTPClient
public import Logging
public import SessionModel

/// The Session API's ten operations over HTTP/1.1.
///
/// Short requests, downloads and followed logs use separate connections, so that 1,000 followed logs do not delay a
/// list. Nothing is retried here: the caller knows its deadlines. Use ``RetryingSessionAPI`` for retries. Call
/// ``shutdown()`` when done.
public final class SessionAPIClient: SessionOperations {
    /// How a client reaches its server.
    public struct Configuration: Sendable {
        /// The server's address: `https://api.sandbox-gameye.gameye.net`, `http://127.0.0.1:8080`,
        /// `http+unix://%2Frun%2Fapi.sock`.
        public var baseURL: String
        /// Returns the bearer token. Called before every request, so that a token can be rotated without a restart.
        public var token: @Sendable () async throws -> String
        /// The `User-Agent` header.
        public var userAgent = "salvage"
        /// Longest time to establish a connection, TLS included.
        public var connectTimeout: Duration = .seconds(10)
        /// Longest time from sending a request to the head of the response, waiting for a free connection included.
        public var headTimeout: Duration = .seconds(60)
        /// Longest time without a byte in a body. Followed logs are exempt: they may be silent for hours.
        public var stallTimeout: Duration = .seconds(60)
        /// Minimum rate of a body, in bytes per second, averaged over twice ``stallTimeout``: a server that sends a
        /// byte now and then would neither stall nor finish. Only time spent waiting for bytes counts. Followed logs
        /// are exempt.
        public var slowestBody = 256
        /// Longest time from requesting the session list to its last byte.
        public var listTimeout: Duration = .seconds(600)
        /// Longest time from the head of any other JSON response to its last byte.
        public var answerTimeout: Duration = .seconds(60)
        /// Largest session list that is read, in bytes. The list is not held in memory.
        public var maximumList: Int64 = 1 << 30
        /// Most connections for short requests.
        public var requestConnections = 64
        /// Most connections for downloads.
        public var downloadConnections = 64
        /// Most connections for followed logs.
        public var followConnections = 2_000
        /// Largest JSON response that is read, in bytes; the session list has its own limit.
        public var maximumAnswer = 16 << 20
        /// Longest time of one call: token, connection, head and the whole body, including downloads and followed logs.
        /// Nil means no limit. ``SessionAPIClient/limited(to:)`` sets a limit for single calls.
        public var callTimeout: Duration?
        /// Whether `SessionLabels.environment` holds the container's environment. It often holds secrets, so it is
        /// dropped during decoding unless this is true.
        public var keepsEnvironment = false
        /// The proxy for all connections; nil connects directly. Environment variables are ignored.
        public var proxy: Proxy?
        /// Certificate authorities to trust instead of the system's; nil trusts the system's.
        public var authorities: Authorities?
        /// Receives one line per call, at level `info` on success and `warning` on failure: operation, session, status,
        /// milliseconds and the kind of the error as metadata. The line of a stream is written when its head arrives.
        /// No line holds the token.
        public var logger: Logger?

        /// Creates a configuration for a server and a source of tokens.
        /// - Parameters:
        ///   - baseURL: the server's address; ``SessionAPIServer`` has the documented ones.
        ///   - token: returns the bearer token, without `Bearer`.
        public init(baseURL: String, token: @escaping @Sendable () async throws -> String) {
            self.baseURL = baseURL
            self.token = token
        }
    }

    /// A proxy for connections to the server.
    public struct Proxy: Sendable, Equatable {
        /// The proxy's protocol.
        public enum Kind: Sendable, Equatable {
            /// HTTP. Every connection is a `CONNECT` tunnel, for `http` addresses too.
            case http
            /// SOCKS 5 without authentication.
            case socks5
        }

        /// Its protocol.
        public var kind: Kind
        /// Its name or address.
        public var host: String
        /// Its port, 1 to 65535.
        public var port: Int
        /// User name; nil connects without authentication. HTTP only.
        public var user: String?
        /// The password of ``user``.
        public var password: String?

        /// Creates a proxy.
        public init(_ kind: Kind = .http, host: String, port: Int, user: String? = nil, password: String? = nil) {
            self.kind = kind
            self.host = host
            self.port = port
            self.user = user
            self.password = password
        }
    }

    /// One or more certificates of authorities in PEM form.
    public enum Authorities: Sendable, Equatable {
        /// A PEM file, read once when the client is created.
        case file(String)
        /// The PEM bytes.
        case pem([UInt8])
    }

    let configuration: Configuration
    let base: String
    let transports: Transports

    /// Creates a client for one server. Opens no connection yet.
    /// - Throws: `invalidArgument` when the base URL is invalid or the authorities cannot be read.
    public convenience init(_ configuration: Configuration) throws(APIError) {
        let base = try Self.base(of: configuration)
        self.init(configuration, base, try Transports(configuration))
    }

    /// Creates a client that sends its requests through the caller's HTTP client. The caller shuts that down after the
    /// last call.
    ///
    /// It must be made with `httpVersion = .http1Only` (with HTTP/2 followed logs wait for each other behind the stream
    /// limit), must not follow redirects (they would carry the token elsewhere), must not decompress (an archive would
    /// arrive in another form than announced), and must allow as many connections per host as there are followed logs
    /// and downloads at the same time. `connectTimeout`, the three connection limits, `proxy` and `authorities` of the
    /// configuration have no effect.
    /// - Throws: `invalidArgument` when the base URL is invalid.
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

    /// Returns a client with the same connections whose calls each fail with `timeout` unless they finish within
    /// `limit`: token, connection, head and the whole body. A shorter ``Configuration/callTimeout`` stays in effect.
    ///
    /// `try await client.limited(to: .seconds(5)).describeSession(id)`
    public func limited(to limit: Duration) -> SessionAPIClient {
        var configuration = configuration
        configuration.callTimeout = min(limit, configuration.callTimeout ?? limit)
        return SessionAPIClient(configuration, base, transports)
    }

    /// Closes all connections, also those of clients made by ``limited(to:)``. Running requests fail. An HTTP client
    /// passed in by the caller stays open.
    public func shutdown() async {
        await transports.shutdown()
    }
}
