import Model

extension TextReportFormat {
    static let cpptrace = TextReportFormat(
        name: "cpptrace",
        anchors: [Anchor(77, "Stack trace (most recent call first):")],
        voice: .logger, start: .afterPrefix, ending: .saysItself, runtime: .cpptrace, parse: TextCpptrace.parse)
}

/// Stacks of the cpptrace library; many programs print them for exceptions that they catch.
enum TextCpptrace {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        guard lines[lines.at].hasPrefix("Stack trace (most recent call first):") else { return nil }
        var record = CrashRecord(kind: "cpptrace")
        var at = lines.at + 1
        while record.frames.count < ReportLines.frameLimit,
            let next = lines.next(from: at, gap: record.frames.isEmpty ? 2 : 4, { frame($0, record.frames.count) })
        {
            record.frames.append(next.found)
            at = next.after
        }
        guard !record.frames.isEmpty else { return nil }
        let said = CrashWords.before(lines, lines.at)
        record.signal = said.signal
        let fate: TextReport.Fate = CrashWords.isLooking(lines, lines.at) ? .survived : said.isCrash ? .died : .unsaid
        return TextReport(record: record, fate: fate, first: lines.at, end: at)
    }

    /// A frame in numbered form; source snippets may come between frames.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        TextStack.frame(line, index: index, needsAddress: false)?.frame
    }
}

extension RuntimeNames {
    /// The library's own functions.
    static let cpptrace = RuntimeNames(
        machinery: ["cpptrace::*"])
}
