import Clocks
import Dispatch
import Glibc
public import Model
public import SalvageConfiguration
import Synchronization
import Text

/// Tells channels of events: keeps them in the store's outbox and delivers them, each channel on its own, beside whatever
/// else the process does. One for each process that has the store's lock.
public final class Notifier: Sendable {
    private let store: String
    private let current: CurrentConfiguration
    private let environment: [String: String]
    private let trouble: @Sendable (String) -> Void
    private let delivery = Delivery()
    /// Reads and writes of the journal may block, so they happen here, one after the other.
    private let queue = DispatchQueue(label: "salvage.notify")
    private let state: Mutex<NotifierState>
    private let shown = Mutex<[ChannelReport]>([])
    /// How long to wait after the journal could not be read or written, in milliseconds.
    private static let retry: Int64 = 5000
    /// The longest wait of the timer, in milliseconds: the clock may be set.
    private static let longestWait: Int64 = 60_000

    /// Prepares the notifications of a store; reads nothing yet.
    ///
    /// - Parameters:
    ///   - store: the store's folder; the caller has its lock.
    ///   - current: the configuration, read at each use.
    ///   - environment: the program's environment, for secrets and for commands.
    ///   - trouble: gets, as sentences, what cannot be read, written or delivered. It must return at once.
    public init(
        store: String, current: CurrentConfiguration, environment: [String: String],
        trouble: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.current = current
        self.environment = environment
        self.trouble = trouble
        var generator = SystemRandomNumberGenerator()
        state = Mutex(NotifierState(seed: generator.next()))
    }

    /// Whether a channel is configured, or something may still wait in the outbox.
    public var isNeeded: Bool {
        !current.value.notify.channels.isEmpty || access(OutboxJournal.path(store), F_OK) == 0
    }

    /// The state of every channel, as it was after the latest change.
    public var reports: [ChannelReport] { shown.withLock { $0 } }

    /// Reads the outbox and begins to deliver what waits in it. Blocks while the outbox is read.
    ///
    /// - Parameter resume: receives the sessions whose crashes or losses an earlier process was recording when it ended:
    ///   their events may be missing. Called once the outbox was read, on any thread; it must return at once.
    public func start(resume: @escaping @Sendable ([String]) -> Void) {
        state.withLock { $0.resume = resume }
        guard isNeeded else { return }
        complainAboutSecrets()
        step { _, _ in [] }
    }

    /// Notes, on the disk, that crashes or losses of sessions are going to be recorded; call it before that, on a thread
    /// that may block.
    public func willCommit(_ sessions: [String]) {
        guard !current.value.notify.channels.isEmpty, !sessions.isEmpty else { return }
        step(orKeep: .willCommit(sessions)) { outbox, _ in sessions.flatMap { outbox.willCommit($0) } }
    }

    /// Queues events for the channels that want them, and notes that a session's events are now known; call it on a thread
    /// that may block. When it returns, they are on the disk, or a trouble was reported.
    public func queue(_ events: [Event], considered session: String? = nil) {
        for event in events {
            let names = current.value.notify.channels.filter { $0.wants(event) }.map(\.name)
            guard !names.isEmpty else { continue }
            step(orKeep: .event(event, names, WallClock.now())) { outbox, now in
                outbox.queue(event, for: names, now: now)
            }
        }
        guard let session, isNeeded else { return }
        step(orKeep: .considered(session)) { outbox, _ in outbox.considered(session) }
    }

    /// Delivers what waits without gathering it further, for a limited time, and closes the connections. The rest stays in
    /// the outbox.
    ///
    /// - Parameter limit: in milliseconds.
    public func finish(within limit: Int64) async {
        let end = MonotonicClock.milliseconds() &+ limit
        if isNeeded {
            await onQueue {
                self.step { outbox, _ in
                    outbox.isFlushing = true
                    return []
                }
            }
            while true {
                let left = end &- MonotonicClock.milliseconds()
                guard left > 0 else { break }
                let isBusy = await onQueue {
                    self.state.withLock { state in
                        let now = WallClock.now()
                        return state.outbox.isSending
                            || state.outbox.nextTime(now: now).map { $0 < now &+ left } ?? false
                    }
                }
                guard isBusy else { break }
                try? await Task.sleep(for: .milliseconds(50))
            }
        }
        let tasks = await onQueue {
            self.state.withLock { state in
                state.isStopped = true
                return state.tasks.sortedByKey.map(\.value)
            }
        }
        for task in tasks { task.cancel() }
        await delivery.shutdown()
    }

