import Model

extension TextReportFormat {
    static let glib = TextReportFormat(
        name: "assert", anchors: [Anchor(196, ": assertion failed: (")], start: .before("ERROR:"), ending: .ended,
        rank: 10, rankWithoutFrames: 10, lead: .assertion, runtime: .glib, parse: TextGLib.parse)
}

/// Failed assertions of GLib: `ERROR:../src/pond.c:44:pond_drain: assertion failed: (depth > 0)`.
enum TextGLib {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        guard text.hasPrefix("ERROR:"), let place = text.before(": assertion failed: (") else { return nil }
        let parts = place.dropFirst(6).split(separator: ":" as Character).map(String.init)
        guard parts.count == 3, let line = Int(parts[1]), parts[0].contains("."), !parts[0].contains(" "),
            !parts[2].contains(" ")
        else { return nil }
        var record = CrashRecord(kind: "assert")
        record.exception = "assertion"
        record.signal = "SIGABRT"
        let condition = (text.after(": assertion failed: (") ?? "").trimmed
        record.message = condition.hasSuffix(")") ? String(condition.dropLast()) : condition
        record.frames = [.printed(0, function: PrintedNames.function(parts[2]), file: parts[0], line: line)]
        var end = lines.at + 1
        if lines.window.text(end).hasPrefix("Bail out! ERROR:") { end += 1 }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }
}

extension RuntimeNames {
    /// GLib's functions that report.
    static let glib = RuntimeNames(
        machinery: [
            "g_log", "g_logv", "g_log_structured*", "g_log_default_handler*", "g_assertion_message*", "g_on_error_*",
            "g_error*",
        ])
}
