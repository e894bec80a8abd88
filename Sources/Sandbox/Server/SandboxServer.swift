import Clocks
import FoundationEssentials
import Glibc
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// A Session API server on this machine: all ten operations on real processes, and faults on demand.
///
/// ```swift
/// var configuration = SandboxConfiguration(images: "images", root: "/tmp/sessions")
/// let server = try SandboxServer(configuration)
/// let url = try await server.start()
/// …
/// await server.stop()
/// ```
public final class SandboxServer: Sendable {
    /// The real state of a session, which the API does not expose.
    public struct SessionReport: Sendable {
        /// The status as the API names it, without faults.
        public let status: String
        /// The exit code of the last process; nil before one has ended.
        public let exitCode: Int32?
        /// The signal that ended it, 0 for none; nil before a process has ended.
        public let signal: Int32?
        /// Number of restarts.
        public let restarts: Int
        /// The session's root on this machine.
        public let root: String
        /// Whether its container has been removed.
        public let removed: Bool
    }

    private let configuration: SandboxConfiguration
    private let registry: Registry
    private let service: SandboxService
    private let task = Mutex<Task<Void, any Error>?>(nil)

    /// Creates a server, which is not started yet.
    /// - Throws: `SandboxError` when a folder is unusable, the locations are malformed or a limit is negative.
    public convenience init(_ configuration: SandboxConfiguration) throws {
        try self.init(configuration, log: .standardError)
    }

    init(_ configuration: SandboxConfiguration, log: ServerLog) throws {
        var configuration = configuration
        let places = try Places(configuration.locations)
        for (name, limit) in [
            ("maximumSessions", configuration.maximumSessions), ("startsPerMinute", configuration.startsPerMinute),
        ] {
            if let limit, limit < 0 { throw SandboxError("\(name) is \(limit); it must be 0 or more") }
        }
        do {
            try FileManager.default.createDirectory(
                atPath: configuration.root, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw SandboxError(
                "\(configuration.root): cannot create the folder for sessions: \(FileTrouble(error).text)")
        }
        // Children start in other folders, so paths must be absolute.
        configuration.root = try Self.absolute(configuration.root)
        configuration.images = try Self.absolute(configuration.images)
        self.configuration = configuration
        registry = Registry(configuration: configuration, log: log)
        service = SandboxService(configuration: configuration, places: places, registry: registry, log: log)
    }

    /// Starts listening.
    /// - Returns: the base URL, such as `http://127.0.0.1:34567`.
    /// - Throws: `SandboxError` when it cannot listen.
    public func start() async throws -> String {
        try registry.open()
        var logger = Logger(label: "salvage-sandbox")
        // Stopping cancels open connections, each of which Hummingbird logs as an error.
        logger.logLevel = .critical
        let (ports, report) = AsyncStream.makeStream(of: Int.self)
        let app = Application(
            responder: service,
            configuration: .init(address: .hostname(configuration.address, port: configuration.port)),
            onServerRunning: { channel in
                report.yield(channel.localAddress?.port ?? 0)
                report.finish()
            }, logger: logger)
        let running = Task {
            defer { report.finish() }
            try await app.run()
        }
        task.withLock { $0 = running }
        for await port in ports { return "http://\(configuration.address):\(port)" }
        registry.close()
        do {
            try await running.value
        } catch {
            throw SandboxError("cannot listen on \(configuration.address):\(configuration.port): \(error)")
        }
        throw SandboxError("the server ended before it started listening")
    }

    /// Kills every process and closes every connection.
    public func stop() async {
        registry.close()
        let running = task.withLock { task in
            defer { task = nil }
            return task
        }
        running?.cancel()
        _ = await running?.result
    }

    /// Replaces the faults of one session, or of all for nil.
    public func setFaults(_ faults: Faults, session: String? = nil) {
        service.faultRegistry.set(faults, session: session, at: WallClock.now())
    }

    /// Returns the faults that apply to a session, including those of all and of a mix.
    public func faults(of session: String) -> Faults { service.faultRegistry.verdict(session).faults }

    /// Removes a session's container at once.
    /// - Returns: false when there was none.
    @discardableResult
    public func removeContainer(_ session: String) -> Bool { service.removeContainer(session) }

    /// Sends a signal to a session's process.
    /// - Returns: false when it is not running or there is no such signal.
    @discardableResult
    public func signal(_ session: String, _ number: Int32) -> Bool { registry.signal(session, number) }

    /// Ends `count` sessions of the synthetic fleet at once.
    /// - Returns: the number of sessions ended.
    @discardableResult
    public func endFleetSessions(_ count: Int) -> Int { service.fleet?.exit(count: count) ?? 0 }

    /// Returns the real state of a session; nil when it never existed.
    public func report(_ session: String) -> SessionReport? {
        registry.session(session).map { session in
            SessionReport(
                status: session.life.status.rawValue, exitCode: session.life.end?.exitCode,
                signal: session.life.end?.signal, restarts: session.life.restarts, root: session.folder.root,
                removed: session.life.removedAt != nil)
        }
    }

    /// Number of responses so far, by operation and status: `"artifacts 200": 12`.
    public var answered: [String: Int] { service.answered }

    private static func absolute(_ path: String) throws -> String {
        guard let whole = realpath(path, nil) else { throw SandboxError("\(path): no such folder") }
        defer { free(whole) }
        return String(cString: whole)
    }
}