    // MARK: -

    /// Changes the outbox, writes the journal and begins what follows.
    private func step(
        orKeep input: NotifierState.Early? = nil, _ change: @Sendable (inout Outbox, Int64) -> [Outbox.Action]
    ) {
        let now = WallClock.now()
        var resumed: (@Sendable () -> Void)?
        let (actions, complaints, wake) = state.withLock { state -> ([Outbox.Action], [String], Int64?) in
            guard !state.isStopped else { return ([], [], nil) }
            var complaints: [String] = []
            do throws(NotifyError) {
                if state.journal == nil {
                    do throws(NotifyError) {
                        if let complaint = try state.load(store) { complaints.append(complaint) }
                        if let resume = state.resume, !state.outbox.due.isEmpty {
                            resumed = { [due = Array(state.outbox.due)] in resume(due) }
                        }
                    } catch {
                        if let input { state.keep(input) }
                        throw error
                    }
                }
                configure(&state)
                state.held += change(&state.outbox, now)
                if !state.isBroken { state.held += state.outbox.advance(now: now) }
                let actions = try state.write()
                state.lastTrouble = nil
                let next = state.outbox.nextTime(now: now)
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
        show()
        if let wake { setTimer(wake) }
    }

    private func configure(_ state: inout NotifierState) {
        let version = current.version
        guard state.version != version else { return }
        state.version = version
        var settings = ByteDictionary<OutboxSettings>()
        for channel in current.value.notify.channels { settings[channel.name] = OutboxSettings(channel) }
        state.outbox.configure(settings)
    }

    private func carryOut(_ action: Outbox.Action) {
        switch action {
        case .write: break
        case .gaveUp(let name, let events, let reason):
            trouble(
                "channel '\(Escape.display(name))' gave up \(counted(events, "event")): \(Escape.display(reason))")
        case .send(let name, let message):
            let channel = current.value.notify.channels.first { $0.name.hasSameBytes(as: name) }
            let task = Task { [self] in
                var outcome = DeliveryOutcome.failed(reason: "the channel is no longer configured")
                if let channel {
                    outcome = await delivery.deliver(message, to: channel, environment: environment)
                }
                guard !Task.isCancelled else { return }
                let ended = outcome
                queue.async { self.finished(name, message, ended) }
            }
            state.withLock { $0.tasks[name] = task }
        }
    }

    private func finished(_ name: String, _ message: OutboxMessage, _ outcome: DeliveryOutcome) {
        let isFirst = state.withLock { $0.outbox.channels[name]?.current?.failures == 0 }
        if let reason = outcome.reason, isFirst {
            trouble(
                "channel '\(Escape.display(name))' did not take \(counted(message.events.count, "event")), "
                    + "trying again: \(Escape.display(reason))")
        }
        step { outbox, now in outbox.finished(name, message.id, outcome, now: now) }
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
        queue.asyncAfter(deadline: .now() + .milliseconds(Int(clamping: max(10, time &- now)))) { [weak self] in
            guard let self else { return }
            state.withLock { if $0.timer == time { $0.timer = nil } }
            step { _, _ in [] }
        }
    }

    private func show() {
        let reports = state.withLock { state in
            var reports = state.outbox.channels.sortedByKey.map { ChannelReport($0.key, $0.value) }
            guard state.journal == nil, let trouble = state.lastTrouble else { return reports }
            // Nothing is known of an outbox that cannot be read but what arrived since.
            reports = current.value.notify.channels.map { channel in
                var report = ChannelReport(channel: channel.name)
                report.waiting = state.early.count
                report.lastError = trouble
                return report
            }
            return reports
        }
        shown.withLock { $0 = reports }
    }

    /// Reports secrets that cannot be read now, before there is anything to deliver.
    private func complainAboutSecrets() {
        for channel in current.value.notify.channels {
            for source in [channel.url, channel.secret].compactMap(\.self) {
                do throws(ConfigurationError) { _ = try source.read(environment) } catch {
                    let path = error.path.map { " (\($0))" } ?? ""
                    trouble(
                        "channel '\(channel.name)' cannot be used: \(error.message)\(path)"
                            + (error.hint.map { "; \($0)" } ?? ""))
                }
            }
        }
    }

    private func onQueue<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: work()) }
        }
    }
}
