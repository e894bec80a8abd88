import JSON
import Model
import Store
import Terminal
import Text

/// One change of `crashes diff`.
struct ChangeRow: Row {
    let change: BuildComparison.Change

    static var columns: [Column] {
        [
            "CHANGE", "SIGNATURE", .number("BEFORE", key: "crashes_before"), .number("AFTER", key: "crashes_after"),
            .number("SHARE", key: "share_after"), "CHANCE",
        ]
    }

    var json: [UInt8] { Shapes.change.line(change).utf8 }

    var cells: [Table.Cell] {
        let word = change.word
        return [
            Table.Cell(Self.text(change)) { style, text in
                switch word {
                case .new, .returned, .more: style.red(text)
                case .gone, .fewer: style.green(text)
                case .same: text
                }
            },
            Table.Cell(Escape.display(change.signature)) { $0.bold($1) },
            Table.Cell("\(change.crashes.before)"), Table.Cell("\(change.crashes.after)"),
            Table.Cell("\(SharePercent.text(change.share.before)) → \(SharePercent.text(change.share.after))"),
            Table.Cell(Self.chance(change)) { change.isLikelyChance ? $0.dim($1) : $1 },
        ]
    }

    /// `returned (last in 1.3.9)`.
    private static func text(_ change: BuildComparison.Change) -> String {
        change.word.rawValue + (change.lastIn.map { " (last in \(Escape.display($0)))" } ?? "")
    }

    private static func chance(_ change: BuildComparison.Change) -> String {
        if change.word == .same { return "-" }
        return change.isLikelyChance ? "likely chance" : "p " + probability(change.chance)
    }

    private static func probability(_ value: Double) -> String {
        guard value >= 0.001 else { return "< 0.001" }
        let thousandths = String(Int((value * 1000).rounded()))
        return "0." + String(repeating: "0", count: max(0, 3 - thousandths.utf8.count)) + thousandths
    }
}
