import Catalog
import JSON
import Model
import Store
import Terminal
import Text

/// One signature of `crashes top`.
struct TopRow: Row {
    let overview: SignatureOverview
    /// The last of the days that the bars show, in days since 1970-01-01.
    let today: Int
    /// The most crashes of one signature on one of these days: the full bar of all rows.
    let highest: Int

    private static let days = 14

    /// The rows of a table, with one scale for the bars of all.
    static func rows(_ overviews: some Sequence<SignatureOverview>, now: Int64) -> [TopRow] {
        let today = Int(now / 86_400_000)
        let overviews = Array(overviews)
        let highest = overviews.map { counts($0, today).max() ?? 0 }.max() ?? 0
        return overviews.map { TopRow(overview: $0, today: today, highest: highest) }
    }

    static var columns: [Column] {
        [
            .number("CRASHES", key: "count"), .number("SHARE"), "STATE", "SIGNATURE",
            ("FIRST BUILD" as Column).field("first_tag"), ("LAST BUILD" as Column).field("last_tag"),
            ("LAST SEEN" as Column).field("window_last_seen"),
            Column(stringLiteral: "\(days) DAYS").field("per_day"), ("REGIONS" as Column).field("locations"),
            ("TICKET/OWNER" as Column).field("ticket"),
        ]
    }

    var json: [UInt8] { Shapes.signature.line(overview).utf8 }

    var cells: [Table.Cell] {
        let state = overview.state
        return [
            Table.Cell("\(overview.selected.count)") { $0.red($1) },
            Table.Cell(overview.share.map { SharePercent.text($0) } ?? "-"),
            Table.Cell(state.rawValue) { style, text in
                switch state {
                case .new, .returned: style.red(text)
                case .fixed: style.green(text)
                case .ignored: style.dim(text)
                case .open: text
                }
            },
            Table.Cell(Escape.display(overview.signature)) { $0.bold($1) },
            Table.Cell(overview.firstTag.map { Escape.display($0) } ?? "-"),
            Table.Cell(overview.lastTag.map { Escape.display($0) } ?? "-"),
            Table.Cell(String(TimeText.table(overview.selected.lastSeen).prefix(16))),
            Table.Cell(bars) { $0.yellow($1) },
            Table.Cell(Self.short(overview.selected.locations)),
            Table.Cell(responsible),
        ]
    }

    /// One bar for each of the last days, today on the right.
    private var bars: String {
        let levels = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        return Self.counts(overview, today).map { count in
            count == 0 || highest == 0
                ? "·" : levels[min(levels.count - 1, (count * (levels.count - 1) + highest - 1) / highest)]
        }.joined()
    }

    private static func counts(_ overview: SignatureOverview, _ today: Int) -> [Int] {
        let counts = Dictionary(overview.selected.perDay.map { ($0.day, $0.count) }) { $0 + $1 }
        return ((today - days + 1)...today).map { counts[$0] ?? 0 }
    }

    private var responsible: String {
        let parts = [overview.standing.ticket, overview.standing.owner].compactMap { $0.map { Escape.display($0) } }
        return parts.isEmpty ? "-" : parts.joined(separator: " ")
    }

    /// Up to two names in full; of more, the first and the last.
    private static func short(_ names: [String]) -> String {
        let names = names.map { Escape.display($0) }
        guard names.count > 2, let first = names.first, let last = names.last else {
            return names.isEmpty ? "-" : names.joined(separator: " ")
        }
        return "\(first) … \(last) (\(names.count))"
    }
}
