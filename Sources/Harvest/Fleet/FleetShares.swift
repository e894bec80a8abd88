import Catalog
import Clocks
import Model
import Pack
import SalvageConfiguration
import Synchronization
import Text
import Threads

extension HarvestRunner {
    /// The job of polling the lists. Both lists belong to one job, because one watcher compares them.
    static let listJob = "lists"

    private static let beatEvery: Int64 = 5000
    private static let offerEvery: Int64 = 500
    private static let followEvery: Int64 = 3000
    private static let strayEvery: Int64 = 30_000

    /// How long before the last question a running session can have been recorded, in milliseconds: the clocks of the
    /// harvesters differ, and a batch of the ledger takes its time.
    fileprivate static let overlap: Int64 = 60_000
    /// How often all running sessions are asked for, in milliseconds.
    fileprivate static let askForAll: Int64 = 300_000

    /// Does this harvester's part of what all share, until the run is over: it says that it is alive, offers sessions that
    /// ended, polls the lists if nobody else does, follows its logs, and claims what its spool has.
    func keepShares(_ mode: Mode) async {
        var last = (beat: Int64.min / 2, offer: Int64.min / 2, follow: Int64.min / 2, stray: Int64.min / 2)
        var known = KnownRunning()
        var suspects = ByteSet()
        while !Task.isCancelled {
            let now = Self.monotonic()
            do {
                if now - last.beat >= Self.beatEvery {
                    last.beat = now
                    try await beat()
                    if mode == .watch, try await hasOtherServer() { known = KnownRunning() }
                    if mode == .watch { try await seekLists() }
                }
                if now - last.offer >= Self.offerEvery {
                    last.offer = now
                    try await sendOffers()
                }
                if mode == .watch, now - last.follow >= Self.followEvery {
                    last.follow = now
                    try await keepFollowing(&known)
                    try await learnSettled()
                }
                if now - last.stray >= Self.strayEvery {
                    last.stray = now
                    await giveBackIdle(&suspects)
                    try await claimStrays()
                    state.withLock { $0.fleet?.askedForStrays = true }
                }
                try await Task.sleep(for: .milliseconds(Self.tick))
            } catch is CancellationError {
                return
            } catch {
                noteCatalog(error)
                endHopelessPass(mode)
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Ends a single pass when the shared catalog was away for longer than a lease: nothing is held any more, and a pass must
    /// not wait for ever.
    private func endHopelessPass(_ mode: Mode) {
        guard mode != .watch, let lease = parts.fleet?.lease else { return }
        change { state, _ in
            guard let since = state.fleet?.troubleSince, Self.monotonic() - since > lease else { return }
            state.summary.catalogTrouble = state.fleetTrouble
            state.stopping = true
        }
    }

    private func beat() async throws {
        guard let name = state.withLock({ $0.fleet?.name }) else { return }
        let (isOwn, harvesters) = try await shared { work in (try work.beat(name), try work.harvesters()) }
        state.withLock { state in
            state.fleet?.harvesters = harvesters
            state.fetcher.shareRates(among: harvesters.count)
        }
        guard !isOwn else { return }
        parts.observer.event(
            .storeTrouble(
                "another process is a harvester with the id \(name.id); this one goes on under another id. Give each "
                    + "machine its own store.harvester.id, and its own folder for the cache"))
        let next = try await shared { try $0.join(again: true) }
        change { state, _ in
            // What it held under the old name is not its own any more.
            for key in state.fleet?.keeper.epochs.keys.map({ $0 }) ?? [] {
                state.lose(key, "another process uses this harvester's id")
                _ = state.fleet?.keeper.handle(.fenced(key), now: Self.monotonic())
            }
            state.fleet?.name = next
            state.fleet?.polls = false
        }
    }

    /// Whether another server answers for the database than before. A standby that took over may lack the newest offers and
    /// rows: whoever polls compares the lists with the ledger again, as at its start, and offers what is missing.
    private func hasOtherServer() async throws -> Bool {
        let server = try await shared { try $0.serverStart() }
        return state.withLock { state in
            defer { state.fleet?.server = server }
            guard let known = state.fleet?.server, known != server else { return false }
            state.fleet?.polls = false
            return true
        }
    }

    // MARK: Offers

    func sendOffers() async throws {
        let offers = state.withLock { state in
            defer { state.fleet?.offers = [] }
            state.fleet?.taking += 1
            return state.fleet?.offers ?? []
        }
        defer { state.withLock { $0.fleet?.taking -= 1 } }
        guard !offers.isEmpty else { return }
        do {
            // The log that this harvester followed is on its disk, so it is the best one to fetch the rest.
            let own = state.withLock { state in offers.filter { state.followed[$0.session] != nil } }
            let (room, claims) = state.withLock { ($0.fleet?.keeper.room ?? 0, $0.fleet?.claims ?? true) }
            // What the lists said comes first: once another harvester holds a session, only that one writes its rows.
            try await parts.catalog.perform { try self.writeBatch($0) }
            try await shared { try $0.offer(offers) }
            tellKeeper(.offered)
            // A pass over named sessions claims what it was asked for, and nothing else.
            await acquire(claims ? Array(own.prefix(max(0, room))) : offers)
        } catch {
            state.withLock { $0.fleet?.offers.insert(contentsOf: offers, at: 0) }
            throw error
        }
    }

    // MARK: Lists

    /// Takes or keeps the job of polling, and makes the watcher know what the ledger knows when it is new here.
    func seekLists() async throws {
        guard let (owner, polls) = state.withLock({ state in state.fleet.map { ($0.name.owner, $0.polls) } }) else {
            return
        }
        let has = try await shared { try $0.takeJob(Self.listJob, by: owner, every: nil) } != nil
        if has, !polls {
            try await takeOverLists()
        } else if !has, polls {
            change { state, _ in
                state.fleet?.polls = false
                state.watcher = Watcher(settings: state.watcher.settings)
            }
        }
    }

    /// Rebuilds the watcher from the ledger, as at the start of a run. Sessions that are pending are offered again; those
    /// that are offered already stay as they are.
    private func takeOverLists() async throws {
        var settings = Watcher.Settings()
        settings.retention = configuration.retention
        let since = Self.now() - settings.retention - settings.remember
        let records = try await parts.catalog.perform { catalog in
            // What this harvester saw last comes first.
            try self.writeBatch(catalog)
            return try catalog.sessions(Selection(states: [.running, .pending]))
                + catalog.sessions(Selection(since: since, states: [.harvested, .partial, .skipped, .lost]))
        }.filter { (record: SessionRecord) in record.source != "ingest" }
        change { [settings] state, now in
            state.watcher = Watcher(settings: settings, remembering: records)
            state.progress.seen = max(state.progress.seen, records.count)
            state.fleet?.polls = true
            state.apply(state.watcher.resume(now: now), now)
            for (key, identity) in state.watcher.runningSessions { state.follow(key, identity) }
        }
    }

    /// Tells the watcher of the one that polls which sessions others have settled.
    private func learnSettled() async throws {
        let waiting = state.withLock { $0.fleet?.polls == true ? $0.watcher.pendingSessions : [] }
        guard !waiting.isEmpty else { return }
        let settled = try await shared { try $0.settled(among: waiting) }
        guard !settled.isEmpty else { return }
        change { state, now in
            for key in settled where state.contexts[key] == nil {
                state.apply(state.watcher.handle(.settled(key: key), now: now), now)
            }
        }
    }

    // MARK: Followed logs

    /// Up to when this harvester knows the running sessions.
    struct KnownRunning {
        /// When it last asked for new ones, in milliseconds since 1970.
        var asked = Int64.min
        /// When it last asked for all, in milliseconds since 1970.
        var all = Int64.min
        /// The harvesters at that time: when they change, sessions that are not new fall to this one.
        var harvesters: [String] = []

        /// Since when sessions must have been recorded that are to be asked for now.
        mutating func next(_ now: Int64, among current: [String]) -> Int64 {
            let since = asked
            asked = now
            // From time to time all: a session that runs again is not new.
            guard since == .min || current != harvesters || now &- all > HarvestRunner.askForAll else {
                return since &- HarvestRunner.overlap
            }
            all = now
            harvesters = current
            return .min
        }
    }

    /// Follows the logs that fall to this harvester, and stops following those of sessions that ended or that fall to
    /// another one now.
    private func keepFollowing(_ known: inout KnownRunning) async throws {
        let (polls, followed, harvesters) = state.withLock { state in
            (
                state.fleet?.polls ?? false, state.followed.keys.filter { state.contexts[$0] == nil },
                state.fleet?.harvesters ?? []
            )
        }
        var next = known
        let since = next.next(Self.now(), among: harvesters)
        let ended = try await shared { try $0.ended(among: followed) }
        let running = polls ? [] : try await shared { try $0.running(since: since) }
        known = next
        change { state, _ in
            for key in ended where state.contexts[key] == nil { state.release(followed: key) }
            for key in followed where state.fleet?.follows(key) == false { state.release(followed: key) }
            for record in running where state.fleet?.follows(record.session) == true {
                guard state.followed[record.session] == nil else { continue }
                // The end of its stream makes it described, and offered if it ended.
                state.watcher.remember(record)
                state.follow(record.session, record.apiIdentity)
            }
            guard polls else { return }
            for (key, identity) in state.watcher.runningSessions where state.followed[key] == nil {
                state.follow(key, identity)
            }
        }
    }

    // MARK: The spool

    /// Remembers every session that this machine has downloads or followed logs of; they are claimed as soon as they can be.
    func findStrays() async throws {
        let (found, live) = try await survey()
        state.withLock { state in
            for leftovers in found + live { state.fleet?.strays.insert(leftovers.manifest.facts.session) }
        }
    }

    /// Claims the sessions whose downloads are on this machine. One that is done gets a new generation with what is missing,
    /// or nothing, when the pack has it already.
    func claimStrays() async throws {
        let keys = state.withLock { state in
            state.fleet?.strays.filter { key in
                state.contexts[key] == nil && state.fleet?.keeper.epoch(of: key) == nil && state.followed[key] == nil
                    && !state.fetcher.isDownloading(key)
            } ?? []
        }
        guard !keys.isEmpty else { return }
        let spool = spool
        let retention = configuration.retention
        var offers: [WorkOffer] = []
        var followed: [WorkOffer] = []
        for key in keys {
            guard let found = try await disk.run({ try spool.leftovers(of: key) }) else { continue }
            guard let facts = (found.found + found.live).first?.manifest.facts else {
                // Nothing is left of it.
                state.withLock { _ = $0.fleet?.strays.remove(key) }
                continue
            }
            let offer = WorkOffer(facts, retention: retention, now: Self.now())
            if found.found.allSatisfy({ $0.files.isEmpty }) { followed.append(offer) } else { offers.append(offer) }
        }
        // A session that was only followed here and is not done is fetched by whoever claims it.
        let done = ByteSet(try await shared { [keys = followed.map(\.session)] in try $0.settled(among: keys) })
        offers += followed.filter { done.contains($0.session) }
        // Not all at once: each is renewed until it is packed.
        let most = state.withLock { $0.fleet?.keeper.settings.capacity ?? 0 }
        await acquire(Array(offers.prefix(max(1, most))))
    }
}

extension HarvestState {
    /// Stops following a log that another harvester follows or whose session has ended. What was followed stays on disk
    /// until the session is done, in case nobody could fetch the log.
    mutating func release(followed key: String) {
        guard followed[key] != nil else { return }
        _ = unfollow(key, spool)
        fleet?.strays.insert(key)
        if fleet?.polls == false { watcher.drop(key) }
    }
}

extension HarvestRunner {
    /// Whether a single pass lists: in a shared store only if no other harvester does.
    func mayList() async -> Bool {
        guard parts.fleet != nil else { return true }
        do {
            try await seekLists()
        } catch {
            // Lists of two harvesters do no harm; none at all would.
            noteCatalog(error)
            return true
        }
        return state.withLock { $0.fleet?.polls ?? true }
    }

    /// Records that sessions are open again, before the first request. In a shared store only those that can be claimed.
    func announce(_ reopenings: inout [Reopening], in catalog: Catalog) throws {
        let batch = state.withLock { state in
            reopenings.removeAll { state.fleet?.keeper.epoch(of: $0.record.session) != nil }
            return state.announce(&reopenings)
        }
        guard let work = parts.fleet else { return try catalog.record(batch) }
        guard !reopenings.isEmpty, let owner = state.withLock({ $0.fleet?.name.owner }) else { return }
        let sent = Self.monotonic()
        let offers = reopenings.map { WorkOffer(ExitedSession(reopening: $0.record)) }
        let claims = try work.acquire(offers, by: owner)
        let shared = state.withLock { state in
            state.fleet?.keeper.acquired(
                claims.map { ($0.session, $0.epoch) }, sent: sent, answered: Self.monotonic())
            for claim in claims { state.fleet?.reopening.insert(claim.session) }
            return SharedBatch(batch, held: state.fleet?.keeper.epochs ?? [:])
        }
        let claimed = ByteSet(claims.map(\.session))
        reopenings.removeAll { !claimed.contains($0.record.session) }
        var own = shared
        own.ledger.sessions.removeAll { !claimed.contains($0.session) }
        own.ledger.artifacts.removeAll { !claimed.contains($0.session) }
        _ = try work.record(own, by: owner, in: catalog)
    }

    /// Writes a batch of a shared store: only what this harvester may write. Of a session whose lease was lost nothing is
    /// written, and it is dropped here.
    func writeShared(_ work: any SharedWork, _ catalog: Catalog) throws {
        guard
            let (batch, owner) = state.withLock({ state in
                state.fleet.map { $0.name.owner }.map { (state.takeShared(), $0) }
            })
        else { return }
        let lost = batch.ledger.settledLosses
        if !lost.isEmpty { parts.observer.committing(lost) }
        let fenced: ByteSet
        do {
            fenced = ByteSet(try work.record(batch, by: owner, in: catalog))
        } catch {
            state.withLock { $0.restore(batch) }
            throw error
        }
        state.withLock { state in
            for key in batch.settled + batch.withdrawn where !fenced.contains(key) {
                _ = state.fleet?.keeper.handle(.settled(key), now: Self.monotonic())
            }
            for key in fenced {
                _ = state.fleet?.keeper.handle(.fenced(key), now: Self.monotonic())
                state.lose(key, "another harvester has it now")
            }
        }
        for session in lost where !fenced.contains(session) { parts.observer.committed(session) }
    }
}
