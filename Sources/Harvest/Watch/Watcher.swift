import Catalog
public import Model
import Text

/// Decides from lists, describe responses and the clock which sessions ended.
///
/// A pure state machine: events go in, actions come out, time is an argument. It describes a session only when there is
/// a reason to. It never concludes from a failed, truncated or suddenly empty list that sessions ended. It can be
/// rebuilt from the ledger at any time. A known session in a list costs one hash lookup and no allocation.
public struct Watcher: Sendable {
    /// Thresholds and times. All times are in milliseconds.
    public struct Settings: Sendable {
        /// How long a container is expected to outlive its process.
        public var retention: Int64 = 4 * 3_600_000
        /// The most missing sessions to describe one by one; for more, a list of all sessions is cheaper.
        public var describeAtMost = 32
        /// How long until a session that is in no list, but alive according to a describe, is described again.
        public var recheck: Int64 = 30_000
        /// How long a finished session is remembered after its deadline, in case a list still contains it.
        public var remember: Int64 = 3_600_000

        /// The defaults.
        public init() {}
    }

    /// An input of the watcher.
    public enum Event: Sendable {
        /// A list was requested.
        case listBegan(ListKind)
        /// An entry of the list that began last.
        case listed(Sighting)
        /// The list ended. `complete` is false when it failed or was truncated. If `rejected` entries were unreadable,
        /// a session missing from the list is described, not taken to have ended.
        case listEnded(ListKind, complete: Bool, rejected: Int = 0)
        /// A describe returned.
        case described(id: String, DescribeAnswer)
        /// A followed log stream ended.
        case streamEnded(id: String)
        /// A session was described by name, and the API does not know it.
        case vanished(id: String)
        /// The fetcher found that the session still runs.
        case returned(key: String)
        /// The fetcher is done with it.
        case settled(key: String)
        /// Time passed.
        case tick
    }

    /// Something the caller must do.
    public enum Action: Sendable, Hashable {
        /// A session was seen for the first time: create its ledger row.
        case record(key: String, SessionIdentity, alive: Bool)
        /// Describe one session.
        case describe(id: String)
        /// A session ended: mark it pending and fetch it.
        case exited(ExitedSession)
        /// A session believed to have ended runs: mark it running and stop fetching it.
        case withdraw(key: String)
        /// Another container took over the id: what is missing of this run is lost.
        case replaced(key: String)
        /// List all sessions soon: there are too many to describe one by one.
        case listAll
    }

    /// The thresholds in force.
    public internal(set) var settings: Settings

    var slots: ByteDictionary<Int> = [:]
    var keys: ByteDictionary<Int> = [:]
    var marks: ContiguousArray<Mark> = []
    var tracks: ContiguousArray<Track> = []
    var free: [Int] = []
    var rechecks = Heap<Recheck>()
    var listing: ListKind = .running
    var generation: [ListKind: UInt32] = [.running: 0, .all: 0]
    var began: [ListKind: Int64] = [:]
    var completed: [ListKind: UInt32] = [.running: 0, .all: 0]
    /// The number of unreadable entries in the last complete lists.
    var rejected: [ListKind: Int] = [:]
    /// The generation of a list of all sessions that lacked most of them; acted on only if the next one agrees.
    var doubtful: UInt32?

    /// The part of a session that each poll touches, kept separate so that a poll walks little memory.
    struct Mark: Sendable {
        var phase: Phase
        var describing = false
        /// The time before which no list may cause another describe, in milliseconds since 1970.
        var quietUntil = Int64.min
        var seenRunning: UInt32 = 0
        var seenAll: UInt32 = 0
        var lastAlive: Int64
    }

    /// The phase of a session.
    enum Phase: UInt8, Sendable {
        case running
        case restarting
        case unreachable
        /// Listed, but never with a status that says whether it runs.
        case unclear
        case pending
        case done
        /// The slot is free.
        case vacant
    }

