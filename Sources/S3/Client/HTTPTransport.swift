internal import AsyncHTTPClient
internal import Clocks
internal import Files
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// Why no complete answer came.
struct TransportFault: Error, Sendable {
    /// In words that follow "cannot … : ".
    var words: String
    /// Whether the request may have reached the server.
    var mayHaveActed: Bool
    /// Whether another try cannot succeed, as with a certificate that is not trusted.
    var isFinal = false
    /// What to do, if not to look at the endpoint and the network.
    var hint: String?
}

/// Connections over HTTP/1.1 that follow no redirect and decode nothing: a redirect would carry signed requests to an
/// address that nobody configured.
final class HTTPTransport: Sendable {
    private let client: HTTPClient
    private let stall: Int64
    private let slowest: Int64

    /// Prepares connections. Opens none yet.
    /// - Parameters:
    ///   - connections: the most for each host.
    ///   - authorities: a PEM file of certificate authorities to trust instead of the system's.
    init(_ options: S3Options, connections: Int, authorities: String?) throws(S3Error) {
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(
            connect: .milliseconds(options.connectTimeout), read: .milliseconds(options.stallTimeout),
            write: .milliseconds(options.stallTimeout))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, connections)
        // Servers close a quiet connection after 20 s or later; a request that meets the close would be lost.
        configuration.connectionPool.idleTimeout = .seconds(15)
        // Retries and their waits are ours.
        configuration.connectionPool.retryConnectionEstablishment = false
        if let authorities { configuration.tlsConfiguration = try Self.tls(authorities) }
        client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
        stall = options.stallTimeout
        slowest = Int64(max(1, options.slowestBody))
    }

    deinit {
        // An HTTP client must not be deallocated while open. After `shutdown` this does nothing.
        Task.detached { [client] in try? await client.shutdown() }
    }

    /// Closes all connections; requests under way fail.
    func shutdown() async {
        // A second shutdown is reported as an error, which does not matter.
        try? await client.shutdown()
    }

    /// Sends a request once and returns its complete answer.
    /// - Parameter mostBody: decides by status and headers how many bytes of the body are read; more are a fault.
    func send(
        _ request: HTTPClientRequest, sending bytes: Int, mostBody: (S3Answer) -> Int
    ) async -> Result<S3Answer, TransportFault> {
        let limit = stall &+ stall &+ Int64(bytes) &* 1000 / slowest
        do {
            let response = try await client.execute(request, deadline: .now() + .milliseconds(limit))
            var answer = S3Answer(status: Int(response.status.code), headers: response.headers)
            let hasBody = request.method != .HEAD
            let most = hasBody ? mostBody(answer) : 0
            if let fault = try await read(response.body, into: &answer, most) { return .failure(fault) }
            if hasBody, let length = answer.length, length != UInt64(answer.body.count) {
                return .failure(
                    TransportFault(
                        words: "the body ended after \(answer.body.count) of \(length) bytes", mayHaveActed: true))
            }
            return .success(answer)
        } catch {
            return .failure(Self.fault(error))
        }
    }

    private func read(
        _ body: HTTPClientResponse.Body, into answer: inout S3Answer, _ most: Int
    ) async throws -> TransportFault? {
        if let length = answer.length, length <= UInt64(most) { answer.body.reserveCapacity(Int(length)) }
        let begun = MonotonicClock.milliseconds()
        for try await chunk in body {
            guard answer.body.count + chunk.readableBytes <= most else {
                return TransportFault(words: "the answer is larger than the \(most) bytes expected", mayHaveActed: true)
            }
            chunk.withUnsafeReadableBytes { answer.body.append(contentsOf: $0) }
            let allowed = stall &+ stall &+ Int64(answer.body.count) &* 1000 / slowest
            guard MonotonicClock.milliseconds() - begun < allowed else {
                return TransportFault(words: "the body arrives too slowly", mayHaveActed: true)
            }
        }
        return nil
    }

    // MARK: Faults

    /// What an error of the client means; never its own description, which may contain an address with a signature.
    private static func fault(_ error: any Error) -> TransportFault {
        switch error {
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout: TransportFault(words: "no connection in time", mayHaveActed: false)
            case .readTimeout, .writeTimeout, .deadlineExceeded:
                TransportFault(words: "no answer in time", mayHaveActed: true)
            case .remoteConnectionClosed:
                TransportFault(words: "the connection was closed before the end of the answer", mayHaveActed: true)
            case .cancelled: TransportFault(words: "interrupted", mayHaveActed: true, isFinal: true)
            case .alreadyShutdown:
                TransportFault(words: "the client is closed", mayHaveActed: false, isFinal: true)
            default: TransportFault(words: error.shortDescription, mayHaveActed: true)
            }
        case let error as NIOConnectionError:
            TransportFault(
                words: error.connectionErrors.first.map { fault($0.error).words } ?? "the host's name is not known",
                mayHaveActed: false)
        case let error as IOError:
            TransportFault(words: FileFailure.reason(error.errnoCode), mayHaveActed: true)
        case is CancellationError: TransportFault(words: "interrupted", mayHaveActed: true, isFinal: true)
        case is NIOSSLError, is BoringSSLError:
            "\(error)".contains("CERTIFICATE_VERIFY_FAILED")
                ? TransportFault(
                    words: "the server's certificate is not trusted", mayHaveActed: false, isFinal: true,
                    hint: "check the endpoint, or name the file of its authority in AWS_CA_BUNDLE")
                : TransportFault(words: "the TLS connection failed", mayHaveActed: true)
        default: TransportFault(words: "the connection failed (\(type(of: error)))", mayHaveActed: true)
        }
    }

    private static func tls(_ path: String) throws(S3Error) -> TLSConfiguration {
        let certificates: [NIOSSLCertificate]
        do {
            certificates = try NIOSSLCertificate.fromPEMFile(path)
        } catch {
            throw S3Error(.invalid, "cannot read AWS_CA_BUNDLE as PEM", key: path)
        }
        guard !certificates.isEmpty else { throw S3Error(.invalid, "AWS_CA_BUNDLE contains no certificate", key: path) }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(certificates)
        return tls
    }
}
