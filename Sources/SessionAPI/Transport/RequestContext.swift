internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
import SessionModel
internal import Text

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The facts about a request that its errors report.
struct RequestContext: Sendable {
    /// How far the request has progressed.
    enum Phase {
        case head
        case body(received: Int64)
    }

    var operation: APIOperation
    var session: String?
    /// Removes the token from texts that are not ours.
    var redaction = Redaction.none
    /// The time limit of the call; nil when there is none.
    var limit: CallLimit?
    /// Whether sending the request's body began; nil when it has no body, and nothing is known.
    var wasSent: Bool?

    /// Makes an error with our own message.
    func error(_ kind: APIError.Kind, _ message: String, mayHaveActed: Bool? = nil) -> APIError {
        APIError(kind, operation: operation, session: session, message: message, mayHaveActed: mayHaveActed)
    }

    /// Makes the error for a body that is shorter than announced.
    func truncated(received: Int64, expected: Int64) -> APIError {
        error(.truncated, "the body ended after \(received) of \(counted(expected, "byte"))")
    }

    /// Makes an API error from any error of the transport.
    func failure(_ failure: any Error, during phase: Phase) -> APIError {
        if let error = failure as? APIError { return error }
        var error = translated(failure, phase)
        if case .head = phase, Self.isBeforeSending(failure) || wasSent == false { error.mayHaveActed = false }
        return error
    }

    private func translated(_ failure: any Error, _ phase: Phase) -> APIError {
        switch failure {
        case is CancellationError:
            return error(.cancelled, "cancelled")
        case let stalled as BodyStalled:
            return error(.timeout, "no data arrived for \(stalled.limit)\(progress(phase))")
        case let slow as BodyTooSlow:
            return error(
                .timeout,
                "fewer than \(counted(slow.slowest, "byte")) per second arrived for \(slow.window)\(progress(phase))")
        case let overdue as BodyOverdue:
            return error(.timeout, "the response was not complete after \(overdue.limit)\(progress(phase))")
        case let failure as HTTPClientError:
            return transport(failure, phase)
        case let failure as HTTPParserError where failure != .invalidEOFState:
            return error(.invalidAnswer, "the response is not valid HTTP: \(failure)\(progress(phase))")
        case let failure as NIOConnectionError:
            let cause = failure.connectionErrors.first?.error
            return error(
                .network, "no connection to \(failure.host):\(failure.port)" + (cause.map { ": \(words($0))" } ?? ""))
        default:
            return lost(words(failure), phase)
        }
    }

    private func words(_ failure: any Error) -> String {
        if let failure = failure as? IOError { return String(cString: strerror(failure.errnoCode)) }
        let text = String(describing: failure)
        guard failure is NIOSSLError else { return redaction.clean(text) }
        // Leave out the library's own file names and lines: they do not help the user.
        let reason = text.split(separator: "OPENSSL_internal:", maxSplits: 1).dropFirst().first.map {
            $0.prefix { $0 != " " && $0 != "]" && $0 != "\"" }
        }
        return "the TLS connection failed" + (reason.map { ": " + redaction.clean(String($0)) } ?? "")
    }

    private func transport(_ failure: HTTPClientError, _ phase: Phase) -> APIError {
        switch failure {
        case .cancelled, .requestStreamCancelled:
            return error(.cancelled, "cancelled")
        case .deadlineExceeded, .readTimeout, .writeTimeout:
            if let limit, limit.isOver { return error(.timeout, "\(limit)\(progress(phase))") }
            return error(.timeout, "no response in time\(progress(phase))")
        case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .socksHandshakeTimeout,
            .httpProxyHandshakeTimeout:
            return error(.timeout, "no connection in time")
        case .proxyAuthenticationRequired:
            return error(.network, "the proxy requires a user and a password")
        case .invalidProxyResponse:
            return error(.network, "the proxy refused the connection")
        case .remoteConnectionClosed, .uncleanShutdown:
            return lost("the server closed the connection", phase)
        case .invalidURL, .emptyHost, .emptyScheme, .missingSocketPath, .alreadyShutdown:
            return error(.invalidArgument, failure.shortDescription)
        default:
            return lost(failure.shortDescription, phase)
        }
    }

    /// Whether a failure means that no connection was made, so that nothing can have been sent.
    private static func isBeforeSending(_ failure: any Error) -> Bool {
        switch failure {
        case is NIOConnectionError: return true
        case let failure as HTTPClientError:
            return [
                .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .socksHandshakeTimeout,
                .httpProxyHandshakeTimeout, .proxyAuthenticationRequired, .invalidProxyResponse,
            ].contains(failure)
        case let failure as NIOSSLError:
            if case .handshakeFailed = failure { return true }
            return false
        case is NIOSSLExtraError: return true
        case let failure as IOError:
            return [ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, ENOENT, EACCES, EADDRNOTAVAIL].contains(failure.errnoCode)
        default: return false
        }
    }

    private func lost(_ reason: String, _ phase: Phase) -> APIError {
        switch phase {
        case .head: error(.network, reason)
        case .body(let received): error(.truncated, "the body ended after \(counted(received, "byte")): \(reason)")
        }
    }

    private func progress(_ phase: Phase) -> String {
        switch phase {
        case .head: ""
        case .body(let received): " (received \(counted(received, "byte")) of the body)"
        }
    }
}
