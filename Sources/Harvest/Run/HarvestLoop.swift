import Catalog
import Model
import Pack
import SalvageConfiguration
import Synchronization
import Text

extension HarvestRunner {
    /// Polls and watches the clock until the run is over, then ends the loop.
    ///
    /// - Parameters:
    ///   - mode: A single pass or a daemon.
    ///   - deadline: When a single pass has to end.
    ///   - lists: Whether to list sessions; false for a pass over known sessions only.
    ///   - named: Sessions to describe by name when nothing is listed.
    func drive(_ mode: Mode, _ deadline: RunDeadline?, lists: Bool, named: [String] = []) async -> HarvestError? {
        let failure = await withTaskGroup(of: HarvestError?.self) { group in
            group.addTask {
                var failure: HarvestError?
                switch mode {
                case .pass where !lists: for session in named { await self.lookUpByHand(session) }
                case .pass(_, let session): failure = await self.listOnce(session)
                case .watch: await self.poll()
                }
                // A process that held a folder at the start may have released it.
                if case .pass = mode { await self.readParked() }
                self.change { [failed = failure != nil] state, _ in
                    state.listed = true
                    if failed { state.stopping = true }
                }
                return failure
            }
            await self.watchClock(mode, deadline)
            group.cancelAll()
            return await group.next() ?? nil
        }
        change { state, _ in state.finished = true }
        wake.yield()
        return failure
    }