    /// The part of a session that changes rarely.
    struct Track: Sendable {
        var key: String
        var identity: SessionIdentity
        var exitedAt: Int64?
        var deadline: Int64?
        var crashed = false
        var unanswered: UInt8 = 0
        var statusless: UInt8 = 0
    }

    struct Recheck: Comparable, Sendable {
        var at: Int64
        var slot: Int
        var key: String
        static func < (left: Recheck, right: Recheck) -> Bool { left.at < right.at }
    }

    /// Makes a watcher with the ledger's sessions. ``resume(now:)`` returns those that were pending.
    public init(settings: Settings = Settings(), remembering records: [SessionRecord] = []) {
        self.settings = settings
        for record in records.sorted(by: { ($0.created ?? 0) < ($1.created ?? 0) }) { remember(record) }
    }

    /// Adds a session from the ledger. Call it before handling a list that contains the session.
    public mutating func remember(_ record: SessionRecord) {
        guard keys[record.session] == nil else { return }
        let lastSeen = record.firstSeen ?? record.created ?? record.at
        let slot = insert(record.apiIdentity, key: record.session, phase: .running, now: lastSeen)
        tracks[slot].exitedAt = record.firstSeenExited
        tracks[slot].deadline = record.deadline
        tracks[slot].crashed = record.reason?.hasPrefix(ExitedSession.crashedPrefix) == true
        switch record.state {
        case .running: break
        case .pending: marks[slot].phase = .pending
        case .harvested, .partial, .skipped, .lost: finish(slot)
        }
    }

    /// The number of sessions believed to be running.
    public var running: Int { marks.count { $0.phase.rawValue <= Phase.unclear.rawValue } }

    /// The number of sessions tracked.
    public var tracked: Int { marks.count - free.count }

    /// When a tick next has something to do, in milliseconds since 1970; nil when nothing is scheduled.
    public var wakeup: Int64? { rechecks.smallest?.at }

    /// Returns an `exited` action for each session that was pending when salvage stopped.
    public func resume(now: Int64) -> [Action] {
        marks.indices.compactMap { slot in
            guard marks[slot].phase == .pending else { return nil }
            let track = tracks[slot]
            let exitedAt = track.exitedAt ?? now
            return .exited(
                ExitedSession(
                    key: track.key, identity: track.identity, exitedAt: exitedAt,
                    deadline: track.deadline ?? exitedAt &+ settings.retention,
                    notBefore: min(marks[slot].lastAlive, exitedAt), crashed: track.crashed, evidence: .resumed))
        }
    }

    /// Handles one event; `now` is in milliseconds since 1970.
    public mutating func handle(_ event: Event, now: Int64) -> [Action] {
        switch event {
        case .listBegan(let kind):
            listing = kind
            generation[kind, default: 0] &+= 1
            began[kind] = now
            return []
        case .listed(let sighting): return listed(sighting, now)
        case .listEnded(let kind, let complete, let rejected):
            guard complete, let generation = generation[kind] else { return [] }
            self.rejected[kind] = rejected
            completed[kind] = generation
            return kind == .running ? runningListEnded(generation, now) : allListEnded(generation, now)
        case .described(let id, let answer): return described(id, answer, now)
        case .streamEnded(let id):
            guard let slot = slots[id], marks[slot].phase == .running else { return [] }
            marks[slot].quietUntil = Int64.min
            return describe(slot, now)
        case .vanished(let id):
            guard let slot = slots[id] else { return [] }
            marks[slot].describing = true
            return described(id, .notFound(identifier: nil), now)
        case .returned(let key):
            guard let slot = keys[key], marks[slot].phase == .pending else { return [] }
            revive(slot, now)
            schedule(slot, at: now &+ settings.recheck)
            return [.withdraw(key: key)]
        case .settled(let key):
            if let slot = keys[key], marks[slot].phase == .pending { finish(slot) }
            return []
        case .tick: return tick(now)
        }
    }

