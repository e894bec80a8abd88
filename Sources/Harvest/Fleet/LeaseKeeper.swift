public import Text

/// Decides when a harvester claims sessions, renews its leases and must take them for lost.
///
/// A pure state machine: events go in, actions come out, time is an argument. Times are milliseconds of a clock that never
/// goes back. A lease is counted from the moment its request was *sent*, which is earlier than the moment the database gave
/// it: this side of the network never believes in a lease for longer than the database does.
public struct LeaseKeeper: Sendable {
    /// The times and bounds of a keeper. All times are in milliseconds.
    public struct Settings: Sendable {
        /// How long a claim lasts without being renewed.
        public var lease: Int64
        /// How long before its end a lease is taken for lost: what was sent to the database by then has arrived or failed.
        public var margin: Int64
        /// The most sessions to hold: those that are worked on, and a small queue.
        public var capacity: Int
        /// The most sessions of one claim. Small, so that the harvesters of a fleet share a burst of exits.
        public var batch = 8
        /// How long until the next claim after one that found less than it asked for.
        public var idle: Int64 = 1000
        /// How long until the next try after a failure of the database.
        public var afterFailure: Int64 = 2000

        /// Makes the settings of a lease, and of the number of downloads that run at once.
        public init(lease: Int64, concurrency: Int) {
            self.lease = max(20_000, lease)
            margin = self.lease / 6
            capacity = max(1, concurrency) + max(4, concurrency / 2)
        }

        /// How long until leases are renewed.
        public var renewal: Int64 { lease / 4 }
    }

    /// An input of the keeper.
    public enum Event: Sendable {
        /// Time passed. Only this makes the keeper claim and renew.
        case tick
        /// A claim was answered.
        case claimed([(session: String, epoch: Int64)], asked: Int, sent: Int64)
        /// A claim failed: the database cannot be reached or refused.
        case claimFailed
        /// The leases were renewed: these sessions are still held, with these epochs.
        case renewed(ByteDictionary<Int64>, sent: Int64)
        /// The leases could not be renewed: the database cannot be reached or refused.
        case renewFailed
        /// A session is done or was given back, as recorded in the database.
        case settled(String)
        /// A write about a session was refused: another harvester may have it.
        case fenced(String)
        /// A session is held only until the run is over: it takes no room.
        case rested(String)
        /// There may be more to claim now.
        case offered
        /// Another number of downloads runs at once from now on; 0 when nothing may be fetched, for want of space.
        case capacity(Int)
        /// Nothing more is claimed; what is held is renewed until it is settled.
        case stop
    }

    /// Something the caller must do.
    public enum Action: Sendable, Equatable {
        /// Claim up to this many sessions.
        case claim(Int)
        /// Renew all leases, and make claimable what others have left.
        case renew
        /// Stop fetching a session and write nothing more about it, but keep what was downloaded.
        case giveUp(String)
        /// Give up to this many sessions back whose fetching has not begun.
        case shrink(Int)
        /// Give back a claim whose answer never arrived: nobody works on it.
        case release(String, epoch: Int64)
    }

    /// A session that is held.
    struct Held: Sendable {
        var epoch: Int64
        /// Until when the lease is known to last.
        var until: Int64
        /// When the answer to the claim arrived. A renewal that was sent before may have been answered without it.
        var since: Int64
        var rests = false
    }

    /// The times and bounds in force.
    public private(set) var settings: Settings
    private(set) var held: ByteDictionary<Held> = [:]
    /// Leases of this harvester that the last renewal found and that nobody here knows of.
    private var unknown: ByteDictionary<Int64> = [:]
    private var isStopping = false
    private var isClaiming = false
    private var isRenewing = false
    private var nextClaim = Int64.min
    private var nextRenewal = Int64.min
    /// Whether the last claim found less than it asked for.
    public private(set) var isDry = false

    /// Makes a keeper that holds nothing.
    public init(settings: Settings) { self.settings = settings }

    /// The number of sessions that are held.
    public var count: Int { held.count }

