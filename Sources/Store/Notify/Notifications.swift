import Catalog
import Clocks
import Dispatch
import Harvest
import Model
import Notify
import SalvageConfiguration
import Synchronization
import Text

/// Turns what a harvest reports into events for the channels. Looks into the catalog on a queue of its own, with a connection
/// of its own, so that neither a slow query nor a slow channel delays a download.
final class Notifications: Sendable {
    private struct State {
        /// Whether crashes are looked up although no channel is configured: for the log and the metrics.
        var isDaemon = false
        /// The crashes that were reported in this process; a session can be committed more than once.
        var reported = ByteSet()
        /// Signatures and builds to be compared with their past.
        var compared = ByteDictionary<NovelCrash>()
        var isComparing = false
        var deadlineChecked: Int64 = 0
        var isEnding = false
    }

    /// The most crash ids that are remembered.
    private static let mostReported = 10_000
    /// The interval between comparisons, in milliseconds.
    private static let compareEvery = 10_000
    /// The interval between looks at the deadlines, in milliseconds.
    private static let deadlineEvery: Int64 = 60_000
    /// How often a failed look-up is repeated.
    private static let mostTries = 10

    private let notifier: Notifier
    private let store: Store
    private let current: CurrentConfiguration
    private let observer: HarvestObserver
    private let queue = DispatchQueue(label: "salvage.events")
    private let state = Mutex(State())

    /// - Parameter observer: receives everything, and the crashes that are looked up.
    init(
        store address: StoreAddress, current: CurrentConfiguration, environment: [String: String],
        observer: HarvestObserver
    ) throws(StoreError) {
        store = try Store(address, builds: current.value.builds.order)
        self.current = current
        self.observer = observer
        notifier = Notifier(store: store.path, current: current, environment: environment) {
            observer.event(.notifyTrouble($0))
        }
    }

    /// The observer for the harvest.
    var watching: HarvestObserver {
        HarvestObserver(
            progress: { [self] progress in
                observer.progress(progress)
                note(progress)
            },
            event: { [self] event in
                observer.event(event)
                note(event)
            },
            committing: { [self] sessions in notifier.willCommit(sessions) },
            committed: { [self] session in note(committed: session) })
    }

    /// The state of every channel.
    var reports: [ChannelReport] { notifier.reports }

    /// Begins to deliver, and looks up what an earlier process was recording when it ended.
    func start(isDaemon: Bool) {
        state.withLock { $0.isDaemon = isDaemon }
        queue.async { [self] in
            notifier.start { [self] sessions in
                queue.async { [self] in for session in sessions { lookUp(session, 1) } }
            }
        }
    }

    /// Takes what a single pass found at its end.
    func note(_ summary: HarvestSummary) {
        let paths = summary.absentPaths
        queue.async { [self] in
            let making = making()
            notifier.queue(paths.map(making.absent))
            if summary.unfinished > 0 { checkDeadline() }
        }
    }

    /// Looks up what is left, and delivers for at most `limit` milliseconds; the rest stays in the outbox.
    func finish(within limit: Int64) async {
        state.withLock { $0.isEnding = true }
        // The first turn ends what was begun, which may have queued more; the second ends that.
        for _ in 0..<2 {
            await withCheckedContinuation { continuation in
                queue.async { [self] in
                    compare()
                    continuation.resume()
                }
            }
        }
        await notifier.finish(within: limit)
    }

    // MARK: -

    private var isNeeded: Bool { !current.value.notify.channels.isEmpty }

    private func making() -> EventMaking { EventMaking(page: current.value.notify.page, now: WallClock.now()) }

    private func wants(_ kind: Event.Kind) -> Bool { current.value.notify.channels.contains { $0.on.contains(kind) } }

    private func note(committed session: String) {
        guard isNeeded || state.withLock({ $0.isDaemon }) else { return }
        queue.async { [self] in lookUp(session, 1) }
    }

    private func note(_ event: HarvestEvent) {
        switch event {
        case .absentPaths(_, let fresh):
            guard isNeeded else { return }
            queue.async { [self] in notifier.queue(fresh.map(making().absent)) }
        default: break
        }
    }

