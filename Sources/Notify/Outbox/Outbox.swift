import Bytes
import Model
import Text

/// Decides which message is sent when: a pure state machine. It takes events, the outcomes of tries and the time, and
/// returns what to write and to send.
///
/// - At least once: a message is sent until the channel takes it, refuses it ``mostRefusals`` times, or it is older than
///   ``longestAge`` and was tried ``fewestTries`` times. An event has an id and is queued once; a message keeps its id and its events over all tries.
/// - What a channel is due within its `burst` becomes one message; so does what exceeds its messages of an hour.
/// - Channels do not wait for each other.
/// - The clock may be set: no wait becomes longer when it goes back.
/// - Its journal restores it: ``replay(_:)`` takes the records that it returned before, ``snapshot`` is the shortest
///   list of records that restores the same state.
struct Outbox: Sendable {
    /// What to do, in this order.
    enum Action: Sendable, Equatable {
        /// Add a record to the journal and sync it before anything that follows.
        case write(OutboxRecord)
        /// Try to deliver a message, and report the outcome.
        case send(channel: String, OutboxMessage)
        /// Tell people that events were given up.
        case gaveUp(channel: String, events: Int, reason: String)
    }

    /// An hour in milliseconds.
    static let hour: Int64 = 3_600_000
    /// How long a message is tried, in milliseconds: a day.
    static let longestAge: Int64 = 24 * hour
    /// How often a message is tried at least, however old it is: the clock may have been wrong when it was made.
    static let fewestTries = 10
    /// How often a message is sent to a channel that refuses it.
    static let mostRefusals = 3
    /// The most events that wait for a channel; the oldest beyond become counts.
    static let mostWaiting = 10_000
    /// The number of events whose ids are remembered, so that none is queued twice.
    static let mostSeen = 5000
    /// How long ids are remembered, in milliseconds: a week.
    static let seenFor: Int64 = 7 * 24 * hour

    /// The channels, configured or not, by name.
    private(set) var channels = ByteDictionary<OutboxChannel>()
    /// Sessions whose crashes or losses were going to be recorded and whose events are not queued yet.
    private(set) var due = ByteSet()
    /// Whether what waits is sent at once, without gathering: the process is about to end.
    var isFlushing = false
    private var settings = ByteDictionary<OutboxSettings>()
    private var seen = ByteSet()
    private var seenOrder: [SeenEvent] = []
    private let backoff: Backoff
    private let mostWaiting: Int
    private var generator: SplitMix64
    /// The latest time that was told (ms since 1970); nil before the first.
    private var latest: Int64?

    init(seed: UInt64, backoff: Backoff = Backoff(), mostWaiting: Int = Outbox.mostWaiting) {
        self.backoff = backoff
        self.mostWaiting = mostWaiting
        generator = SplitMix64(seed: seed)
    }

    /// Sets the configured channels. What waits for a channel that is gone is kept until it is too old.
    mutating func configure(_ next: ByteDictionary<OutboxSettings>) {
        settings = next
        for (name, _) in next.sortedByKey where channels[name] == nil { channels[name] = OutboxChannel() }
    }

    // MARK: Input

    /// Queues an event for channels, unless it was queued before.
    mutating func queue(_ event: Event, for names: [String], now: Int64) -> [Action] {
        guard !names.isEmpty, remember(event.id, now) else { return [] }
        for name in names { channels[name, default: OutboxChannel()].add(event, since: now, most: mostWaiting) }
        return [.write(.queued(event, channels: names, time: now))]
    }

    /// Notes that a session's crashes or losses are going to be recorded.
    mutating func willCommit(_ session: String) -> [Action] {
        due.insert(session).inserted ? [.write(.due(session: session))] : []
    }

    /// Notes that a session's events are queued.
    mutating func considered(_ session: String) -> [Action] {
        due.remove(session) != nil ? [.write(.considered(session: session))] : []
    }

