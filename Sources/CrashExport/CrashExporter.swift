import Clocks
import Dispatch
import Glibc
public import SalvageConfiguration
import Synchronization
import Text

/// Sends crashes to Sentry: keeps them in the store's export queue and sends them one after the other, beside whatever else
/// the process does. One for each process that has the store's lock.
public final class CrashExporter: Sendable {
    private let store: String
    private let current: CurrentConfiguration
    private let trouble: @Sendable (String) -> Void
    private let sender: SentrySender
    private let ledger: any ExportLedger
    /// Reads and writes of the records may block, so they happen here, one after the other.
    private let work = DispatchQueue(label: "salvage.export")
    private let state: Mutex<ExporterState>
    private let shown = Mutex<CrashExportReport?>(nil)
    /// How long to wait after the records could not be read or written, in milliseconds.
    private static let retry: Int64 = 5000
    /// The longest wait of the timer, in milliseconds: the clock may be set.
    private static let longestWait: Int64 = 60_000

    /// Prepares the export of a store; reads nothing yet.
    ///
    /// - Parameters:
    ///   - store: the store's folder; the caller has its lock.
    ///   - current: the configuration, read at each use.
    ///   - environment: the program's environment, which may have the DSN.
    ///   - version: salvage's version, which Sentry shows.
    ///   - source: where crashes are read.
    ///   - ledger: where the outcomes are kept; by default in the store's folder.
    ///   - trouble: gets, as sentences, what cannot be read, written or sent. It must return at once.
    public init(
        store: String, current: CurrentConfiguration, environment: [String: String], version: String,
        source: any ExportSource, ledger: (any ExportLedger)? = nil, trouble: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.current = current
        self.trouble = trouble
        sender = SentrySender(source: source, version: version, environment: environment)
        self.ledger = ledger ?? FolderExportLedger(store: store)
        var generator = SystemRandomNumberGenerator()
        state = Mutex(ExporterState(seed: generator.next()))
    }

    /// Whether a service is configured, or something may still wait in the queue.
    public var isNeeded: Bool { settings != nil || access(ExportJournal.path(store), F_OK) == 0 }

    /// The state of the service as it was after the latest change; nil while there is none.
    public var report: CrashExportReport? { shown.withLock { $0 } }

    /// Reads the queue and begins to send what waits in it. Blocks while it is read.
    ///
    /// - Parameter resume: receives the sessions whose crashes an earlier process was recording when it ended: they may be
    ///   missing in the queue. Called once the queue was read, on any thread; it must return at once.
    public func start(resume: @escaping @Sendable ([String]) -> Void) {
        state.withLock { $0.resume = resume }
        guard isNeeded else { return }
        step { _, _ in [] }
    }

    /// Notes, on the disk, that crashes of sessions are going to be recorded; call it before that, on a thread that may
    /// block.
    public func willCommit(_ sessions: [String]) {
        guard settings != nil, !sessions.isEmpty else { return }
        step { queue, _ in sessions.flatMap { queue.willCommit($0) } }
    }

    /// Queues crashes of a session that were not sent or skipped before, and notes that the session's crashes are now known;
    /// call it on a thread that may block. When it returns true, they are on the disk, or a trouble was reported.
    ///
    /// - Parameters:
    ///   - crashes: their ids, and whether each has a minidump.
    ///   - session: the session's id.
    /// - Returns: false if what was sent before cannot be read now: call it again later.
    public func queue(_ crashes: [(id: String, hasMinidump: Bool)], of session: String) -> Bool {
        guard isNeeded else { return true }
        let done: [ExportEntry]
        do throws(ExportError) { done = crashes.isEmpty ? [] : try ledger.entries(of: session) } catch {
            trouble("\(error)")
            return false
        }
        let known = ByteSet(done.map(\.crash))
        let wanted = settings == nil ? [] : crashes.filter { !known.contains($0.id) }
        let minidumps = settings?.minidumps ?? false
        step { queue, now in
            wanted.flatMap { crash in
                queue.queue(
                    ExportItem(
                        crash: crash.id, session: session, since: now, minidump: crash.hasMinidump && minidumps),
                    now: now)
            } + queue.considered(session)
        }
        return true
    }

