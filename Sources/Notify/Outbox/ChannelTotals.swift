import JSON
import Model
import Text

/// What happened to a channel's messages, and what was merged into counts.
struct ChannelTotals: Sendable, Equatable {
    /// Messages that the channel took.
    var delivered = 0
    /// Events that were given up.
    var failed = 0
    /// Tries that failed.
    var failures = 0
    /// Why the last try failed; nil after a success.
    var lastError: String?
    /// When that was (ms since 1970).
    var lastErrorTime: Int64?
    /// When messages of the last hour were first tried (ms since 1970), oldest first.
    var starts: [Int64] = []
    /// Events that wait as counts only, because too many waited.
    var merged: [MergedEvents] = []

    /// Nothing happened.
    init() {}

    /// Reads what `write` wrote.
    init(reading value: JSONValue) {
        delivered = Int(clamping: value["delivered"]?.int64 ?? 0)
        failed = Int(clamping: value["given_up"]?.int64 ?? 0)
        failures = Int(clamping: value["failures"]?.int64 ?? 0)
        lastError = value["last_error"]?.string
        lastErrorTime = value["last_error_time"]?.int64
        starts = (value["starts"]?.array ?? []).compactMap(\.int64)
        merged = (value["merged"]?.array ?? []).compactMap(MergedEvents.init(reading:))
    }

    func write(to line: inout JSONLine) {
        line.add("delivered", delivered)
        line.add("given_up", failed)
        line.add("failures", failures)
        line.add("last_error", lastError)
        line.add("last_error_time", lastErrorTime)
        line.add("starts", json: Array("[\(starts.map { "\($0)" }.joined(separator: ","))]".utf8))
        line.add("merged", merged) { object, events in
            object.add("event", events.kind.rawValue)
            object.add("count", events.count)
            object.add("first", events.first)
            object.add("id", events.id)
        }
    }
}

/// Events of one kind of which only the number is kept.
struct MergedEvents: Sendable, Equatable {
    var kind: Event.Kind
    /// How many.
    var count: Int
    /// When the first happened (ms since 1970).
    var first: Int64
    /// The id of the latest.
    var id: String

    init(_ event: Event) {
        kind = event.kind
        count = max(1, event.count)
        first = event.time
        id = event.id
    }

    init?(reading value: JSONValue) {
        guard let kind = value["event"]?.string.flatMap(Event.Kind.init(rawValue:)) else { return nil }
        self.kind = kind
        count = Int(clamping: value["count"]?.int64 ?? 1)
        first = value["first"]?.int64 ?? 0
        id = value["id"]?.string ?? ""
    }

    /// The counts behind an event that ``event`` made; nil if it is another.
    init?(standing event: Event) {
        guard event.id.hasBytePrefix(Self.prefix) else { return nil }
        kind = event.kind
        count = event.count
        first = event.time
        id = String(decoding: event.id.utf8.dropFirst(Self.prefix.utf8.count), as: UTF8.self)
    }

    private static let prefix = "merged-"

    /// The event that stands for all of them.
    var event: Event {
        var event = Event(
            id: Self.prefix + id, kind: kind, time: first,
            message: "\(count) events '\(kind.rawValue)' are only counted, because too many waited")
        event.count = count
        return event
    }
}
