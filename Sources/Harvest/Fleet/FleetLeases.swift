import Catalog
import Clocks
import Files
import Ingest
import Model
import Pack
import SalvageConfiguration
import Synchronization
import Text
import Threads

extension HarvestRunner {
    /// A claimed session, with what the ledger and this machine's spool have of it.
    struct TakenClaim: Sendable {
        var session: ExitedSession
        var epoch: Int64
        var rows: [ArtifactEntry] = []
        var pack: String?
        /// Its downloads in the spool that are in no pack.
        var files: [SpooledFile]?
        var followed: [SpooledFile]?
        /// Whether it was done: what the spool has is packed, and nothing is requested.
        var repacks = false
        /// Whether the ledger has to be told that it is open again.
        var isReopened = false
    }

    /// The time of a clock that never goes back, in milliseconds.
    static func monotonic() -> Int64 { MonotonicClock.milliseconds() }

    /// The interval between checks of the leases, in milliseconds.
    private static var leaseTick: Int64 { 100 }

    /// Runs a blocking call of the shared work on a thread of its own.
    func shared<Result: Sendable>(
        _ call: @escaping @Sendable (any SharedWork) throws -> Result
    ) async throws -> Result {
        guard let work = parts.fleet else {
            throw HarvestError(.storeUnusable, "the store is not shared", path: store)
        }
        return try await disk.run { try call(work) }
    }

    /// Enters this harvester among those of a shared store.
    func joinFleet(_ mode: Mode, claims: Bool) async throws {
        guard let work = parts.fleet else { return }
        let name: HarvesterName
        do {
            name = try await shared { try $0.join(again: false) }
        } catch {
            throw HarvestError(
                .storeUnusable, "this machine could not enter as a harvester of the shared store: \(error)",
                path: store,
                hint: "check the catalog's address and that its role may write: salvage doctor")
        }
        state.withLock { state in
            let settings = LeaseKeeper.Settings(lease: work.lease, concurrency: state.fetcher.settings.concurrency)
            var fleet = FleetState(
                name: name, keeper: LeaseKeeper(settings: settings), mostFollowed: work.mostFollowed)
            fleet.claims = claims
            if !claims { _ = fleet.keeper.handle(.capacity(0), now: Self.monotonic()) }
            state.fleet = fleet
            state.fetcher.shareRates()
        }
    }

    /// Claims sessions and renews their leases, until the run is over.
    func keepLeases() async {
        await withDiscardingTaskGroup { group in
            var looked = Int64.min / 2
            while !Task.isCancelled {
                if Self.monotonic() - looked >= 1000 {
                    looked = Self.monotonic()
                    if let actions = await capacityChange() { for action in actions { start(action, in: &group) } }
                }
                let actions = state.withLock { state in
                    if state.stopping { _ = state.fleet?.keeper.handle(.stop, now: Self.monotonic()) }
                    return state.fleet?.keeper.handle(.tick, now: Self.monotonic()) ?? []
                }
                for action in actions { start(action, in: &group) }
                try? await Task.sleep(for: .milliseconds(Self.leaseTick))
            }
        }
    }

    /// Carries out an action of the keeper, each in a task of its own: a call that hangs must not keep the clock from being
    /// looked at.
    private func start(_ action: LeaseKeeper.Action, in group: inout DiscardingTaskGroup) {
        switch action {
        case .claim(let count): group.addTask { await self.claim(count) }
        case .renew: group.addTask { await self.renewLeases() }
        case .giveUp(let key): change { state, _ in state.lose(key, "its lease could not be renewed in time") }
        case .shrink(let count): group.addTask { await self.giveBack(count) }
        case .release: break
        }
    }

    /// Tells the keeper how many downloads can run: none while too little space is free. Returns what follows; nil when
    /// nothing has changed.
    private func capacityChange() async -> [LeaseKeeper.Action]? {
        let (store, reserve) = (store, configuration.limits.reserve)
        // What cannot be measured now is not full.
        let free = try? await disk.run { try Folders.space(store).free }
        let isFull = free.map { $0 < reserve } ?? false
        return state.withLock { state in
            guard state.fleet?.claims == true else { return nil }
            let concurrency = isFull ? 0 : state.fetcher.settings.concurrency
            guard state.fleet?.concurrency != concurrency else { return nil }
            state.fleet?.concurrency = concurrency
            return state.fleet?.keeper.handle(.capacity(concurrency), now: Self.monotonic())
        }
    }