    /// Handles an entry of the list that began last if it contains nothing new, which is the common case.
    ///
    /// - Returns: Whether it was handled; if not, pass the entry as ``Event/listed(_:)``. This spares the caller making
    ///   a ``Sighting`` with its labels and keeps a poll of many sessions cheap.
    public mutating func expects(id: String, created: Int64?, status: ObservedStatus?, now: Int64) -> Bool {
        guard let slot = slots[id], tracks[slot].statusless == 0 else { return false }
        if let created, let known = tracks[slot].identity.created, created > known &+ 1999 { return false }
        let effective = status ?? (listing == .running ? .running : nil)
        switch (marks[slot].phase, effective) {
        case (.running, .running), (.running, .created), (.running, .draining), (.running, .shuttingDown):
            marks[slot].lastAlive = now
        case (.pending, .exited), (.pending, .dead), (.done, .exited), (.done, .dead), (.done, nil): break
        default: return false
        }
        switch listing {
        case .running: marks[slot].seenRunning = generation[.running] ?? 0
        case .all: marks[slot].seenAll = generation[.all] ?? 0
        }
        return true
    }

    /// Returns whether a session with this id is tracked.
    public func knows(_ id: String) -> Bool { slots[id] != nil }

    /// Returns whether the container with this id and creation time, in milliseconds since 1970, is tracked.
    public func knows(_ id: String, created: Int64?) -> Bool {
        guard let slot = slots[id] else { return false }
        guard let created, let known = tracks[slot].identity.created else { return true }
        return created <= known &+ 1999
    }

    /// Returns the metadata of a tracked run.
    func identity(of key: String) -> SessionIdentity? { keys[key].map { tracks[$0].identity } }

    /// Returns whether a run is believed to be running.
    func isRunning(_ key: String) -> Bool {
        keys[key].map { marks[$0].phase.rawValue <= Phase.unclear.rawValue } ?? false
    }

    /// Returns the key of the run last seen under an id.
    func key(of id: String) -> String? { slots[id].map { tracks[$0].key } }

    /// Whether the last list of all sessions was too implausible to act on, so that another one is needed.
    public var doubts: Bool { doubtful != nil }

    // MARK: Slots

    mutating func insert(_ identity: SessionIdentity, key: String, phase: Phase, now: Int64) -> Int {
        let track = Track(key: key, identity: identity)
        let mark = Mark(phase: phase, lastAlive: now)
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            tracks[slot] = track
            marks[slot] = mark
        } else {
            slot = tracks.count
            tracks.append(track)
            marks.append(mark)
        }
        slots[identity.id] = slot
        keys[key] = slot
        return slot
    }

    mutating func forget(_ slot: Int) {
        if slots[tracks[slot].identity.id] == slot { slots[tracks[slot].identity.id] = nil }
        keys[tracks[slot].key] = nil
        tracks[slot] = Track(key: "", identity: SessionIdentity(id: "", image: ""))
        marks[slot] = Mark(phase: .vacant, lastAlive: 0)
        free.append(slot)
    }

    /// Marks a session as done and frees the metadata that only rules need.
    mutating func finish(_ slot: Int) {
        marks[slot].phase = .done
        marks[slot].describing = false
        let identity = tracks[slot].identity
        tracks[slot].identity = SessionIdentity(id: identity.id, image: "", created: identity.created)
    }

    mutating func schedule(_ slot: Int, at time: Int64) {
        marks[slot].quietUntil = time
        rechecks.insert(Recheck(at: time, slot: slot, key: tracks[slot].key))
    }

    /// Returns whether a session may be described now.
    func mayDescribe(_ slot: Int, _ now: Int64) -> Bool {
        !marks[slot].describing && marks[slot].quietUntil <= now
    }

    mutating func describe(_ slot: Int, _ now: Int64) -> [Action] {
        guard mayDescribe(slot, now) else { return [] }
        marks[slot].describing = true
        return [.describe(id: tracks[slot].identity.id)]
    }
}
