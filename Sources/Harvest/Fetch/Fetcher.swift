import Pack
import Text

public import enum Catalog.SessionState

/// Decides what to request next, what an answer means, and when a session is done.
///
/// A pure state machine: time and randomness are arguments. The order is by deadline; a session that looks crashed
/// counts as if it were due ``Settings/crashedFirst`` earlier. Requests of each endpoint are paced by a token bucket.
/// Failures are retried with full jitter until the deadline, not for a number of tries.
public struct Fetcher: Sendable {
    /// Times in milliseconds, and bounds.
    public struct Settings: Sendable {
        /// Downloads at the same time.
        public var concurrency = 8
        /// Describes at the same time.
        public var describes = 4
        /// Requests per minute to each endpoint.
        public var perMinute: [Endpoint: Int] = [.describe: 600, .artifacts: 600, .logs: 600]
        /// How much earlier a crashed-looking session counts as due.
        public var crashedFirst: Int64 = 30 * 60_000
        /// Between the two confirmations that a path does not exist.
        public var confirmAbsent: Int64 = 2000
        /// Between the two confirmations that a container is gone.
        public var confirmGone: Int64 = 30_000
        /// The longest that an endpoint rests after a 429 that does not say for how long.
        public var longestPause: Int64 = 10_000
        /// For how long downloads must end at the same byte until that is taken for all there is to be had.
        public var alike: Int64 = 600_000
        /// Until a refused token is tried again.
        public var pause: Int64 = 60_000
        /// The longest wait a server can ask for; a hostile one must not make us miss every deadline.
        public var longestWait: Int64 = 600_000
        /// After this many tries an item rests until the next pass; nil in a daemon, which tries until the deadline.
        public var triesPerPass: Int?
        /// The delays between tries.
        public var backoff = Backoff()
        /// The delays between tries to pack what this machine could not pack.
        public var packing = Backoff(base: 1000, cap: 300_000)

        /// The defaults.
        public init() {}
    }

    /// Something to be done.
    public enum Action: Sendable, Hashable {
        /// Request an item; the answer goes to ``Fetcher/finished(flight:_:now:)``.
        case download(flight: UInt64, key: String, id: String, item: Int, artifact: String)
        /// Describe a session; the answer goes to ``Fetcher/described(id:_:now:)``.
        case describe(id: String)
        /// The download that just finished is worth keeping. `replaces` says whether the one kept before may be dropped;
        /// a shorter body beside a longer cut one may hold less, which only ingest can tell.
        case keep(key: String, item: Int, complete: Bool, replaces: Bool)
        /// The download that just finished is not needed.
        case discard(key: String, item: Int)
        /// Turn the kept downloads of these items into a pack.
        case ingest(key: String, items: [Int])
        /// The ledger's view of the session's artifacts changed.
        case note(key: String)
        /// Kept downloads could not be packed for a reason of this machine; they are tried again.
        case postponed(key: String, reason: String)
        /// Nothing more will be tried in this pass; the session stays pending.
        case rested(key: String, [ArtifactOutcome])
        /// The session is done.
        case settled(key: String, SessionState, [ArtifactOutcome])
        /// The session still runs: it is the watcher's again.
        case returned(key: String)
        /// Every request waits, because the token is refused.
        case paused(FetchPause)
        /// Requests go on.
        case resumed
    }

    /// The bounds in force.
    public internal(set) var settings: Settings

    var sessions: ByteDictionary<Session> = [:]
    var byID: ByteDictionary<String> = [:]
    var random: SeededRandom
    var buckets: [Endpoint: TokenBucket] = [:]
    var ready: [Endpoint: Heap<Ready>] = [:]
    var delayed = Heap<Delayed>()
    var expiries = Heap<Expiry>()
    /// Sessions whose downloads are to be packed again, and when.
    var repacks = Heap<Expiry>()
    var describeQueue: [String] = []
    var describeHead = 0
    var describing: ByteSet = []
    var throttled: [Endpoint: Int] = [:]
    /// Requests under way, by number, also those of sessions that are no longer here.
    var flights: [UInt64: (key: String, item: Int)] = [:]
    var tickets: UInt64 = 0
    /// Set while the token is refused.
    public private(set) var pause: FetchPause?
    var pausedUntil = Int64.min