    /// Passes an event to the keeper of the leases.
    func tellKeeper(_ event: LeaseKeeper.Event) {
        let unknown = change { state, _ in
            var unknown: [WorkFence] = []
            for action in state.fleet?.keeper.handle(event, now: Self.monotonic()) ?? [] {
                switch action {
                case .giveUp(let key):
                    // A commit that settles a session ends its claim before this side sees the answer. It says what became
                    // of the claim.
                    if !state.fetcher.isCommitting(key) { state.lose(key, "another harvester has it now") }
                case .release(let key, let epoch):
                    if let fence = state.fleet?.fence(key, epoch: epoch) { unknown.append(fence) }
                case .claim, .renew, .shrink: break
                }
            }
            return unknown
        }
        guard !unknown.isEmpty else { return }
        // If this fails, the next renewal finds them again.
        Task { try? await self.shared { try $0.release(unknown) } }
    }

    private func renewLeases() async {
        let sent = Self.monotonic()
        let owner = state.withLock { $0.fleet?.name.owner ?? "" }
        do {
            let held = try await shared { try $0.renew(by: owner) }
            tellKeeper(.renewed(held, sent: sent))
            noteCatalog(nil)
        } catch {
            tellKeeper(.renewFailed)
            noteCatalog(error)
        }
    }

    private func claim(_ count: Int) async {
        let sent = Self.monotonic()
        let owner = state.withLock { $0.fleet?.name.owner ?? "" }
        state.withLock { $0.fleet?.taking += 1 }
        defer { state.withLock { $0.fleet?.taking -= 1 } }
        do {
            let claims = try await shared { try $0.claim(count, by: owner) }
            tellKeeper(.claimed(claims.map { ($0.session, $0.epoch) }, asked: count, sent: sent))
            noteCatalog(nil)
            await takeUp(claims)
        } catch {
            tellKeeper(.claimFailed)
            noteCatalog(error)
        }
    }

    /// Claims certain sessions and begins them, as far as nobody else works on them.
    func acquire(_ offers: [WorkOffer]) async {
        guard !offers.isEmpty else { return }
        let sent = Self.monotonic()
        let owner = state.withLock { $0.fleet?.name.owner ?? "" }
        state.withLock { $0.fleet?.taking += 1 }
        defer { state.withLock { $0.fleet?.taking -= 1 } }
        do {
            let claims = try await shared { try $0.acquire(offers, by: owner) }
            state.withLock { state in
                state.fleet?.keeper.acquired(
                    claims.map { ($0.session, $0.epoch) }, sent: sent, answered: Self.monotonic())
                guard state.fleet?.claims == false else { return }
                let claimed = ByteSet(claims.map(\.session))
                for offer in offers where !claimed.contains(offer.session) {
                    state.summary.refusals.append(
                        HarvestRefusal(session: offer.session, reason: "another harvester works on it"))
                }
            }
            await takeUp(claims)
        } catch {
            noteCatalog(error)
        }
    }

    // MARK: Taking up claims

    /// Looks up claimed sessions in the ledger and the spool, and begins them.
    private func takeUp(_ claims: [ClaimedWork]) async {
        for claim in claims {
            do {
                guard let taken = try await look(at: claim) else {
                    try await dismiss(claim)
                    continue
                }
                change { state, now in state.begin(taken, now) }
            } catch {
                parts.observer.event(
                    .storeTrouble("session \(claim.session) was claimed and is given back: \(error)"))
                await giveBack([claim.session])
            }
        }
    }

