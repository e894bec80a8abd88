import JSON
import Store
import Terminal
import Text

/// One build.
struct BuildRow: Row {
    let build: BuildOverview

    static var columns: [Column] {
        [
            ("BUILD" as Column).field("tag"), .number("SESSIONS"), .number("CRASHED", key: "crashed_sessions"),
            .number("SHARE"), .number("CRASHES"), .number("NEW", key: "new_signatures"),
            "FIRST SEEN", "LAST SEEN", "IMAGES",
        ]
    }

    var json: [UInt8] { Shapes.build.line(build).utf8 }

    var cells: [Table.Cell] {
        [
            Table.Cell(Escape.display(build.tag)) { $0.bold($1) },
            Table.Cell("\(build.sessions)"),
            Table.Cell("\(build.crashedSessions)"),
            Table.Cell(build.crashFree.map { SharePercent.text(1 - $0) } ?? "-") { $0.red($1) },
            Table.Cell("\(build.crashes)"),
            Table.Cell("\(build.newSignatures)"),
            Table.Cell(String(TimeText.table(build.firstSeen).prefix(16))),
            Table.Cell(String(TimeText.table(build.lastSeen).prefix(16))),
            Table.Cell(build.images.isEmpty ? "-" : Escape.display(build.images.joined(separator: " "))),
        ]
    }
}
