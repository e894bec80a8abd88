import Catalog
import Pack
import Text

extension Fetcher {
    /// A session being fetched.
    struct Session: Sendable {
        var job: FetchJob
        var items: [Item]
        var crashed: Bool
        /// Set once the log has told, or cannot tell any more, whether the session looks crashed.
        var verdictKnown: Bool
        var ingesting: [Int] = []
        /// How often in a row this machine could not pack its downloads.
        var packFailures = 0
        /// Not to be packed before this, in milliseconds since 1970.
        var packAfter: Int64?
        /// Not to be packed in this pass any more.
        var packRests = false

        init(job: FetchJob) {
            self.job = job
            crashed = job.crashed
            verdictKnown = job.crashed || !job.items.contains { $0.artifact == FetchItem.logs }
            items = job.items.map { Item($0) }
        }

        /// What the ledger should say of each artifact.
        var outcomes: [ArtifactOutcome] {
            job.decided
                + items.indices.compactMap { index in
                    guard !job.items[index].probe else { return nil }
                    var outcome = items[index].outcome(job.items[index].artifact)
                    // Bytes that are in no pack yet are not the last word, or the next run would let them go.
                    if items[index].fresh || ingesting.contains(index) {
                        outcome.state = .pending
                        outcome.reason = items[index].packTrouble ?? items[index].reason
                    }
                    return outcome
                }
        }

        /// The state that the artifacts add up to.
        var state: SessionState { SessionState.derived(from: outcomes.map(\.state)) }
    }

    /// Where an item stands.
    enum Phase: UInt8, Sendable {
        /// Until the log tells whether the session looks crashed.
        case waiting
        case queued
        case inFlight
        case delayed
        /// Until the session is described.
        case checking
        /// A complete download waits for its ingest.
        case downloaded
        /// Not tried again in this pass.
        case resting
        case final
    }

    /// One item's history.
    struct Item: Sendable {
        var phase = Phase.waiting
        var ticket: UInt64 = 0
        var tries = 0
        var triesHere = 0
        var failures = 0
        var hardRefusals = 0
        var localFailures = 0
        /// Where the last downloads were cut off, since when and how often in a row.
        var alike: (bytes: UInt64, since: Int64, times: Int)?
        var absentStrikes = 0
        var goneStrikes = 0
        var firstTry: Int64?
        var lastTry: Int64?
        var status: Int?
        var identifier: String?
        var reason: String?
        /// The best download kept so far, whether or not it is in a pack already.
        var keptBytes: UInt64 = 0
        var keptComplete = false
        /// The kept download is not in a pack yet.
        var fresh = false
        /// Why it could not be packed so far.
        var packTrouble: String?
        /// Bytes of the last body that ended as promised but that ingest found lacking.
        var lackingBytes: UInt64?
        var state = ArtifactState.pending

        init(_ plan: FetchItem) {
            if let earlier = plan.earlier {
                tries = earlier.tries
                firstTry = earlier.firstTry
                lastTry = earlier.lastTry
                status = earlier.status
                identifier = earlier.identifier
                reason = earlier.reason
                keptBytes = earlier.bytes
                if earlier.state != .pending {
                    state = earlier.state
                    phase = .final
                }
            }
            if let leftover = plan.leftover { adopt(leftover) }
        }

        /// Takes up a download that is in no pack, whatever the ledger says of its artifact.
        private mutating func adopt(_ leftover: FetchItem.Leftover) {
            let before = keptBytes
            keptBytes = leftover.bytes
            keptComplete = leftover.complete
            fresh = true
            switch state {
            case .pending:
                if leftover.complete { phase = .downloaded }
            case .collected:
                // Packed beside what the pack has, which stays the better one.
                keptBytes = max(before, leftover.bytes)
            case .incomplete where !leftover.complete: keptBytes = max(before, leftover.bytes)
            case .absent, .skipped, .failed, .lost, .incomplete:
                if leftover.complete {
                    (state, phase) = (.pending, .downloaded)
                } else {
                    settle(.incomplete, "only \(leftover.bytes) bytes came\(reason.map { ": \($0)" } ?? "")")
                }
            }
        }

        /// Whether nothing is to happen to it in this pass but packing.
        var rests: Bool { phase == .final || phase == .resting || phase == .downloaded }

