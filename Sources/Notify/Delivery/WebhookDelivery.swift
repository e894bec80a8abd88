import Clocks
import SalvageConfiguration
import Text

/// Posts messages to webhooks; a try ends after its ``TryLimit``.
final class WebhookDelivery: Sendable {
    private let poster = HTTPPoster()

    /// Closes all connections; tries in flight fail.
    func shutdown() async { await poster.shutdown() }

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
        guard HTTPPoster.isUsable(address) else {
            return .refused(reason: "the address in \(channel.url.map { "\($0)" } ?? "") is not an http or https URL")
        }
        let (headers, body) = Self.request(message, channel, secret: secret)
        do throws(HTTPPoster.Failure) {
            let answer = try await poster.post(
                address, headers: headers, body: body, limit: TryLimit(channel).milliseconds, redaction: redaction)
            return Self.judge(answer)
        } catch {
            return .failed(reason: error.reason)
        }
    }

    private static func request(
        _ message: OutboxMessage, _ channel: Configuration.Notifications.Channel, secret: String?
    ) -> (headers: [(name: String, value: String)], body: [UInt8]) {
        var headers = [(name: "content-type", value: "application/json"), (name: "user-agent", value: "salvage")]
        let body: [UInt8]
        switch channel.kind {
        case .slack: body = SlackMessage.body(message)
        case .discord: body = DiscordMessage.body(message)
        case .webhook, .command:
            body = EventsJSON.body(message)
            let seconds = WallClock.now() / 1000
            let id = headerText(message.id)
            headers.append((name: "webhook-id", value: id))
            headers.append((name: "webhook-timestamp", value: "\(seconds)"))
            if let secret {
                let signature = MessageSignature.header(id: id, timestamp: seconds, body: body, secret: secret)
                headers.append((name: "webhook-signature", value: signature))
            }
        }
        return (headers, body)
    }

    /// The id as a header's value: what is not visible ASCII becomes `_`.
    static func headerText(_ id: String) -> String {
        String(decoding: id.utf8.map { $0 > 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }

    private static func judge(_ answer: HTTPPoster.Answer) -> DeliveryOutcome {
        let text = "HTTP \(answer.status)" + (answer.text.isEmpty ? "" : ": \(answer.text)")
        switch answer.status {
        case 200..<300: return .delivered(answer: text)
        case 408, 425, 429, 500...:
            return .failed(reason: text, after: answer.retryAfter(now: WallClock.now()))
        case 300..<400: return .refused(reason: "\(text) (redirects are not followed)")
        default: return .refused(reason: text)
        }
    }
}