    /// A fetcher with nothing to do.
    public init(settings: Settings = Settings(), seed: UInt64) {
        self.settings = settings
        triesPerPass = settings.triesPerPass
        random = SeededRandom(seed: seed)
        for endpoint in Endpoint.allCases {
            buckets[endpoint] = TokenBucket(perMinute: settings.perMinute[endpoint] ?? 600)
            ready[endpoint] = Heap()
        }
    }

    /// Sessions not done yet.
    public var pending: Int { sessions.count }
    /// Downloads running.
    public var downloading: Int { flights.count }
    /// The nearest deadline of a session not done yet, in milliseconds since 1970.
    public var nearestDeadline: Int64? { sessions.values.map(\.job.deadline).min() }

    /// Whether an answer to a describe is waited for.
    public var isDescribing: Bool { !describing.isEmpty }

    /// After how many tries an item rests; starts as ``Settings/triesPerPass``.
    public var triesPerPass: Int?

    /// The number of the request that is under way for an item.
    func flight(of key: String, _ item: Int) -> UInt64? {
        flights.first { flight in
            flight.value.item == item && flight.value.key.hasSameBytes(as: key)
                && sessions[key]?.items[safe: item]?.ticket == flight.key
        }?.key
    }

    /// The run under which an id is being fetched.
    func key(of id: String) -> String? { byID[id] }

    /// When a session's container is expected to be gone.
    func deadline(of key: String) -> Int64? { sessions[key]?.job.deadline }

    /// The artifacts of a session in the order of its items.
    func artifacts(of key: String) -> [String]? { sessions[key]?.job.items.map(\.artifact) }

    /// What the ledger should say of a session's artifacts now; nil when the session is not here.
    public func outcomes(of key: String) -> [ArtifactOutcome]? { sessions[key]?.outcomes }

    // MARK: Taking sessions in and out

    /// Takes a session in. One with nothing to fetch settles at once; one that is here already is left alone.
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

    /// Forgets a session that runs again or whose container was replaced; answers still under way are ignored.
    public mutating func withdraw(key: String) {
        guard let session = sessions.removeValue(forKey: key) else { return }
        if byID[session.job.id]?.hasSameBytes(as: key) == true { byID[session.job.id] = nil }
    }

    /// Gives up what did not come of a session whose id another container took over.
    public mutating func replaced(key: String, now: Int64) -> [Action] {
        guard sessions[key] != nil else { return [] }
        for index in sessions[key]?.items.indices ?? 0..<0 {
            giveUp(key, index, .lost, "another container took over the session's id")
        }
        return conclude(key, now)
    }

    /// Asks to describe a session, in order of asking and at the endpoint's pace.
    public mutating func requestDescribe(id: String) {
        guard describing.insert(id).inserted else { return }
        describeQueue.append(id)
    }

    // MARK: Time

    /// What to start now. Call it after every other call and when ``wakeup(now:)`` says so.
    public mutating func next(now: Int64) -> [Action] {
        var actions: [Action] = []
        promote(now)
        if pause != nil {
            // What is here needs no token.
            actions += repack(now)
            guard now >= pausedUntil, flights.isEmpty else { return actions }
            // One request tells whether the token works again.
            pausedUntil = now &+ settings.pause
            return actions + startDownloads(limit: 1, now) + startDescribes(limit: 1, now)
        }
        actions += expire(now)
        actions += repack(now)
        actions += startDownloads(limit: settings.concurrency, now)
        actions += startDescribes(limit: settings.describes, now)
        return actions
    }

    /// When ``next(now:)`` has something to do, as far as the clock decides it; nil when only answers can.
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

    /// The first valid entry of an endpoint's queue; entries overtaken by events are dropped on the way.
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
                // What was never asked for is asked for once: a deadline is an expectation, the answer a fact.
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
