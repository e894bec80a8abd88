public import Catalog
import Clocks
import Dispatch
import Glibc
public import Model
public import Pack
public import PackHome
public import SalvageConfiguration
import Synchronization
import Text
import Threads

/// Executes the actions of the watcher and the fetcher: lists, describes, downloads into the spool, has packs made and
/// writes the ledger. One object serves one run.
public final class HarvestRunner: Sendable {
    /// The kind and scope of a run.
    public enum Mode: Sendable, Hashable {
        /// Lists once, fetches what can be fetched, and ends, after `maxRuntime` milliseconds at the latest. If
        /// `session` is set, fetches only that session.
        case pass(maxRuntime: Int64?, session: String?)
        /// Runs until ``HarvestRunner/requestStop()``.
        case watch

        /// The session that a single pass is limited to.
        var session: String? { if case .pass(_, let session) = self { session } else { nil } }
    }

    /// The services that a run uses.
    public struct Parts: Sendable {
        /// The source of sessions and their bytes.
        public var source: any SessionSource
        /// The catalog with the ledger, open for writing.
        public var catalog: Catalog
        /// Where the packs are.
        public var home: any PackHome
        /// The service that turns downloads into packs.
        public var ingest: any IngestService
        /// Receives progress and events.
        public var observer: HarvestObserver
        /// Makes an inspector that finds times and crash anchors in followed logs. Its argument is when the session
        /// began, in milliseconds since 1970.
        public var inspector: (@Sendable (Int64) -> any BlockInspector)?
        /// What the harvesters of a shared store share; nil for a store that one process harvests.
        public var fleet: (any SharedWork)?
        /// The upkeep of a shared store that this process does now and then while it watches.
        public var jobs: [SharedJob] = []
        /// Publishes the filters of packs in a bucket; nil for a store in a folder.
        public var filters: (any PackFilters)?

        /// Makes the parts.
        public init(
            source: any SessionSource, catalog: Catalog, home: any PackHome, ingest: any IngestService,
            observer: HarvestObserver = HarvestObserver()
        ) {
            self.source = source
            self.catalog = catalog
            self.home = home
            self.ingest = ingest
            self.observer = observer
        }
    }

    /// How long downloads may continue after a stop request, in milliseconds.
    static let drain: Int64 = 20_000
    /// The interval between checks of the clock, in milliseconds.
    static let tick: Int64 = 100
    /// The interval between progress reports, in milliseconds. Counting is expensive with many sessions.
    static let showEvery: Int64 = 250
    /// The interval between writes of the ledger, in milliseconds.
    static let flush: Int64 = 1000

    let current: CurrentConfiguration
    let parts: Parts
    let store: String
    let spool: Spool
    let lock: StoreLock
    let disk = BlockingQueue(label: "salvage.spool")
    let state: Mutex<HarvestState>
    let prepared = Mutex<ByteSet>([])
    let live: FollowedLogWriter
    let wake: AsyncStream<Void>.Continuation
    private let wakes: AsyncStream<Void>

    /// Prepares a run.
    ///
    /// - Parameters:
    ///   - current: The configuration, read at each use.
    ///   - store: The store's folder.
    ///   - lock: Proof that no other process changes the store.
    ///   - parts: The services to use.
    ///   - triesPerPass: The number of tries after which a single pass leaves an artifact to the next one.
    public convenience init(
        current: CurrentConfiguration, store: String, lock: StoreLock, parts: Parts, triesPerPass: Int = 4
    ) {
        var fetching = Fetcher.Settings(current.value)
        fetching.triesPerPass = triesPerPass
        let budget = DescriptorBudget(current.value.limits)
        fetching.concurrency = budget.downloads
        fetching.describes = budget.describes
        self.init(current: current, store: store, lock: lock, parts: parts, fetching: fetching)
        state.withLock { $0.budget = budget }
    }

    convenience init(
        configuration: Configuration, store: String, lock: StoreLock, parts: Parts, fetching: Fetcher.Settings? = nil
    ) {
        let current = CurrentConfiguration(configuration)
        if let fetching {
            self.init(current: current, store: store, lock: lock, parts: parts, fetching: fetching)
        } else {
            self.init(current: current, store: store, lock: lock, parts: parts)
        }
    }