    /// Begins the tries whose time has come.
    mutating func advance(now: Int64) -> [Action] {
        followClock(now)
        var actions: [Action] = []
        for (name, _) in channels.sortedByKey {
            guard var channel = channels[name] else { continue }
            if let settings = settings[name] {
                if let ready = channel.ready(settings, flushing: isFlushing, now: now), ready <= now {
                    actions += Self.begin(name, &channel, now)
                }
            } else {
                actions += Self.expire(name, &channel, now)
            }
            channels[name] = channel
        }
        return actions
    }

    /// Moves times that lie ahead to now, if the clock went back or may have done so before a restart.
    private mutating func followClock(_ now: Int64) {
        defer { latest = now }
        guard latest.map({ now < $0 }) ?? true else { return }
        for (name, _) in channels.sortedByKey { channels[name]?.followClock(now) }
        for index in seenOrder.indices where seenOrder[index].time > now { seenOrder[index].time = now }
    }

    /// Takes the outcome of a try.
    mutating func finished(_ name: String, _ message: String, _ outcome: DeliveryOutcome, now: Int64) -> [Action] {
        guard var channel = channels[name], var current = channel.current, current.isInFlight,
            current.message.id.hasSameBytes(as: message)
        else { return [] }
        defer { channels[name] = channel }
        guard let reason = outcome.reason else {
            channel.apply(.delivered(channel: name, message: message, time: now))
            return [.write(.delivered(channel: name, message: message, time: now))]
        }
        current.failures += 1
        var asked: Int64?
        switch outcome {
        case .failed(_, let after): asked = after
        case .refused: current.refusals += 1
        case .delivered: break
        }
        let isOld = now &- current.since >= Self.longestAge && current.failures >= Self.fewestTries
        if current.refusals >= Self.mostRefusals || isOld {
            let why = isOld ? "not delivered within a day; last: \(reason)" : reason
            let record = OutboxRecord.givenUp(channel: name, message: message, time: now, reason: why)
            let lost = current.message.events.count
            channel.apply(record)
            return [.write(record), .gaveUp(channel: name, events: lost, reason: why)]
        }
        let next = now &+ backoff.wait(failures: current.failures, asked: asked, by: &generator)
        let record = OutboxRecord.failed(
            channel: name, message: message, failures: current.failures, refusals: current.refusals, next: next,
            time: now, reason: reason)
        channel.apply(record)
        return [.write(record)]
    }

    // MARK: State

    /// When ``advance(now:)`` has something to do next (ms since 1970); nil if only an input changes anything.
    func nextTime(now: Int64) -> Int64? {
        channels.sortedByKey.compactMap { name, channel in
            guard let settings = settings[name] else {
                return (channel.current?.since ?? channel.waiting.first?.since).map { $0 &+ Self.longestAge }
            }
            return channel.ready(settings, flushing: isFlushing, now: now)
        }.min()
    }

    /// Whether a try is in flight.
    var isSending: Bool { channels.sortedByKey.contains { $0.value.current?.isInFlight == true } }

    /// Takes a record of the journal.
    mutating func replay(_ record: OutboxRecord) {
        switch record {
        case .queued(let event, let names, let time):
            _ = remember(event.id, time)
            for name in names { channels[name, default: OutboxChannel()].add(event, since: time, most: mostWaiting) }
        case .sending(let name, _, let events, let time):
            channels[name, default: OutboxChannel()].begin(events, now: time)
        case .failed(let name, _, _, _, _, _, _), .delivered(let name, _, _), .givenUp(let name, _, _, _),
            .totals(let name, _):
            channels[name, default: OutboxChannel()].apply(record)
        case .due(let session): due.insert(session)
        case .considered(let session): _ = due.remove(session)
        case .seen(let events): for event in events { _ = remember(event.id, event.time) }
        }
    }

