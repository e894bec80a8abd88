import Calendar
import JSON
import Model

/// One line of the outbox's journal.
enum OutboxRecord: Sendable, Equatable {
    /// An event waits for these channels.
    case queued(Event, channels: [String], time: Int64)
    /// The first try to deliver a message begins.
    case sending(channel: String, message: String, events: [String], time: Int64)
    /// A try failed; the next one begins at `next` at the earliest.
    case failed(
        channel: String, message: String, failures: Int, refusals: Int, next: Int64, time: Int64, reason: String)
    /// A channel took a message.
    case delivered(channel: String, message: String, time: Int64)
    /// A message is not tried any longer.
    case givenUp(channel: String, message: String, time: Int64, reason: String)
    /// A session's crashes or losses are going to be recorded; its events are not known yet.
    case due(session: String)
    /// A session's events are queued.
    case considered(session: String)
    /// What earlier records said, written when the journal is rewritten.
    case totals(channel: String, ChannelTotals)
    /// An event that was queued once and must not be queued again.
    case seen([SeenEvent])

    /// The line, without a newline.
    var line: [UInt8] {
        var line = JSONLine()
        switch self {
        case .queued(let event, let channels, let time):
            line.add("record", "queued")
            line.add("channels", channels)
            line.add("time", time)
            line.add("event", Event.shape.line(event))
        case .sending(let channel, let message, let events, let time):
            line.add("record", "sending")
            line.add("channel", channel)
            line.add("message", message)
            line.add("events", events)
            line.add("time", time)
        case .failed(let channel, let message, let failures, let refusals, let next, let time, let reason):
            line.add("record", "failed")
            line.add("channel", channel)
            line.add("message", message)
            line.add("failures", failures)
            line.add("refusals", refusals)
            line.add("next", next)
            line.add("time", time)
            line.add("reason", reason)
        case .delivered(let channel, let message, let time):
            line.add("record", "delivered")
            line.add("channel", channel)
            line.add("message", message)
            line.add("time", time)
        case .givenUp(let channel, let message, let time, let reason):
            line.add("record", "given_up")
            line.add("channel", channel)
            line.add("message", message)
            line.add("time", time)
            line.add("reason", reason)
        case .due(let session):
            line.add("record", "due")
            line.add("session", session)
        case .considered(let session):
            line.add("record", "considered")
            line.add("session", session)
        case .totals(let channel, let totals):
            line.add("record", "totals")
            line.add("channel", channel)
            totals.write(to: &line)
        case .seen(let events):
            line.add("record", "seen")
            line.add("ids", events.map(\.id))
            line.add("times", json: Array("[\(events.map { "\($0.time)" }.joined(separator: ","))]".utf8))
        }
        return line.utf8
    }
}

extension OutboxRecord {
    /// Reads a line; nil if it is not a record of this version.
    init?(_ bytes: some Sequence<UInt8>) {
        let value: JSONValue
        do throws(JSONFault) { value = try JSONValue(parsing: bytes) } catch { return nil }
        guard let kind = value["record"]?.string else { return nil }
        let channel = value["channel"]?.string
        let message = value["message"]?.string
        let time = value["time"]?.int64
        let session = value["session"]?.string
        switch (kind, channel, message, time, session) {
        case ("queued", _, _, let time?, _):
            guard let event = value["event"].flatMap(Event.init(reading:)) else { return nil }
            self = .queued(event, channels: Self.texts(value["channels"]), time: time)
        case ("sending", let channel?, let message?, let time?, _):
            self = .sending(channel: channel, message: message, events: Self.texts(value["events"]), time: time)
        case ("failed", let channel?, let message?, let time?, _):
            self = .failed(
                channel: channel, message: message, failures: Int(clamping: value["failures"]?.int64 ?? 1),
                refusals: Int(clamping: value["refusals"]?.int64 ?? 0), next: value["next"]?.int64 ?? time,
                time: time, reason: value["reason"]?.string ?? "")
        case ("delivered", let channel?, let message?, let time?, _):
            self = .delivered(channel: channel, message: message, time: time)
        case ("given_up", let channel?, let message?, let time?, _):
            self = .givenUp(
                channel: channel, message: message, time: time, reason: value["reason"]?.string ?? "")
        case ("due", _, _, _, let session?): self = .due(session: session)
        case ("considered", _, _, _, let session?): self = .considered(session: session)
        case ("totals", let channel?, _, _, _): self = .totals(channel: channel, ChannelTotals(reading: value))
        case ("seen", _, _, _, _):
            let times = (value["times"]?.array ?? []).map { $0.int64 ?? 0 }
            self = .seen(zip(Self.texts(value["ids"]), times).map { SeenEvent(id: $0, time: $1) })
        default: return nil
        }
    }

    static func texts(_ value: JSONValue?) -> [String] { (value?.array ?? []).compactMap(\.string) }
}
