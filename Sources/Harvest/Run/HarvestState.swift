import Catalog
import Ingest
public import Model
import Pack
import SalvageConfiguration
import SessionAPI
import Text

/// The state shared by the tasks of a running harvest. Guarded by one lock; nothing in here blocks.
struct HarvestState {
    /// Work for a task, because it may block.
    enum Work: Sendable {
        case download(flight: UInt64, key: String, id: String, item: Int, artifact: String)
        case describe(id: String)
        case ingest(key: String, items: [Int])
        /// Commits a published pack again, after a failure.
        case commit(key: String, Fetcher.Commit)
        /// Removes the rest of a session; with `live`, also its followed log.
        case drop(key: String, live: Bool)
        case follow(key: String)

        /// Whether it is counted in ``HarvestState/active`` and not in the progress of ingests.
        var isActive: Bool {
            switch self {
            case .ingest, .commit: false
            case .download, .describe, .drop, .follow: true
            }
        }
    }

    /// The state of a session while it is fetched.
    struct Context {
        var session: ExitedSession
        var files: [SpooledFile] = []
        /// Files of tries that could not be finished on disk, by artifact; not needed once a later try is complete.
        var strays: ByteDictionary<[String]> = [:]
        var pack: String?
        /// The published pack that is not in the catalog yet.
        var published: PackedRequest?
        /// The version of the configuration that decided what to fetch.
        var version = 0
        /// The number of the claim on it in a shared store.
        var epoch: Int64?
    }

    let current: CurrentConfiguration
    /// The limits from the number of files that the process may open.
    var budget = DescriptorBudget(limit: 65_536, open: 0, limits: Configuration.Limits())
    let observer: HarvestObserver
    let spool: Spool
    /// Whether logs of running sessions are followed at all: by a daemon, not by a single pass.
    var following = false
    var followed: ByteDictionary<FollowedLog> = [:]
    let live: FollowedLogWriter
    /// Running sessions to follow once another one ends.
    var waitingToFollow: [(key: String, identity: SessionIdentity)] = []
    /// Followed logs that an earlier run left, of unfinished sessions.
    var liveFiles: ByteDictionary<[SpooledFile]> = [:]
    /// Finished sessions with downloads in the spool: these are packed, but nothing more is requested.
    var repacking: ByteSet = []
    var watcher: Watcher
    var fetcher: Fetcher
    var contexts: ByteDictionary<Context> = [:]
    /// The ledger's outcomes of sessions that were unfinished when the last run ended or are reopened.
    var remembered: ByteDictionary<[ArtifactEntry]> = [:]
    /// Sessions that ran when the last run ended. What was collected of them before is outdated.
    var rerun: ByteSet = []
    var packs: ByteDictionary<String> = [:]
    var leftovers: ByteDictionary<[SpooledFile]> = [:]
    /// Exited sessions whose spool folder cannot be read now. They wait: without it nobody can say what is lost.
    var parked: ByteDictionary<(session: ExitedSession, why: String)> = [:]
    /// Parked sessions whose id another container has now, so that nothing more can be requested.
    var parkedReplaced: ByteSet = []
    /// The earlier outcomes of artifacts that are requested again.
    var fallbacks: ByteDictionary<[ArtifactEntry]> = [:]
    /// Whether finished sessions must be compared with the rules.
    var rulesChanged = false
    /// Whether a path was found absent since the last search for paths that exist nowhere.
    var absenceDue = false
    /// The paths that exist in no session, as last reported.
    var absentPaths: [AbsentPath] = []

    var progress = HarvestProgress()
    var summary = HarvestSummary()
    var batch = LedgerBatch()
    var dirty: ByteSet = []
    var work: [Work] = []
    /// Ingests and commits that wait for their turn.
    var packing: [Work] = []
    /// What exists only in a shared store; nil for a store that one process harvests.
    var fleet: FleetState?
    /// Why the shared catalog cannot be used now.
    var fleetTrouble: String?
    /// How writing the filters of packs goes.
    var filters = FilterWrites()
    var listAllSoon = false
    /// Damaged entries of lists that have been reported.
    var damageTold: ByteSet = []
    /// Entries of the current list that the watcher does not track.
    var newcomers: [Sighting] = []
    var stopping = false
    /// Whether the lists of a single pass are done.
    var listed = false
    /// Why polling failed.
    var failure: HarvestError?
    /// Whether the loop may end.
    var finished = false
    /// The number of active tasks, without ingests.
    var active = 0

