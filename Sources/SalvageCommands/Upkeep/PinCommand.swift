import Catalog
import JSON
import Model
import Store
import Terminal
import Text

/// `salvage pin`: keeps a session whatever the retention rules say.
struct Pin: Command {
    static var name: String { "pin" }
    static var abstract: String { "Exempt sessions from the retention rules; without a session, list pinned sessions." }
    static var arguments: [CommandArgument<Self>] {
        [
            .list("sessions", "The sessions; a unique prefix of each id is enough.") { $0.sessions.append($1) }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .toggle("remove", nil, "Unpin the sessions instead.") { $0.remove = true }
        ]
    }

    var sessions: [String] = []
    var remove = false
    var options = GlobalOptions()

    func run() throws {
        let store = try StoreAccess.store(options)
        let output = Output(options)
        guard !sessions.isEmpty else { return try list(store, to: output) }
        try store.setPinned(sessions, !remove, by: DecisionOptions.user) { session in
            if options.json {
                output.line(Shapes.pinned.line(PinnedSession(session: session, isPinned: !remove)))
            } else if !options.quiet {
                output.text("\(remove ? "unpinned" : "pinned") \(Escape.display(session))")
            }
        }
        try output.finish()
    }

    private func list(_ store: Store, to output: Output) throws {
        if remove { throw Failure("usage", "--remove needs a session", status: .usage) }
        var count = 0
        try store.forEachPinnedSession { session in
            count += 1
            if options.json { output.line(session.json) } else { output.text(Escape.display(session.session)) }
        }
        if count == 0 { try output.nothing("no session is pinned", options) }
        try output.finish()
    }
}
