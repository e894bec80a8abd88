import Clocks
import Dispatch
import Notify
import SalvageConfiguration
import Text

/// Sends single crashes to Sentry and says how it went.
struct SentrySender: Sendable {
    /// What is sent, or how the try ended before.
    private enum Prepared: Sendable {
        case body([UInt8], minidump: Bool, note: String?)
        case ended(SendOutcome)
    }

    /// How often a minidump that cannot be read is tried before the event is sent without it.
    private static let mostUnreadable = 3

    let source: any ExportSource
    /// The sender's version.
    let version: String
    let environment: [String: String]
    let limits: SentryEnvelope.Limits
    private let poster = HTTPPoster()
    /// Packs are read and compressed here, because that blocks.
    private let queue = DispatchQueue(label: "salvage.export.read")

    init(
        source: any ExportSource, version: String, environment: [String: String],
        limits: SentryEnvelope.Limits = SentryEnvelope.Limits()
    ) {
        self.source = source
        self.version = version
        self.environment = environment
        self.limits = limits
    }

    /// Closes all connections; a try in flight fails.
    func shutdown() async { await poster.shutdown() }

    /// Sends a crash once; returns after a bounded time, with what the service announced.
    func send(
        _ item: ExportItem, _ settings: Configuration.Exports.Sentry
    ) async -> (outcome: SendOutcome, limits: [RateLimit]) {
        let dsn: SentryDSN
        switch await onQueue({ readDSN(settings) }) {
        case .success(let value): dsn = value
        case .failure(let problem): return (.paused(reason: "the DSN \(problem.reason)"), [])
        }
        switch await onQueue({ prepare(item, settings) }) {
        case .ended(let outcome): return (outcome, [])
        case .body(let body, let minidump, let note):
            let headers = [
                (name: "content-type", value: SentryEnvelope.contentType), (name: "content-encoding", value: "gzip"),
                (name: "user-agent", value: client),
                (name: "x-sentry-auth", value: dsn.authorization(client: client)),
            ]
            do throws(HTTPPoster.Failure) {
                let answer = try await poster.post(
                    dsn.endpoint, headers: headers, body: body, limit: settings.timeout, redaction: dsn.redaction)
                return Self.judge(answer, minidump: minidump, note: note, now: WallClock.now())
            } catch {
                return (.failed(reason: error.reason), [])
            }
        }
    }

    private var client: String { "salvage/\(version)" }

    private func onQueue<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in queue.async { continuation.resume(returning: body()) } }
    }

    /// Reads the DSN; each try reads the file again, so that a replaced one takes effect.
    private func readDSN(_ settings: Configuration.Exports.Sentry) -> Result<SentryDSN, SentryDSN.Problem> {
        do {
            return .success(try SentryDSN(parsing: try settings.dsn.read(environment)))
        } catch let error as ConfigurationError {
            return .failure(.init(reason: "cannot be used: \(error.message)" + (error.path.map { " (\($0))" } ?? "")))
        } catch let problem as SentryDSN.Problem {
            return .failure(.init(reason: "in \(settings.dsn) \(problem.reason)"))
        } catch {
            return .failure(.init(reason: "cannot be read"))
        }
    }

    private func prepare(_ item: ExportItem, _ settings: Configuration.Exports.Sentry) -> Prepared {
        let crash: ExportedCrash
        switch source.content(ofCrash: item.crash, session: item.session, withMinidump: item.minidump) {
        case .gone(let reason): return .ended(.gone(reason: reason))
        case .unreadable(let reason): return .ended(.unreadable(reason: reason))
        case .crash(let content): crash = content
        }
        let event = SentryEvent(crash, environment: settings.environment, client: ("salvage", version))
        guard let json = event.json() else {
            return .ended(.gone(reason: "its event has more than \(SentryEvent.mostBytes) bytes"))
        }
        var note = crash.note
        if let minidump = crash.minidump {
            do throws(SentryEnvelope.Problem) {
                let body = try SentryEnvelope.gzip(id: event.id, event: json, minidump: minidump, limits: limits)
                return .body(body, minidump: true, note: nil)
            } catch {
                switch error {
                case .tooLarge(let reason): note = "sent without its minidump: \(reason)"
                case .unreadable(let reason):
                    guard item.failures >= Self.mostUnreadable else {
                        return .ended(.unreadable(reason: "its minidump: \(reason)"))
                    }
                    note = "sent without its minidump: \(reason)"
                }
            }
        }
        do throws(SentryEnvelope.Problem) {
            let body = try SentryEnvelope.gzip(id: event.id, event: json, minidump: nil, limits: limits)
            return .body(body, minidump: false, note: note)
        } catch {
            return .ended(.unreadable(reason: error.reason))
        }
    }

    /// What an answer means; the limits are those of https://develop.sentry.dev/sdk/foundations/transport/rate-limiting/.
    static func judge(
        _ answer: HTTPPoster.Answer, minidump: Bool, note: String?, now: Int64
    ) -> (outcome: SendOutcome, limits: [RateLimit]) {
        let text = "HTTP \(answer.status)" + (answer.text.isEmpty ? "" : ": \(answer.text)")
        var limits = answer.headers.filter { $0.name.lowercased() == "x-sentry-rate-limits" }.flatMap {
            RateLimit.parse($0.value)
        }
        let after = answer.retryAfter(now: now)
        switch answer.status {
        case 200..<300: return (.sent(minidump: minidump, note: note), limits)
        case 429:
            if limits.isEmpty, let after { limits = [RateLimit(.all, wait: after)] }
            return (.limited(reason: text), limits)
        case 413: return (.tooLarge(reason: text), limits)
        // The event itself is refused, and would be at every try.
        case 400, 422: return (.refused(reason: text), limits)
        case 408, 425, 500...: return (.failed(reason: text, after: after), limits)
        case 401, 403:
            return (.paused(reason: "\(text); Sentry does not accept the DSN: check key and project"), limits)
        case 300..<400: return (.paused(reason: "\(text); redirects are not followed: correct the DSN"), limits)
        default: return (.paused(reason: "\(text); check the DSN, and that the server takes envelopes"), limits)
        }
    }
}