    /// The shortest list of records that restores this state.
    var snapshot: [OutboxRecord] {
        var records: [OutboxRecord] = [.seen(seenOrder)]
        for (name, channel) in channels.sortedByKey {
            var totals = channel.totals
            // The record of the last failure, below, counts it.
            if let failures = channel.current?.failures, failures > 0 { totals.failures -= 1 }
            let counted = channel.current?.message.events.compactMap(MergedEvents.init(standing:)) ?? []
            totals.merged = counted + totals.merged
            records.append(.totals(channel: name, totals))
            if let current = channel.current {
                records += current.message.events.filter { MergedEvents(standing: $0) == nil }.map {
                    .queued($0, channels: [name], time: current.since)
                }
                let began = channel.totals.starts.last ?? current.since
                records.append(
                    .sending(
                        channel: name, message: current.message.id, events: current.message.events.map(\.id),
                        time: began))
                if current.failures > 0 {
                    records.append(
                        .failed(
                            channel: name, message: current.message.id, failures: current.failures,
                            refusals: current.refusals, next: current.next,
                            time: channel.totals.lastErrorTime ?? began, reason: channel.totals.lastError ?? ""))
                }
            }
            records += channel.waiting.map { .queued($0.event, channels: [name], time: $0.since) }
        }
        return records + due.map { .due(session: $0) }
    }

    private mutating func remember(_ id: String, _ now: Int64) -> Bool {
        guard seen.insert(id).inserted else { return false }
        seenOrder.append(SeenEvent(id: id, time: now))
        let outdated = seenOrder.prefix { $0.time < now &- Self.seenFor }.count
        let surplus = max(outdated, seenOrder.count - Self.mostSeen)
        if surplus > 0 {
            for old in seenOrder.prefix(surplus) { _ = seen.remove(old.id) }
            seenOrder.removeFirst(surplus)
        }
        return true
    }

    private static func begin(_ name: String, _ channel: inout OutboxChannel, _ now: Int64) -> [Action] {
        if let current = channel.current {
            channel.current?.isInFlight = true
            return [.send(channel: name, current.message)]
        }
        let message = channel.begin(now: now)
        let record = OutboxRecord.sending(
            channel: name, message: message.id, events: message.events.map(\.id), time: now)
        return [.write(record), .send(channel: name, message)]
    }

    /// Gives up what waits for a channel that is no longer configured and is too old.
    private static func expire(_ name: String, _ channel: inout OutboxChannel, _ now: Int64) -> [Action] {
        guard let since = channel.current?.since ?? channel.waiting.first?.since, now &- since >= longestAge else {
            return []
        }
        var actions: [Action] = []
        if channel.current == nil {
            let message = channel.begin(now: now)
            actions.append(
                .write(
                    .sending(channel: name, message: message.id, events: message.events.map(\.id), time: now)))
        }
        guard let message = channel.current?.message else { return actions }
        let why = "the channel is no longer configured"
        let record = OutboxRecord.givenUp(channel: name, message: message.id, time: now, reason: why)
        channel.apply(record)
        return actions + [.write(record), .gaveUp(channel: name, events: message.events.count, reason: why)]
    }
}

extension OutboxChannel {
    /// Takes a record about the channel's message or its totals.
    mutating func apply(_ record: OutboxRecord) {
        switch record {
        case .failed(_, let message, let failures, let refusals, let next, let time, let reason):
            totals.failures += 1
            totals.lastError = reason
            totals.lastErrorTime = time
            guard current?.message.id.hasSameBytes(as: message) == true else { return }
            current?.failures = failures
            current?.refusals = refusals
            current?.next = next
            current?.failed = time
            current?.isInFlight = false
        case .delivered(_, let message, _):
            guard current?.message.id.hasSameBytes(as: message) == true else { return }
            totals.delivered += 1
            totals.lastError = nil
            totals.lastErrorTime = nil
            current = nil
        case .givenUp(_, let message, let time, let reason):
            guard let current, current.message.id.hasSameBytes(as: message) else { return }
            totals.failures += 1
            totals.failed &+= current.message.events.reduce(0) { $0 &+ max(1, $1.count) }
            totals.lastError = reason
            totals.lastErrorTime = time
            self.current = nil
        case .totals(_, let totals): self.totals = totals
        case .queued, .sending, .due, .considered, .seen: break
        }
    }
}
