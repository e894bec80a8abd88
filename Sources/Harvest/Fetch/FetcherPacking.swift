import Catalog
import Ingest
public import Model
public import Text

extension Fetcher {
    // MARK: Ingest results

    /// Processes a published pack: takes over what it says about each artifact, and has it committed.
    ///
    /// - Parameters:
    ///   - rows: The pack's rows. Of an artifact whose downloads were packed, the state and reason are the judgement on
    ///     these downloads.
    ///   - waiting: The artifacts whose downloads could not be packed because of a local failure, and the reason.
    /// - Returns: The commit; nothing when the session was withdrawn meanwhile.
    public mutating func packed(
        key: String, _ rows: [ArtifactEntry], waiting: ByteDictionary<String> = [:], now: Int64
    ) -> [Action] {
        guard let session = sessions[key], let packing = session.packing, packing.rows == nil else { return [] }
        sessions[key]?.packing = Packing(items: packing.items, rows: rows, waiting: waiting)
        takeOver(rows, key)
        for index in packing.items {
            let artifact = session.job.items[index].artifact
            if let reason = waiting[artifact] {
                putBack(key, index, reason)
            } else {
                judge(key, index, rows.first { $0.artifact.hasSameBytes(as: artifact) }, now)
            }
        }
        return commit(key)
    }

    /// Processes the end of an ingest that had nothing to pack, because the downloads are gone from the spool.
    mutating func nothingPacked(key: String, now: Int64) -> [Action] {
        guard let packing = sessions[key]?.packing, packing.rows == nil else { return [] }
        for index in packing.items { judge(key, index, nil, now) }
        return endPacking(key, packing, isCommitted: false, now)
    }

    /// Processes the commit of a session's pack: the session continues, or is done.
    public mutating func committed(key: String, now: Int64) -> [Action] {
        guard let packing = sessions[key]?.packing, packing.rows != nil else { return [] }
        return endPacking(key, packing, isCommitted: packing.settles, now)
    }

    /// Whether a session has a published pack that is not committed yet.
    func isCommitting(_ key: String) -> Bool { sessions[key]?.packing?.rows != nil }

    /// Processes a local failure to commit a published pack. The downloads are kept, and the commit is tried again.
    public mutating func commitFailed(key: String, _ reason: String, now: Int64) -> [Action] {
        guard let packing = sessions[key]?.packing, packing.rows != nil else { return [] }
        for index in packing.items { sessions[key]?.items[index].packTrouble = "waiting in the spool: \(reason)" }
        return postpone(key, reason, now)
    }

    /// Processes a local failure that kept everything from being packed. The downloads are kept and packing is tried
    /// again, also after the deadline: they no longer depend on the container.
    public mutating func packFailed(key: String, _ reason: String, now: Int64) -> [Action] {
        guard let packing = sessions[key]?.packing, packing.rows == nil else { return [] }
        sessions[key]?.packing = nil
        for index in packing.items { putBack(key, index, reason) }
        return postpone(key, reason, now)
    }

    /// Returns the commit of a session's published pack, with the outcomes as they are now.
    private mutating func commit(_ key: String) -> [Action] {
        guard let session = sessions[key], var rows = session.packing?.rows else { return [] }
        let outcomes = session.committedOutcomes
        for outcome in outcomes {
            if let index = rows.firstIndex(where: { $0.artifact.hasSameBytes(as: outcome.artifact) }) {
                rows[index] = outcome
            } else {
                rows.append(outcome)
            }
        }
        sessions[key]?.packing?.settles = session.isOver
        let state = session.isOver ? SessionState.derived(from: outcomes.map(\.state)) : .pending
        return [.commit(key: key, Commit(state: state, reason: outcomes.sessionReason(state), rows: rows))]
    }

    private mutating func endPacking(
        _ key: String, _ packing: Packing, isCommitted: Bool, _ now: Int64
    ) -> [Action] {
        guard let session = sessions[key] else { return [] }
        sessions[key]?.packing = nil
        for index in packing.items where packing.waiting[session.job.items[index].artifact] == nil {
            sessions[key]?.items[index].packTrouble = nil
            guard let item = sessions[key]?.items[index], item.phase == .lacking else { continue }
            retry(key, index, item.reason ?? "incomplete", Attempt(.complete, status: item.status), now)
        }
        if let reason = packing.waiting.sortedByKey.first?.value { return postpone(key, reason, now) }
        sessions[key]?.packFailures = 0
        return (isCommitted ? [] : [.note(key: key)]) + conclude(key, now, isCommitted: isCommitted)
    }

    /// Takes over what the pack says about artifacts: the findings of ingest, and that an earlier pack with some of the
    /// content is damaged.
    private mutating func takeOver(_ rows: [ArtifactEntry], _ key: String) {
        guard let job = sessions[key]?.job else { return }
        for row in rows {
            let isDamaged = row.state == .incomplete && row.flags.contains(EarlierDamage.flag)
            if let index = job.items.firstIndex(where: { $0.artifact.hasSameBytes(as: row.artifact) }) {
                sessions[key]?.items[index].findings = Findings(row)
                guard isDamaged, sessions[key]?.items[index].state == .collected else { continue }
                sessions[key]?.items[index].settle(.incomplete, row.reason)
            } else if let index = job.decided.firstIndex(where: { $0.artifact.hasSameBytes(as: row.artifact) }) {
                sessions[key]?.job.decided[index].verdict = row.verdict
                sessions[key]?.job.decided[index].flags = row.flags
                sessions[key]?.job.decided[index].sha256 = row.sha256
                guard isDamaged, job.decided[index].state == .collected else { continue }
                sessions[key]?.job.decided[index].state = .incomplete
                sessions[key]?.job.decided[index].reason = row.reason
            }
        }
    }

