import JSON
import Model

/// The JSON that a generic webhook and a command get: one object with the events.
enum EventsJSON {
    static func body(_ message: OutboxMessage) -> [UInt8] {
        var line = JSONLine()
        line.add("events", message.events) { object, event in Event.shape.write(event, to: &object) }
        return line.utf8
    }
}
