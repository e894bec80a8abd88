import Catalog
import Model
import Store
import Text

/// What happened to a session, in the order of time.
enum SessionTimeLine {
    /// How an event is marked.
    private enum Kind: String {
        case plain, warning, crash
    }

    private struct Event {
        var time: Int64?
        var kind: Kind
        var text: String
        var link: String?
    }

    /// The values of the events.
    static func models(_ facts: SessionDetailPage.Facts, _ view: PageView) -> [PageModel] {
        events(facts, view).map { event in
            var model: PageModel = ["eventKind": .shown(event.kind.rawValue), "event": .text(event.text, most: 400)]
            if let time = event.time { model["time"] = PageWords.time(time) }
            if let link = event.link { model["eventLink"] = .one(["href": .shown(link)]) }
            return model
        }
    }

    private static func events(_ facts: SessionDetailPage.Facts, _ view: PageView) -> [Event] {
        let session = facts.report.session
        var events: [Event] = []
        func add(_ time: Int64?, _ text: String, _ kind: Kind = .plain, link: String? = nil) {
            events.append(Event(time: time, kind: kind, text: text, link: link))
        }
        if let created = session.created { add(created, "Created.") }
        if let seen = session.firstSeen, session.created.map({ seen - $0 > 60_000 }) ?? true {
            add(seen, "salvage saw it first.")
        }
        for row in facts.errors { add(row.time, "Survived an error: \(row.signature)", .warning) }
        for crash in facts.report.crashes {
            let what = crash.record.map(CrashPage.headline) ?? crash.row.kind
            add(
                crash.row.time, "Crash: \(crash.row.signature) – \(what)", .crash,
                link: view.link.crash(crash.row.crash))
        }
        if session.crashes > facts.report.crashes.count {
            add(
                nil, "\(counted(session.crashes - facts.report.crashes.count, "earlier crash", "earlier crashes")).",
                .crash)
        }
        for record in facts.report.followedCrashes {
            add(
                nil, (record.isCrash ? "Crash" : "Survived an error") + " in the followed log: \(record.signature)",
                record.isCrash ? .crash : .warning)
        }
        if let exited = session.exited { add(exited, "Ended.") }
        if let seen = session.firstSeenExited, seen != session.exited { add(seen, "salvage saw that it had ended.") }
        for artifact in facts.report.artifacts { events += fetched(artifact) }
        if let deadline = session.deadline {
            let isDue = deadline > view.now && !session.state.isFinal
            add(deadline, isDue ? "The container is expected to be gone." : "The container was expected to be gone.")
        }
        if let pruned = session.pruned {
            add(pruned, "Its pack was pruned\(session.prunedWhy.map { ": \($0)" } ?? "").", .warning)
        }
        // What has no time stays where it is reported, after what has one.
        return events.enumerated().sorted {
            ($0.element.time ?? .max, $0.offset) < ($1.element.time ?? .max, $1.offset)
        }.map(\.element)
    }

    private static func fetched(_ artifact: ArtifactRecord) -> [Event] {
        let entry = artifact.entry
        guard let time = entry.lastTry else { return [] }
        switch entry.state {
        case .collected: return [Event(time: time, kind: .plain, text: "Collected \(entry.artifact).")]
        case .incomplete: return [Event(time: time, kind: .warning, text: "Collected a part of \(entry.artifact).")]
        case .absent: return [Event(time: time, kind: .plain, text: "\(entry.artifact) does not exist.")]
        case .failed: return [Event(time: time, kind: .warning, text: "Could not collect \(entry.artifact).")]
        case .lost: return [Event(time: time, kind: .warning, text: "\(entry.artifact) was lost.")]
        case .pending, .skipped: return []
        }
    }
}
