import Bytes
import Digest
public import Model

/// The events that one channel gets in one message.
public struct OutboxMessage: Sendable, Equatable {
    /// The key by which a receiver recognizes a second delivery: the id of the event, or made from the ids of all events.
    public let id: String
    /// The events, oldest first.
    public let events: [Event]

    /// Combines events.
    public init(_ events: [Event]) {
        self.events = events
        if let only = events.first, events.count == 1 {
            id = only.id
        } else {
            id = "burst-" + Hex.text(SHA256.digest(Array(events.map(\.id).joined(separator: "\n").utf8)).prefix(16))
        }
    }

    /// How many events of each kind it stands for, in the order of the kinds.
    public var counts: [(kind: Event.Kind, count: Int)] {
        Event.Kind.allCases.compactMap { kind in
            let count = events.filter { $0.kind == kind }.reduce(0) { $0 &+ max(1, $1.count) }
            return count == 0 ? nil : (kind, count)
        }
    }
}
