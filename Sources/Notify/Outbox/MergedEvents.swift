import JSON
import Model
import Text

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