    /// Whether nothing is in progress.
    var isIdle: Bool {
        active == 0 && work.isEmpty && packing.isEmpty && progress.ingesting == 0 && fetcher.pending == 0
            && !fetcher.isDescribing && fleet?.isIdle ?? true
    }

    /// The current configuration.
    var configuration: Configuration { current.value }

    // MARK: Executing actions

    mutating func apply(_ actions: [Watcher.Action], _ now: Int64) {
        for action in actions {
            switch action {
            case .record(let key, let identity, let alive):
                progress.seen += 1
                var update = SessionUpdate(identity.withID(key), state: .running)
                update.seen = now
                // Also for a session that only `salvage ingest` recorded until now.
                update.source = "harvest"
                batch.sessions.append(update)
                if alive { follow(key, identity) }
            case .describe(let id): fetcher.requestDescribe(id: id)
            case .exited(let session): if fleet == nil { begin(session, now) } else { offer(session, now) }
            case .withdraw(let key):
                fetcher.withdraw(key: key)
                parked[key] = nil
                fleet?.withdrawn.insert(key)
                if contexts.removeValue(forKey: key) != nil { work.append(.drop(key: key, live: false)) }
                batch.sessions.append(SessionUpdate(session: key, state: .running))
                if let identity = watcher.identity(of: key) { follow(key, identity) }
            case .replaced(let key): replace(key, now)
            case .listAll: listAllSoon = true
            }
        }
    }

    mutating func apply(_ actions: [Fetcher.Action], _ now: Int64) {
        for action in actions {
            switch action {
            case .download(let flight, let key, let id, let item, let artifact):
                work.append(.download(flight: flight, key: key, id: id, item: item, artifact: artifact))
            case .describe(let id): work.append(.describe(id: id))
            case .ingest(let key, let items): packing.append(.ingest(key: key, items: items))
            case .commit(let key, let commit): packing.append(.commit(key: key, commit))
            case .note(let key): dirty.insert(key)
            case .keep, .discard: break  // Handled by the downloading task.
            case .returned(let key):
                let actions = watcher.handle(.returned(key: key), now: now)
                // In a shared store the watcher that knows the session may be another harvester's.
                apply(actions.isEmpty && fleet != nil ? [.withdraw(key: key)] : actions, now)
            case .postponed(let key, let reason):
                // Record in the ledger why it is pending.
                let start = contexts[key]?.session.crashed == true ? "\(ExitedSession.crashedPrefix); " : ""
                let words = start + SessionRecord.waits + reason
                batch.sessions.append(SessionUpdate(session: key, state: .pending, reason: words))
                dirty.insert(key)
            case .rested(let key, let outcomes):
                summary.unfinished += 1
                contexts[key] = nil
                dirty.remove(key)
                batch.artifacts += outcomes.map { ArtifactRecord(session: key, entry: $0) }
                rest(key)
            case .settled(let key, let state, let outcomes, let isCommitted):
                settle(key, state, outcomes, isCommitted: isCommitted, now)
            case .paused(let pause):
                // A single pass ends here, even if a request in flight succeeds.
                if !following { summary.pause = pause }
                observer.event(.paused(pause))
            case .resumed: observer.event(.resumed)
            }
        }
    }

    /// Starts the work that may start now.
    mutating func pump(_ now: Int64) {
        // With too few open files, downloads and ingests take turns.
        if !stopping, !budget.isTight || progress.ingesting == 0 { apply(fetcher.next(now: now), now) }
        if budget.isTight, fetcher.downloading > 0 { return }
        // A finished loop starts nothing: the next run takes the downloads from the spool.
        while !finished, !packing.isEmpty, progress.ingesting < min(configuration.limits.ingests, budget.ingests) {
            progress.ingesting += 1
            work.append(packing.removeFirst())
        }
    }

