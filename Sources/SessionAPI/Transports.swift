internal import AsyncHTTPClient
internal import NIOCore
internal import NIOSSL

/// Which of a client's connections a request uses.
enum Lane {
    case requests
    case downloads
    case followers
}

/// The connections of a client and of everything that is derived from it. Closed when the last of them is gone.
final class Transports: Sendable {
    private let requests: HTTPClient
    private let downloads: HTTPClient
    private let followers: HTTPClient
    /// False where somebody else made the connections and closes them.
    private let isOurs: Bool

    /// Connections as a configuration asks for them; none is opened yet.
    init(_ configuration: SessionAPIClient.Configuration) throws(APIError) {
        let tls = try configuration.authorities.map { (authorities) throws(APIError) in try Self.tls(authorities) }
        func transport(_ connections: Int) -> HTTPClient {
            Self.transport(configuration, tls, connections: connections)
        }
        requests = transport(configuration.requestConnections)
        downloads = transport(configuration.downloadConnections)
        followers = transport(configuration.followConnections)
        isOurs = true
    }

    /// Connections that somebody else made.
    init(shared client: HTTPClient) {
        (requests, downloads, followers) = (client, client, client)
        isOurs = false
    }

    deinit {
        guard isOurs else { return }
        let clients = [requests, downloads, followers]
        // A transport must not be dropped open. After `shutdown` this finds nothing left to do.
        Task.detached { for client in clients { try? await client.shutdown() } }
    }

    subscript(lane: Lane) -> HTTPClient {
        switch lane {
        case .requests: requests
        case .downloads: downloads
        case .followers: followers
        }
    }

    /// Closes all connections of ours.
    func shutdown() async {
        guard isOurs else { return }
        // Shutting down twice is reported as an error, which tells us nothing.
        for client in [requests, downloads, followers] { try? await client.shutdown() }
    }

    private static func transport(
        _ configuration: SessionAPIClient.Configuration, _ tls: TLSConfiguration?, connections: Int
    ) -> HTTPClient {
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
        if let tls { transport.tlsConfiguration = tls }
        if let proxy = configuration.proxy { transport.proxy = Self.proxy(proxy) }
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: transport)
    }

    private static func proxy(_ proxy: SessionAPIClient.Proxy) -> HTTPClient.Configuration.Proxy {
        switch proxy.kind {
        case .http:
            let login = proxy.user.map {
                HTTPClient.Authorization.basic(username: $0, password: proxy.password ?? "")
            }
            return .server(host: proxy.host, port: proxy.port, authorization: login)
        case .socks5: return .socksServer(host: proxy.host, port: proxy.port)
        }
    }

    private static func tls(_ authorities: SessionAPIClient.Authorities) throws(APIError) -> TLSConfiguration {
        func refusal(_ complaint: String) -> APIError {
            APIError(.invalidArgument, operation: .sessionList, message: complaint)
        }
        let certificates: [NIOSSLCertificate]
        switch authorities {
        case .file(let path):
            do {
                certificates = try NIOSSLCertificate.fromPEMFile(path)
            } catch {
                throw refusal("the file of certificates '\(path)' cannot be read as PEM: \(error)")
            }
        case .pem(let bytes):
            do {
                certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
            } catch {
                throw refusal("the certificates given cannot be read as PEM: \(error)")
            }
        }
        guard !certificates.isEmpty else { throw refusal("no certificate is in what was given as authorities") }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(certificates)
        return tls
    }
}
