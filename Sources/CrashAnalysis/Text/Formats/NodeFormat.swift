import Model

extension TextReportFormat {
    static let node = TextReportFormat(
        name: "node",
        anchors: [
            Anchor(9, "\tat ", hints: false), Anchor(10, "   at ", hints: false),
            Anchor(138, "triggerUncaughtException("),
            Anchor(139, "(Use `node --trace-uncaught "),
        ],
        voice: .logger, start: .afterPrefix, ending: .saysItself, lead: .exception, leavesNoDump: true,
        runtime: .node, closes: { $0.hasPrefix("Node.js v") }, parse: TextNode.parse)
}

extension TextReportFormat {
    /// V8's and node's own fatal errors, most often a full heap.
    static let v8 = TextReportFormat(
        name: "node_fatal", kinds: ["v8"],
        anchors: [
            Anchor(46, "FATAL ERROR: "), Anchor(140, "# Fatal error in "),
            Anchor(141, "----- Native stack trace -----"),
        ],
        ending: .ended, runtime: .v8, parse: TextV8.parse)
}

extension TextReportFormat {
    /// Bun's own crash.
    static let bun = TextReportFormat(
        name: "bun",
        anchors: [Anchor(142, "oh no: Bun has crashed"), Anchor(143, "oh no: multiple threads are crashing")],
        ending: .ended, lead: .word, parse: TextNode.parseBun)
}

/// JavaScript under node, deno and bun.
enum TextNode {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        if text.find("triggerUncaughtException(") != nil { return parseTriggered(lines) }
        if text.hasPrefix("(Use `node --trace-uncaught ") { return parseThrown(lines) }
        guard let trace = ManagedTrace(lines, at: lines.at, runtime: .node) else { return nil }
        return report(lines, trace, first: trace.head, fate: nil)
    }

    private static func report(
        _ lines: ReportLines, _ trace: ManagedTrace, first: Int, fate: TextReport.Fate?
    ) -> TextReport {
        var record = CrashRecord(kind: "node")
        trace.name(&record, wrappers: [])
        let end = farewell(lines, from: trace.end)
        var report = TextReport(record: record, fate: fate ?? .unsaid, first: first, end: end ?? trace.end)
        guard fate == nil else { return report }
        if let start = source(lines, above: trace.head) {
            report.first = start
            report.fate = .likelyDied
        }
        if lines.window.text(trace.head).trimmed.hasPrefix("error: Uncaught ") { report.fate = .died }
        if end != nil || ManagedTrace.endsProgram(lines, head: trace.head) { report.fate = .died }
        if isWarning(lines, trace.head) { report.fate = .survived }
        return report
    }

    /// True for a rejected promise that only causes a warning, as in node before 15 or with the program's own handler.
    private static func isWarning(_ lines: ReportLines, _ head: Int) -> Bool {
        (max(0, head - 1)...head).contains { at in
            let text = lines.window.text(at)
            return text.find("UnhandledPromiseRejectionWarning") != nil || text.hasPrefix("(node:")
                || text.find("Warning: ") != nil && text.hasPrefix("(")
        }
    }

    private static let farewellReach = 60

    /// One past the last line of node or bun, which follows the error's own fields; nil if there is none.
    private static func farewell(_ lines: ReportLines, from end: Int) -> Int? {
        for at in end..<min(lines.count, end + farewellReach) {
            let text = lines[at]
            if text.hasPrefix("Node.js v"), text.dropFirst(9).leadingNumber != nil { return at + 1 }
            if text.hasPrefix("Bun v"), text.dropFirst(5).leadingNumber != nil { return at + 1 }
            if lines.head(at).isLogged, lines.voice.isRaw { return nil }
        }
        return nil
    }

    /// The first of the lines above an uncaught error: `file:12`, the source, `^`, a blank one; nil if there are none.
    private static func source(_ lines: ReportLines, above head: Int) -> Int? {
        for at in stride(from: head - 1, through: max(0, head - 4), by: -1) {
            let text = lines[at].trimmed
            if text.isEmpty || text.hasPrefix("Thrown at:") { continue }
            guard text.allSatisfy({ $0 == "^" || $0 == "~" }) else { return nil }
            let line = at >= 2 ? lines[at - 2].trimmed.fileAndLine.line : nil
            return line == nil ? at : at - 2
        }
        return nil
    }

    /// node's own source line for an unhandled rejection; the error or words in brackets follow.
    private static func parseTriggered(_ lines: ReportLines) -> TextReport? {
        guard lines[lines.at].trimmed.hasPrefix("triggerUncaughtException(") else { return nil }
        let first = lines.at > 0 && lines[lines.at - 1].hasPrefix("node:internal/") ? lines.at - 1 : lines.at
        for at in lines.at + 1..<min(lines.count, lines.at + 8) {
            let text = lines[at].trimmed
            if text.isEmpty || text.allSatisfy({ $0 == "^" }) { continue }
            if let trace = ManagedTrace(lines, head: at, from: at + 1, .node) {
                return report(lines, trace, first: first, fate: .died)
            }
            var record = CrashRecord(kind: "node")
            if text.hasPrefix("[UnhandledPromiseRejection") {
                record.exception = "UnhandledPromiseRejection"
                record.message = text.between("with the reason \"", "\"") ?? text.after(": ")
            } else if let found = ManagedException(text, .node, beforeFrame: false) {
                record.exception = found.type
                record.message = found.message
            } else {
                record.exception = "Uncaught"
                record.message = text
            }
            return TextReport(record: record, fate: .died, first: first, end: farewell(lines, from: at) ?? at + 1)
        }
        return nil
    }

    /// A thrown value without a stack: `file:12`, the source, `^`, then the value.
    private static func parseThrown(_ lines: ReportLines) -> TextReport? {
        guard lines.at > 0, let start = source(lines, above: lines.at - 1) else { return nil }
        var record = CrashRecord(kind: "node")
        record.exception = "Uncaught"
        record.message = lines[lines.at - 1].trimmed
        let place = lines[start].trimmed.fileAndLine
        if place.line != nil { record.frames = [.printed(0, function: nil, file: place.file, line: place.line)] }
        return TextReport(
            record: record, fate: .died, first: start, end: farewell(lines, from: lines.at) ?? lines.at + 1)
    }

    /// `panic(main thread): Segmentation fault at address 0x8`, then an apology.
    static func parseBun(_ lines: ReportLines) -> TextReport? {
        guard lines[lines.at].hasPrefix("oh no: ") else { return nil }
        var record = CrashRecord(kind: "bun")
        record.exception = "panic"
        var first = lines.at
        for at in stride(from: lines.at - 1, through: max(0, lines.at - 6), by: -1) {
            let text = lines[at].trimmed
            guard text.hasPrefix("panic"), let words = text.after(": ") else { continue }
            first = at
            record.message = words.before(" at address ") ?? words
            record.threadName = text.between("(", ")")
            // Bun prints hexadecimal digits in capitals.
            record.address = words.after(" at address ")?.leadingHex.map(Address.init)
            if words.hasPrefix("Segmentation fault") { record.signal = "SIGSEGV" }
            if words.hasPrefix("Illegal instruction") { record.signal = "SIGILL" }
            if words.hasPrefix("Bus error") { record.signal = "SIGBUS" }
            break
        }
        guard first < lines.at else { return nil }
        return TextReport(record: record, fate: .died, first: first, end: lines.at + 1)
    }
}

extension RuntimeNames {
    /// What node and JavaScript name their own files and functions without a name.
    static let node = RuntimeNames(
        libraries: ["<anonymous>", "anonymous", "eval"],
        sources: ["node:", "internal/"])
}