    /// The epoch of a held session; nil for one that is not held.
    public func epoch(of session: String) -> Int64? { held[session]?.epoch }

    /// The epochs of all held sessions.
    public var epochs: ByteDictionary<Int64> {
        ByteDictionary(held.map { ($0.key, $0.value.epoch) }, uniquingKeysWith: { $1 })
    }

    /// Handles one event at a time.
    public mutating func handle(_ event: Event, now: Int64) -> [Action] {
        switch event {
        case .tick: return due(now)
        case .claimed(let sessions, let asked, let sent):
            isClaiming = false
            isDry = sessions.count < asked
            nextClaim = isDry ? now &+ settings.idle : now
            acquired(sessions, sent: sent, answered: now)
        case .claimFailed:
            isClaiming = false
            nextClaim = now &+ settings.afterFailure
        case .renewed(let current, let sent):
            isRenewing = false
            nextRenewal = sent &+ settings.renewal
            return confirm(current, sent)
        case .renewFailed:
            isRenewing = false
            nextRenewal = now &+ min(settings.afterFailure, settings.renewal)
        case .settled(let session), .fenced(let session): held[session] = nil
        case .rested(let session): held[session]?.rests = true
        case .offered:
            isDry = false
            nextClaim = now
        case .capacity(let concurrency):
            let next = Settings(lease: settings.lease, concurrency: concurrency)
            settings.capacity = concurrency < 1 ? 0 : next.capacity
            if room < 0 { return [.shrink(-room)] }
        case .stop: isStopping = true
        }
        return []
    }

    /// How many more sessions may be held.
    public var room: Int { settings.capacity - held.count { !$0.value.rests } }

    /// Adds sessions that were claimed by name, besides the keeper's own claims.
    public mutating func acquired(_ sessions: [(session: String, epoch: Int64)], sent: Int64, answered: Int64) {
        for claim in sessions { hold(claim.session, claim.epoch, sent, answered) }
    }

    private mutating func hold(_ session: String, _ epoch: Int64, _ sent: Int64, _ answered: Int64) {
        // Answers may overtake each other.
        if let known = held[session], known.epoch > epoch { return }
        held[session] = Held(epoch: epoch, until: sent &+ settings.lease, since: answered)
    }

    /// Takes over what the database says is held; what it does not name is lost, unless its claim was
    /// answered since the request: both were under way at once, on two connections.
    private mutating func confirm(_ current: ByteDictionary<Int64>, _ sent: Int64) -> [Action] {
        var lost: [String] = []
        for (session, known) in held {
            if let epoch = current[session], epoch == known.epoch {
                held[session]?.until = max(known.until, sent &+ settings.lease)
            } else if known.since < sent {
                lost.append(session)
            }
        }
        // A claim may be on its way; one that is still unknown at the next renewal never arrived.
        var released: [Action] = []
        var unknown: ByteDictionary<Int64> = [:]
        for (session, epoch) in current.sortedByKey where held[session] == nil {
            if self.unknown[session] == epoch {
                released.append(.release(session, epoch: epoch))
            } else {
                unknown[session] = epoch
            }
        }
        self.unknown = unknown
        return giveUp(lost) + released
    }

    private mutating func giveUp(_ sessions: [String]) -> [Action] {
        for session in sessions { held[session] = nil }
        return sessions.sorted { $0.precedesInBytes($1) }.map { .giveUp($0) }
    }

    /// What is to be done by now.
    private mutating func due(_ now: Int64) -> [Action] {
        var actions = giveUp(held.filter { now >= $0.value.until &- settings.margin }.map(\.key))
        // Also without any session: a claim whose answer was lost is found this way.
        if !isRenewing, now >= nextRenewal {
            isRenewing = true
            actions.append(.renew)
        }
        if !isStopping, !isClaiming, room > 0, now >= nextClaim {
            isClaiming = true
            actions.append(.claim(min(settings.batch, room)))
        }
        return actions
    }
}
