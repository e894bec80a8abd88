import Model
import Text

extension Watcher {
    // MARK: Sightings

    mutating func listed(_ sighting: Sighting, _ now: Int64) -> [Action] {
        let status = sighting.status ?? (listing == .running ? .running : nil)
        guard let slot = slots[sighting.identity.id] else { return appeared(sighting.identity, status, now) }
        if isLaterRun(sighting.identity, than: slot) { return laterRun(sighting.identity, status, slot, now) }
        switch listing {
        case .running: marks[slot].seenRunning = generation[.running] ?? 0
        case .all: marks[slot].seenAll = generation[.all] ?? 0
        }
        return observe(slot, sighting, status, since: began[listing] ?? now, now)
    }

    private mutating func appeared(_ identity: SessionIdentity, _ status: ObservedStatus?, _ now: Int64) -> [Action] {
        start(identity, key: RunKey.first(id: identity.id), status, now)
    }

    private mutating func start(
        _ identity: SessionIdentity, key: String, _ status: ObservedStatus?, _ now: Int64
    ) -> [Action] {
        // Not seen alive, so it can have ended at any time since it was created.
        let bound = status?.isAlive == true ? now : min(now, identity.created ?? now)
        let slot = insert(identity, key: key, phase: .unclear, now: bound)
        switch listing {
        case .running: marks[slot].seenRunning = generation[.running] ?? 0
        case .all: marks[slot].seenAll = generation[.all] ?? 0
        }
        let record = Action.record(key: key, identity, alive: status?.isAlive == true)
        return [record] + observe(slot, Sighting(identity, status: status), status, since: now, now)
    }

    /// Returns whether this is another, later container under the same id: one created 2 s later or more. The tolerance
    /// covers responses that round to seconds.
    private func isLaterRun(_ identity: SessionIdentity, than slot: Int) -> Bool {
        guard let seen = identity.created, let known = tracks[slot].identity.created else { return false }
        return seen > known &+ 1999
    }

    private mutating func laterRun(
        _ identity: SessionIdentity, _ status: ObservedStatus?, _ slot: Int, _ now: Int64
    ) -> [Action] {
        let key = RunKey.later(id: identity.id, created: identity.created ?? now)
        var actions: [Action] = []
        if marks[slot].phase != .done { actions.append(.replaced(key: tracks[slot].key)) }
        finish(slot)
        actions += start(identity, key: key, status, now)
        return actions
    }

    /// Applies a sighting to a session.
    ///
    /// - Parameter since: When the response was requested, in milliseconds since 1970. Newer knowledge overrides it.
    private mutating func observe(
        _ slot: Int, _ sighting: Sighting, _ status: ObservedStatus?, since: Int64, _ now: Int64
    ) -> [Action] {
        guard let status else { return [] }
        let phase = marks[slot].phase
        if phase == .pending || phase == .done {
            // A response requested before the exit was known is outdated.
            guard status.isAlive, since > tracks[slot].exitedAt ?? Int64.min else { return [] }
            if phase == .done { tracks[slot].identity = sighting.identity }
            revive(slot, now)
            if status == .restarting { enterRestarting(slot) }
            return [.withdraw(key: tracks[slot].key)]
        }
        tracks[slot].unanswered = 0
        tracks[slot].statusless = 0
        switch status {
        case .created, .running, .draining, .shuttingDown:
            marks[slot].phase = .running
            marks[slot].lastAlive = now
        case .restarting:
            enterRestarting(slot)
            marks[slot].lastAlive = now
        case .serverUnreachable: marks[slot].phase = .unreachable
        case .exited, .dead:
            tracks[slot].identity.merge(from: sighting.identity)
            return ended(slot, crashed: status == .dead, .status, now)
        }
        return []
    }

    private mutating func enterRestarting(_ slot: Int) {
        marks[slot].phase = .restarting
        // The platform restarts a process only after a failure.
        tracks[slot].crashed = true
    }

    mutating func revive(_ slot: Int, _ now: Int64) {
        marks[slot].phase = .running
        marks[slot].lastAlive = now
        tracks[slot].exitedAt = nil
        tracks[slot].deadline = nil
        tracks[slot].unanswered = 0
    }

    private mutating func ended(_ slot: Int, crashed: Bool, _ evidence: ExitEvidence, _ now: Int64) -> [Action] {
        marks[slot].phase = .pending
        let deadline = now &+ settings.retention
        tracks[slot].exitedAt = now
        tracks[slot].deadline = deadline
        if crashed { tracks[slot].crashed = true }
        let track = tracks[slot]
        return [
            .exited(
                ExitedSession(
                    key: track.key, identity: track.identity, exitedAt: now, deadline: deadline,
                    notBefore: min(marks[slot].lastAlive, now), crashed: track.crashed, evidence: evidence))
        ]
    }

    // MARK: Ends of lists