    /// Decides by the judgement on a packed download whether it is the last word or is fetched again.
    private mutating func judge(_ key: String, _ index: Int, _ row: ArtifactEntry?, _ now: Int64) {
        guard let session = sessions[key], session.items[index].phase == .downloaded else { return }
        var item = session.items[index]
        let state: ArtifactState
        switch row?.state {
        case .collected?: state = .collected
        case .absent?: state = .absent
        case .incomplete?: state = .incomplete
        case .failed?, .pending?, .skipped?, .lost?, nil: state = .failed
        }
        let reason = state == .collected ? nil : row?.reason ?? "the pack does not contain the download"
        switch state {
        case .collected, .absent: item.settle(state, reason)
        case _ where !item.keptComplete: item.settle(state, item.reason ?? reason)
        case _ where item.lackingBytes == item.keptBytes:
            // The same result twice: the container's content is at fault, not the network.
            item.settle(state, "\(reason ?? "incomplete"); a second download had the same length and defect")
        default:
            item.lackingBytes = item.keptBytes
            item.keptComplete = false
            item.reason = reason
            item.phase = .lacking
        }
        if item.state == .absent, let known = session.job.items[index].fallback, known.state == .incomplete {
            item.settle(known.state, known.reason)
        }
        sessions[key]?.items[index] = item
        if item.phase == .lacking, now >= session.job.deadline { giveUpAtDeadline(key, index) }
    }

    /// Returns how long until a session's downloads are packed again, in milliseconds; nil when no try is scheduled.
    public func packWait(of key: String, now: Int64) -> Int64? {
        sessions[key]?.packAfter.map { max(0, $0 &- now) }
    }

    private mutating func putBack(_ key: String, _ index: Int, _ reason: String) {
        sessions[key]?.items[index].fresh = true
        sessions[key]?.items[index].packTrouble = "waiting in the spool: \(reason)"
    }

    private mutating func postpone(_ key: String, _ reason: String, _ now: Int64) -> [Action] {
        let failures = (sessions[key]?.packFailures ?? 0) + 1
        sessions[key]?.packFailures = failures
        if let most = triesPerPass, failures >= most {
            sessions[key]?.packRests = true
        } else {
            let moment = now &+ settings.packing.delay(failures: failures, random: &random)
            sessions[key]?.packAfter = moment
            repacks.insert(Expiry(at: moment, key: key))
        }
        return [.postponed(key: key, reason: reason)] + conclude(key, now)
    }

    /// Starts the packing and the commits that are due.
    mutating func repack(_ now: Int64) -> [Action] {
        var actions: [Action] = []
        while let next = repacks.smallest, next.at <= now {
            _ = repacks.popSmallest()
            guard sessions[next.key]?.packAfter == next.at else { continue }
            sessions[next.key]?.packAfter = nil
            actions += isCommitting(next.key) ? commit(next.key) : conclude(next.key, now)
        }
        return actions
    }

    // MARK: Concluding a session

    /// Starts an ingest when there are downloads to pack and nothing worth waiting for; settles a finished session.
    ///
    /// - Parameter isCommitted: Whether the commit just made recorded the state that the session settles in.
    mutating func conclude(_ key: String, _ now: Int64, isCommitted: Bool = false) -> [Action] {
        releaseWaiting(key)
        guard let session = sessions[key], session.packing == nil || session.packRests else { return [] }
        let busy = session.items.contains { item in
            switch item.phase {
            case .final, .downloaded, .lacking, .resting: false
            // An item that failed twice is not worth holding back the others.
            case .delayed, .checking: item.failures < 2
            case .waiting, .queued, .inFlight: item.failures < 2
            }
        }
        let fresh = session.items.indices.filter { session.items[$0].fresh }
        if session.packAfter != nil || session.packRests, !fresh.isEmpty || session.packing != nil {
            guard session.packRests, session.items.allSatisfy({ $0.rests }) else { return [] }
            withdraw(key: key)
            return [.rested(key: key, session.outcomes)]
        }
        if !busy, !fresh.isEmpty {
            sessions[key]?.packing = Packing(items: fresh)
            for index in fresh { sessions[key]?.items[index].fresh = false }
            return [.ingest(key: key, items: fresh)]
        }
        guard fresh.isEmpty else { return [] }
        if session.items.allSatisfy({ $0.phase == .final }) {
            withdraw(key: key)
            let outcomes = session.outcomes
            let state = SessionState.derived(from: outcomes.map(\.state))
            return [.settled(key: key, state, outcomes, isCommitted: isCommitted)]
        }
        if session.items.allSatisfy({ $0.phase == .final || $0.phase == .resting }) {
            withdraw(key: key)
            return [.rested(key: key, session.outcomes)]
        }
        return []
    }

    /// Releases the items that wait for the log when the log cannot be had soon. In doubt they are fetched.
    private mutating func releaseWaiting(_ key: String) {
        guard let session = sessions[key], !session.verdictKnown else { return }
        let log = zip(session.job.items, session.items).first { $0.0.artifact == FetchItem.logs }
        guard let phase = log?.1.phase, phase == .final || phase == .resting || log?.1.failures ?? 0 >= 3 else {
            return
        }
        sessions[key]?.verdictKnown = true
        for index in session.items.indices where session.items[index].phase == .waiting { enqueue(key, index) }
    }
}
