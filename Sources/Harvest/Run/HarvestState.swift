public import Catalog
import Pack
import SessionAPI
import Text

/// Everything that the tasks of a running harvest share. Guarded by one lock; nothing in here waits.
struct HarvestState {
    /// Work that has to wait for something, handed to a task.
    enum Work: Sendable {
        case download(flight: UInt64, key: String, id: String, item: Int, artifact: String)
        case describe(id: String)
        case ingest(key: String, items: [Int])
        /// Removes what is left of a session; its followed log only when it does not run any more.
        case drop(key: String, live: Bool)
        case follow(key: String)
    }

    /// What is known of a session while it is fetched.
    struct Context {
        var session: ExitedSession
        var files: [SpooledFile] = []
        /// Files of tries whose end could not be stored, by artifact: not needed once a later try has come whole.
        var strays: ByteDictionary<[String]> = [:]
        var pack: String?
        /// A pack that lies under its name but could not be entered in the catalog.
        var uncommitted: PackedRequest?
        /// Under which configuration it was decided what to fetch.
        var version = 0
        /// What the last commit said, so that settling does not write the same again.
        var committed: (SessionState, [ArtifactOutcome])?
    }

    let current: CurrentConfiguration
    /// What the process may have open at once.
    var budget = DescriptorBudget(limit: 65_536, open: 0, limits: Configuration.Limits())
    let observer: HarvestObserver
    let spool: Spool
    /// Whether logs of running sessions are followed at all: by a daemon, not by a single pass.
    var following = false
    var followed: ByteDictionary<LiveEntry> = [:]
    let live: LiveDesk
    /// Running sessions that are to be followed once another one ends.
    var waitingToFollow: [(key: String, identity: SessionIdentity)] = []
    /// Followed logs that an earlier run left, of sessions that are not done.
    var liveFiles: ByteDictionary<[SpooledFile]> = [:]
    /// Sessions that were done and of which the spool holds more: only that is packed, nothing else is asked for.
    var repacking: ByteSet = []
    var watcher: Watcher
    var fetcher: Fetcher
    var contexts: ByteDictionary<Context> = [:]
    /// What the ledger and the spool hold of sessions that were pending when the last run ended.
    var remembered: ByteDictionary<[ArtifactOutcome]> = [:]
    /// Sessions that ran when the last run ended: what was collected of them before is of an earlier life.
    var rerun: ByteSet = []
    var packs: ByteDictionary<String> = [:]
    var leftovers: ByteDictionary<[SpooledFile]> = [:]
    /// Sessions that have ended and whose folder in the spool cannot be read now: without what lies there nobody can say
    /// what is lost.
    var parked: ByteDictionary<(session: ExitedSession, why: String)> = [:]
    /// Those of them whose id another container has now: nothing can be asked for any more.
    var parkedReplaced: ByteSet = []
    /// What was known of artifacts that are asked for once more.
    var fallbacks: ByteDictionary<[ArtifactOutcome]> = [:]
    /// What the rules want is to be compared with what sessions that are done have.
    var rulesChanged = false
    /// A path was found absent since it was last looked whether it is absent everywhere.
    var absenceDue = false
    /// The paths that exist in no session, as they were last said.
    var absentPaths: [AbsentPath] = []

    var progress = HarvestProgress()
    var summary = HarvestSummary()
    var batch = LedgerBatch()
    var dirty: ByteSet = []
    var work: [Work] = []
    var ingests: [(key: String, items: [Int])] = []
    var listAllSoon = false
    /// Damaged entries of lists that have been told of.
    var damageTold: ByteSet = []
    /// Entries of the list being read that nobody here knows.
    var newcomers: [Sighting] = []
    var stopping = false
    /// Every list that the run needs to begin has been had.
    var listed = false
    /// Why polling ended, where it was not asked to.
    var failure: HarvestError?
    /// The loop may end.
    var finished = false
    /// Tasks under way, ingests not counted.
    var active = 0

    /// Whether a single pass has nothing left to wait for.
    var isIdle: Bool {
        active == 0 && work.isEmpty && ingests.isEmpty && progress.ingesting == 0 && fetcher.pending == 0
            && !fetcher.isDescribing
    }

