import Calendar
import CrashExport
import Glibc
import Harvest
import Model
import Notify
import SalvageConfiguration
import SessionAPI
import Store
import Synchronization
import Terminal
import Text

/// A harvest with its display.
struct ShownHarvest: Sendable {
    let display: HarvestDisplay
    private let run: HarvestRun

    /// Takes the store's lock and connects to the API.
    ///
    /// - Parameters:
    ///   - current: the configuration that a daemon reloads; nil loads it.
    ///   - watcher: receives every event, as the display does.
    init(
        _ options: GlobalOptions, isDaemon: Bool = false, current: CurrentConfiguration? = nil,
        watcher: HarvestObserver = HarvestObserver()
    ) throws {
        let current = try current ?? CurrentConfiguration(StoreAccess.configuration(options))
        let configuration = current.value
        let display = HarvestDisplay(options: options, isDaemon: isDaemon)
        run = try HarvestRun(
            current, store: StoreAccess.address(options), environment: Environment.all,
            observer: HarvestObserver(
                progress: {
                    display.show($0)
                    watcher.progress($0)
                },
                event: {
                    display.note($0)
                    watcher.event($0)
                }))
        self.display = display
        if let shortfall = configuration.shortfall { display.warn(shortfall, options) }
    }

    /// Takes stop requests and reloads.
    var runner: HarvestRunner { run.runner }

    /// The folder on this machine that has the lock: the store's own, or that of a shared store.
    var localFolder: String { run.localFolder }

    /// The state of every channel of notifications.
    var channels: [ChannelReport] { run.channels }

    /// The state of the services that receive crashes.
    var exports: [CrashExportReport] { run.exports.map { [$0] } ?? [] }

    /// Runs the harvest and closes the connections, also after an error.
    func carryOut(_ mode: HarvestRunner.Mode, again: Selection? = nil) async throws -> HarvestSummary {
        defer { display.finish() }
        let summary = try await run.carryOut(mode, again: again)
        ProcessGuard.leavePoolAlone()
        return summary
    }
}

/// Shows progress and events of a harvest on standard error: a progress line on a terminal, log lines for a daemon,
/// nothing in cron.
final class HarvestDisplay: Sendable {
    private let progress: Mutex<Terminal.Progress>
    private let lastPause = Mutex<String?>(nil)
    private let isDaemon: Bool
    private let isVerbose: Bool
    private let isQuiet: Bool

    init(options: GlobalOptions, isDaemon: Bool) {
        progress = Mutex(Terminal.Progress(quiet: options.quiet || isDaemon))
        self.isDaemon = isDaemon
        isVerbose = options.verbose
        isQuiet = options.quiet
    }

    func show(_ state: HarvestProgress) {
        progress.withLock { line in
            line.update(
                "\(counted(state.seen, "session")), \(state.pending) pending, \(state.downloading) downloading, "
                    + "\(SizeText.binary(state.bytes)) so far")
        }
    }

    func note(_ event: HarvestEvent) {
        if case .absentPaths(_, let fresh) = event {
            for path in fresh { say(Escape.display(AbsentPathText.line(path))) }
        }
        if let text = words(event) { say(text) }
    }

    func say(_ text: String) {
        progress.withLock { line in
            line.finish()
            let sink = BufferedOutput(descriptor: STDERR_FILENO)
            sink.write((isDaemon ? ISO8601.text(clamping: TimeText.now()) + " " : "") + text + "\n")
            sink.flush()
        }
    }

    /// Warns that no rule keeps an artifact: nobody should wrongly believe that dumps are saved.
    func warn(_ shortfall: SalvageConfiguration.Configuration.Shortfall, _ options: GlobalOptions) {
        guard !options.quiet || shortfall.isMistake else { return }
        if isDaemon { return say("\(shortfall.message) (\(shortfall.hint))") }
        Failure("keeps_little", shortfall.message, hint: shortfall.hint).report(
            json: options.json, style: options.errorStyle)
    }

    func finish() { progress.withLock { $0.finish() } }

    private func words(_ event: HarvestEvent) -> String? {
        switch event {
        case .exited(let session):
            return isVerbose || (isDaemon && !isQuiet) ? "session \(Escape.display(session.key)) exited" : nil
        case .settled(let session, let state, let outcomes):
            let isBad = state == .lost || state == .partial
            guard isBad || isVerbose || (isDaemon && !isQuiet) else { return nil }
            // A single pass lists what is missing at its end.
            if isBad, !isDaemon, !isVerbose { return nil }
            let missing = outcomes.filter { $0.state != .collected && $0.state != .absent && $0.state != .skipped }
            let why = missing.map { outcome in
                "\(outcome.artifact) \(outcome.state.rawValue)\(outcome.reason.map { ": \($0)" } ?? "")"
                    + (outcome.status.map { ", HTTP \($0)" } ?? "")
                    + (outcome.identifier.map { ", identifier \($0)" } ?? "")
            }
            let tail = why.isEmpty ? "" : " (" + why.joined(separator: "; ") + ")"
            return "session \(Escape.display(session)) \(state.rawValue)\(Escape.display(tail))"
        case .listFailed(_, let failure): return isVerbose || isDaemon ? "list failed: \(failure.sentence)" : nil
        case .listDamaged(_, let entry):
            // An entry that was taken despite the damage needs no attention.
            guard !entry.wasTaken || isVerbose || (isDaemon && !isQuiet) else { return nil }
            let name = entry.id.map { ", session \(Escape.display($0))" } ?? ""
            return "list entry \(entry.position) at byte \(entry.offset)\(name): \(entry.reason); "
                + (entry.wasTaken
                    ? "the readable part is used"
                    : "left out, so nothing of this session is collected; report it to the API's operator, or try: "
                        + "salvage harvest --session \(entry.id.map { Escape.display($0) } ?? "ID")")
        case .paused(let pause):
            // A single pass ends with the pause and reports it at its end.
            guard isDaemon,
                lastPause.withLock({ last in
                    defer { last = pause.message }
                    return last != pause.message
                })
            else { return nil }
            return "paused: \(pause.message)\(pause.identifier.map { " (identifier \($0))" } ?? "")"
        case .resumed:
            lastPause.withLock { $0 = nil }
            return isDaemon ? "requests resumed" : nil
        case .storeTrouble(let text): return "store: \(Escape.display(text))"
        case .quarantined(let session, let path, let reason):
            return "session \(Escape.display(session)): quarantined \(path): \(Escape.display(reason))"
        case .packingDeferred(let session, let reason, let wait):
            // A single pass reports at its end what waits.
            guard isVerbose || isDaemon else { return nil }
            let when = wait.map { "next try in \(TimeText.span($0))" } ?? "the next run tries again"
            return "session \(Escape.display(session)): not packed, \(when): \(Escape.display(reason))"
        case .reopened(let session, let artifacts, let cause):
            guard isVerbose || (isDaemon && !isQuiet) else { return nil }
            let why = cause == .changedRule ? "a rule changed" : "--again was given"
            return "session \(Escape.display(session)) is reopened because \(why), for "
                + Escape.display(artifacts.joined(separator: ", "))
        case .absentPaths: return nil
        case .crashed(let crash):
            guard isVerbose || (isDaemon && !isQuiet) else { return nil }
            return Escape.display(crash.sentence)
        case .notifyTrouble(let text): return "notify: \(text)"
        case .exportTrouble(let text): return "export: \(text)"
        case .recovered(let session, let files):
            return isVerbose || isDaemon
                ? "session \(Escape.display(session)): resumed \(counted(files, "download")) of an interrupted run"
                : nil
        }
    }
}
