import Model

extension TextReportFormat {
    static let faulthandler = TextReportFormat(
        name: "faulthandler",
        anchors: [
            Anchor(7, "Fatal Python error: "), Anchor(8, "(most recent call first)"),
            Anchor(162, "Windows fatal exception: "),
        ],
        ending: .ended, parse: TextFaulthandler.parse)
}

/// Python's faulthandler: the innermost call comes first.
enum TextFaulthandler {
    private static let signals = [
        "Segmentation fault": "SIGSEGV", "Aborted": "SIGABRT", "Bus error": "SIGBUS",
        "Floating point exception": "SIGFPE", "Floating-point exception": "SIGFPE", "Illegal instruction": "SIGILL",
    ]

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        guard head.hasPrefix("Fatal Python error: ") || head.hasPrefix("Windows fatal exception: ") else { return nil }
        var record = CrashRecord(kind: "faulthandler")
        let reason = (head.after(": ") ?? "").trimmed
        record.message = reason
        if head.hasPrefix("Windows") {
            record.exception = reason == "access violation" ? "EXCEPTION_ACCESS_VIOLATION" : reason
            // Programs raise such codes on purpose, to name a thread or to throw a C++ exception.
            if reason.hasPrefix("code 0x") { return nil }
        } else {
            record.exception = "Fatal Python error"
            record.signal = signals[reason] ?? "SIGABRT"
        }
        guard let start = thread(lines) else {
            return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
        }
        record.threadName = lines[start - 1].between(" [", "]")
        var at = start
        while record.frames.count < ReportLines.frameLimit, !lines[at].contains("recent call first"),
            let frame = lines.next(from: at, gap: 2, { TextPython.fileLine($0) })
        {
            record.frames.append(
                .printed(
                    record.frames.count, function: frame.found.function, file: frame.found.file,
                    line: frame.found.line))
            at = frame.after
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: rest(lines, from: at))
    }

    private static let reach = 2000

    /// One past the header of the thread that failed; other threads may precede it.
    private static func thread(_ lines: ReportLines) -> Int? {
        var first: Int?
        for at in lines.at + 1..<min(lines.count, lines.at + reach) {
            let line = lines[at]
            guard line.hasPrefix("Current thread 0x") || line.hasPrefix("Thread 0x"),
                line.contains("(most recent call first)")
            else {
                if first == nil, at > lines.at + 12 { return nil }
                continue
            }
            if line.hasPrefix("Current thread") { return at + 1 }
            first = first ?? at + 1
        }
        return first
    }

    /// One past the report: the other threads and the list of modules belong to it.
    private static func rest(_ lines: ReportLines, from start: Int) -> Int {
        var at = start
        var end = start
        while at < min(lines.count, start + reach) {
            let text = lines[at]
            if text.contains("(most recent call first)") || text.hasPrefix("  File \"")
                || text.hasPrefix("  Binary file ")
                || text.hasPrefix("Extension modules: ")
            {
                end = at + 1
            } else if !text.trimmed.isEmpty, !text.hasPrefix("  ") {
                break
            }
            at += 1
        }
        return end
    }
}