    /// What to do, as it is now.
    var configuration: Configuration { current.value }

    // MARK: Carrying out actions

    mutating func apply(_ actions: [Watcher.Action], _ now: Int64) {
        for action in actions {
            switch action {
            case .record(let key, let identity, let alive):
                progress.seen += 1
                var update = SessionUpdate(session: key, state: .running)
                update.learn(identity)
                update.seen = now
                // Also where only an ingest by hand knew it until now.
                update.source = "harvest"
                batch.sessions.append(update)
                if alive { follow(key, identity) }
            case .describe(let id): fetcher.requestDescribe(id: id)
            case .exited(let session): begin(session, now)
            case .withdraw(let key):
                fetcher.withdraw(key: key)
                parked[key] = nil
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
            case .ingest(let key, let items): ingests.append((key, items))
            case .note(let key): dirty.insert(key)
            case .keep, .discard: break  // Done by the task that downloaded.
            case .returned(let key): apply(watcher.handle(.returned(key: key), now: now), now)
            case .postponed(let key, let reason):
                // The ledger says why it is pending.
                let start = contexts[key]?.session.crashed == true ? "\(ExitedSession.crashedPrefix); " : ""
                let words = start + SessionRecord.waits + reason
                batch.sessions.append(SessionUpdate(session: key, state: .pending, reason: words))
                dirty.insert(key)
            case .rested(let key, let outcomes):
                summary.unfinished += 1
                contexts[key] = nil
                dirty.remove(key)
                batch.artifacts += outcomes.map { ArtifactRecord(session: key, entry: ArtifactEntry($0)) }
            case .settled(let key, let state, let outcomes): settle(key, state, outcomes, now)
            case .paused(let pause):
                // A single pass ends with it, also when an answer under way is a good one.
                if !following { summary.pause = pause }
                observer.event(.paused(pause))
            case .resumed: observer.event(.resumed)
            }
        }
    }

