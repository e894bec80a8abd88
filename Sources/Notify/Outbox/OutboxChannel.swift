import Model
import Text

/// What one channel waits for.
struct OutboxChannel: Sendable {
    /// An event and when it was queued.
    struct Waiting: Sendable, Equatable {
        var event: Event
        /// ms since 1970.
        var since: Int64
    }

    /// The message that is being delivered, or that waits for its next try.
    struct Current: Sendable {
        var message: OutboxMessage
        /// When its newest event was queued (ms since 1970); its age counts from then.
        var since: Int64
        var isInFlight: Bool
        var failures = 0
        var refusals = 0
        /// When the next try may begin (ms since 1970).
        var next: Int64
        /// When the last try failed (ms since 1970); nil before.
        var failed: Int64?
    }

    /// The most events in one message.
    static let mostPerMessage = 1000

    /// Events without a message yet, oldest first.
    var waiting: [Waiting] = []
    var current: Current?
    var totals = ChannelTotals()

    /// The number of events that wait, those of the current message included.
    var undelivered: Int {
        waiting.count + totals.merged.reduce(0) { $0 &+ $1.count } + (current?.message.events.count ?? 0)
    }

    var isIdle: Bool { waiting.isEmpty && current == nil && totals.merged.isEmpty }

    /// Adds an event; the oldest become counts once more than `most` wait.
    mutating func add(_ event: Event, since: Int64, most: Int) {
        waiting.append(Waiting(event: event, since: since))
        while waiting.count > most {
            let oldest = waiting.removeFirst()
            if let index = totals.merged.firstIndex(where: { $0.kind == oldest.event.kind }) {
                totals.merged[index].count &+= max(1, oldest.event.count)
                totals.merged[index].id = oldest.event.id
            } else {
                totals.merged.append(MergedEvents(oldest.event))
            }
        }
    }

    /// When the next message may be sent (ms since 1970); nil if there is nothing to send or a try is in flight.
    func ready(_ settings: OutboxSettings, flushing: Bool, now: Int64) -> Int64? {
        if let current { return current.isInFlight ? nil : current.next }
        guard !waiting.isEmpty || !totals.merged.isEmpty else { return nil }
        let gathered = flushing ? now : waiting.first.map { $0.since &+ settings.burst } ?? now
        let recent = totals.starts.filter { $0 > now &- Outbox.hour }
        guard recent.count >= settings.perHour else { return gathered }
        return max(gathered, recent[recent.count - settings.perHour] &+ Outbox.hour)
    }

    /// Moves times after `now` to it: the clock went back. The wait for the next try stays as long as it was.
    mutating func followClock(_ now: Int64) {
        for index in waiting.indices where waiting[index].since > now { waiting[index].since = now }
        totals.starts = totals.starts.map { min($0, now) }
        guard var current else { return }
        current.since = min(current.since, now)
        let began = current.failed ?? current.next
        if began > now {
            current.next = now &+ max(0, current.next &- began)
            if current.failed != nil { current.failed = now }
        }
        self.current = current
    }

    /// Makes the next message of what waits, and begins its first try.
    mutating func begin(now: Int64) -> OutboxMessage {
        let taken = waiting.prefix(Self.mostPerMessage)
        let since = taken.last?.since ?? now
        let message = OutboxMessage(totals.merged.map(\.event) + taken.map(\.event))
        waiting.removeFirst(taken.count)
        totals.merged = []
        started(message, since: since, now: now)
        return message
    }

    /// Makes the message that a journal says was begun.
    mutating func begin(_ ids: [String], now: Int64) {
        let wanted = ByteSet(ids)
        let taken = waiting.filter { wanted.contains($0.event.id) }
        let merged = totals.merged.map(\.event).filter { wanted.contains($0.id) }
        guard !taken.isEmpty || !merged.isEmpty else { return }
        waiting.removeAll { wanted.contains($0.event.id) }
        totals.merged.removeAll { wanted.contains($0.event.id) }
        started(OutboxMessage(merged + taken.map(\.event)), since: taken.last?.since ?? now, now: now)
        // Nobody is waiting for the answer of a try of an earlier process.
        current?.isInFlight = false
    }

    private mutating func started(_ message: OutboxMessage, since: Int64, now: Int64) {
        if !totals.starts.contains(now) { totals.starts.append(now) }
        totals.starts.removeAll { $0 <= now &- Outbox.hour }
        current = Current(message: message, since: since, isInFlight: true, next: now)
    }
}
