import Catalog
import JSON
import Terminal
import Text

/// `salvage crashes top`: which crashes hurt most, since which build, in which region.
struct CrashesTop: Command {
    static var name: String { "crashes top" }
    static var abstract: String { "Group crashes by signature, most frequent first." }
    static var discussion: String {
        "Tables show the first \(shown) signatures unless --limit is given; --json prints all. Running "
            + "sessions are not counted; `salvage crashes` lists the crashes found in their followed logs."
    }

    static var flags: [CommandFlag<Self>] {
        CrashOptions.flags.within(\.which) + SelectionOptions.flags.within(\.select)
    }

    private static let shown = 20
    private static let days = 14

    var which = CrashOptions()
    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        let catalog = try StoreAccess.catalogForReading(options)
        let top = try catalog.topSignatures(try which.selection(select))
        let output = Output(options)
        if top.isEmpty { try output.nothing("no crash matches", options) }
        if options.json {
            for signature in top {
                output.line(Self.line(signature))
                try output.checkReader()
            }
        } else {
            writeTable(top, to: output)
        }
        try output.finish()
    }

    private static func line(_ signature: SignatureSummary) -> JSONLine {
        var days = JSONLine()
        for day in signature.perDay { days.add(date(day.day), day.count) }
        var line = JSONLine()
        line.add("signature", signature.signature)
        line.add("count", signature.count)
        line.add("sessions", signature.sessions)
        line.add("first_seen", time: signature.firstSeen)
        line.add("last_seen", time: signature.lastSeen)
        line.add("images", signature.images)
        line.add("tags", signature.tags)
        line.add("locations", signature.locations)
        line.add("per_day", days)
        return line
    }

    private func writeTable(_ top: [SignatureSummary], to output: Output) {
        let today = Int(TimeText.now() / 86_400_000)
        var table = Table(
            [
                "CRASHES", "SESSIONS", "FIRST SEEN", "LAST SEEN", "\(Self.days) DAYS", "IMAGES", "TAGS",
                "LOCATIONS", "SIGNATURE",
            ], rightAligned: [0, 1])
        let visible = select.limit == nil ? top.prefix(Self.shown) : top[...]
        for signature in visible {
            table.add([
                Table.Cell("\(signature.count)") { $0.red($1) },
                Table.Cell("\(signature.sessions)"),
                Table.Cell(String(TimeText.table(signature.firstSeen).prefix(16))),
                Table.Cell(String(TimeText.table(signature.lastSeen).prefix(16))),
                Table.Cell(Self.bars(signature.perDay, today: today)) { $0.yellow($1) },
                Table.Cell(Self.short(signature.images.filter { !$0.isEmpty })),
                Table.Cell(Self.short(signature.tags)),
                Table.Cell(Self.short(signature.locations)),
                Table.Cell(Escape.display(signature.signature)) { $0.bold($1) },
            ])
        }
        table.write(to: output.sink, style: output.style)
        if visible.count < top.count, !options.quiet {
            let more = counted(top.count - visible.count, "more signature")
            output.text(output.style.dim("… and \(more); --limit \(top.count)"))
        }
    }

    /// One bar for each of the last days, today on the right.
    private static func bars(_ perDay: [SignatureSummary.Day], today: Int) -> String {
        let levels = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        let counts = Dictionary(perDay.map { ($0.day, $0.count) }) { $0 + $1 }
        let span = (today - days + 1)...today
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

    private static func date(_ day: Int) -> String {
        String(TimeText.iso8601(Int64(day) &* 86_400_000).prefix(10))
    }
}
