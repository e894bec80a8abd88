internal import AsyncHTTPClient
internal import Calendar
internal import Clocks
internal import JSON
internal import NIOHTTP1
internal import Synchronization

/// Asks a service near the machine that hands out temporary keys: few bytes, no proxy, and short patience.
final class MetadataClient: Sendable {
    private struct State: ~Copyable {
        var keys = TemporaryKeys()
        var transport: HTTPTransport?
    }

    private let state = Mutex(State())
    private let timeout: Int64

    /// - Parameter timeout: for the connection and for the answer, in milliseconds.
    init(timeout: Int64) { self.timeout = timeout }

    /// The keys to use now; asks for new ones if it is time. Only one thread asks.
    func keys(_ ask: (HTTPTransport) throws(S3Error) -> S3Keys) throws(S3Error) -> S3Keys {
        let timeout = timeout
        return try state.withLock { state in
            Result { () throws(S3Error) in
                switch state.keys.step(now: WallClock.now()) {
                case .use(let keys): return keys
                case .fail(let error): throw error
                case .ask: break
                }
                var options = S3Options()
                (options.connectTimeout, options.stallTimeout) = (timeout, timeout)
                let transport: HTTPTransport
                if let open = state.transport {
                    transport = open
                } else {
                    transport = try HTTPTransport(options, connections: 1, authorities: nil)
                    state.transport = transport
                }
                let result = Result { () throws(S3Error) in try ask(transport) }
                return try state.keys.answered(result, now: WallClock.now())
            }
        }.get()
    }

    func forget(_ keys: S3Keys) { state.withLock { $0.keys.forget(keys) } }

    /// Sends a request once more if it fails, and returns the text of an answer with status 200.
    /// - Parameter service: names the service in errors.
    static func text(
        _ transport: HTTPTransport, _ method: HTTPMethod, _ url: String, _ headers: [(String, String)], service: String
    ) throws(S3Error) -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.method = method
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        var words = ""
        var tries = 2
        while tries > 0 {
            tries -= 1
            let call = PendingCall { [request] in await transport.send(request, sending: 0) { _ in 64 << 10 } }
            switch call.wait() {
            case .success(let answer):
                if answer.status == 200 { return answer.body }
                words = "HTTP \(answer.status)"
                if answer.status < 500 { tries = 0 }
            case .failure(let fault): words = fault.words
            }
        }
        throw S3Error(
            .denied, "cannot get S3 credentials from \(service): \(words)",
            hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a credentials file, or give the machine a role")
    }

    /// Reads the answer with keys; both services send the same members.
    static func keys(_ body: [UInt8], service: String) throws(S3Error) -> S3Keys {
        let value = try? JSONValue(parsing: body)
        guard let value, value["Code"]?.string ?? "Success" == "Success", let id = value["AccessKeyId"]?.string,
            let secret = value["SecretAccessKey"]?.string
        else {
            throw S3Error(
                .denied, "the answer of \(service) has no keys", hint: "check the role of the machine or container")
        }
        var expires: Int64?
        if let text = value["Expiration"]?.string {
            guard let time = ISO8601.milliseconds(text) else {
                throw S3Error(.denied, "the answer of \(service) has no valid time of expiration")
            }
            expires = time
        }
        return try S3Keys(id: id, secret: secret, session: value["Token"]?.string, expires: expires)
    }
}
