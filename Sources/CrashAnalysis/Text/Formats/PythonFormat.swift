import Model

extension TextReportFormat {
    static let python = TextReportFormat(
        name: "python",
        anchors: [
            Anchor(5, "Traceback (most recent call last)"), Anchor(6, "\", line "),
        ],
        start: .afterPrefix, ending: .saysItself, lead: .exception, leavesNoDump: true, runtime: .python,
        parse: TextPython.parse)
}

/// Python: tracebacks with chains and groups, and syntax errors.
enum TextPython {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        if head.contains("\", line ") { return parseSyntax(lines) }
        guard bare(head).hasPrefix("Traceback (most recent call last)") else { return nil }
        var record = CrashRecord(kind: "python")
        var at = lines.at + 1
        while true {
            guard let end = traceback(lines, from: at, into: &record) else { break }
            at = end
            guard
                let again = lines.next(
                    from: at, { bare($0).hasPrefix("Traceback (most recent call last)") ? true : nil }),
                (at..<again.after).contains(where: { isChain(lines[$0]) })
            else { break }
            record.notes.append("raised while handling \(record.exception ?? "another exception")")
            record.frames = []
            at = again.after
        }
        guard !record.frames.isEmpty else { return nil }
        at = leaf(lines, from: at, into: &record)
        record.frames.reverse()
        for index in record.frames.indices { record.frames[index].index = index }
        // gevent prints after the traceback which greenlet failed.
        let isGreenlets = lines[at].find(" failed with ") != nil && lines[at].find("<Greenlet ") != nil
        return TextReport(
            record: record, fate: isGreenlets ? .survived : fate(lines, record), first: lines.at,
            end: isGreenlets ? at + 1 : at)
    }

    /// The interpreter ends if nothing catches the exception: then the module's own code is the outermost frame.
    private static func fate(_ lines: ReportLines, _ record: CrashRecord) -> TextReport.Fate {
        let gone = [
            "KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError", "asyncio.exceptions.CancelledError",
        ]
        if gone.contains(record.exception ?? "") { return .survived }
        for at in max(0, lines.at - 4)..<lines.at where isSurvived(lines, at) { return .survived }
        if isOfLoop(lines) { return .survived }
        if lines.at > 0, lines[lines.at - 1].hasPrefix("--- Logging error ---") { return .survived }
        return record.frames.last?.function == "<module>" ? .likelyDied : .unsaid
    }

    /// What Python prints when an exception ends a thread, a task or a callback but not the process.
    private static let survived = [
        "Exception in thread ", "Exception ignored in", "Task exception was never retrieved",
        "Future exception was never retrieved", "Exception in callback ", "Unhandled exception in thread started by",
        "Exception occurred during processing of request", "Unhandled error in Deferred",
        "_GatheringFuture exception was never retrieved", "Exception happened during processing of request",
        "Ignoring exception in ", "Unhandled Error", "Exception in Tkinter callback",
    ]

    /// True if these words begin a line, or the text after its logger's head.
    private static func isSurvived(_ lines: ReportLines, _ at: Int) -> Bool {
        if lines[at].hasPrefix(anyOf: survived) { return true }
        let text = lines.window.text(at)
        for words in survived {
            guard let lead = text.before(words) else { continue }
            if lead.contains("<") || lead.find("hat]") != nil { return false }
            return LineHead(lead + "x").length >= lead.utf8.count || isBad(lead)
        }
        return false
    }

    /// True for a level of Python's own `logging` anywhere in the text.
    private static func isBad(_ lead: String) -> Bool {
        ["ERROR", "CRITICAL", "WARNING"].contains { lead.find($0) != nil }
    }

    private static let fields = ["future: ", "handle: ", "task: ", "protocol: ", "transport: ", "socket: "]

    /// True after the fields with which the event loop logs an error that it survives.
    private static func isOfLoop(_ lines: ReportLines) -> Bool {
        var at = lines.at - 1
        while at > 0, lines.at - at <= fields.count, lines[at].hasPrefix(anyOf: fields) { at -= 1 }
        guard at >= 0, at < lines.at - 1 else { return false }
        return (lines.head(at).level ?? .debug) >= .warning || isBad(String(lines.window.text(at).prefix(80)))
    }

    private static let deepestGroup = 16
    private static let longestGroup = 2000

    /// Reads the first exception in a group, however deep, which names the bug. Its frames are added to the group's.
    private static func leaf(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        for _ in 0..<deepestGroup {
            guard let branch = lines.next(from: at, gap: 1, { $0.trimmed.hasPrefix("+-+---") ? true : nil }) else {
                break
            }
            let head = lines.next(from: branch.after, gap: 1) { line in
                bare(line).hasPrefix("Traceback (most recent call last)") ? true : nil
            }
            if let head, let end = traceback(lines, from: head.after, into: &record) {
                at = end
            } else if let bare = exceptionLine(lines[branch.after]) {
                record.exception = bare.type
                record.message = bare.message
                at = branch.after + 1
            } else {
                break
            }
        }
        guard at > start else { return start }
        while at < min(lines.count, start + longestGroup), let first = lines[at].trimmed.first, "|+".contains(first) {
            at += 1
        }
        return at
    }

    private static func isChain(_ line: String) -> Bool {
        line.contains("another exception occurred") || line.contains("direct cause of the following exception")
    }

    /// A line without indentation and without the margin of exception groups.
    private static func bare(_ line: String) -> String {
        var text = line.trimmed[...]
        while let first = text.first, first == "|" || first == "+" || first == " " { text = text.dropFirst() }
        return text.hasPrefix("Exception Group Traceback") ? String(text.dropFirst(16)) : String(text)
    }

    private static func traceback(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int? {
        var at = start
        var found = false
        while record.frames.count < ReportLines.frameLimit {
            guard let frame = lines.next(from: at, { fileLine($0) }),
                exceptionBetween(lines, at, frame.after - 1) == nil
            else { break }
            var next = CrashFrame.printed(
                0, function: frame.found.function, file: frame.found.file, line: frame.found.line)
            if isLibrarys(frame.found.file) { next.module = "[stdlib]" }
            record.frames.append(next)
            at = frame.after
            found = true
        }
        guard found else { return nil }
        record.exception = nil
        record.message = nil
        if let ending = exceptionBetween(lines, at, at + 8) {
            record.exception = ending.type
            record.message = ending.message
            at = ending.after
        }
        return at
    }

    /// True for a file of Python's own library.
    private static func isLibrarys(_ file: String) -> Bool {
        if file.find("-packages") != nil { return false }
        if let rest = file.after("/lib/python3."), rest.leadingNumber != nil { return true }
        return file.find("\\Python3") != nil && file.lowercased().find("\\lib\\") != nil
    }

    private static func exceptionBetween(
        _ lines: ReportLines, _ from: Int, _ upTo: Int
    ) -> (type: String, message: String?, after: Int)? {
        for at in from..<max(from, min(upTo, lines.count)) {
            if let found = exceptionLine(lines[at]) { return (found.type, found.message, at + 1) }
        }
        return nil
    }

    /// `pkg.SomeError: message`, or a bare type.
    private static func exceptionLine(_ line: String) -> (type: String, message: String?)? {
        guard let first = bare(line).first, first.isLetter || first == "_" else { return nil }
        guard line.first?.isWhitespace != true || line.contains("|") else { return nil }
        let text = bare(line)
        let type = text.before(": ") ?? (text.hasSuffix(":") ? String(text.dropLast()) : text.trimmed)
        guard type.count <= 120, type.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." }) else {
            return nil
        }
        let short = type.split(separator: ".").last.map(String.init) ?? type
        guard short.first?.isUppercase == true || type.contains(".") || text.contains(": ") else { return nil }
        return (type, text.after(": "))
    }

    /// `File "f", line 3, in fn`.
    static func fileLine(_ line: String) -> (file: String, line: Int?, function: String?)? {
        let text = bare(line)
        guard text.hasPrefix("File \""), let file = text.between("File \"", "\""),
            let number = text.after("\", line ")?.leadingNumber
        else { return nil }
        return (file, number, (text.after(", in ") ?? text.after(" in "))?.trimmed)
    }

    private static func parseSyntax(_ lines: ReportLines) -> TextReport? {
        guard let place = fileLine(lines[lines.at]), place.function == nil else { return nil }
        let names = ["SyntaxError: ", "IndentationError: ", "TabError: "]
        guard let error = lines.next(from: lines.at + 1, { line in names.contains { line.hasPrefix($0) } ? line : nil })
        else { return nil }
        var record = CrashRecord(kind: "python")
        record.exception = error.found.before(": ")
        record.message = error.found.after(": ")
        record.frames = [.printed(0, function: nil, file: place.file, line: place.line)]
        return TextReport(record: record, fate: .unsaid, first: lines.at, end: error.after)
    }
}

extension RuntimeNames {
    /// The interpreter: its functions that raise and report.
    static let python = RuntimeNames(
        machinery: [
            "Py_FatalError*", "_Py_FatalError*", "fatal_error", "fatal_error_exit*", "faulthandler_*",
            "_Py_DumpTraceback*",
        ],
        libraries: ["<lambda>", "<genexpr>", "<listcomp>"],
        entries: ["<module>"],
        sources: ["<frozen "])
}