    /// Returns what is to be done about a claimed session; nil for nothing, because it is done.
    private func look(at claim: ClaimedWork) async throws -> TakenClaim? {
        // The lists offer it once it is to be fetched.
        guard !claim.isByHand else { return nil }
        let key = claim.session
        let (record, rows) = try await parts.catalog.perform { catalog in
            (try catalog.session(key), try catalog.artifacts(key))
        }
        guard let session = ExitedSession(claim, record) else {
            throw HarvestError(.unknownSession, "neither its offer nor the ledger says what it is", session: key)
        }
        // A download that the lease was lost under may still be arriving.
        while state.withLock({ $0.fetcher.isDownloading(key) }) {
            try await Task.sleep(for: .milliseconds(Self.leaseTick))
        }
        let spool = spool
        guard let found = try await disk.run({ try spool.leftovers(of: key) }) else {
            throw HarvestError(.storeUnusable, "its folder in the spool cannot be read now", session: key)
        }
        _ = prepared.withLock { $0.remove(key) }
        let taken = try await takeUp(found.found, found.live, recordsReopened: false)
        let isOpen = record.map { !$0.state.isFinal } ?? true
        let isReopened = taken.reopenedNames.contains(key)
        guard isOpen || isReopened else { return nil }
        var result = TakenClaim(session: session, epoch: claim.epoch)
        result.rows = rows.map(\.entry)
        result.pack = record?.pack
        result.files = taken.leftovers.first?.files
        result.followed = taken.followed[key]
        result.isReopened = isReopened
        result.repacks = isReopened && record?.state.isFinal == true
        return result
    }

    private func dismiss(_ claim: ClaimedWork) async throws {
        let fence = state.withLock { $0.fleet?.fence(claim.session, epoch: claim.epoch) }
        if let fence { try await shared { try $0.dismiss([fence]) } }
        // What the spool has of a session that was claimed by hand was not looked at.
        if !claim.isByHand { state.withLock { _ = $0.fleet?.strays.remove(claim.session) } }
        tellKeeper(.settled(claim.session))
    }

    // MARK: Giving back

    /// Gives sessions back whose fetching has not begun, those with the latest deadlines first.
    private func giveBack(_ count: Int) async {
        let keys = state.withLock { state in
            let idle = state.contexts.filter { key, context in
                context.files.isEmpty && context.published == nil && !state.fetcher.isBusy(key)
            }
            return idle.sorted { $0.value.session.deadline > $1.value.session.deadline }.prefix(count).map(\.key)
        }
        await giveBack(keys)
    }

    private func giveBack(_ keys: [String]) async {
        guard !keys.isEmpty else { return }
        let fences = state.withLock { state in
            keys.compactMap { key in
                state.fleet?.keeper.epoch(of: key).flatMap { state.fleet?.fence(key, epoch: $0) }
            }
        }
        change { state, _ in
            for key in keys {
                state.fetcher.withdraw(key: key)
                state.dirty.remove(key)
                if let context = state.contexts.removeValue(forKey: key), !context.files.isEmpty {
                    state.fleet?.strays.insert(key)
                }
            }
        }
        // If this fails, the leases end by themselves.
        try? await shared { try $0.release(fences) }
        for key in keys { tellKeeper(.settled(key)) }
    }

    /// Gives back sessions that are held while nothing is done about them, such as one that could not be reopened.
    ///
    /// - Parameter suspects: those of the last call, which have had the time since then.
    func giveBackIdle(_ suspects: inout ByteSet) async {
        let idle = state.withLock { state -> [String] in
            guard let fleet = state.fleet, fleet.taking == 0 else { return [] }
            return fleet.keeper.epochs.keys.filter { key in
                state.contexts[key] == nil && state.parked[key] == nil && !fleet.settled.contains(key)
                    && !fleet.resting.contains(key)
            }
        }
        let known = suspects
        suspects = ByteSet(idle)
        await giveBack(idle.filter { known.contains($0) })
    }

    /// Ends this harvester after the last write: what it still holds is free at once.
    func leaveFleet() async {
        guard let name = state.withLock({ $0.fleet?.name }) else { return }
        // If the database cannot be reached, the leases end by themselves.
        try? await shared { try $0.leave(name) }
    }

    /// Reports that the shared catalog cannot be used, once until it can be used again.
    func noteCatalog(_ error: (any Error)?) {
        let isNews = state.withLock { state in
            let was = state.fleetTrouble
            state.fleetTrouble = error.map { "\($0)" }
            let since = state.fleet?.troubleSince ?? Self.monotonic()
            state.fleet?.troubleSince = error == nil ? nil : since
            return was == nil && error != nil
        }
        guard isNews, let error else { return }
        parts.observer.event(
            .storeTrouble(
                "the shared catalog could not be used, trying again; until it answers, downloads go into the spool and "
                    + "nothing is committed: \(error)"))
    }
}
