/// Decides whether the process of a report died or lived on. The evidence, strongest first: what the report says; a
/// logger's level on the line before; whether lines of the same run follow; words of an orderly stop before it; the
/// same error survived earlier in the log.
struct ReportFate {
    let source: any ByteSource
    let supervisor: Supervisor
    let boundary: RunBoundary

    /// True for a death. `survivedBefore` says that the same error was survived earlier in this member.
    func isDeath(
        _ report: TextReport, _ lines: ReportLines, class ending: TextReportFormat.Ending, survivedBefore: Bool
    )
        -> Bool
    {
        let fate = report.fate ?? (ending == .ended ? .died : ending == .survived ? .survived : .unsaid)
        let end = lines.window.offset(report.end)
        // The last words of the process outweigh the lines that follow: another process wrote those.
        if Self.isClosed(report, lines), fate == .died || fate == .likelyDied { return true }
        switch fate {
        case .survived: return false
        case .died:
            let after = aftermath(end, lines, report, enough: Aftermath.hundred)
            return after.logged + after.familiar < Aftermath.hundred
        case .likelyDied:
            if stopped(lines, before: report.first) { return false }
            let after = aftermath(end, lines, report, enough: Aftermath.hundred)
            if after.logged + after.familiar >= Aftermath.hundred { return false }
            return !(isLogged(lines, report) && after.logged + after.familiar > 0)
        case .unsaid:
            if survivedBefore || isLogged(lines, report) || stopped(lines, before: report.first) { return false }
            let after = aftermath(end, lines, report, enough: 1)
            return after.logged + after.familiar == 0
        }
    }

    /// True if the process, outside its logger, ended its report with words after which it is gone.
    static func isClosed(_ report: TextReport, _ lines: ReportLines) -> Bool {
        guard case .raw = lines.voice, report.end > 0 else { return false }
        return TextReportFormats.closes(lines[report.end - 1])
    }

    private func aftermath(_ end: UInt64, _ lines: ReportLines, _ report: TextReport, enough: Int) -> Aftermath {
        var words: Set<String> = []
        for index in max(0, report.first - 40)..<max(report.first, 0) {
            let text = lines.window.text(index)
            if !text.isEmpty, text.first?.isWhitespace == false { words.insert(Aftermath.opening(text)) }
        }
        return Aftermath(
            source, from: end, supervisor: supervisor, boundary: boundary, familiarWords: words, enough: enough)
    }

    /// True if the error was caught and logged, on the report's own line or on the line right before.
    private func isLogged(_ lines: ReportLines, _ report: TextReport) -> Bool {
        if case .logged(let head) = lines.voice, head.isLogged { return true }
        let own = lines.head(report.first)
        if let level = own.level, level >= .warning, own.isStamped || !own.names.isEmpty { return true }
        guard report.first > 0 else { return false }
        let before = lines.head(report.first - 1)
        return (before.level ?? .debug) >= .warning
    }

    /// True if the program was told to stop, or said that it stops, shortly before.
    private func stopped(_ lines: ReportLines, before first: Int) -> Bool {
        (max(0, first - 12)..<max(0, first)).contains { index in
            let text = lines.window.text(index).lowercased()
            return Self.stops.contains { text.contains($0) }
        }
    }

    private static let stops = [
        "sigterm", "sigint", "stopping server", "stopping the server", "shutting down", "shutdown requested",
        "graceful shutdown", "received signal 15", "received signal 2,", "received stop", "server is stopping",
        "keyboardinterrupt", "requestexit", "closing by request", "gracefully stopping", "aborting on container exit",
        "  stopping", "received sigterm",
    ]
}
