extension TextReportFormat {
    static let java = TextReportFormat(
        name: "java",
        anchors: [
            Anchor(9, "\tat ", hints: false), Anchor(10, "   at ", hints: false), Anchor(11, "Exception in thread \""),
        ],
        voice: .logger, start: .afterPrefix, ending: .saysItself, lead: .exception, parse: TextJava.parse)
}

/// Exceptions of Java and its relatives.
enum TextJava {
    /// They only carry the exception that is the bug.
    static let wrappers = [
        "ReportedException", "class_148", "CrashException", "InvocationTargetException", "EventException",
        "ExecutionException", "CompletionException", "UndeclaredThrowableException", "ExceptionInInitializerError",
        "CommandException", "PrivilegedActionException", "LoadingFailedException", "UncheckedExecutionException",
    ]

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        guard let trace = ManagedTrace(lines, at: lines.at, runtime: .java) else { return parseBare(lines) }
        var record = CrashRecord(kind: "java")
        trace.name(&record, wrappers: wrappers)
        let fate = fate(lines, trace.head, &record)
        return TextReport(record: record, fate: fate, first: trace.head, end: trace.end)
    }

    /// `Exception in thread "x" …` whose frames were lost.
    private static func parseBare(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        guard lines.voice.isRawOrBad, text.hasPrefix("Exception in thread \""),
            let found = ManagedException(text, .java, beforeFrame: false)
        else { return nil }
        var record = CrashRecord(kind: "java")
        record.exception = found.type
        record.message = found.message
        let fate = fate(lines, lines.at, &record)
        return TextReport(record: record, fate: fate, first: lines.at, end: lines.at + 1)
    }

    private static func fate(_ lines: ReportLines, _ head: Int, _ record: inout CrashRecord) -> TextReport.Fate {
        let text = lines[head]
        guard text.hasPrefix("Exception in thread \""), let thread = text.between("Exception in thread \"", "\"") else {
            return ManagedTrace.endsProgram(lines, head: head) ? .died : .unsaid
        }
        record.threadName = thread
        return thread == "main" ? .likelyDied : .unsaid
    }
}
