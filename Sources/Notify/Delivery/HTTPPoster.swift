internal import AsyncHTTPClient
import Calendar
import Files
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
import Synchronization
import Text

/// Posts bodies to addresses whose parts may be secret. HTTP/1.1, no redirects; each try has a limit of its own.
package final class HTTPPoster: Sendable {
    /// What a server answered.
    package struct Answer: Sendable {
        /// The status.
        package var status: Int
        /// The headers, in the order in which they came.
        package var headers: [(name: String, value: String)]
        /// The beginning of the body, fit to be shown.
        package var text: String

        /// The first header of a name; nil if there is none.
        package func header(_ name: String) -> String? {
            headers.first { $0.name.lowercased() == name.lowercased() }?.value
        }

        /// The wait that `Retry-After` asks for, in milliseconds, at most a day; nil without one.
        package func retryAfter(now: Int64) -> Int64? {
            header("retry-after").flatMap {
                HTTPPoster.retryAfter($0, serverDate: header("date"), now: now / 1000)
            }
        }
    }

    /// Why there is no answer: a sentence without an address.
    package struct Failure: Error, Sendable {
        /// The sentence.
        package var reason: String
    }

    /// How long the body of a response is waited for; its status alone decides.
    private static let patience = Duration.seconds(2)
    /// What has arrived of a body.
    private final class Kept: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    /// The most bytes of a response that are read.
    private static let mostAnswer = 16 << 10

    private let client: HTTPClient

    /// Opens nothing yet.
    package init() {
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        // A redirect would carry the message to an address nobody configured.
        configuration.redirectConfiguration = .disallow
        // Each try has a limit of its own, which ends all of it.
        configuration.timeout = .init(connect: .minutes(10), read: .minutes(10))
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }

    deinit {
        // An HTTP client must not be deallocated while open. After `shutdown` this does nothing.
        Task.detached { [client] in try? await client.shutdown() }
    }

    /// Closes all connections; tries in flight fail.
    package func shutdown() async {
        // A second shutdown is reported as an error, which does not matter.
        try? await client.shutdown()
    }

    /// Posts a body once.
    ///
    /// - Parameters:
    ///   - address: an address for which ``isUsable(_:)`` is true.
    ///   - headers: added to those of every request.
    ///   - limit: how long it may take until the answer's status is there, in milliseconds.
    ///   - redaction: what the answer's text must not contain.
    package func post(
        _ address: String, headers: [(name: String, value: String)], body: [UInt8], limit: Int64,
        redaction: AnswerRedaction
    ) async throws(Failure) -> Answer {
        var request = HTTPClientRequest(url: address)
        request.method = .POST
        request.headers.add(name: "accept-encoding", value: "identity")
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, deadline: .now() + .milliseconds(limit))
        } catch {
            throw Failure(reason: Self.words(error, TryLimit(milliseconds: limit)))
        }
        return Answer(
            status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) },
            text: redaction.shown(await Self.answer(response)))
    }

    /// Whether a client can connect to an address: an `http` or `https` URL without a user.
    package static func isUsable(_ address: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: address.hasPrefix) else { return false }
        let host = address.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return !host.isEmpty && !host.contains("@") && Authority.isUsable(host)
    }

    /// The beginning of a response's body, as far as it comes soon. A channel that answered has decided, whether or not
    /// it goes on to say more.
    private static func answer(_ response: HTTPClientResponse) async -> [UInt8] {
        let kept = Kept()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    for try await chunk in response.body {
                        let isFull = kept.bytes.withLock { bytes in
                            bytes += chunk.readableBytesView.prefix(mostAnswer - bytes.count)
                            return bytes.count >= mostAnswer
                        }
                        if isFull { break }
                    }
                } catch {
                    // What arrived before the connection ended is shown.
                }
            }
            group.addTask { try? await Task.sleep(for: patience) }
            await group.next()
            group.cancelAll()
        }
        return kept.bytes.withLock { $0 }
    }

    /// The wait that the header asks for, in milliseconds, at most a day; nil if it is neither a number of seconds nor a
    /// date.
    package static func retryAfter(_ value: String, serverDate: String?, now: Int64) -> Int64? {
        let text = value.filter { $0 != " " && $0 != "\t" || value.contains(",") }
        if let seconds = Double(text), seconds.isFinite, seconds >= 0 {
            return Int64((min(seconds, 86_400) * 1000).rounded(.up))
        }
        guard let then = HTTPDate.seconds(value) else { return nil }
        let from = serverDate.flatMap(HTTPDate.seconds) ?? now
        return min(max(then &- from, 0), 86_400) * 1000
    }

    /// Why no response came; never with an address, which an error's own description may contain.
    private static func words(_ error: any Error, _ limit: TryLimit) -> String {
        switch error {
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout, .readTimeout, .deadlineExceeded: "no response within \(limit.words)"
            case .remoteConnectionClosed: "the connection was closed before the response"
            default: "the request failed: \(error.shortDescription)"
            }
        case let error as IOError: "cannot connect: \(FileFailure.reason(error.errnoCode))"
        case is CancellationError: "interrupted"
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first {
                words(first.error, limit)
            } else {
                "the host's name cannot be resolved"
            }
        default:
            "\(type(of: error))".contains("SSL")
                ? "the TLS connection failed; check the server's certificate"
                : "cannot connect (\(type(of: error)))"
        }
    }
}
