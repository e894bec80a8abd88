import ArgumentParser
import Dispatch
import Glibc
import Harvest
import Synchronization
import Terminal

/// `salvage watch`: the daemon.
struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch the sessions and harvest each as it exits, until SIGTERM.",
        discussion: """
            Polls the API, pulls what exited sessions left behind in the order of their deadlines, and logs what \
            happens to standard error. SIGTERM and SIGINT drain: what is being packed is finished first. SIGHUP reads \
            the configuration anew: rules, poll intervals and sampling; an invalid one is refused and the old one \
            stays. Under systemd it reports readiness, status and the watchdog.
            """)

    @Option(
        help: ArgumentHelp(
            "Serve /metrics (Prometheus) and /healthz here: 127.0.0.1:9187, or a port on 127.0.0.1.",
            valueName: "address"))
    var metrics: String?
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let stop = StopSignals()
        let counts = WatchMetrics()
        let notifier = ServiceNotifier(environment: Environment.all)
        let poll = try StoreAccess.configuration(options).poll.running
        let store = try StoreAccess.path(options)
        let server = try metrics.map { address in
            try MetricsServer(
                address, metrics: { MetricsText.render(counts.now, store: store, now: TimeText.now()) },
                trouble: { WatchHealth(counts.now, pollInterval: poll, now: TimeText.now()).trouble })
        }
        let run = try HarvestRun(
            options, isDaemon: true,
            watcher: HarvestObserver(
                progress: {
                    counts.show($0)
                    notifier.alive($0)
                }, event: { counts.note($0) }))
        let runner = run.runner
        stop.whenStopped {
            notifier.stopping()
            runner.requestStop()
        }
        let reload = ReloadSignal {
            notifier.reloading()
            defer { notifier.reloaded() }
            do {
                let configuration = try StoreAccess.configuration(options)
                runner.reload(configuration)
                counts.noteReload()
                run.say("the configuration was read anew: \(configuration.rules.count) rules")
            } catch {
                let failure = FailureReport.failure(for: error)
                run.say("the configuration stays as it was: \(failure?.message ?? "\(error)")")
            }
        }
        defer { reload.end() }
        let serving = server.map { server in
            Task {
                do {
                    try await server.run { port in run.say("metrics on port \(port)") }
                } catch {
                    // A daemon that harvests without its metrics is better than none.
                    run.say(FailureReport.failure(for: error)?.message ?? "metrics: \(error)")
                }
            }
        }
        defer { serving?.cancel() }
        let summary = try await run.carryOut(.watch)
        try HarvestReportText(options: options).write(summary)
    }
}

/// SIGHUP as a request to read the configuration anew.
final class ReloadSignal: Sendable {
    private let source: Mutex<Sendability<any DispatchSourceSignal>>

    init(_ action: @escaping @Sendable () -> Void) {
        signal(SIGHUP, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: DispatchQueue(label: "salvage.reload"))
        source.setEventHandler(handler: action)
        source.resume()
        self.source = Mutex(Sendability(value: source))
    }

    func end() { source.withLock { $0.value.cancel() } }
}
