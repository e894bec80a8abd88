import Bytes
public import Model
import Text

/// Decides what to request next, what a response means, and when a session is done.
///
/// A pure state machine: time and randomness are arguments. The order is by deadline; a session that looks crashed is
/// treated as due ``Settings/crashedFirst`` earlier. A token bucket paces the requests of each endpoint. Failures are
/// retried with full jitter until the deadline, not for a number of tries.
public struct Fetcher: Sendable {
    /// The limits and times of a fetcher. All times are in milliseconds.
    public struct Settings: Sendable {
        /// Concurrent downloads.
        public var concurrency = 8
        /// Concurrent describe requests.
        public var describes = 4
        /// Requests per minute to each endpoint.
        public var perMinute: [Endpoint: Int] = [.describe: 600, .artifacts: 600, .logs: 600]
        /// How much earlier a session that looks crashed is treated as due.
        public var crashedFirst: Int64 = 30 * 60_000
        /// The time between the two confirmations that a path does not exist.
        public var confirmAbsent: Int64 = 2000
        /// The time between the two confirmations that a container is gone.
        public var confirmGone: Int64 = 30_000
        /// The longest pause of an endpoint after a 429 without `Retry-After`.
        public var longestPause: Int64 = 10_000
        /// How long downloads must keep ending at the same byte before the fetcher gives up on the rest.
        public var alike: Int64 = 600_000
        /// The time until a refused token is tried again.
        public var pause: Int64 = 60_000
        /// The longest `Retry-After` honored; a hostile server must not make us miss every deadline.
        public var longestWait: Int64 = 600_000
        /// After this many tries an item rests until the next pass; nil in a daemon, which tries until the deadline.
        public var triesPerPass: Int?
        /// The delays between tries.
        public var backoff = Backoff()
        /// The delays between tries to pack after a local failure.
        public var packing = Backoff(base: 1000, cap: 300_000)

        /// The defaults.
        public init() {}
    }

    /// Something the caller must do.
    public enum Action: Sendable, Hashable {
        /// Request an item; pass the result to ``Fetcher/finished(flight:_:now:)``.
        case download(flight: UInt64, key: String, id: String, item: Int, artifact: String)
        /// Describe a session; pass the response to ``Fetcher/described(id:_:now:)``.
        case describe(id: String)
        /// Keep the download that just finished. `replaces` says whether the earlier one may be dropped. A complete
        /// body that is shorter than an earlier truncated one may contain less, which only ingest can find out.
        case keep(key: String, item: Int, complete: Bool, replaces: Bool)
        /// Discard the download that just finished.
        case discard(key: String, item: Int)
        /// Turn the kept downloads of these items into a pack; pass the result to
        /// ``Fetcher/packed(key:_:waiting:now:)`` or ``Fetcher/packFailed(key:_:now:)``.
        case ingest(key: String, items: [Int])
        /// Commit the session's published pack; then call ``Fetcher/committed(key:now:)`` or
        /// ``Fetcher/commitFailed(key:_:now:)``.
        case commit(key: String, Commit)
        /// Update the ledger: the outcomes of the session's artifacts changed.
        case note(key: String)
        /// Kept downloads could not be packed, or the pack not committed, because of a local failure; it is tried again.
        case postponed(key: String, reason: String)
        /// Nothing more will be tried in this pass; the session stays pending.
        case rested(key: String, [ArtifactEntry])
        /// The session is done. `isCommitted` says whether the last commit recorded exactly this.
        case settled(key: String, SessionState, [ArtifactEntry], isCommitted: Bool)
        /// The session still runs: hand it back to the watcher.
        case returned(key: String)
        /// All requests wait, because the token is refused.
        case paused(FetchPause)
        /// Requests continue.
        case resumed
    }

    /// What to record together with a session's pack.
    public struct Commit: Sendable, Hashable {
        /// The session's state: `pending` while something is left to fetch or to pack.
        public var state: SessionState
        /// Why the state is not `harvested`.
        public var reason: String?
        /// The pack's rows, in their order, because its members refer to them by index; then the session's others.
        public var rows: [ArtifactEntry]
    }

    /// The limits in force.
    public internal(set) var settings: Settings

