import Model

extension TextReportFormat {
    static let source = TextReportFormat(
        name: "source",
        anchors: [
            Anchor(43, "PreMinidumpCallback"), Anchor(118, "Uploading dump ("),
            Anchor(117, "End of Source crash report"),
        ],
        start: .afterPrefix, ending: .ended, rank: 0, rankWithoutFrames: 0, runtime: .source, parse: TextSource.parse)
}

/// Valve's servers report that they write a minidump; their script wraps gdb's report.
enum TextSource {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at].trimmed
        var record = CrashRecord(kind: "source")
        if head.hasPrefix("PreMinidumpCallback") {
            record.notes.append("the engine wrote a minidump; the log has no stack: " + head.prefix(120))
            return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
        }
        if let dump = head.before(": Uploading dump ("), dump.hasSuffix("]"), let open = dump.findLast(".dmp[") {
            record.pid = Int(dump[open.upperBound...].dropLast())
            record.notes.append("the engine wrote a minidump; the log has no stack")
            var report = TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
            report.continues = true
            return report
        }
        // A section without gdb's stack. One with a stack was read from its first frame on.
        guard head.hasPrefix("End of Source crash report"), let first = section(lines) else { return nil }
        for index in first..<lines.at {
            if let command = lines[index].after("Start Line: ") { record.commandLine = command.trimmed }
            record.signal = record.signal ?? GdbPreamble.signal(lines[index])
        }
        record.message = "crash report without a stack"
        var report = TextReport(record: record, fate: .died, first: first, end: lines.at + 1)
        report.opensProcess = true
        return report
    }

    /// Index of the line that begins the section; nil if another section's end comes first.
    private static func section(_ lines: ReportLines) -> Int? {
        for index in stride(from: lines.at - 1, through: 0, by: -1) {
            let text = lines.window.text(index)
            if text.find("CRASH: ") != nil, lines[index].hasPrefix("CRASH: ") { return index }
            if text.find("End of Source crash report") != nil { return nil }
        }
        return nil
    }
}

extension RuntimeNames {
    /// Source's own handlers.
    static let source = RuntimeNames(
        machinery: [
            "Windows_Sys_*", "Sys_Error*", "Error_Internal*", "Plat_ExitProcess*", "Plat_Abort*", "_SpewMessage*",
            "_ExitOnFatalAssert*", "AssertMsgImplementation*", "CallAssertFailedNotifyFunc*", "Host_Error*",
        ])
}