    mutating func runningListEnded(_ current: UInt32, _ now: Int64) -> [Action] {
        var missing: [Int] = []
        for slot in marks.indices where marks[slot].seenRunning != current {
            let phase = marks[slot].phase
            if phase == .running || phase == .unclear { missing.append(slot) }
        }
        guard !missing.isEmpty else { return [] }
        if missing.count > settings.describeAtMost { return [.listAll] }
        return missing.flatMap { describe($0, now) }
    }

    mutating func allListEnded(_ current: UInt32, _ now: Int64) -> [Action] {
        var gone: [Int] = []
        var unclear: [Int] = []
        var alive = 0
        let running = completed[.running] ?? 0
        for slot in marks.indices {
            let mark = marks[slot]
            switch mark.phase {
            case .vacant, .pending: continue
            case .done:
                let deadline = tracks[slot].deadline ?? mark.lastAlive &+ settings.retention
                if mark.seenAll != current, deadline &+ settings.remember < now { forget(slot) }
            case .running, .restarting, .unreachable, .unclear:
                alive += 1
                let listedAsRunning = mark.seenRunning != 0 && mark.seenRunning >= running
                if mark.seenAll != current, !listedAsRunning {
                    gone.append(slot)
                } else if running > 0, mark.lastAlive < began[.all] ?? now, !listedAsRunning,
                    mark.phase == .running || mark.phase == .unclear
                {
                    unclear.append(slot)
                }
            }
        }
        if gone.count > settings.describeAtMost, gone.count > alive / 2, doubtful.map({ $0 &+ 1 != current }) ?? true {
            // More likely a faulty list than a fleet that ended at once. The next list decides.
            doubtful = current
            gone = []
        } else {
            doubtful = nil
        }
        return gone.flatMap { describe($0, now) } + resolve(unclear, now)
    }

    /// Resolves sessions that the list of all contains without a status and the list of running ones lacks. A few are
    /// described; if there are many, those seen like this for the second time are taken to have ended.
    private mutating func resolve(_ unclear: [Int], _ now: Int64) -> [Action] {
        if unclear.count <= settings.describeAtMost { return unclear.flatMap { describe($0, now) } }
        if rejected.values.contains(where: { $0 > 0 }) {
            // Any of them may be an entry that could not be read. Infer nothing; describe a few.
            return unclear.filter { mayDescribe($0, now) }.prefix(settings.describeAtMost).flatMap { describe($0, now) }
        }
        var actions: [Action] = [.listAll]
        for slot in unclear {
            if tracks[slot].statusless >= 1 {
                actions += ended(slot, crashed: false, .inferred, now)
            } else {
                tracks[slot].statusless = 1
            }
        }
        return actions
    }

    // MARK: Describe responses

    mutating func described(_ id: String, _ answer: DescribeAnswer, _ now: Int64) -> [Action] {
        guard let slot = slots[id], marks[slot].describing else { return [] }
        marks[slot].describing = false
        guard marks[slot].phase.rawValue <= Phase.unclear.rawValue else { return [] }
        switch answer {
        case .found(let sighting):
            if isLaterRun(sighting.identity, than: slot) {
                return laterRun(sighting.identity, sighting.status, slot, now)
            }
            tracks[slot].identity.merge(from: sighting.identity)
            guard let status = sighting.status else {
                tracks[slot].statusless &+= 1
                if tracks[slot].statusless >= 2 { return ended(slot, crashed: false, .inferred, now) }
                schedule(slot, at: now &+ settings.recheck)
                return []
            }
            let actions = observe(slot, sighting, status, since: now, now)
            if actions.isEmpty { schedule(slot, at: now &+ settings.recheck) }
            return actions
        case .notFound:
            // The files may still exist although the session is unknown, so the fetcher tries before giving up.
            return ended(slot, crashed: false, .vanished, now)
        case .failed:
            tracks[slot].unanswered = min(tracks[slot].unanswered &+ 1, 4)
            schedule(slot, at: now &+ (5000 << Int64(tracks[slot].unanswered &- 1)))
            return []
        }
    }

    mutating func tick(_ now: Int64) -> [Action] {
        var actions: [Action] = []
        while let next = rechecks.smallest, next.at <= now {
            _ = rechecks.popSmallest()
            guard next.slot < marks.count, tracks[next.slot].key.hasSameBytes(as: next.key) else { continue }
            let mark = marks[next.slot]
            guard mark.phase.rawValue <= Phase.unclear.rawValue else { continue }
            // A list has contained it since, so it needs no describe.
            let running = completed[.running] ?? 0
            if mark.seenRunning != 0, mark.seenRunning >= running { continue }
            let watchedByAll = mark.phase == .restarting || mark.phase == .unreachable
            if watchedByAll, mark.seenAll != 0, mark.seenAll >= completed[.all] ?? 0 { continue }
            actions += describe(next.slot, now)
        }
        return actions
    }
}