        mutating func started(_ now: Int64) {
            phase = .inFlight
            tries += 1
            triesHere += 1
            if firstTry == nil { firstTry = now }
            lastTry = now
        }

        mutating func settle(_ state: ArtifactState, _ reason: String?) {
            phase = .final
            self.state = state
            self.reason = reason
        }

        func outcome(_ artifact: String) -> ArtifactOutcome {
            ArtifactOutcome(
                artifact, state, reason: state == .collected ? nil : reason, status: status, identifier: identifier,
                tries: tries, bytes: keptBytes, firstTry: firstTry, lastTry: lastTry)
        }
    }

    /// The order in which requests are made.
    struct Ready: Comparable, Sendable {
        var due: Int64
        var crashed: Bool
        var notBefore: Int64
        var ticket: UInt64
        var key: String
        var item: Int

        static func < (left: Ready, right: Ready) -> Bool {
            if left.due != right.due { return left.due < right.due }
            if left.crashed != right.crashed { return left.crashed }
            if left.notBefore != right.notBefore { return left.notBefore < right.notBefore }
            return left.ticket < right.ticket
        }
        static func == (left: Ready, right: Ready) -> Bool { left.ticket == right.ticket }
    }

    struct Delayed: Comparable, Sendable {
        var at: Int64
        var ticket: UInt64
        var key: String
        var item: Int
        static func < (left: Delayed, right: Delayed) -> Bool {
            left.at != right.at ? left.at < right.at : left.ticket < right.ticket
        }
        static func == (left: Delayed, right: Delayed) -> Bool { left.ticket == right.ticket }
    }

    struct Expiry: Comparable, Sendable {
        var at: Int64
        var key: String
        static func < (left: Expiry, right: Expiry) -> Bool { left.at < right.at }
    }

    // MARK: Moving items

    func waitsForLog(_ key: String, _ index: Int) -> Bool {
        guard let session = sessions[key], !session.verdictKnown else { return false }
        let item = session.job.items[index]
        return item.onlyIfCrashed && item.artifact != FetchItem.logs
    }

    mutating func enqueue(_ key: String, _ index: Int) {
        guard let session = sessions[key], session.items[index].phase != .final else { return }
        tickets += 1
        let job = session.job
        let entry = Ready(
            due: job.deadline &- (session.crashed ? settings.crashedFirst : 0), crashed: session.crashed,
            notBefore: job.notBefore, ticket: tickets, key: key, item: index)
        sessions[key]?.items[index].ticket = tickets
        sessions[key]?.items[index].phase = .queued
        ready[job.items[index].endpoint]?.insert(entry)
    }

    /// Puts an item back for later, or to rest when this pass has tried it often enough.
    mutating func delay(_ key: String, _ index: Int, by milliseconds: Int64, confirming: Bool = false, _ now: Int64) {
        guard let item = sessions[key]?.items[index] else { return }
        if let most = triesPerPass, item.triesHere >= most, !confirming {
            sessions[key]?.items[index].phase = .resting
            return
        }
        tickets += 1
        sessions[key]?.items[index].phase = .delayed
        sessions[key]?.items[index].ticket = tickets
        delayed.insert(Delayed(at: now &+ milliseconds, ticket: tickets, key: key, item: index))
    }

    mutating func giveUp(_ key: String, _ index: Int, _ state: ArtifactState, _ reason: String) {
        guard let item = sessions[key]?.items[index], item.phase != .final, item.phase != .downloaded else { return }
        if let known = sessions[key]?.job.items[index].fallback, known.stands(against: state, item) {
            sessions[key]?.items[index].settle(known.state, known.reason)
            return
        }
        let kept = item.keptBytes > 0
        let text = kept ? "only \(item.keptBytes) bytes came: \(reason)" : reason
        sessions[key]?.items[index].settle(kept ? .incomplete : state, text)
    }

    mutating func giveUpAtDeadline(_ key: String, _ index: Int) {
        guard let item = sessions[key]?.items[index] else { return }
        let last = item.reason.map { "; the last answer: \($0)" } ?? ""
        giveUp(key, index, .lost, "the deadline passed after \(item.tries) tries\(last)")
    }
}

extension Array {
    subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
