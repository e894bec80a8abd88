import AsyncHTTPClient
import NIOCore

/// The HTTP clients for symbol servers.
enum SymbolHTTP {
    /// A client that follows no redirect and decodes nothing.
    ///
    /// - Parameter silence: how long a server may send nothing, in seconds.
    static func client(silence: Int64) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(15), read: .seconds(silence))
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }

    /// A failure of a request in a few words.
    static func words(_ error: any Error) -> String {
        switch error {
        case let error as HTTPClientError: error.shortDescription
        case let error as IOError: error.description
        default: "\(error)"
        }
    }
}
