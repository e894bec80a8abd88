import CrashExport
import Harvest
import Model
import Notify
import SalvageConfiguration
import SalvageServer
import Store
import Synchronization
import Terminal
import Text

/// `salvage watch`: the daemon.
struct Watch: AsyncCommand {
    static var name: String { "watch" }
    static var abstract: String { "Watch the sessions and harvest each as it exits, until SIGTERM." }
    static var discussion: String {
        """
        Polls the API, downloads artifacts and logs of exited sessions in the order of their deadlines, and logs \
        to standard error. On SIGTERM or SIGINT, watch finishes any packing in progress, then exits. SIGHUP \
        reloads the configuration, except store (all of its keys), api.url and limits.stall; the log names those that need a \
        restart. Each crash of a packed session is logged with its signature, whether that is new or returned, \
        build, region and id. The channels of `notify:` get events while the harvest goes on; what a \
        channel does not take waits in the store's outbox. Artifacts that a changed rule adds are also fetched from finished sessions, until their \
        deadlines. A configuration that is invalid, empty, missing or not a regular file is rejected, and the old \
        one stays. Under systemd it reports readiness and status, and pings the watchdog.
        """
    }
    static var flags: [CommandFlag<Self>] {
        [
            .text(
                "metrics", value: "address",
                "Serve /metrics (Prometheus) and /healthz here: 127.0.0.1:19187, or 19187 for 127.0.0.1."
            ) { $0.metrics = $1 }
        ]
    }

    var metrics: String?
    var options = GlobalOptions()

    func run() async throws {
        let counts = WatchMetrics()
        let channels = ChannelFigures()
        let notifier = ServiceNotifier(environment: Environment.all)
        let current = try CurrentConfiguration(StoreAccess.configuration(options))
        let folder = try StoreAccess.store(options).path
        let server = try metrics.map { address in
            try MetricsServer(
                address,
                metrics: {
                    MetricsText.render(
                        counts.now, channels: channels.now, exports: channels.exports, store: folder,
                        now: TimeText.now())
                },
                trouble: {
                    let now = current.value
                    return WatchHealth(
                        counts.now, pollInterval: now.poll.running, listLimit: now.limits.list, now: TimeText.now()
                    ).trouble
                })
        }
        let started = TimeText.now()
        // Before the store's lock shows that the daemon runs: an unhandled signal ends it.
        let reload = ReloadSignal()
        defer { reload.end() }
        let run = try await OwnThread.run { [options] in
            try ShownHarvest(
                options, isDaemon: true, current: current,
                watcher: HarvestObserver(
                    progress: {
                        counts.show($0)
                        let limit = current.value.limits.list + current.value.poll.running
                        notifier.alive(
                            $0, isStuck: WatchHealth.isStuck($0, since: started, listLimit: limit, now: TimeText.now()))
                    }, event: { counts.note($0) }))
        }
        let runner = run.runner
        channels.come(from: run)
        ProcessGuard.whenStopped {
            notifier.stopping()
            runner.requestStop()
        }
        reload.handle {
            notifier.reloading()
            defer { notifier.reloaded() }
            do {
                let next = try StoreAccess.reload(current.value, options)
                let waiting = runner.reload(next)
                counts.noteReload()
                run.display.say(Self.reloaded(next, waiting))
            } catch {
                let failure = FailureReport.failure(for: error)
                let hint = failure.hint.map { " (\($0))" } ?? ""
                run.display.say("reload failed, keeping the old configuration: \(failure.sentence)\(hint)")
            }
        }
        let serving = server.map { server in
            Task {
                do {
                    try await server.run { port in run.display.say("metrics on port \(port)") }
                } catch {
                    // A daemon that harvests without its metrics is better than none.
                    run.display.say(FailureReport.failure(for: error).sentence)
                }
            }
        }
        defer { serving?.cancel() }
        let summary = try await run.carryOut(.watch)
        try HarvestReportText(options: options).write(summary)
    }

    /// The log line for a successful reload.
    private static func reloaded(_ next: SalvageConfiguration.Configuration, _ waiting: [String]) -> String {
        var text = "the configuration was reloaded: \(counted(next.rules.count, "rule"))"
        if !waiting.isEmpty { text += "; these keys need a restart: \(waiting.joined(separator: ", "))" }
        if let shortfall = next.shortfall { text += "; \(shortfall.message)" }
        return text
    }
}

/// The state of the channels of notifications, which exist once the harvest does.
private final class ChannelFigures: Sendable {
    private let run = Mutex<ShownHarvest?>(nil)

    var now: [ChannelReport] { run.withLock { $0 }?.channels ?? [] }

    var exports: [CrashExportReport] { run.withLock { $0 }?.exports ?? [] }

    func come(from harvest: ShownHarvest) { run.withLock { $0 = harvest } }
}
