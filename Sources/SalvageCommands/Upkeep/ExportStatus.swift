import CrashExport
import JSON
import Store
import Terminal
import Text

/// The service that receives crashes, as `status` shows it.
struct ExportStatus {
    private let report: CrashExportReport?
    private let trouble: String?

    /// Reads the queue of the export. That it cannot be read is a part of the status.
    init(_ store: Store, now: Int64) {
        do throws(StoreError) {
            report = try store.exportReport(now: now)
            trouble = nil
        } catch {
            report = nil
            trouble = "\(error)"
        }
    }

    /// Adds the service, and why its queue cannot be read, unless there is nothing to say.
    func add(to line: inout JSONLine) {
        if let report { line.add("exports", [CrashExportReport.shape.line(report)]) }
        if let lines = report?.unreadableLines, lines > 0 { line.add("unreadable_export_lines", lines) }
        line.add("export_error", trouble)
    }

    /// Writes a line for the service.
    func write(to output: Output) {
        let style = output.style
        if let report {
            let words = Self.words(report)
            let isQuiet = report.waiting == 0 && report.paused == nil && report.lastError == nil
            let dressed = report.paused == nil ? style.yellow(words) : style.red(words)
            output.text("export    " + (isQuiet ? words : dressed))
            if report.unreadableLines > 0 {
                let lines = counted(report.unreadableLines, "line")
                output.text("export    " + style.red("\(lines) of the queue cannot be read"))
            }
        }
        if let trouble { output.text("export    " + style.red(Escape.display(trouble))) }
    }

    /// What was sent and what waits, and why.
    static func words(_ report: CrashExportReport) -> String {
        var words = "\(report.service): \(counted(report.sent, "crash", "crashes")) sent, \(report.waiting) waiting"
        if report.skipped > 0 { words += ", \(report.skipped) skipped" }
        if let paused = report.paused {
            words += "; paused: \(Escape.display(paused))"
        } else if let error = report.lastError {
            words += ", last error: \(Escape.display(error))"
        }
        if let until = report.limitedUntil { words += "; limited until \(TimeText.zoned(until))" }
        return words
    }
}
