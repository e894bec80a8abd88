import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// The server: the API under `/api/v1` and the pages.
public final class Server: Sendable {
    /// The greatest number of open connections.
    static let mostConnections = 256
    /// How long running requests may take once the server stops.
    static let drainTime = Duration.seconds(10)

    private let options: ServerOptions
    private let services: APIServices
    private let register = ConnectionRegister(most: mostConnections)
    private let running = Mutex<Running>(Running())

    private struct Running {
        var channel: (any Channel)?
        var isStopping = false
        var task: Task<Void, any Error>?
    }

    /// A server that does not listen yet.
    public init(_ options: ServerOptions, store: ServerStore) {
        self.options = options
        services = APIServices(options, store)
    }

    /// Serves until ``stop()`` is called.
    ///
    /// - Parameter started: called with the port once connections are accepted.
    /// - Throws: what keeps it from listening.
    public func run(started: @escaping @Sendable (Int) -> Void) async throws {
        var logger = Logger(label: "salvage.serve")
        logger.logLevel = .critical
        let register = register
        var connection = HTTP1Channel.Configuration(additionalChannelHandlers: [ConnectionGuard(register)])
        connection.httpDecoder.maxHeaderFieldSize = 16 << 10
        connection.httpDecoder.maxHeaderListSize = 32 << 10
        connection.httpDecoder.maxHeaderFieldCount = 100
        let app = Application(
            responder: ServerResponder(options, services, register), server: .http1(configuration: connection),
            configuration: .init(address: .hostname(options.host, port: options.port), backlog: 1024),
            onServerRunning: { [self] channel in
                let isLate = running.withLock { running in
                    running.channel = channel
                    return running.isStopping
                }
                started(channel.localAddress?.port ?? 0)
                if isLate { channel.close(promise: nil) }
            }, logger: logger)
        let store = services.store
        try await store.stream { _ in TransferFolder.removeLeftovers(in: store.path) }
        let feed = Task { await services.events.run() }
        defer { feed.cancel() }
        let task = Task { try await app.run() }
        running.withLock { $0.task = task }
        do {
            try await task.value
        } catch {
            // Once it stops, the end of its services is expected.
            guard running.withLock({ $0.isStopping }) else { throw error }
        }
    }

    /// Stops accepting connections, lets running requests end for ten seconds, then closes the rest.
    public func stop() {
        let (channel, isFirst) = running.withLock { running in
            defer { running.isStopping = true }
            return (running.channel, !running.isStopping)
        }
        guard isFirst else { return }
        channel?.close(promise: nil)
        services.events.close()
        register.drain()
        Task {
            try await Task.sleep(for: Self.drainTime)
            running.withLock { $0.task }?.cancel()
        }
    }
}