    /// Returns when the run is over: idle in a single pass, or stopped and drained. Does not wait for a list in
    /// progress, because none of its sessions could be started any more.
    private func watchClock(_ mode: Mode, _ deadline: RunDeadline?) async {
        var flushed = Self.now()
        var shown = Int64.min
        var stopped: Int64?
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(Self.tick))
            let now = Self.now()
            if let deadline, now >= deadline.stop, stopped == nil { requestStop() }
            let shows = now - Self.showEvery >= shown
            let (stopping, over, progress) = change { state, now in
                state.apply(state.watcher.handle(.tick, now: now), now)
                if case .pass = mode, state.fetcher.pause != nil || state.summary.pause != nil { state.stopping = true }
                let over = state.stopping ? state.active == 0 : state.isIdle && state.listed
                return (state.stopping, over, shows || over ? state.currentProgress(now) : nil)
            }
            if let progress {
                parts.observer.progress(progress)
                shown = now
            }
            if now - flushed >= Self.flush {
                await flushLedger()
                flushed = Self.now()
            }
            if stopping { stopped = stopped ?? now }
            if let stopped, over || now - stopped >= Self.drain || now >= deadline?.cancel ?? .max { return }
            if case .pass = mode, over { return }
        }
    }

    // MARK: Lists

    private func listOnce(_ session: String?) async -> HarvestError? {
        if let session { return await lookUp(session) }
        // Another harvester of a shared store lists for all.
        guard await mayList() else { return nil }
        let running = await list(.running, tries: 3)
        let all = await list(.all, tries: 3)
        let failures = [running, all].count { $0 != .whole }
        // An implausible list is accepted only when the next one agrees. A single pass must request that one itself.
        for _ in 0..<2 {
            let again = state.withLock { state in
                let again = (state.watcher.doubts || state.listAllSoon) && !state.stopping
                state.listAllSoon = false
                return again
            }
            guard again, failures == 0 else { break }
            try? await Task.sleep(for: .seconds(1))
            _ = await list(.all, tries: 2)
        }
        let (last, paused) = state.withLock { ($0.summary.listFailures.last, $0.summary.pause != nil) }
        guard all != .whole, !paused, let last else { return nil }
        let failure: HarvestError
        if Task.isCancelled {
            failure = HarvestError(
                .apiUnavailable,
                "the run ended before the API returned a complete list of sessions; last error: \(last.message)",
                status: last.status, identifier: last.identifier,
                hint: "use a longer --max-runtime, or check api.url and the network; nothing is lost yet")
        } else if running == .whole {
            failure = HarvestError(failure: last, "the API returned no list of all sessions, only of running ones")
        } else {
            failure = HarvestError(failure: last, "the API returned no list of sessions")
        }
        guard running == .whole else { return failure }
        // Sessions already known are still fetched.
        state.withLock { $0.summary.listTrouble = failure }
        return nil
    }

    func lookUp(_ session: String) async -> HarvestError? {
        do {
            let sighting = try await parts.source.describe(session)
            change { state, now in
                _ = state.watcher.handle(.listBegan(.all), now: now)
                state.newcomers.append(sighting)
            }
            await admitNewSessions()
            change { state, now in
                _ = state.watcher.handle(.listEnded(.all, complete: false), now: now)
            }
            return nil
        } catch {
            if noteRefusal(error) { return nil }
            let known = state.withLock { $0.watcher.knows(session) }
            if error.status == 404 || error.status == 410 {
                if known {
                    // It was running when last seen, and now the API does not know it: the fetcher tries what is left.
                    change { state, now in
                        state.apply(state.watcher.handle(.vanished(id: session), now: now), now)
                    }
                    return nil
                }
                return HarvestError(
                    .unknownSession, "neither the API nor the ledger knows this session", session: session,
                    status: error.status, identifier: error.identifier,
                    hint: "check the id with: salvage api session-list --all")
            }
            return HarvestError(failure: error, "the session could not be described", session: session)
        }
    }

    private func poll() async {
        var nextRunning = Self.now()
        var nextAll = nextRunning
        var lastAll = Int64(0)
        while !Task.isCancelled, !state.withLock({ $0.stopping }) {
            guard state.withLock({ $0.fleet?.polls ?? true }) else {
                try? await Task.sleep(for: .milliseconds(Self.showEvery))
                continue
            }
            let now = Self.now()
            let poll = state.withLock { $0.configuration.poll }
            // The endpoint's rate limit holds even for shorter intervals.
            let pace = 60_000 / Int64(max(1, configuration.limits.listPerMinute))
            if now >= nextRunning {
                let pause = await list(.running, tries: 1).pause(poll.running, afterFailure: 10_000)
                nextRunning = Self.now() + max(2 * pace, pause)
            }
            // Listed out of turn when many sessions are missing at once, but not continuously.
            let soon = now - lastAll >= min(10_000, poll.all) && state.withLock { $0.listAllSoon }
            if now >= nextAll || soon {
                state.withLock { $0.listAllSoon = false }
                let pause = await list(.all, tries: 1).pause(poll.all, afterFailure: 30_000)
                lastAll = Self.now()
                nextAll = lastAll + max(2 * pace, pause)
            }
            let wait = max(Self.tick, min(nextRunning, nextAll) - Self.now())
            try? await Task.sleep(for: .milliseconds(min(wait, 1000)))
        }
    }

    /// Lists once; retries after a failure, up to `tries` requests, unless a retry is pointless.
    private func list(_ kind: ListKind, tries: Int) async -> ListOutcome {
        var asked: Int64?
        for number in 1...max(1, tries) {
            change { state, now in _ = state.watcher.handle(.listBegan(kind), now: now) }
            do {
                let damage = try await parts.source.list(kind) { entry in take(entry) }
                await admitNewSessions()
                change { state, now in
                    state.note(damage, in: kind)
                    let ended = Watcher.Event.listEnded(kind, complete: true, rejected: damage.rejected)
                    state.apply(state.watcher.handle(ended, now: now), now)
                    if kind == .running { state.progress.listed = now }
                    state.progress.polled = now
                }
                return .whole
            } catch {
                await admitNewSessions()
                change { state, now in
                    state.apply(state.watcher.handle(.listEnded(kind, complete: false), now: now), now)
                    state.summary.listFailures = state.summary.listFailures.suffix(9) + [error]
                    state.progress.polled = now
                }
                asked = error.retryAfter
                // A list cancelled because the run ends is not a failure of the API.
                if Task.isCancelled { break }
                parts.observer.event(.listFailed(kind, error))
                if noteRefusal(error) || error.isFinal || number == tries || Task.isCancelled { break }
                let wait = max(error.retryAfter ?? 0, 500 << Int64(number))
                // If the server asks for a longer wait, the next run or poll tries again.
                guard wait <= Self.longestListWait else { break }
                try? await Task.sleep(for: .milliseconds(wait))
            }
        }
        return .failed(retryAfter: asked)
    }

    /// The longest wait before a list is retried within one run, in milliseconds.
    private static var longestListWait: Int64 { 30_000 }

    private func take(_ entry: ListedEntry) {
        let now = Self.now()
        state.withLock { state in
            if state.watcher.expects(id: entry.id, created: entry.created, status: entry.status, now: now) { return }
            guard state.watcher.knows(entry.id, created: entry.created) else {
                state.newcomers.append(entry.sighting())
                return
            }
            state.apply(state.watcher.handle(.listed(entry.sighting()), now: now), now)
        }
    }

    /// Admits the sessions listed for the first time since salvage started. Looks them up in the ledger first: a list
    /// can contain a session long after it was harvested and forgotten here.
    private func admitNewSessions() async {
        let newcomers = state.withLock { state in
            let newcomers = state.newcomers
            state.newcomers = []
            // A run that ends starts none of them, and there may be very many.
            return state.stopping ? [] : newcomers
        }
        guard !newcomers.isEmpty else { return }
        let known: [KnownSession]
        do {
            known = try await parts.catalog.perform { catalog in
                try newcomers.compactMap { try Self.known($0, catalog) }
            }
        } catch {
            // A failed lookup does not make a session new: one harvested long ago must not start again.
            state.withLock { $0.newcomers = newcomers + $0.newcomers }
            parts.observer.event(.storeTrouble("new sessions could not be looked up in the ledger: \(error)"))
            return
        }
        change { state, now in
            for session in known {
                if let rows = session.rowsByHand {
                    state.takeOver(session.record, rows, session.identity)
                } else if session.record.state.isFinal {
                    state.watcher.remember(session.record)
                }
            }
            for sighting in newcomers { state.apply(state.watcher.handle(.listed(sighting), now: now), now) }
        }
    }

    /// Returns whether the failure is a refused token; if so, makes it the result of the run.
    private func noteRefusal(_ failure: SourceFailure) -> Bool {
        guard let status = failure.status, status == 401 || status == 403 else { return false }
        let pause = FetchPause(
            message: FetchPause.explanation(status, scope: "session:read"), status: status,
            identifier: failure.identifier)
        state.withLock { $0.summary.pause = pause }
        parts.observer.event(.paused(pause))
        return true
    }

    // MARK: The ledger

    /// Writes the collected updates. Updates that could not be written are kept and tried again.
    func flushLedger(final: Bool = false) async {
        let isHeld = state.withLock { $0.summary.catalogTrouble != nil }
        for attempt in 0..<(final && !isHeld ? 3 : 1) {
            if attempt > 0 { try? await Task.sleep(for: .seconds(1)) }
            do {
                try await parts.catalog.perform { catalog in try self.writeBatch(catalog) }
                state.withLock { state in
                    if state.summary.unfinished + state.fetcher.pending == 0 { state.summary.catalogTrouble = nil }
                }
                return
            } catch {
                parts.observer.event(.storeTrouble("the ledger could not be written: \(error)"))
                if final { state.withLock { $0.summary.catalogTrouble = "the ledger could not be written: \(error)" } }
            }
        }
    }

    /// Writes a batch. Runs on the catalog's queue, so that batches are written in the order they were taken.
    func writeBatch(_ catalog: Catalog) throws {
        if let work = parts.fleet { return try writeShared(work, catalog) }
        let batch = state.withLock { $0.takeBatch() }
        let lost = batch.settledLosses
        if !lost.isEmpty { parts.observer.committing(lost) }
        do {
            try catalog.record(batch)
        } catch {
            state.withLock { $0.restore(batch) }
            throw error
        }
        for session in lost { parts.observer.committed(session) }
    }
}