    mutating func begin(_ session: ExitedSession, _ now: Int64) {
        let key = session.key
        progress.current = key
        if session.evidence != .resumed { noteExit(session) }
        guard !isParked(session) else { return }
        var files = leftovers.removeValue(forKey: key) ?? []
        let live = liveFiles.removeValue(forKey: key) ?? []
        if let own = unfollow(key, spool) {
            files += live.filter { $0.path != own.path } + [own]
        } else {
            files += live
        }
        contexts[key] = Context(
            session: session, files: files, pack: packs.removeValue(forKey: key), version: current.version,
            epoch: fleet?.keeper.epoch(of: key))
        var job = FetchJob.plan(for: session, by: configuration, earlier: remembered.removeValue(forKey: key) ?? [])
        if rerun.remove(key) != nil {
            for index in job.items.indices { job.items[index].earlier = nil }
        }
        job.adopt(files)
        if repacking.remove(key) != nil { job.items.removeAll { $0.earlier == nil && $0.leftover == nil } }
        job.fallBack(on: fallbacks.removeValue(forKey: key) ?? [])
        apply(fetcher.add(job, now: now), now)
        if parkedReplaced.remove(key) != nil { apply(fetcher.replaced(key: key, now: now), now) }
    }

    mutating func noteExit(_ session: ExitedSession) {
        guard parked[session.key] == nil else { return }
        var update = SessionUpdate(
            session.identity.withID(session.key), state: .pending, reason: session.reason)
        update.seenExited = session.exitedAt
        update.deadline = session.deadline
        update.source = "harvest"
        batch.sessions.append(update)
        observer.event(.exited(session))
    }

    /// Parks a session whose downloads cannot be read now; returns whether it did.
    private mutating func isParked(_ session: ExitedSession) -> Bool {
        let name = PackPath.escaped(session.key)
        guard let why = spool.unread[name] else {
            parked[session.key] = nil
            return false
        }
        let words =
            "session \(session.key) has to wait, because its downloads cannot be read now: \(why) "
            + "(\(spool.folder)/\(name))"
        if parked[session.key] == nil { observer.event(.storeTrouble(words)) }
        parked[session.key] = (session, words)
        return true
    }

    private mutating func replace(_ key: String, _ now: Int64) {
        // It stays pending until its downloads can be read.
        guard parked[key] == nil else {
            parkedReplaced.insert(key)
            return
        }
        guard contexts[key] == nil else {
            apply(fetcher.replaced(key: key, now: now), now)
            return
        }
        _ = unfollow(key, spool)
        let reason = "another container took over the session's id before this one was seen to end"
        batch.sessions.append(SessionUpdate(session: key, state: .lost, reason: reason))
        count(key, .lost, [ArtifactEntry(artifact: FetchItem.logs, state: .lost, reason: reason)])
    }

    private mutating func settle(
        _ key: String, _ state: SessionState, _ outcomes: [ArtifactEntry], isCommitted: Bool, _ now: Int64
    ) {
        let context = contexts.removeValue(forKey: key)
        if let context, context.version != current.version { rulesChanged = true }
        if outcomes.contains(where: { $0.state == .absent }) { absenceDue = true }
        dirty.remove(key)
        // Otherwise the commit of the pack has recorded all this in one transaction.
        if !isCommitted {
            batch.sessions.append(SessionUpdate(session: key, state: state, reason: outcomes.sessionReason(state)))
            batch.artifacts += outcomes.map { ArtifactRecord(session: key, entry: $0) }
        }
        endLease(key, isCommitted: isCommitted)
        work.append(.drop(key: key, live: true))
        apply(watcher.handle(.settled(key: key), now: now), now)
        count(key, state, outcomes)
    }

    private mutating func count(_ key: String, _ state: SessionState, _ outcomes: [ArtifactEntry]) {
        progress.current = key
        progress.done[state, default: 0] += 1
        for outcome in outcomes where [.lost, .failed, .incomplete].contains(outcome.state) {
            summary.problemCount += 1
            if summary.problems.count < HarvestSummary.problemsKept {
                summary.problems.append(HarvestProblem(session: key, outcome: outcome))
            }
        }
        observer.event(.settled(session: key, state, outcomes))
    }

