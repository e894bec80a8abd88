import Glibc
import Hummingbird
import Logging
import NIOCore

/// Serves `/metrics` and `/healthz` beside the daemon.
struct MetricsServer: Sendable {
    private let host: String
    private let port: Int
    private let metrics: @Sendable () -> String
    private let trouble: @Sendable () -> String?

    /// A server at `HOST:PORT`, `:PORT` or `PORT` (then on 127.0.0.1 only); IPv6 hosts stand in brackets.
    ///
    /// - Throws: ``Failure`` for an address that is none.
    init(
        _ address: String, metrics: @escaping @Sendable () -> String, trouble: @escaping @Sendable () -> String?
    ) throws {
        var host = "127.0.0.1"
        var port = address[...]
        if let colon = address.lastIndex(of: ":") {
            port = address[address.index(after: colon)...]
            var name = address[..<colon]
            if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
            if !name.isEmpty { host = String(name) }
        }
        guard let number = Int(port), (0...65_535).contains(number) else {
            throw Failure(
                "bad_address", "--metrics does not understand '\(address)'",
                hint: "write 127.0.0.1:9187, [::1]:9187 or 9187", status: .usage)
        }
        self.host = host
        self.port = number
        self.metrics = metrics
        self.trouble = trouble
    }

    /// Serves until the task is cancelled.
    ///
    /// - Parameter started: called with the port once connections are taken.
    func run(started: @escaping @Sendable (Int) -> Void) async throws {
        var logger = Logger(label: "salvage.metrics")
        logger.logLevel = .critical
        let router = Router()
        router.get("/metrics") { [metrics] _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: metrics())))
        }
        router.get("/healthz") { [trouble] _, _ in
            let trouble = trouble()
            return Response(
                status: trouble == nil ? .ok : .serviceUnavailable,
                headers: [.contentType: "text/plain; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: (trouble ?? "ok") + "\n")))
        }
        let app = Application(
            router: router, configuration: .init(address: .hostname(host, port: port)),
            onServerRunning: { channel in started(channel.localAddress?.port ?? 0) }, logger: logger)
        do {
            try await app.run()
        } catch is CancellationError {
            return
        } catch {
            throw Failure(
                "metrics_failed", "\(host):\(port) cannot be listened on: \(error)", hint: "choose another --metrics")
        }
    }
}
