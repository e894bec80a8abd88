import Catalog
import JSON
import Model
import Store
import Text

/// The events about crashes that were added to the catalog.
enum CrashMessages {
    /// The frames of an event.
    private static let mostFrames = 5

    /// The events about the crashes after a row; `last` is the row of the last of them.
    static func make(
        _ store: Store, after row: Int64, limit: Int, _ settings: ServerSettings
    ) throws -> (messages: [EventMessage], last: Int64, count: Int) {
        let arrivals = try store.arrivals(after: row, limit: limit)
        var novelties: ByteDictionary<[NovelCrash]> = [:]
        var messages: [EventMessage] = []
        for arrival in arrivals {
            if novelties[arrival.session] == nil {
                novelties[arrival.session] = try store.novelty(ofCrashesIn: arrival.session, now: settings.now())
            }
            // A crash that was removed again in the meantime is none to tell of.
            guard
                let crash = novelties[arrival.session]?.first(where: {
                    $0.crash.row.crash.hasSameBytes(as: arrival.crash)
                })
            else { continue }
            switch crash.novelty {
            case .new:
                messages.append(
                    EventMessage("new", id: arrival.row, Event.shape.line(event(crash, .new, settings)).utf8))
            case .returned:
                messages.append(
                    EventMessage("returned", id: arrival.row, Event.shape.line(event(crash, .returned, settings)).utf8))
            case .known, .ignored: messages.append(EventMessage("crash", id: arrival.row, crash.crash.json))
            }
        }
        return (messages, arrivals.last?.row ?? row, arrivals.count)
    }

    private static func event(_ crash: NovelCrash, _ kind: Event.Kind, _ settings: ServerSettings) -> Event {
        let row = crash.crash.row
        let build = [row.image.isEmpty ? nil : row.image, row.tag].compactMap { $0 }.joined(separator: " ")
        var event = Event(
            id: "\(kind.rawValue):\(row.crash)", kind: kind, time: row.time ?? crash.signature.lastSeen,
            message: (kind == .new ? "A new crash in " : "A fixed crash returned in ")
                + "\(build.isEmpty ? "an unknown build" : build): \(row.signature)")
        event.image = row.image.isEmpty ? nil : row.image
        event.tag = row.tag
        event.location = row.location
        event.session = row.session
        event.crash = row.crash
        event.signature = row.signature
        event.signatureID = crash.signature.id
        event.count = crash.signature.selected.count
        event.frames = (crash.crash.record?.frames ?? []).prefix(mostFrames).map { frame in
            let place = frame.file.map { " at \($0)" + (frame.line.map { ":\($0)" } ?? "") } ?? ""
            return (frame.function ?? frame.module ?? "?") + place
        }
        event.link = settings.publicAddress.map { $0 + settings.link("/signatures/\(crash.signature.id)") }
        event.command = "salvage crash \(row.crash)"
        return event
    }
}