    var sessions: ByteDictionary<Session> = [:]
    var byID: ByteDictionary<String> = [:]
    var random: SplitMix64
    var buckets: [Endpoint: TokenBucket] = [:]
    var ready: [Endpoint: Heap<Ready>] = [:]
    var delayed = Heap<Delayed>()
    var expiries = Heap<Expiry>()
    /// The sessions whose packing or commit is tried again, and when.
    var repacks = Heap<Expiry>()
    var describeQueue: [String] = []
    var describeHead = 0
    var describing: ByteSet = []
    var throttled: [Endpoint: Int] = [:]
    /// Requests in flight by number, including those of withdrawn sessions.
    var flights: [UInt64: (key: String, item: Int)] = [:]
    var tickets: UInt64 = 0
    /// Set while the token is refused.
    public private(set) var pause: FetchPause?
    var pausedUntil = Int64.min

    /// A fetcher with nothing to do.
    public init(settings: Settings = Settings(), seed: UInt64) {
        self.settings = settings
        triesPerPass = settings.triesPerPass
        random = SplitMix64(seed: seed)
        for endpoint in Endpoint.allCases {
            buckets[endpoint] = TokenBucket(perMinute: settings.perMinute[endpoint] ?? 600)
            ready[endpoint] = Heap()
        }
    }

    /// The number of unfinished sessions.
    public var pending: Int { sessions.count }
    /// The number of downloads in flight.
    public var downloading: Int { flights.count }
    /// The nearest deadline of an unfinished session, in milliseconds since 1970.
    public var nearestDeadline: Int64? { sessions.values.map(\.job.deadline).min() }

    /// Whether a describe is queued or in flight.
    public var isDescribing: Bool { !describing.isEmpty }

    /// The number of tries after which an item rests; initially ``Settings/triesPerPass``.
    public var triesPerPass: Int?

    /// Returns the number of the request in flight for an item.
    func flight(of key: String, _ item: Int) -> UInt64? {
        flights.first { flight in
            flight.value.item == item && flight.value.key.hasSameBytes(as: key)
                && sessions[key]?.items[safe: item]?.ticket == flight.key
        }?.key
    }

    /// Returns the ledger's key of the run that is being fetched under an id.
    func key(of id: String) -> String? { byID[id] }

    /// Returns when a session's container is expected to be gone, in milliseconds since 1970.
    func deadline(of key: String) -> Int64? { sessions[key]?.job.deadline }

    /// Returns the artifacts of a session in the order of its items.
    func artifacts(of key: String) -> [String]? { sessions[key]?.job.items.map(\.artifact) }

    /// Returns the outcomes to record in the ledger for a session; nil for an unknown session.
    public func outcomes(of key: String) -> [ArtifactEntry]? { sessions[key]?.outcomes }

    // MARK: Adding and removing sessions

    /// Adds a session. One with nothing to fetch settles at once; one already present is left alone.
    public mutating func add(_ job: FetchJob, now: Int64) -> [Action] {
        guard sessions[job.key] == nil else { return [] }
        sessions[job.key] = Session(job: job)
        byID[job.id] = job.key
        expiries.insert(Expiry(at: job.deadline, key: job.key))
        for index in job.items.indices where sessions[job.key]?.items[index].phase == .waiting {
            if !waitsForLog(job.key, index) { enqueue(job.key, index) }
        }
        return conclude(job.key, now)
    }

    /// Removes a session, for example because it runs again. Results of its requests in flight are ignored.
    public mutating func withdraw(key: String) {
        guard let session = sessions.removeValue(forKey: key) else { return }
        if byID[session.job.id]?.hasSameBytes(as: key) == true { byID[session.job.id] = nil }
    }

    /// Gives up the missing artifacts of a session whose id another container took over.
    public mutating func replaced(key: String, now: Int64) -> [Action] {
        guard sessions[key] != nil else { return [] }
        for index in sessions[key]?.items.indices ?? 0..<0 {
            giveUp(key, index, .lost, "another container took over the session's id")
        }
        return conclude(key, now)
    }

    /// Queues a describe of a session: first in, first out, at the endpoint's rate.
    public mutating func requestDescribe(id: String) {
        guard describing.insert(id).inserted else { return }
        describeQueue.append(id)
    }

    // MARK: Time

    /// Returns what to start now. Call it after every other call and at the time that ``wakeup(now:)`` returns.
    public mutating func next(now: Int64) -> [Action] {
        var actions: [Action] = []
        promote(now)
        if pause != nil {
            // Packing needs no token.
            actions += repack(now)
            guard now >= pausedUntil, flights.isEmpty else { return actions }
            // One request shows whether the token works again.
            pausedUntil = now &+ settings.pause
            return actions + startDownloads(limit: 1, now) + startDescribes(limit: 1, now)
        }
        actions += expire(now)
        actions += repack(now)
        actions += startDownloads(limit: settings.concurrency, now)
        actions += startDescribes(limit: settings.describes, now)
        return actions
    }

