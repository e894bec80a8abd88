internal import AsyncHTTPClient
import Calendar
import Clocks
import Files
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
import SalvageConfiguration
import Synchronization
import Text

/// Posts messages to webhooks. HTTP/1.1, no redirects; a try ends after its ``TryLimit``.
final class WebhookDelivery: Sendable {
    /// How long the body of a response is waited for; its status alone decides.
    private static let patience = Duration.seconds(2)
    /// What has arrived of a body.
    private final class Kept: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    /// The most bytes of a response that are read.
    private static let mostAnswer = 16 << 10

    private let client: HTTPClient

    init() {
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
    func shutdown() async {
        // A second shutdown is reported as an error, which does not matter.
        try? await client.shutdown()
    }

    /// Sends a message once.
    func deliver(
        _ message: OutboxMessage, to channel: Configuration.Notifications.Channel, environment: [String: String]
    ) async -> DeliveryOutcome {
        let address: String
        var secret: String?
        do throws(ConfigurationError) {
            guard let source = channel.url else { return .refused(reason: "the channel has no address") }
            address = try source.read(environment)
            secret = try channel.secret?.read(environment)
        } catch {
            // The file may be put right before the message is too old.
            return .failed(reason: error.message + (error.path.map { " (\($0))" } ?? ""))
        }
        let redaction = AnswerRedaction(address: address, secret: secret)
        guard Self.isUsable(address) else {
            return .refused(reason: "the address in \(channel.url.map { "\($0)" } ?? "") is not an http or https URL")
        }
        let request = Self.request(message, channel, address: address, secret: secret)
        let limit = TryLimit(channel)
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, deadline: .now() + .milliseconds(limit.milliseconds))
        } catch {
            return .failed(reason: Self.words(error, limit))
        }
        return Self.judge(response, redaction.shown(await Self.answer(response)))
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

    private static func request(
        _ message: OutboxMessage, _ channel: Configuration.Notifications.Channel, address: String, secret: String?
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: address)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.headers.add(name: "accept-encoding", value: "identity")
        request.headers.add(name: "user-agent", value: "salvage")
        let body: [UInt8]
        switch channel.kind {
        case .slack: body = SlackMessage.body(message)
        case .discord: body = DiscordMessage.body(message)
        case .webhook, .command:
            body = EventsJSON.body(message)
            let seconds = WallClock.now() / 1000
            let id = headerText(message.id)
            request.headers.add(name: "webhook-id", value: id)
            request.headers.add(name: "webhook-timestamp", value: "\(seconds)")
            if let secret {
                request.headers.add(
                    name: "webhook-signature",
                    value: MessageSignature.header(id: id, timestamp: seconds, body: body, secret: secret))
            }
        }
        request.body = .bytes(ByteBuffer(bytes: body))
        return request
    }

    /// The id as a header's value: what is not visible ASCII becomes `_`.
    static func headerText(_ id: String) -> String {
        String(decoding: id.utf8.map { $0 > 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }

    static func isUsable(_ address: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: address.hasPrefix) else { return false }
        let host = address.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return !host.isEmpty && !host.contains("@") && Authority.isUsable(host)
    }

    private static func judge(_ response: HTTPClientResponse, _ words: String) -> DeliveryOutcome {
        let status = Int(response.status.code)
        let text = "HTTP \(status)" + (words.isEmpty ? "" : ": \(words)")
        switch status {
        case 200..<300: return .delivered(answer: text)
        case 408, 425, 429, 500...:
            let after = response.headers.first(name: "retry-after").flatMap {
                retryAfter($0, serverDate: response.headers.first(name: "date"), now: WallClock.now() / 1000)
            }
            return .failed(reason: text, after: after)
        case 300..<400: return .refused(reason: "\(text) (redirects are not followed)")
        default: return .refused(reason: text)
        }
    }

    /// The wait that the header asks for, in milliseconds, at most a day; nil if it is neither a number of seconds nor a
    /// date.
    static func retryAfter(_ value: String, serverDate: String?, now: Int64) -> Int64? {
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
