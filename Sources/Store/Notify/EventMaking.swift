import Bytes
import Catalog
import Harvest
import Model
import Notify
import Text

/// Makes events of what a harvest finds. Ids are made from what happened, not from when it was noticed, so that a repeated
/// look at the same facts makes the same event.
struct EventMaking: Sendable {
    /// The address of the page; nil leaves links out.
    var page: String?
    /// When the events are made (ms since 1970).
    var now: Int64

    /// A new or returned crash; nil for any other.
    func crash(_ novel: NovelCrash) -> Event? {
        let kind: Event.Kind
        switch novel.novelty {
        case .new: kind = .new
        case .returned: kind = .returned
        case .known, .ignored: return nil
        }
        let row = novel.crash.row
        let place = Self.place(image: row.image, tag: row.tag, location: row.location)
        // Resolved once more, it can return once more in the same build.
        let decided = kind == .returned ? novel.signature.standing.resolution.map { ":\($0.time)" } ?? "" : ""
        let word = kind == .new ? "new crash" : "returned crash"
        var event = Event(
            id: "\(kind.rawValue):\(novel.signature.id):\(row.tag ?? "")\(decided)", kind: kind, time: row.time ?? now,
            message: Self.cut("\(word)\(place): \(novel.signature.signature)", 600))
        fill(&event, novel)
        event.count = max(1, novel.signature.selected.count)
        event.command = "salvage crash \(Self.quoted(row.crash))"
        return event
    }

    /// A signature that crashes unusually often in a build.
    func spike(_ novel: NovelCrash, _ spike: Spike, sessions: Int) -> Event {
        let row = novel.crash.row
        let place = Self.place(image: row.image, tag: row.tag, location: nil)
        var event = Event(
            id: "spike:\(novel.signature.id):\(row.image):\(row.tag ?? ""):\(now / 3_600_000)", kind: .spike, time: now,
            message: Self.cut("\(spike.words)\(place): \(novel.signature.signature)", 600))
        fill(&event, novel)
        event.count = sessions
        event.command = "salvage crash \(Self.quoted(row.crash))"
        return event
    }

    /// A session, or some of its artifacts, that can no longer be fetched; nil if nothing is lost.
    func lost(
        _ session: String, _ record: SessionRecord?, _ state: SessionState, _ outcomes: [ArtifactEntry]
    ) -> Event? {
        let lost = outcomes.filter { $0.state == .lost }
        guard state == .lost || !lost.isEmpty else { return nil }
        let what = lost.prefix(3).map { entry in
            entry.artifact + (entry.reason.map { " (\($0))" } ?? "")
        }.joined(separator: ", ")
        let more = lost.count > 3 ? " and \(counted(lost.count - 3, "other artifact"))" : ""
        let why = what.isEmpty ? record?.reason.map { ": \($0)" } ?? "" : ": \(what)\(more)"
        var event = Event(
            id: "lost:\(session)", kind: .lost, time: now,
            message: Self.cut("session \(session) \(state == .lost ? "is lost" : "lost artifacts")\(why)", 600))
        event.session = session
        event.image = record?.image
        event.tag = record?.tag
        event.location = record?.location
        event.count = max(1, lost.count)
        event.link = link("sessions", session)
        event.command = "salvage why \(Self.quoted(session))"
        return event
    }

    /// A path of a rule that exists in no session; once a day.
    func absent(_ path: AbsentPath) -> Event {
        var event = Event(
            id: "absent:\(path.rule ?? ""):\(path.path):\(now / 86_400_000)", kind: .absent, time: now,
            message: Self.cut(path.message + (path.nearest.map { "; did you mean \($0)?" } ?? ""), 600))
        event.count = path.sessions
        event.link = page
        event.command = "salvage coverage"
        return event
    }

    /// Containers that may be gone before everything is fetched; once an hour. Nil if there is time enough.
    ///
    /// - Parameters:
    ///   - backlog: artifacts still to be fetched.
    ///   - deadline: the nearest deadline (ms since 1970), of `session`.
    ///   - perMinute: how many artifacts may be requested in a minute.
    func deadline(backlog: Int, deadline: Int64, session: String?, perMinute: Int) -> Event? {
        let left = deadline &- now
        let forecast = DeadlineForecast(
            .init(
                interval: 0, retention: 0, backlog: backlog, timeLeft: left, exitsPerHour: 0, artifactsPerSession: 0,
                artifactsPerMinute: perMinute, logsPerMinute: 1))
        let obstacle = forecast.obstacles.first
        guard left < 15 * 60_000 || obstacle != nil else { return nil }
        let minutes = counted(left.magnitude / 60_000, "minute")
        let when = left < 0 ? "passed \(minutes) ago" : "is \(minutes) away"
        var event = Event(
            id: "deadline:\(now / 3_600_000)", kind: .deadline, time: now,
            message: obstacle
                ?? "the nearest deadline \(when), and \(counted(backlog, "artifact")) must still be fetched")
        event.session = session
        event.count = max(1, backlog)
        event.link = page
        event.command = "salvage status"
        return event
    }

    // MARK: -

    private func fill(_ event: inout Event, _ novel: NovelCrash) {
        let row = novel.crash.row
        event.image = row.image.isEmpty ? nil : row.image
        event.tag = row.tag
        event.location = row.location
        event.session = row.session
        event.crash = row.crash
        event.signature = Self.cut(novel.signature.signature, 1000)
        event.signatureID = novel.signature.id
        event.frames = (novel.crash.record?.frames ?? []).prefix(5).map(Self.frame)
        event.link = link("signatures", novel.signature.id)
    }

    private func link(_ folder: String, _ name: String) -> String? {
        page.map { "\($0)/\(folder)/\(Self.escaped(name))" }
    }

    /// A frame as one line: function, or module and offset, and file with line.
    static func frame(_ frame: CrashFrame) -> String {
        let module = frame.module.map { module in module + (frame.offset.map { "+\($0)" } ?? "") }
        let name = frame.function ?? module ?? frame.address?.description ?? "?"
        let place = frame.file.map { file in " at \(file)" + (frame.line.map { ":\($0)" } ?? "") } ?? ""
        return cut(name + place, 400)
    }

    private static func place(image: String, tag: String?, location: String?) -> String {
        let build = [image.isEmpty ? nil : image, tag].compactMap(\.self).joined(separator: " ")
        return (build.isEmpty ? "" : " in \(build)") + (location.map { ", \($0)" } ?? "")
    }

    /// A segment of a path of a URL (RFC 3986).
    static func escaped(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            // A segment of dots alone would be removed on the way.
            case UInt8(ascii: ".") where text.utf8.contains(where: { $0 != UInt8(ascii: ".") }): out += "."
            default:
                var escape = [UInt8(ascii: "%")]
                Hex.appendUpper(byte, to: &escape)
                out += String(decoding: escape, as: UTF8.self)
            }
        }
        return out
    }

    /// A word of a shell's command line.
    static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            byte < 0x80
                && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
                    || "-_.:".utf8.contains(byte))
        }
        guard !isPlain || text.isEmpty || text.hasPrefix("-") else { return text }
        return "'" + text.replacing("'", with: "'\\''") + "'"
    }

    private static func cut(_ text: String, _ most: Int) -> String {
        guard text.unicodeScalars.count > most else { return text }
        var kept = String.UnicodeScalarView()
        kept.append(contentsOf: text.unicodeScalars.prefix(most - 1))
        return String(kept) + "…"
    }
}
