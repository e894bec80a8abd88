internal import AsyncHTTPClient
internal import NIOCore
internal import NIOSSL
import SessionModel

/// Which of a client's connections a request uses.
enum Lane {
    case requests
    case downloads
    case followers
}

/// The connections shared by a client and the clients derived from it. Closed when the last of these is deallocated.
final class Transports: Sendable {
    private let requests: HTTPClient
    private let downloads: HTTPClient
    private let followers: HTTPClient
    /// False when the caller made the connections and closes them.
    private let isOurs: Bool

    /// Prepares connections for a configuration. Opens none yet.
    /// - Throws: `invalidArgument` when the authorities cannot be read.
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

    /// Uses the connections of the caller's HTTP client.
    init(shared client: HTTPClient) {
        (requests, downloads, followers) = (client, client, client)
        isOurs = false
    }

    deinit {
        guard isOurs else { return }
        let clients = [requests, downloads, followers]
        // An HTTP client must not be deallocated while open. After `shutdown` this does nothing.
        Task.detached { for client in clients { try? await client.shutdown() } }
    }

    subscript(lane: Lane) -> HTTPClient {
        switch lane {
        case .requests: requests
        case .downloads: downloads
        case .followers: followers
        }
    }

    /// Closes all connections unless they are the caller's.
    func shutdown() async {
        guard isOurs else { return }
        // A second shutdown is reported as an error, which does not matter.
        for client in [requests, downloads, followers] { try? await client.shutdown() }
    }

    private static func transport(
        _ configuration: SessionAPIClient.Configuration, _ tls: TLSConfiguration?, connections: Int
    ) -> HTTPClient {
        var transport = HTTPClient.Configuration()
        // HTTP/2 takes several times the CPU time for downloads and queues followed logs behind a stream limit.
        transport.httpVersion = .http1Only
        transport.decompression = .disabled
        // A redirect would carry the token to an address nobody configured.
        transport.redirectConfiguration = .disallow
        transport.timeout = .init(connect: .init(configuration.connectTimeout))
        transport.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, connections)
        // The caller retries, because it knows how much time is left.
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
                throw refusal("cannot read the certificate file '\(path)' as PEM: \(error)")
            }
        case .pem(let bytes):
            do {
                certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
            } catch {
                throw refusal("cannot read the given certificates as PEM: \(error)")
            }
        }
        guard !certificates.isEmpty else { throw refusal("the given authorities contain no certificate") }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(certificates)
        return tls
    }
}
