import Catalog
import CrashAnalysis
import JSON
import Model
import Store
import Terminal
import Text

extension ListedCrash: Row {
    static var columns: [Column] { ["TIME", "CRASH", "SESSION", "TAG", "LOCATION", "KIND", "REASON", "SIGNATURE"] }

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
            Table.Cell(Escape.display(session ?? "-")),
            Table.Cell(tag.map { Escape.display($0) } ?? "-"),
            Table.Cell(location.map { Escape.display($0) } ?? "-"),
            Table.Cell(Escape.display(kind)),
            Table.Cell(Escape.display(reason ?? "-")) { $0.red($1) },
            Table.Cell(Escape.display(signature)),
        ]
    }
}

extension SignatureSummary: Row {
    private static let days = 14

    static var columns: [Column] {
        [
            .number("CRASHES"), .number("SESSIONS"), "FIRST SEEN", "LAST SEEN", Column(stringLiteral: "\(days) DAYS"),
            "IMAGES", "TAGS", "LOCATIONS", "SIGNATURE",
        ]
    }

    var json: [UInt8] { Shapes.signatureSummary.line(self).utf8 }

    var cells: [Table.Cell] {
        [
            Table.Cell("\(count)") { $0.red($1) },
            Table.Cell("\(sessions)"),
            Table.Cell(String(TimeText.table(firstSeen).prefix(16))),
            Table.Cell(String(TimeText.table(lastSeen).prefix(16))),
            Table.Cell(bars(today: Int(TimeText.now() / 86_400_000))) { $0.yellow($1) },
            Table.Cell(Self.short(images.filter { !$0.isEmpty })),
            Table.Cell(Self.short(tags)),
            Table.Cell(Self.short(locations)),
            Table.Cell(Escape.display(signature)) { $0.bold($1) },
        ]
    }

    /// One bar for each of the last days, today on the right.
    private func bars(today: Int) -> String {
        let levels = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        let counts = Dictionary(perDay.map { ($0.day, $0.count) }) { $0 + $1 }
        let span = (today - Self.days + 1)...today
        let highest = span.map { counts[$0] ?? 0 }.max() ?? 0
        return span.map { day in
            let count = counts[day] ?? 0
            return count == 0 || highest == 0 ? "·" : levels[(count * (levels.count - 1) + highest - 1) / highest]
        }.joined()
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

/// One change of `crashes diff`.
struct ChangeRow: Row {
    let change: BuildComparison.Change
    let comparison: BuildComparison

    static var columns: [Column] { ["", .number("BEFORE"), .number("AFTER"), .number("SHARE"), "SIGNATURE"] }

    var json: [UInt8] {
        var line = JSONLine()
        line.add("change", change.word.rawValue)
        line.add("signature", change.signature)
        line.add("crashes_before", change.crashes.before)
        line.add("crashes_after", change.crashes.after)
        line.add("sessions_before", change.sessions.before)
        line.add("sessions_after", change.sessions.after)
        line.add("share_before", change.share.before)
        line.add("share_after", change.share.after)
        line.add("all_sessions_before", comparison.before.sessions)
        line.add("all_sessions_after", comparison.after.sessions)
        return line.utf8
    }

    var cells: [Table.Cell] {
        let word = change.word
        return [
            Table.Cell(word.rawValue) { style, text in
                switch word {
                case .new, .more: style.red(text)
                case .gone, .fewer: style.green(text)
                case .same: text
                }
            },
            Table.Cell("\(change.crashes.before)"), Table.Cell("\(change.crashes.after)"),
            Table.Cell("\(Self.percent(change.share.before)) → \(Self.percent(change.share.after))"),
            Table.Cell(Escape.display(change.signature)) { $0.bold($1) },
        ]
    }

    private static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1000).rounded())
        return "\(tenths / 10).\(tenths % 10) %"
    }
}
