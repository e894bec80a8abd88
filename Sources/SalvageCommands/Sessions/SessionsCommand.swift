import Catalog
import JSON
import Model
import Terminal

/// `salvage sessions`: lists sessions.
struct Sessions: Command {
    static var name: String { "sessions" }
    static var abstract: String { "List sessions: running ones first, then by end, newest first." }
    static var discussion: String {
        """
        Sessions are selected by the time they ended, or began if they are running. --tag, --image, --location and \
        the value of --label take globs (`*`, `?`, `[a-z]`). `pruned` after the state means that retention removed \
        the pack; the ledger is kept.
        """
    }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .choice(
                "state", value: "state", "Only sessions in this ledger state. May be repeated.", occurrence: .collects
            ) { $0.state.append($1) }
        ]
        return own + SelectionOptions.flags.within(\.select)
    }

    var state: [SessionStateFlag] = []
    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        let catalog = try StoreAccess.catalogForReading(options)
        var selection = try select.selection()
        selection.states = state.map(\.state)
        let output = Output(options)
        var count = 0
        var table = Table(
            ["SESSION", "IMAGE", "TAG", "LOCATION", "ENDED", "STATE", "CRASHES", "MEMBERS", "SIZE"],
            rightAligned: [6, 7, 8])
        try catalog.forEachSession(selection) { session in
            count += 1
            if options.json {
                output.line(JSONLine(session: session))
                try output.checkReader()
            } else {
                table.add(Self.row(session))
            }
        }
        if count == 0 { try output.nothing("no session matches", options) }
        if !options.json { table.write(to: output.sink, style: output.style) }
        try output.finish()
    }

    private static func row(_ session: SessionRecord) -> [Table.Cell] {
        let ended = session.exited ?? session.firstSeenExited
        let crashes = session.crashes > 0 ? "\(session.crashes)" : "-"
        return [
            Table.Cell(Escape.display(session.session)) { $0.cyan($1) },
            Table.Cell(session.image.isEmpty ? "-" : Escape.display(session.image)),
            Table.Cell(session.tag.map { Escape.display($0) } ?? "-"),
            Table.Cell(session.location.map { Escape.display($0) } ?? "-"),
            Table.Cell(ended.map { TimeText.table($0) } ?? "-"),
            Table.Cell(StateText.words(session), StateText.dress(session.state)),
            Table.Cell(crashes) { session.crashes > 0 ? $0.red($1) : $0.dim($1) },
            Table.Cell(session.isPruned ? "-" : "\(session.members)"),
            Table.Cell(session.isPruned ? "-" : SizeText.binary(session.bytes)),
        ]
    }
}

/// The values of `--state`.
enum SessionStateFlag: String, CaseIterable {
    case running, pending, harvested, partial, skipped, lost

    var state: SessionState {
        switch self {
        case .running: .running
        case .pending: .pending
        case .harvested: .harvested
        case .partial: .partial
        case .skipped: .skipped
        case .lost: .lost
        }
    }
}