    private func note(_ progress: HarvestProgress) {
        guard let deadline = progress.nearestDeadline else { return }
        let now = WallClock.now()
        // Most of the time there is neither haste nor much to do.
        guard deadline &- now < 3_600_000 || progress.pending > 100 else { return }
        let isDue = state.withLock { state in
            guard now &- state.deadlineChecked >= Self.deadlineEvery else { return false }
            state.deadlineChecked = now
            return true
        }
        guard isDue, wants(.deadline) else { return }
        queue.async { [self] in checkDeadline() }
    }

    private func checkDeadline() {
        guard wants(.deadline) else { return }
        do {
            let totals = try store.catalog().status()
            guard let deadline = totals.nextDeadline else { return }
            let event = making().deadline(
                backlog: totals.backlog, deadline: deadline, session: totals.nextSession,
                perMinute: current.value.limits.artifactsPerMinute)
            if let event { notifier.queue([event]) }
        } catch {
            observer.event(.notifyTrouble("cannot look at the deadlines: \(error)"))
        }
    }

    /// Reports the crashes of a session, and queues the events of its crashes and losses.
    private func lookUp(_ session: String, _ attempt: Int) {
        let novel: [NovelCrash]
        var lost: Event?
        do {
            novel = try store.novelty(ofCrashesIn: session, now: WallClock.now())
            if isNeeded { lost = try loss(of: session) }
        } catch {
            guard !Self.isAbsence(error) else { return notifier.queue([], considered: session) }
            // What is due stays in the outbox; if this process gives up, the next one looks again.
            if attempt == 1 || attempt == Self.mostTries {
                observer.event(
                    .notifyTrouble(
                        "cannot look up the crashes of session \(Escape.display(session))"
                            + (attempt == 1 ? ", trying again" : "; the next run tries again") + ": \(error)"))
            }
            guard attempt < Self.mostTries, !state.withLock({ $0.isEnding }) else { return }
            queue.asyncAfter(deadline: .now() + .seconds(min(60, 3 * attempt))) { [weak self] in
                self?.lookUp(session, attempt + 1)
            }
            return
        }
        for crash in novel where isFirst(crash.crash.row.crash) { observer.event(.crashed(HarvestedCrash(crash))) }
        let making = making()
        notifier.queue(novel.compactMap(making.crash) + [lost].compactMap(\.self), considered: session)
        plan(novel)
    }

    /// What a settled session has lost, as an event; nil if nothing.
    private func loss(of session: String) throws(CatalogError) -> Event? {
        let catalog = try store.catalog()
        guard let record = try catalog.session(session), record.state != .running, record.state != .pending else {
            return nil
        }
        return making().lost(session, record, record.state, try catalog.artifacts(session).map(\.entry))
    }

    private static func isAbsence(_ error: any Error) -> Bool {
        switch error {
        case let error as CatalogError: error.code == .unknownSession
        case let error as StoreError: error.kind == .notFound
        default: false
        }
    }

    private func isFirst(_ crash: String) -> Bool {
        state.withLock { state in
            if state.reported.count >= Self.mostReported { state.reported = ByteSet() }
            return state.reported.insert(crash).inserted
        }
    }

    /// Plans to compare signatures with their past: not for every crash, because a spike has many.
    private func plan(_ novel: [NovelCrash]) {
        guard wants(.spike) else { return }
        let isNew = state.withLock { state in
            for crash in novel where crash.novelty != .ignored {
                let row = crash.crash.row
                state.compared["\(crash.signature.id)\0\(row.image)\0\(row.tag ?? "")"] = crash
            }
            guard !state.isComparing, !state.compared.isEmpty else { return false }
            state.isComparing = true
            return true
        }
        guard isNew else { return }
        queue.asyncAfter(deadline: .now() + .milliseconds(Self.compareEvery)) { [weak self] in self?.compare() }
    }

    private func compare() {
        let planned = state.withLock { state in
            defer { state.compared = ByteDictionary() }
            state.isComparing = false
            return state.compared.sortedByKey.map(\.value)
        }
        let making = making()
        for novel in planned {
            do {
                if let found = try store.spike(of: novel, current.value.notify.spike, now: making.now) {
                    notifier.queue([making.spike(novel, found.spike, sessions: found.sessions)])
                }
            } catch {
                observer.event(.notifyTrouble("cannot compare a signature with its past: \(error)"))
            }
        }
    }
}

extension HarvestedCrash {
    init(_ novel: NovelCrash) {
        let row = novel.crash.row
        self.init(
            crash: row.crash, session: row.session, image: row.image, tag: row.tag, location: row.location,
            signature: novel.signature.signature, novelty: novel.novelty)
    }
}
