import Catalog
import Model
import Store
import Terminal
import Text

/// What is true of a signature, in words; texts of others are escaped.
enum StandingText {
    /// The state with what it rests on: `returned, fixed in 1.5.0 and seen in 1.5.1`.
    static func state(_ overview: SignatureOverview) -> String {
        switch (overview.state, overview.standing.resolution?.action) {
        case (.fixed, .resolve(let tag?)?): "fixed in \(Escape.display(tag))"
        case (.fixed, _): "fixed, and no session that began since then crashed with it"
        case (.returned, .resolve(let tag?)?):
            "returned, fixed in \(Escape.display(tag))"
                + (overview.lastTag.map { " and seen in \(Escape.display($0))" } ?? "")
        case (.returned, _): "returned in a session that began after it was fixed"
        case (.ignored, .ignore(let until?, let crashes)?):
            "ignored until \(TimeText.zoned(until))" + (crashes.map { " or \(more($0))" } ?? "")
        case (.ignored, .ignore(nil, let crashes?)?): "ignored until it has \(more(crashes))"
        case (let state, _): state.rawValue
        }
    }

    private static func more(_ crashes: Int) -> String { counted(crashes, "more crash", "more crashes") }

    /// The state, the owner and the ticket in one line.
    static func summary(_ overview: SignatureOverview) -> String {
        var parts = [state(overview)]
        if let owner = overview.standing.owner { parts.append("owner \(Escape.display(owner))") }
        if let ticket = overview.standing.ticket { parts.append(Escape.display(ticket)) }
        return parts.joined(separator: ", ")
    }

    /// All that is true of a signature, one fact a line.
    static func write(_ overview: SignatureOverview, to output: Output) {
        let style = output.style
        output.text("\(style.bold(Escape.display(overview.signature)))  \(style.dim(overview.id))")
        output.text("state      \(state(overview))")
        if let owner = overview.standing.owner { output.text("owner      \(Escape.display(owner))") }
        if let ticket = overview.standing.ticket { output.text("ticket     \(Escape.display(ticket))") }
        if let note = overview.standing.history.last(where: { $0.note != nil }) {
            output.text("note       \(Escape.display(note.note ?? "")) (\(Escape.display(note.author)))")
        }
        for merged in overview.standing.merged { output.text("merged     \(Escape.display(merged))") }
        guard overview.selected.count > 0 else { return output.text("crashes    none in this store") }
        let crashes = counted(overview.selected.count, "crash", "crashes")
        let sessions = counted(overview.selected.sessions, "session")
        let builds = [overview.firstTag, overview.lastTag].compactMap { $0.map { Escape.display($0) } }
        let span = builds.first == builds.last ? builds.prefix(1) : builds[...]
        output.text(
            "crashes    \(crashes) in \(sessions)" + (span.isEmpty ? "" : ", builds \(span.joined(separator: " to "))"))
    }
}
