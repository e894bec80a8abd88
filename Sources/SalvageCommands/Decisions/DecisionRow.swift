import JSON
import Model
import Store
import Terminal
import Text

/// One entry of the journal.
struct DecisionRow: Row {
    let decision: Decision

    static var columns: [Column] {
        [
            "TIME", ("WHO" as Column).field("author"), ("WHAT" as Column).field("action"), "SIGNATURE", "TICKET",
            "NOTE",
        ]
    }

    var json: [UInt8] { Shapes.decision.line(decision).utf8 }

    var cells: [Table.Cell] {
        [
            Table.Cell(TimeText.table(decision.time)),
            Table.Cell(Escape.display(decision.author)),
            Table.Cell(what) { $0.bold($1) },
            Table.Cell(Escape.display(decision.signature)) { $0.cyan($1) },
            Table.Cell(decision.ticket.map { Escape.display($0) } ?? "-"),
            Table.Cell(decision.note.map { Escape.display($0) } ?? "-"),
        ]
    }

    private var what: String {
        switch decision.action {
        case .resolve(let tag): "resolve" + (tag.map { " in \(Escape.display($0))" } ?? "")
        case .ignore(let until, let crashes):
            "ignore" + (until.map { " until \(TimeText.table($0))" } ?? "")
                + (crashes.map { " for \(counted($0, "crash", "crashes"))" } ?? "")
        case .assign(let owner): owner.map { "assign to \(Escape.display($0))" } ?? "assign to nobody"
        case .merge(let into): "merge into \(Escape.display(into))"
        case .reopen, .unmerge, .note: decision.action.name
        }
    }
}
