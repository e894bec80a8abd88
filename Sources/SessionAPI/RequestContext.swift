internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// What a failure needs to know about the request it befell.
struct RequestContext: Sendable {
    /// How far a request had come.
    enum Phase {
        case head
        case body(received: Int64)
    }

    var operation: Operation
    var session: String?
    /// Taken out of every text of an error.
    var secret: String

    /// An error in our own words.
    func error(_ kind: APIError.Kind, _ message: String) -> APIError {
        APIError(kind, operation: operation, session: session, message: message).redacting(secret)
    }

    /// A body that is shorter than announced.
    func truncated(received: Int64, expected: Int64) -> APIError {
        error(.truncated, "the body ended after \(received) of \(expected) bytes")
    }

    /// An API error from whatever the transport threw.
    func failure(_ failure: any Error, during phase: Phase) -> APIError {
        switch failure {
        case let error as APIError:
            return error
        case is CancellationError:
            return error(.cancelled, "cancelled")
        case let stalled as BodyStalled:
            return error(.timeout, "no byte arrived for \(stalled.limit)\(progress(phase))")
        case let slow as BodyTooSlow:
            return error(
                .timeout, "fewer than \(slow.slowest) bytes a second arrived for \(slow.window)\(progress(phase))")
        case let overdue as BodyOverdue:
            return error(.timeout, "the answer was not whole after \(overdue.limit)\(progress(phase))")
        case let failure as HTTPClientError:
            return transport(failure, phase)
        case let failure as HTTPParserError where failure != .invalidEOFState:
            return error(.invalidAnswer, "the answer is not valid HTTP: \(failure)\(progress(phase))")
        case let failure as IOError:
            return lost(String(cString: strerror(failure.errnoCode)), phase)
        default:
            return lost(String(describing: failure), phase)
        }
    }

    private func transport(_ failure: HTTPClientError, _ phase: Phase) -> APIError {
        switch failure {
        case .cancelled, .requestStreamCancelled:
            return error(.cancelled, "cancelled")
        case .deadlineExceeded, .readTimeout, .writeTimeout:
            return error(.timeout, "no answer in time\(progress(phase))")
        case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .socksHandshakeTimeout,
            .httpProxyHandshakeTimeout:
            return error(.timeout, "no connection in time")
        case .remoteConnectionClosed, .uncleanShutdown:
            return lost("the server closed the connection", phase)
        case .invalidURL, .emptyHost, .emptyScheme, .missingSocketPath, .alreadyShutdown:
            return error(.invalidArgument, failure.shortDescription)
        default:
            return lost(failure.shortDescription, phase)
        }
    }

    private func lost(_ reason: String, _ phase: Phase) -> APIError {
        switch phase {
        case .head: error(.network, reason)
        case .body(let received): error(.truncated, "the body broke off after \(received) bytes: \(reason)")
        }
    }

    private func progress(_ phase: Phase) -> String {
        switch phase {
        case .head: ""
        case .body(let received): " (\(received) bytes of the body had arrived)"
        }
    }
}