    /// Starts what may start now.
    mutating func pump(_ now: Int64) {
        // Where files are so scarce, downloads and ingests take turns.
        if !stopping, !budget.isTight || progress.ingesting == 0 { apply(fetcher.next(now: now), now) }
        if budget.isTight, fetcher.downloading > 0 { return }
        // Once the loop may end, nobody would begin it: the next run takes the downloads up from the spool.
        while !finished, !ingests.isEmpty, progress.ingesting < min(configuration.limits.ingests, budget.ingests) {
            let next = ingests.removeFirst()
            progress.ingesting += 1
            work.append(.ingest(key: next.key, items: next.items))
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
            session: session, files: files, pack: packs.removeValue(forKey: key), version: current.version)
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

    private mutating func noteExit(_ session: ExitedSession) {
        guard parked[session.key] == nil else { return }
        var update = SessionUpdate(session: session.key, state: .pending, reason: session.reason)
        update.learn(session.identity)
        update.seenExited = session.exitedAt
        update.deadline = session.deadline
        update.source = "harvest"
        batch.sessions.append(update)
        observer.event(.exited(session))
    }

    /// Whether a session has to wait, because its downloads cannot be looked at now.
    private mutating func isParked(_ session: ExitedSession) -> Bool {
        let name = PackPath.escaped(session.key)
        guard let why = spool.unread[name] else {
            parked[session.key] = nil
            return false
        }
        let words =
            "session \(session.key) is left as it is for now: its downloads cannot be looked at: \(why) "
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
        count(key, .lost, [ArtifactOutcome(FetchItem.logs, .lost, reason: reason)])
    }

    private mutating func settle(_ key: String, _ state: SessionState, _ outcomes: [ArtifactOutcome], _ now: Int64) {
        let context = contexts.removeValue(forKey: key)
        if let context, context.version != current.version { rulesChanged = true }
        if outcomes.contains(where: { $0.state == .absent }) { absenceDue = true }
        dirty.remove(key)
        if let committed = context?.committed, committed.0 == state, committed.1 == outcomes {
            // The commit of the pack said all this in one transaction.
        } else {
            batch.sessions.append(SessionUpdate(session: key, state: state, reason: outcomes.sessionReason(state)))
            batch.artifacts += outcomes.map { ArtifactRecord(session: key, entry: ArtifactEntry($0)) }
        }
        work.append(.drop(key: key, live: true))
        apply(watcher.handle(.settled(key: key), now: now), now)
        count(key, state, outcomes)
    }

    private mutating func count(_ key: String, _ state: SessionState, _ outcomes: [ArtifactOutcome]) {
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

    /// Tells of each damaged entry once, not with every list that names it.
    mutating func note(_ damage: ListDamage, in kind: ListKind) {
        progress.unreadable[kind] = damage.rejected
        var nameless: ByteDictionary<Int> = [:]
        for entry in damage.entries where damageTold.count < 10_000 {
            let outcome = entry.wasTaken ? "taken" : "left out"
            // An entry without an id is known by its place among those with the same damage.
            nameless[entry.reason, default: 0] += entry.id == nil ? 1 : 0
            let place = entry.id.map { "id \($0)" } ?? "number \(nameless[entry.reason, default: 0])"
            guard damageTold.insert("\(outcome), \(entry.reason), \(place)").inserted else { continue }
            if !entry.wasTaken { summary.rejectedEntries += 1 }
            observer.event(.listDamaged(kind, entry))
        }
    }

    // MARK: The ledger

    /// Takes what is to be written; put it back with ``restore(_:)`` when writing fails.
    mutating func takeBatch() -> LedgerBatch {
        for key in dirty {
            for outcome in fetcher.outcomes(of: key) ?? [] {
                batch.artifacts.append(ArtifactRecord(session: key, entry: ArtifactEntry(outcome)))
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

    /// The counts as they stand.
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

    /// Why this machine could not pack what was downloaded of the session; nil where nothing waits for that.
    public var packTrouble: String? {
        guard state == .pending, let reason, let start = reason.firstRange(of: Self.waits) else { return nil }
        return String(reason[start.upperBound...])
    }
}

extension ExitedSession {
    /// Begins the reason of a pending session that looks crashed; read again when salvage starts.
    static let crashedPrefix = "looks crashed"

    /// What the ledger says while the session is pending.
    var reason: String { (crashed ? "\(ExitedSession.crashedPrefix); " : "") + evidence.words }
}

extension FetchJob {
    /// Puts downloads that an interrupted run left in place of requests for them.
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
                // A rule of the past asked for it; what is here already is not thrown away for a rule of today.
                let known = decided.first { $0.artifact.hasSameBytes(as: file.artifact) }
                decided.removeAll { $0.artifact.hasSameBytes(as: file.artifact) }
                var item = FetchItem(file.artifact, earlier: known)
                item.leftover = leftover
                items.append(item)
            }
        }
    }
}

extension SessionUpdate {
    mutating func learn(_ identity: SessionIdentity) {
        image = identity.image.isEmpty ? nil : identity.image
        tag = identity.tag
        location = identity.location
        host = identity.host
        labels = identity.labels.isEmpty ? nil : identity.labels
        created = identity.created
    }
}

extension ArtifactEntry {
    /// The ledger's row of an outcome.
    init(_ outcome: ArtifactOutcome) {
        self.init(
            artifact: outcome.artifact, state: outcome.state, reason: outcome.reason, status: outcome.status,
            identifier: outcome.identifier, tries: outcome.tries, bytes: outcome.bytes, firstTry: outcome.firstTry,
            lastTry: outcome.lastTry)
    }
}

extension ArtifactOutcome {
    /// The outcome of a ledger's row.
    init(_ entry: ArtifactEntry) {
        self.init(
            entry.artifact, entry.state, reason: entry.reason, status: entry.status, identifier: entry.identifier,
            tries: entry.tries, bytes: entry.bytes, firstTry: entry.firstTry, lastTry: entry.lastTry)
    }
}

extension [ArtifactOutcome] {
    /// Why a session is in a state that is not the good one.
    func sessionReason(_ state: SessionState) -> String? {
        guard state != .harvested else { return nil }
        let wanted: [ArtifactState] = state == .skipped ? [.skipped] : [.lost, .failed, .incomplete, .pending]
        guard let worst = first(where: { wanted.contains($0.state) }) else { return nil }
        return "\(worst.artifact): \(worst.reason ?? worst.state.rawValue)"
    }
}
