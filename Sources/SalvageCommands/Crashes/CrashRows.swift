import Catalog
import CrashAnalysis
import JSON
import Model
import Store
import Terminal
import Text

extension ListedCrash: Row {
    static var columns: [Column] {
        [
            .time("TIME", priority: 1), .text("CRASH", priority: 1, cut: .middle, minimum: 10),
            .text("SIGNATURE", priority: 0, cut: .middle, minimum: 24), .text("TAG", priority: 2),
            .text("SESSION", priority: 3, cut: .middle), .text("LOCATION", priority: 5),
            .text("REASON", key: "signal", priority: 4), .text("KIND", priority: 6),
        ]
    }

    var cells: [Table.Cell] {
        switch self {
        case .stored(let crash):
            let row = crash.row
            return Self.cells(
                row.time, row.crash, row.session, row.tag, row.location, kind: row.kind,
                reason: row.signal ?? row.exception, row.signature)
        case .followed(let record):
            let time = record.time.flatMap { TimeText.parse($0, now: TimeText.now()) }
            return Self.cells(
                time, record.crash, record.session, record.tag, record.location, kind: record.kind + " (running)",
                reason: record.signal ?? record.exception, record.signature)
        }
    }

    private static func cells(
        _ time: Int64?, _ crash: String, _ session: String?, _ tag: String?, _ location: String?, kind: String,
        reason: String?, _ signature: String
    ) -> [Table.Cell] {
        [
            Table.Cell(time.map { TimeText.table($0) } ?? "-"),
            Table.Cell(Escape.display(crash)) { $0.cyan($1) },
            Table.Cell(Escape.display(signature)),
            Table.Cell(tag.map { Escape.display($0) } ?? "-"),
            Table.Cell(Escape.display(session ?? "-")),
            Table.Cell(location.map { Escape.display($0) } ?? "-"),
            Table.Cell(Escape.display(reason ?? "-")) { $0.red($1) },
            Table.Cell(Escape.display(kind)),
        ]
    }
}