/// The result of a list request.
private enum ListOutcome: Equatable {
    /// A complete list arrived.
    case whole
    /// No complete list arrived. Carries the server's `Retry-After` in milliseconds, if any.
    case failed(retryAfter: Int64?)

    /// Returns the wait before the next list, in milliseconds: the usual one, or longer after a failure. Honors
    /// `Retry-After` up to ``longestRest``.
    func pause(_ usual: Int64, afterFailure least: Int64) -> Int64 {
        switch self {
        case .whole: usual
        case .failed(let asked): max(usual, least, min(asked ?? 0, Self.longestRest))
        }
    }

    /// The longest `Retry-After` honored, in milliseconds. A faulty one must not stop listing while containers
    /// disappear.
    private static let longestRest: Int64 = 15 * 60_000
}

extension HarvestError {
    /// Makes the error for a request without a usable response: `apiRefused` when no retry can succeed, otherwise
    /// `apiUnavailable`.
    fileprivate init(failure: SourceFailure, _ what: String, session: String? = nil) {
        let hint: String
        switch failure.status {
        case 402: hint = "the quota of the account is exhausted; nothing is lost yet"
        case 404, 410: hint = "there is no Session API at this address; check api.url"
        case _ where failure.isFinal: hint = "check api.url, and that the server supports this Session API version"
        default:
            let rest =
                failure.retryAfter.map { "; the server says to wait \(($0 + 999) / 1000) s before retrying" } ?? ""
            hint = "check api.url and the network, then try again; nothing is lost yet\(rest)"
        }
        self.init(
            failure.isFinal ? .apiRefused : .apiUnavailable, "\(what): \(failure.message)", session: session,
            status: failure.status, identifier: failure.identifier, hint: hint)
    }
}
