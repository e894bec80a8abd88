import Model
import Text

@testable import Notify

/// Events and outboxes for tests.
enum TestEvents {
    static func event(_ id: String, _ kind: Event.Kind = .new, message: String = "something happened") -> Event {
        Event(id: id, kind: kind, time: 1_700_000_000_000, message: message)
    }

    static func outbox(
        _ channels: [String: OutboxSettings] = ["a": OutboxSettings()], mostWaiting: Int = Outbox.mostWaiting
    ) -> Outbox {
        var outbox = Outbox(seed: 7, mostWaiting: mostWaiting)
        var settings = ByteDictionary<OutboxSettings>()
        for (name, value) in channels { settings[name] = value }
        outbox.configure(settings)
        return outbox
    }
}

extension [Outbox.Action] {
    /// The messages to send, with their channels.
    var sends: [(channel: String, message: OutboxMessage)] {
        compactMap { action in
            if case .send(let channel, let message) = action { return (channel, message) }
            return nil
        }
    }

    /// The records to write.
    var records: [OutboxRecord] {
        compactMap { action in
            if case .write(let record) = action { return record }
            return nil
        }
    }
}