    /// Returns when ``next(now:)`` next has something to do, in milliseconds since 1970; nil when that depends only on
    /// results.
    public mutating func wakeup(now: Int64) -> Int64? {
        var moments: [Int64] = []
        if let delayed = delayed.smallest { moments.append(delayed.at) }
        if pause != nil { moments.append(pausedUntil) }
        if let expiry = expiries.smallest, pause == nil { moments.append(expiry.at) }
        if let repack = repacks.smallest { moments.append(repack.at) }
        if flights.count < settings.concurrency {
            for endpoint in [Endpoint.artifacts, .logs] where ready[endpoint]?.isEmpty == false {
                if let moment = buckets[endpoint]?.available(now: now) { moments.append(moment) }
            }
        }
        if describeHead < describeQueue.count, let moment = buckets[.describe]?.available(now: now) {
            moments.append(moment)
        }
        return moments.min()
    }

    private mutating func promote(_ now: Int64) {
        while let next = delayed.smallest, next.at <= now {
            _ = delayed.popSmallest()
            guard let item = sessions[next.key]?.items[safe: next.item], item.ticket == next.ticket else { continue }
            enqueue(next.key, next.item)
        }
    }

    private mutating func startDownloads(limit: Int, _ now: Int64) -> [Action] {
        var actions: [Action] = []
        while flights.count < limit {
            var best: (endpoint: Endpoint, entry: Ready)?
            for endpoint in [Endpoint.logs, .artifacts] {
                guard let entry = top(endpoint), (buckets[endpoint]?.available(now: now) ?? now) <= now else {
                    continue
                }
                if let known = best, !(entry < known.entry) { continue }
                best = (endpoint, entry)
            }
            guard let best, buckets[best.endpoint]?.take(now: now) == true else { break }
            _ = ready[best.endpoint]?.popSmallest()
            let key = best.entry.key
            guard let job = sessions[key]?.job else { continue }
            flights[best.entry.ticket] = (key, best.entry.item)
            sessions[key]?.items[best.entry.item].started(now)
            let artifact = job.items[best.entry.item].artifact
            actions.append(
                .download(
                    flight: best.entry.ticket, key: key, id: job.id, item: best.entry.item, artifact: artifact))
        }
        return actions
    }

    /// Returns the first valid entry of an endpoint's queue and drops the stale entries before it.
    mutating func top(_ endpoint: Endpoint) -> Ready? {
        while let entry = ready[endpoint]?.smallest {
            if let item = sessions[entry.key]?.items[safe: entry.item], item.ticket == entry.ticket,
                item.phase == .queued
            {
                return entry
            }
            _ = ready[endpoint]?.popSmallest()
        }
        return nil
    }

    private mutating func startDescribes(limit: Int, _ now: Int64) -> [Action] {
        var actions: [Action] = []
        while describeHead < describeQueue.count, describesInFlight < limit, buckets[.describe]?.take(now: now) == true
        {
            actions.append(.describe(id: describeQueue[describeHead]))
            describeHead += 1
        }
        if describeHead > 1024, describeHead * 2 > describeQueue.count {
            describeQueue.removeFirst(describeHead)
            describeHead = 0
        }
        return actions
    }

    private var describesInFlight: Int { describing.count - (describeQueue.count - describeHead) }

    private mutating func expire(_ now: Int64) -> [Action] {
        var actions: [Action] = []
        while let next = expiries.smallest, next.at <= now {
            _ = expiries.popSmallest()
            guard let session = sessions[next.key] else { continue }
            for index in session.items.indices {
                let item = session.items[index]
                // An item that was never requested still gets one request: the deadline is only an estimate.
                guard item.triesHere > 0, item.phase == .delayed || item.phase == .queued || item.phase == .checking
                else {
                    continue
                }
                giveUpAtDeadline(next.key, index)
            }
            actions += conclude(next.key, now)
        }
        return actions
    }

    // MARK: Pausing

    mutating func pauseEverything(_ attempt: Attempt, _ endpoint: Endpoint, _ now: Int64) -> [Action] {
        let status = attempt.status ?? 401
        pausedUntil = now &+ settings.pause
        let scope =
            switch endpoint {
            case .artifacts: "artifact:read"
            case .logs: "logs:read"
            case .describe: "session:read"
            }
        let message = FetchPause.explanation(status, scope: scope)
        let reason = FetchPause(message: message, status: status, identifier: attempt.identifier)
        let first = pause == nil
        pause = reason
        return first ? [.paused(reason)] : []
    }

    mutating func answered() -> [Action] {
        guard pause != nil else { return [] }
        pause = nil
        return [.resumed]
    }
}
