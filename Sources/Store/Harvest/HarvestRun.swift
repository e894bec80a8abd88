import Clocks
public import CrashExport
public import Harvest
import Ingest
public import Model
public import Notify
public import SalvageConfiguration
import SessionAPI

/// A harvest of one store: its lock, the connection to the API, and the loop with all that it needs.
public struct HarvestRun: Sendable {
    /// The loop, which takes stop requests and reloads.
    public let runner: HarvestRunner
    private let client: SessionAPIClient
    private let store: Store
    private let notifications: Notifications
    private let export: SentryExport
    /// How long a single pass, and a daemon that ends, deliver what waits in the outbox, in milliseconds.
    private static let delivery: (pass: Int64, daemon: Int64) = (20_000, 5000)

    /// Raises the limit on open files, takes the store's lock, removes what interrupted ingests left, and prepares the
    /// connection to the API. Requests nothing yet. At most once in a process.
    ///
    /// - Parameters:
    ///   - current: the configuration, read at each use.
    ///   - address: where the store is; its folder is created if it is missing.
    ///   - environment: may have the API token or the folder of systemd credentials.
    ///   - observer: receives progress and events, on any thread.
    /// - Throws: `HarvestError` with `storeLocked` if another process harvests, `storeUnusable` or `machineShort`;
    ///   `ConfigurationError` without a token; `IngestError` with `unconfined` if the machine lacks a barrier that the
    ///   configuration requires; as ``Store/init(creating:builds:)`` and `Catalog.open` do; `APIError` for an invalid address.
    public init(
        _ current: CurrentConfiguration, store address: StoreAddress, environment: [String: String],
        observer: HarvestObserver = HarvestObserver()
    ) throws {
        try DescriptorBudget.raiseLimit()
        if DescriptorBudget.isScarce { SessionAPIClient.useOneEventLoop() }
        let configuration = current.value
        let store = try Store(creating: address, builds: current.value.builds.order)
        self.store = store
        // Looked up before the first request, so that a missing token is reported at once; read again for each request,
        // so that a token file can be replaced while a daemon runs.
        _ = try APIToken.find(configuration, environment: environment)
        // Report missing barriers once, before anything is fetched, not for each session.
        try Barriers.require(except: configuration.confinement.allowMissing)
        let lock = try StoreLock(store: store.path)
        // Once more: a migration marks the store while it has the lock.
        if !store.isShared { try MigrationMarker.requireNone(store: store.path) }
        // Before anything is fetched: a bucket that nobody can name or whose credentials are missing ends the run here.
        _ = try store.bucket()
        StoreIngest.sweep(store: store.path, home: store.home)
        let catalog = try store.catalog()
        client = try SessionAPIClient(
            SessionAPIClient.Configuration(configuration) {
                try APIToken.find(current.value, environment: environment).value
            })
        notifications = try Notifications(
            store: address, current: current, environment: environment, observer: observer)
        export = try SentryExport(
            store: address, current: current, environment: environment, observer: notifications.watching)
        var parts = HarvestRunner.Parts(
            source: SessionAPISource(client), catalog: catalog, home: store.home,
            ingest: ChildIngest(
                store: store.path, home: store.home, current: current, symbols: try store.symbolOrigin()),
            observer: export.watching)
        parts.inspector = { LogInspector(sessionStart: $0) }
        try store.share(&parts, by: current)
        runner = HarvestRunner(current: current, store: store.path, lock: lock, parts: parts)
    }

    /// Runs the harvest and closes the connections, also after an error. Call it once.
    ///
    /// - Parameters:
    ///   - mode: a single pass, or until a stop request.
    ///   - again: the sessions whose missing artifacts to request again.
    /// - Returns: the summary, also when something was lost or the token was refused.
    /// - Throws: `HarvestError` as `HarvestRunner.run` does.
    public func carryOut(_ mode: HarvestRunner.Mode, again: Selection? = nil) async throws -> HarvestSummary {
        let began = WallClock.now()
        notifications.start(isDaemon: mode == .watch)
        export.start()
        do {
            let summary = try await runner.run(mode, again: try again.map { try store.resolved($0) })
            if mode != .watch { notifications.note(summary) }
            await deliver(within: Self.patience(mode, since: began, isStopped: summary.stopped))
            await client.shutdown()
            return summary
        } catch {
            await deliver(within: Self.patience(mode, since: began, isStopped: true))
            await client.shutdown()
            throw error
        }
    }

    /// The folder on this machine that has the lock: the store's own, or that of a shared store.
    public var localFolder: String { store.path }

    /// The state of every channel of notifications.
    public var channels: [ChannelReport] { notifications.reports }

    /// The state of the service that receives crashes; nil while there is none.
    public var exports: CrashExportReport? { export.report }

    /// Delivers events and sends crashes at the same time; what is left stays in their queues.
    private func deliver(within limit: Int64) async {
        async let sent: Void = export.finish(within: limit)
        await notifications.finish(within: limit)
        await sent
    }

    /// How long to deliver at the end, in milliseconds: a pass must not last longer than it may.
    private static func patience(_ mode: HarvestRunner.Mode, since began: Int64, isStopped: Bool) -> Int64 {
        switch mode {
        case .watch: return delivery.daemon
        case .pass(let limit, _):
            let most = isStopped ? delivery.daemon : delivery.pass
            // The process is ended three seconds after its limit.
            return limit.map { max(500, min(most, began &+ $0 &+ 1500 &- WallClock.now())) } ?? most
        }
    }
}
