import Catalog
import Model
import Pack
import Text

extension Fetcher {
    /// A session being fetched.
    struct Session: Sendable {
        var job: FetchJob
        var items: [Item]
        var crashed: Bool
        /// Set once the log has shown whether the session looks crashed, or can no longer show it.
        var verdictKnown: Bool
        /// The pack on its way to the catalog; nil when there is none.
        var packing: Packing?
        /// Consecutive failures of this machine to pack the downloads or to commit the pack.
        var packFailures = 0
        /// The earliest time of the next try to pack, in milliseconds since 1970.
        var packAfter: Int64?
        /// Whether packing is not tried again in this pass.
        var packRests = false

        init(job: FetchJob) {
            self.job = job
            crashed = job.crashed
            verdictKnown = job.crashed || !job.items.contains { $0.artifact == FetchItem.logs }
            items = job.items.map { Item($0) }
        }

        /// The outcomes to record in the ledger for each artifact. Bytes that are in no committed pack yet stay pending;
        /// otherwise the next run would drop them.
        var outcomes: [ArtifactEntry] { outcomes(besides: packing?.items ?? []) }

        /// The outcomes once the session's pack is committed.
        var committedOutcomes: [ArtifactEntry] { outcomes(besides: []) }

        private func outcomes(besides packed: [Int]) -> [ArtifactEntry] {
            job.decided
                + items.indices.compactMap { index in
                    guard !job.items[index].probe else { return nil }
                    var outcome = items[index].outcome(job.items[index].artifact)
                    if items[index].fresh || packed.contains(index) {
                        outcome.state = .pending
                        outcome.reason = items[index].packTrouble ?? items[index].reason
                    }
                    return outcome
                }
        }

        /// Whether nothing is left to fetch or to pack.
        var isOver: Bool { items.allSatisfy { $0.phase == .final && !$0.fresh } }
    }

    /// A pack on its way to the catalog.
    struct Packing: Sendable {
        /// The items whose downloads are packed.
        var items: [Int]
        /// The rows in the published pack; nil while it is being made.
        var rows: [ArtifactEntry]?
        /// The artifacts whose downloads a local failure kept out of it, with the reason.
        var waiting: ByteDictionary<String> = [:]
        /// Whether the commit records the state that the session settles in: nothing is left to fetch or to pack.
        var settles = false
    }

    /// The phase of an item.
    enum Phase: UInt8, Sendable {
        /// Waits for the log to show whether the session looks crashed.
        case waiting
        case queued
        case inFlight
        case delayed
        /// Waits for the session to be described.
        case checking
        /// A complete download waits for its ingest.
        case downloaded
        /// The pack was found to lack some of it: fetched again once the pack is committed.
        case lacking
        /// Not tried again in this pass.
        case resting
        case final
    }

    /// The state and history of one item.
    struct Item: Sendable {
        var phase = Phase.waiting
        var ticket: UInt64 = 0
        var tries = 0
        var triesHere = 0
        var failures = 0
        var hardRefusals = 0
        var localFailures = 0
        /// The byte at which the last downloads were cut off, since when, and how often in a row.
        var alike: (bytes: UInt64, since: Int64, times: Int)?
        var absentStrikes = 0
        var goneStrikes = 0
        var firstTry: Int64?
        var lastTry: Int64?
        var status: Int?
        var identifier: String?
        var reason: String?
        /// The size of the best download kept so far, in a pack or not.
        var keptBytes: UInt64 = 0
        var keptComplete = false
        /// Whether the kept download is not in a pack yet.
        var fresh = false
        /// Why packing it failed so far.
        var packTrouble: String?
        /// Bytes of the last complete body whose content ingest found incomplete.
        var lackingBytes: UInt64?
        var state = ArtifactState.pending
        /// What ingest found in the download that is in the pack.
        var findings = Findings()

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
                    findings = Findings(earlier)
                }
            }
            if let leftover = plan.leftover { adopt(leftover) }
        }

        /// Takes over a download that is not in a pack, whatever the ledger says about its artifact.
        private mutating func adopt(_ leftover: FetchItem.Leftover) {
            let before = keptBytes
            keptBytes = leftover.bytes
            keptComplete = leftover.complete
            fresh = true
            switch state {
            case .pending:
                if leftover.complete { phase = .downloaded }
            case .collected:
                // Packed in addition to the collected artifact, which stays the better one.
                keptBytes = max(before, leftover.bytes)
            case .incomplete where !leftover.complete: keptBytes = max(before, leftover.bytes)
            case .absent, .skipped, .failed, .lost, .incomplete:
                if leftover.complete {
                    (state, phase) = (.pending, .downloaded)
                } else {
                    let arrived = counted(leftover.bytes, "byte")
                    settle(.incomplete, "only \(arrived) arrived\(reason.map { ": \($0)" } ?? "")")
                }
            }
        }

        /// Whether nothing but packing is left to do in this pass.
        var rests: Bool { phase == .final || phase == .resting || phase == .downloaded || phase == .lacking }

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

        func outcome(_ artifact: String) -> ArtifactEntry {
            ArtifactEntry(
                artifact: artifact, state: state, reason: state == .collected ? nil : reason, status: status,
                identifier: identifier, tries: tries, bytes: keptBytes, firstTry: firstTry, lastTry: lastTry,
                verdict: findings.verdict, flags: findings.flags, sha256: findings.sha256)
        }
    }

    /// The part of a ledger's row that comes from ingest.
    struct Findings: Sendable {
        var verdict: ArchiveVerdict?
        var flags: [String] = []
        var sha256: String?

        init() {}

        init(_ row: ArtifactEntry) {
            verdict = row.verdict
            flags = row.flags
            sha256 = row.sha256
        }
    }

    /// A queued request; the smallest is made first.
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

    /// Schedules the next try of an item, or lets it rest once it has used up the tries of this pass.
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
        let text = kept ? "only \(counted(item.keptBytes, "byte")) arrived: \(reason)" : reason
        sessions[key]?.items[index].settle(kept ? .incomplete : state, text)
    }

    mutating func giveUpAtDeadline(_ key: String, _ index: Int) {
        guard let item = sessions[key]?.items[index] else { return }
        let last = item.reason.map { "; last result: \($0)" } ?? ""
        giveUp(key, index, .lost, "the deadline passed after \(counted(item.tries, "try", "tries"))\(last)")
    }
}

extension Array {
    subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