    init(
        current: CurrentConfiguration, store: String, lock: StoreLock, parts: Parts, fetching: Fetcher.Settings
    ) {
        self.current = current
        self.store = store
        self.lock = lock
        self.parts = parts
        spool = Spool(store: store)
        var watching = Watcher.Settings()
        watching.retention = current.value.retention
        var seed = SystemRandomNumberGenerator()
        let observer = parts.observer
        live = FollowedLogWriter(
            store: store, current: current, inspector: parts.inspector,
            trouble: { observer.event(.storeTrouble($0)) })
        state = Mutex(
            HarvestState(
                current: current, observer: parts.observer, spool: spool, live: live,
                watcher: Watcher(settings: watching),
                fetcher: Fetcher(settings: fetching, seed: seed.next())))
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// The time, in milliseconds since 1970.
    static func now() -> Int64 {
        WallClock.now()
    }

    /// Asks the run to end: nothing new starts, downloads get ``drain`` milliseconds to finish, ingests finish.
    public func requestStop() {
        state.withLock { state in
            state.stopping = true
            state.summary.stopped = true
        }
        wake.yield()
    }

    /// The current configuration.
    var configuration: Configuration { current.value }

    /// Applies another configuration. A session being fetched is first finished under the old rules; then, as for all
    /// finished sessions, what the new rules want in addition is fetched before its deadline.
    ///
    /// - Returns: the keys whose new value takes effect only after a restart.
    @discardableResult
    public func reload(_ configuration: Configuration) -> [String] {
        let waiting = current.replace(with: configuration)
        change { state, now in state.reconfigure(configuration, now) }
        return waiting
    }

    /// Runs until the end of the pass or a stop request.
    ///
    /// - Parameters:
    ///   - mode: A single pass or a daemon.
    ///   - again: The sessions whose missing artifacts to request again. A non-empty selection limits a single pass to
    ///     these sessions.
    /// - Returns: The summary, also when something was lost or the token was refused.
    /// - Throws: ``HarvestError`` when the store cannot be used, or when the API returned no list in a single pass.
    public func run(_ mode: Mode, again: Selection? = nil) async throws -> HarvestSummary {
        let began = Self.now()
        var deadline: RunDeadline?
        if case .pass(let limit?, _) = mode {
            deadline = RunDeadline(began: Self.now(), limit: limit, drain: Self.drain)
        }
        if mode == .watch {
            state.withLock { state in
                state.fetcher.triesPerPass = nil
                state.following = true
                // The rules may have changed since the last run ended.
                state.rulesChanged = true
                state.absenceDue = true
            }
        }
        // The runtime creates its timers at first use and aborts if it cannot. Create them before the harvest opens
        // its files.
        try? await Task.sleep(for: .milliseconds(1), clock: .continuous)
        try? await Task.sleep(for: .milliseconds(1), clock: .suspending)
        let limited = again.flatMap { $0 == Selection() ? nil : $0 }
        try await joinFleet(mode, claims: limited == nil && mode.session == nil)
        try await recover(mode, limited)
        var named: [String] = []
        if case .pass(_, let session) = mode {
            try await takeUpLeftOut(again, only: session)
            if let limited { named = try await namedByHand(limited) }
        }
        // A discarding group frees each task when it ends, not when the run is over.
        await withDiscardingTaskGroup { group in
            group.addTask { [deadline, named] in
                let failure = await self.drive(mode, deadline, lists: limited == nil, named: named)
                self.state.withLock { $0.failure = failure }
            }
            if mode == .watch {
                group.addTask { await self.keepLive() }
                group.addTask { await self.keepInStep() }
            }
            if parts.fleet != nil {
                group.addTask { await self.setRates() }
                group.addTask { await self.keepLeases() }
                group.addTask { await self.keepShares(mode) }
                group.addTask { await self.keepRates() }
                if mode == .watch { group.addTask { await self.keepJobs() } }
                if parts.filters != nil { group.addTask { await self.keepFilters() } }
            }
            for await _ in wakes {
                let (work, finished) = takeWork()
                for piece in work { start(piece, in: &group) }
                if finished { break }
            }
            group.cancelAll()
        }
        let failure = state.withLock { $0.failure }
        await finishIngests(until: deadline?.end)
        await dropLeft()
        await flushLedger(final: true)
        await finishFilters(until: deadline?.end)
        await leaveFleet()
        if let failure { throw failure }
        let absent = mode == .watch ? [] : await absentPathsOfPass(since: began)
        return state.withLock { state in
            var summary = state.summary
            summary.progress = state.currentProgress(Self.now())
            summary.unfinished += state.fetcher.pending + state.parked.count
            summary.localTrouble = summary.localTrouble ?? state.parked.sortedByKey.first?.value.why
            summary.pause = state.fetcher.pause ?? summary.pause
            summary.absentPaths = absent
            return summary
        }
    }

    private func start(_ piece: HarvestState.Work, in group: inout DiscardingTaskGroup) {
        switch piece {
        case .ingest(let key, let items):
            // Not a child task: a stop must not cancel an ingest between pack and catalog.
            Task { await self.ingest(key, items) }
        case .commit(let key, let commit):
            Task { await self.commitAgain(key, commit) }
        case .download(let flight, let key, let id, _, let artifact):
            group.addTask { await self.download(flight, key, id, artifact) }
        case .describe(let id):
            group.addTask { await self.describe(id) }
        case .follow(let key):
            group.addTask { await self.follow(key) }
        case .drop(let key, let live):
            group.addTask { await self.drop(key, live: live) }
        }
    }

    /// Removes the spool folders of ingests that ended after the loop.
    private func dropLeft() async {
        for case .drop(let key, let live) in takeWork().work { await drop(key, live: live) }
    }

    private func takeWork() -> (work: [HarvestState.Work], finished: Bool) {
        state.withLock { state in
            let work = state.work
            state.work = []
            state.active += work.count(where: \.isActive)
            return (work, state.finished && work.isEmpty)
        }
    }

    /// Changes the state, starts the work that follows, and wakes the loop if there is any.
    @discardableResult
    func change<Result: Sendable>(_ body: (inout sending HarvestState, Int64) -> sending Result) -> Result {
        let now = Self.now()
        let (result, busy) = state.withLock { state in
            let result = body(&state, now)
            state.pump(now)
            return (result, !state.work.isEmpty || state.finished)
        }
        if busy { wake.yield() }
        return result
    }

    /// Ends a task in the count of active tasks.
    func done() { change { state, _ in state.active -= 1 } }
}

extension Fetcher.Settings {
    /// Makes the settings from a configuration's limits.
    public init(_ configuration: Configuration) {
        self.init()
        let limits = configuration.limits
        concurrency = limits.concurrency
        perMinute = [
            .describe: limits.describePerMinute, .artifacts: limits.artifactsPerMinute, .logs: limits.logsPerMinute,
        ]
    }
}