    /// Sends what waits for a limited time, and closes the connections. The rest stays in the queue.
    ///
    /// - Parameter limit: in milliseconds.
    public func finish(within limit: Int64) async {
        let end = MonotonicClock.milliseconds() &+ limit
        while isNeeded {
            let left = end &- MonotonicClock.milliseconds()
            guard left > 0 else { break }
            let isBusy = await onQueue {
                self.state.withLock { state in
                    let now = WallClock.now()
                    return state.queue.sending != nil
                        || state.queue.nextTime(now: now).map { $0 < now &+ left } ?? false
                }
            }
            guard isBusy else { break }
            try? await Task.sleep(for: .milliseconds(50))
        }
        let task = await onQueue {
            self.state.withLock { state in
                state.isStopped = true
                return state.task
            }
        }
        task?.cancel()
        await sender.shutdown()
    }

    // MARK: -

    private var settings: Configuration.Exports.Sentry? { current.value.export.sentry }

    private func onQueue<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in work.async { continuation.resume(returning: body()) } }
    }

    /// Changes the queue, writes its journal and begins what follows.
    private func step(_ change: @Sendable (inout ExportQueue, Int64) -> [ExportQueue.Action]) {
        let now = WallClock.now()
        var resumed: (@Sendable () -> Void)?
        let (actions, complaints, wake) = state.withLock { state -> ([ExportQueue.Action], [String], Int64?) in
            guard !state.isStopped else { return ([], [], nil) }
            var complaints: [String] = []
            state.held += change(&state.queue, now)
            do throws(ExportError) {
                if state.journal == nil {
                    if let complaint = try state.load(store, now: now) { complaints.append(complaint) }
                }
                if let resume = state.resume, !state.inherited.isEmpty {
                    resumed = { [due = state.inherited] in resume(due) }
                    state.inherited = []
                }
                configure(&state, now)
                if !state.isBroken { state.held += state.queue.advance(now: now) }
                let actions = try state.write(ledger)
                state.lastTrouble = nil
                let next = state.queue.nextTime(now: now)
                return (actions, complaints, next.map { min($0, now + Self.longestWait) })
            } catch {
                if state.lastTrouble != error.message { complaints.append("\(error)") }
                state.lastTrouble = error.message
                return ([], complaints, now + Self.retry)
            }
        }
        for complaint in complaints { trouble(complaint) }
        for action in actions { carryOut(action) }
        resumed?()
        show(now)
        if let wake { setTimer(wake) }
    }

    private func configure(_ state: inout ExporterState, _ now: Int64) {
        let version = current.version
        guard state.version != version else { return }
        let isFirst = state.version == nil
        state.version = version
        state.queue.perHour = settings?.perHour
        if !isFirst || state.queue.service.paused != nil { state.held += state.queue.reconfigured(now: now) }
    }

    private func carryOut(_ action: ExportQueue.Action) {
        switch action {
        case .enter, .write: break
        case .tell(let sentence): trouble("sentry: \(Escape.display(sentence))")
        case .send(let item):
            let settings = settings
            let task = Task { [self] in
                var ended: (outcome: SendOutcome, limits: [RateLimit])
                ended = (.paused(reason: "the export is no longer configured"), [])
                if let settings { ended = await sender.send(item, settings) }
                guard !Task.isCancelled else { return }
                let (outcome, limits) = ended
                work.async { self.finished(item, outcome, limits) }
            }
            state.withLock { $0.task = task }
        }
    }

    private func finished(_ item: ExportItem, _ outcome: SendOutcome, _ limits: [RateLimit]) {
        step { queue, now in queue.finished(item, outcome, limits: limits, now: now) }
    }

    private func setTimer(_ time: Int64) {
        let now = WallClock.now()
        let isNew = state.withLock { state in
            guard !state.isStopped else { return false }
            if let timer = state.timer, timer <= time, timer > now { return false }
            state.timer = time
            return true
        }
        guard isNew else { return }
        work.asyncAfter(deadline: .now() + .milliseconds(Int(clamping: max(10, time &- now)))) { [weak self] in
            guard let self else { return }
            state.withLock { if $0.timer == time { $0.timer = nil } }
            step { _, _ in [] }
        }
    }

    private func show(_ now: Int64) {
        let report = state.withLock { state in
            var report = CrashExportReport(state.queue, now: now)
            report.unreadableLines = state.unreadableLines
            if state.journal == nil, let trouble = state.lastTrouble { report.lastError = trouble }
            return report
        }
        shown.withLock { $0 = report }
    }
}
