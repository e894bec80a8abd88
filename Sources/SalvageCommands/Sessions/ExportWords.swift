import CrashExport
import Store
import Terminal
import Text

/// What happened to a session's crashes at services outside, in words.
enum ExportWords {
    /// More crashes are counted.
    private static let most = 10

    /// One line for each crash; empty if there is nothing to say.
    static func lines(_ exports: SessionExports) -> [String] {
        var lines = exports.entries.prefix(most).map(line)
        let more = exports.entries.count - most
        if more > 0 { lines.append("… and \(counted(more, "more crash", "more crashes"))") }
        if let problem = exports.problem { lines.append("cannot be read: \(Escape.display(problem.message))") }
        return lines
    }

    private static func line(_ entry: ExportEntry) -> String {
        var words = "crash \(Escape.display(entry.crash)) "
        let time = TimeText.zoned(entry.time)
        switch entry.state {
        case .waiting: words += "waits for Sentry since \(time)"
        case .sent: words += "sent to Sentry \(time)" + (entry.event.map { " as event \(Escape.display($0))" } ?? "")
        case .skipped: words += "not sent to Sentry"
        }
        if entry.minidump == true { words += " with its minidump" }
        return words + (entry.reason.map { ": \(Escape.display($0))" } ?? "")
    }
}
