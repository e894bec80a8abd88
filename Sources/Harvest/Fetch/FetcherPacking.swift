public import Ingest
import Pack
import Text

public import enum Catalog.SessionState

extension Fetcher {
    // MARK: Ingest results

    /// Processes the result of an ingest.
    ///
    /// - Parameter waiting: the items whose downloads could not be packed because of a local failure, and the reason.
    public mutating func ingested(
        key: String, _ verdicts: [Int: IngestVerdict], waiting: [Int: String] = [:], now: Int64
    ) -> [Action] {
        guard let session = sessions[key] else { return [] }
        sessions[key]?.ingesting = []
        for index in session.ingesting where waiting[index] == nil {
            guard var item = sessions[key]?.items[index] else { continue }
            let verdict =
                verdicts[index] ?? IngestVerdict(complete: false, empty: true, reason: "ingest returned no verdict")
            let wasDownloaded = item.phase == .downloaded
            item.packTrouble = nil
            if wasDownloaded { judge(&item, verdict) }
            if item.state == .absent, let known = session.job.items[index].fallback, known.state == .incomplete {
                item.settle(known.state, known.reason)
            }
            sessions[key]?.items[index] = item
            guard wasDownloaded, item.phase != .final else { continue }
            retry(key, index, item.reason ?? "incomplete", Attempt(.complete, status: item.status), now)
        }
        let left = session.ingesting.filter { waiting[$0] != nil }
        guard let first = left.first, let reason = waiting[first] else {
            sessions[key]?.packFailures = 0
            return [.note(key: key)] + conclude(key, now)
        }
        for index in left { putBack(key, index, waiting[index] ?? reason) }
        return postpone(key, reason, now)
    }

    /// Returns the state and outcomes that these verdicts would lead to, without applying them; nil for an unknown
    /// session.
    public func preview(
        key: String, _ verdicts: [Int: IngestVerdict], waiting: [Int: String] = [:], now: Int64
    ) -> (SessionState, [ArtifactOutcome])? {
        guard let session = sessions[key] else { return nil }
        var trial = Fetcher(settings: settings, seed: 0)
        trial.triesPerPass = triesPerPass
        trial.sessions[key] = session
        for case .settled(_, let state, let outcomes) in trial.ingested(
            key: key, verdicts, waiting: waiting, now: now)
        {
            return (state, outcomes)
        }
        return (.pending, trial.outcomes(of: key) ?? session.outcomes)
    }

    private func judge(_ item: inout Item, _ verdict: IngestVerdict) {
        let state: ArtifactState = verdict.empty ? .failed : .incomplete
        if verdict.complete, item.keptComplete {
            // Some servers return a complete archive without entries for a path that does not exist.
            item.settle(verdict.empty ? .absent : .collected, verdict.empty ? verdict.reason : nil)
        } else if !item.keptComplete {
            item.settle(state, item.reason)
        } else if item.lackingBytes == item.keptBytes {
            // The same result twice: the container's content is at fault, not the network.
            item.settle(state, "\(verdict.reason ?? "incomplete"); a second download had the same length and defect")
        } else {
            item.lackingBytes = item.keptBytes
            item.keptComplete = false
            item.reason = verdict.reason ?? "incomplete"
        }
    }

    /// Processes a local failure that kept everything from being packed. The downloads are kept and packing is tried
    /// again, also after the deadline: they no longer depend on the container.
    public mutating func ingestDeferred(key: String, _ reason: String, now: Int64) -> [Action] {
        guard let session = sessions[key] else { return [] }
        sessions[key]?.ingesting = []
        for index in session.ingesting { putBack(key, index, reason) }
        return postpone(key, reason, now)
    }

    /// Returns how long until a session's downloads are packed again, in milliseconds; nil when no try is scheduled.
    public func ingestWait(of key: String, now: Int64) -> Int64? {
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

    /// Starts the packing that is due.
    mutating func repack(_ now: Int64) -> [Action] {
        var actions: [Action] = []
        while let next = repacks.smallest, next.at <= now {
            _ = repacks.popSmallest()
            guard sessions[next.key]?.packAfter == next.at else { continue }
            sessions[next.key]?.packAfter = nil
            actions += conclude(next.key, now)
        }
        return actions
    }

    // MARK: Concluding a session

    /// Starts an ingest when there are downloads to pack and nothing worth waiting for; settles a finished session.
    mutating func conclude(_ key: String, _ now: Int64) -> [Action] {
        releaseWaiting(key)
        guard let session = sessions[key], session.ingesting.isEmpty else { return [] }
        let busy = session.items.contains { item in
            switch item.phase {
            case .final, .downloaded, .resting: false
            // An item that failed twice is not worth holding back the others.
            case .delayed, .checking: item.failures < 2
            case .waiting, .queued, .inFlight: item.failures < 2
            }
        }
        let fresh = session.items.indices.filter { session.items[$0].fresh }
        if session.packAfter != nil || session.packRests, !fresh.isEmpty {
            guard session.packRests, session.items.allSatisfy({ $0.rests }) else { return [] }
            withdraw(key: key)
            return [.rested(key: key, session.outcomes)]
        }
        if !busy, !fresh.isEmpty {
            sessions[key]?.ingesting = fresh
            for index in fresh { sessions[key]?.items[index].fresh = false }
            return [.ingest(key: key, items: fresh)]
        }
        guard fresh.isEmpty else { return [] }
        if session.items.allSatisfy({ $0.phase == .final }) {
            withdraw(key: key)
            return [.settled(key: key, session.state, session.outcomes)]
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