    /// Reports each damaged entry once, not with every list that contains it.
    mutating func note(_ damage: ListDamage, in kind: ListKind) {
        progress.unreadable[kind] = damage.rejected
        var nameless: ByteDictionary<Int> = [:]
        for entry in damage.entries where damageTold.count < 10_000 {
            let outcome = entry.wasTaken ? "taken" : "left out"
            // An entry without an id is identified by its position among those with the same damage.
            nameless[entry.reason, default: 0] += entry.id == nil ? 1 : 0
            let place = entry.id.map { "id \($0)" } ?? "number \(nameless[entry.reason, default: 0])"
            guard damageTold.insert("\(outcome), \(entry.reason), \(place)").inserted else { continue }
            if !entry.wasTaken { summary.rejectedEntries += 1 }
            observer.event(.listDamaged(kind, entry))
        }
    }

    // MARK: The ledger

    /// Takes the pending updates. Put them back with ``restore(_:)`` if writing fails.
    mutating func takeBatch() -> LedgerBatch {
        for key in dirty {
            for outcome in fetcher.outcomes(of: key) ?? [] {
                batch.artifacts.append(ArtifactRecord(session: key, entry: outcome))
            }
        }
        dirty.removeAll(keepingCapacity: true)
        let taken = batch
        batch = LedgerBatch()
        return taken
    }

    mutating func restore(_ taken: LedgerBatch) {
        batch.sessions = taken.sessions + batch.sessions
        batch.artifacts = taken.artifacts + batch.artifacts
        batch.requests = taken.requests + batch.requests
        batch.released = taken.released + batch.released
    }

    /// Returns the current counts.
    mutating func currentProgress(_ now: Int64) -> HarvestProgress {
        progress.running = watcher.running
        progress.pending = fetcher.pending + parked.count
        progress.downloading = fetcher.downloading
        progress.nearestDeadline = fetcher.nearestDeadline
        return progress
    }
}

extension SessionRecord {
    static let waits = "downloads wait in the spool: "

    /// The local failure that keeps the session's downloads from being packed; nil when none does.
    public var packTrouble: String? {
        guard state == .pending, let reason, let start = reason.firstRange(of: Self.waits) else { return nil }
        return String(reason[start.upperBound...])
    }
}

extension ExitedSession {
    /// The prefix of the reason of a pending session that looks crashed; parsed when salvage starts.
    static let crashedPrefix = "looks crashed"

    /// The reason stored in the ledger while the session is pending.
    var reason: String { (crashed ? "\(ExitedSession.crashedPrefix); " : "") + evidence.words }
}

extension FetchJob {
    /// Uses downloads that an interrupted run left instead of requesting them again.
    mutating func adopt(_ files: [SpooledFile]) {
        for file in files {
            let leftover = FetchItem.Leftover(bytes: file.bytes, complete: file.complete)
            if let index = items.firstIndex(where: { $0.artifact.hasSameBytes(as: file.artifact) }) {
                if let known = items[index].leftover, known.complete || known.bytes >= leftover.bytes,
                    !leftover.complete
                {
                    continue
                }
                items[index].leftover = leftover
            } else {
                // An earlier rule requested it. What has been downloaded is kept even if the current rules lack it.
                let known = decided.first { $0.artifact.hasSameBytes(as: file.artifact) }
                decided.removeAll { $0.artifact.hasSameBytes(as: file.artifact) }
                var item = FetchItem(file.artifact, earlier: known)
                item.leftover = leftover
                items.append(item)
            }
        }
    }
}

extension ArtifactEntry {
    /// The row of an artifact that is requested again: pending, without the findings about what was collected before.
    var requestedAgain: ArtifactEntry {
        var row = self
        (row.state, row.reason) = (.pending, nil)
        (row.verdict, row.flags, row.sha256) = (nil, [], nil)
        return row
    }
}

extension [ArtifactEntry] {
    /// Returns why a session is in a state other than `harvested`; nil for `harvested`.
    func sessionReason(_ state: SessionState) -> String? {
        state.reason(from: lazy.map { ($0.artifact, $0.state, $0.reason) })
    }
}
