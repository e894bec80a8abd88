import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// Serves `/metrics` and `/healthz` beside the daemon.
public struct MetricsServer: Sendable {
    /// The maximum number of open connections; further ones wait.
    public static let mostConnections = 64

    private let host: String
    private let port: Int
    private let metrics: @Sendable () -> String
    private let trouble: @Sendable () -> String?

    /// A server at `HOST:PORT`, `:PORT` or `PORT` (then on 127.0.0.1 only); IPv6 hosts are in brackets.
    ///
    /// - Parameters:
    ///   - address: where to listen.
    ///   - metrics: returns the text of `/metrics`.
    ///   - trouble: returns what is wrong, as `/healthz` says it; nil when all is well.
    /// - Throws: ``MetricsServerError`` with `badAddress`.
    public init(
        _ address: String, metrics: @escaping @Sendable () -> String, trouble: @escaping @Sendable () -> String?
    ) throws(MetricsServerError) {
        var host = "127.0.0.1"
        var port = address[...]
        if let colon = address.lastIndex(of: ":") {
            port = address[address.index(after: colon)...]
            var name = address[..<colon]
            if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
            if !name.isEmpty { host = String(name) }
        }
        guard let number = Int(port), (0...65_535).contains(number) else {
            throw MetricsServerError(
                .badAddress, "invalid value '\(address)' for --metrics",
                hint: "write 127.0.0.1:19187, [::1]:19187 or 19187")
        }
        self.host = host
        self.port = number
        self.metrics = metrics
        self.trouble = trouble
    }

    /// Serves until the task is cancelled.
    ///
    /// - Parameter started: called with the port once connections are accepted.
    /// - Throws: ``MetricsServerError`` with `cannotListen`.
    public func run(started: @escaping @Sendable (Int) -> Void) async throws(MetricsServerError) {
        var logger = Logger(label: "salvage.metrics")
        logger.logLevel = .critical
        let router = Router()
        router.get("/") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: "salvage watch: /metrics (Prometheus), /healthz\n")))
        }
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
        // Anybody who reaches the address may connect, but must not use up the daemon's descriptors.
        var connection = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionBounds()], idleTimeout: .seconds(10))
        connection.httpDecoder.maxHeaderFieldSize = 8 << 10
        connection.httpDecoder.maxHeaderListSize = 16 << 10
        connection.httpDecoder.maxHeaderFieldCount = 100
        var quiet = Logger(label: "salvage.metrics.connections")
        quiet.logLevel = .critical
        let app = Application(
            router: router, server: .http1(configuration: connection),
            configuration: .init(
                address: .hostname(host, port: port), backlog: Self.mostConnections,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections, logger: quiet)),
            onServerRunning: { channel in started(channel.localAddress?.port ?? 0) }, logger: logger)
        do {
            try await app.run()
        } catch is CancellationError {
            return
        } catch {
            throw MetricsServerError(
                .cannotListen, "cannot listen on \(host):\(port): \(error)",
                hint: "choose another address for --metrics")
        }
    }
}

/// Closes a connection that sends too much or lasts too long, active or not: a scrape is one short request.
private final class ConnectionBounds: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    /// How long a connection may last, idle or not.
    private static let longest = TimeAmount.seconds(60)

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        let end = context.eventLoop.scheduleTask(in: Self.longest) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in end.cancel() }
        // In front of the HTTP parser, to see raw bytes.
        try? context.pipeline.syncOperations.addHandler(ByteAllowance(), position: .first)
    }
}

/// Closes a connection that sends more bytes than scrapes need.
private final class ByteAllowance: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private static let most = 256 << 10
    private var came = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        came += unwrapInboundIn(data).readableBytes
        if came > Self.most { return context.close(promise: nil) }
        context.fireChannelRead(data)
    }
}
