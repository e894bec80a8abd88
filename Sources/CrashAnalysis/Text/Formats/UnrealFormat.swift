extension TextReportFormat {
    static let unreal = TextReportFormat(
        name: "unreal",
        anchors: [
            Anchor(35, "=== Critical error: ==="), Anchor(36, "Fatal error!"), Anchor(37, "CommonUnixCrashHandler"), Anchor(38, "Ensure condition failed: "), Anchor(31, "Assertion failed: "), Anchor(45, "Fatal error: "),
        ],
        voice: .engine([]), ending: .saysItself, lead: .check, parse: TextUnreal.parse)
}

/// What an Unreal server writes to its log when it dies.
enum TextUnreal {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        var record = CrashRecord(kind: "unreal")
        if head.contains("Ensure condition failed: ") { return parseEnsure(lines) }
        if head.hasPrefix("Assertion failed: ") { return head.contains("[File:") ? parseAssertion(lines) : nil }
        guard
            head.contains("Critical error: ===") || head.contains("CommonUnixCrashHandler")
                || head.hasPrefix("Fatal error!") || head.contains("Fatal error: [File:")
        else { return nil }
        if head.contains("CommonUnixCrashHandler") {
            record.signal = head.after("Signal=")?.leadingNumber.map(SignalNames.name)
        }
        let end = read(lines, from: lines.at + 1, into: &record)
        guard !record.frames.isEmpty || record.message != nil || record.signal != nil else { return nil }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    /// The text of an assertion that opened the report.
    static func parseAssertion(_ lines: ReportLines) -> TextReport? {
        var record = CrashRecord(kind: "unreal")
        takeAssertion(lines[lines.at], into: &record)
        let end = read(lines, from: lines.at + 1, into: &record)
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    private static func takeAssertion(_ text: String, into record: inout CrashRecord) {
        record.exception = "assertion"
        record.message = statement(text, after: "Assertion failed: ")
        place(text, into: &record)
    }

    /// `Index >= 0 [File:…] [Line: 12] Array is empty` without the place, which changes from build to build.
    static func statement(_ text: String, after lead: String) -> String? {
        guard let rest = text.after(lead) else { return nil }
        guard let condition = rest.before(" [File:") else { return rest }
        let words = rest.after("[Line: ")?.after("]")?.trimmed ?? ""
        return words.isEmpty ? condition : condition + ": " + words
    }

    private static func place(_ text: String, into record: inout CrashRecord) {
        guard record.frames.isEmpty, let file = text.between("[File:", "]"),
            let line = text.between("[Line: ", "]").flatMap({ Int($0) })
        else { return }
        record.frames = [.printed(0, function: nil, file: file, line: line)]
    }

    private static func parseEnsure(_ lines: ReportLines) -> TextReport? {
        var record = CrashRecord(kind: "unreal")
        let text = lines[lines.at]
        record.exception = "ensure"
        record.message = statement(text, after: "Ensure condition failed: ")
        place(text, into: &record)
        let end = read(lines, from: lines.at + 1, into: &record)
        return TextReport(record: record, fate: .survived, first: lines.at, end: end)
    }

    private static func read(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        var end = start
        let placed = record.frames
        var frames: [CrashFrame] = []
        while at < lines.count, at < end + 12, frames.count < ReportLines.frameLimit {
            let text = body(lines[at])
            if let frame = frame(text, index: frames.count) {
                frames.append(frame)
                end = at + 1
            } else if text.hasPrefix("Assertion failed: "), record.message == nil {
                takeAssertion(text, into: &record)
                end = at + 1
            } else if text.hasPrefix("Unhandled Exception: ") || text.hasPrefix("Fatal error: ") {
                describe(text, into: &record)
                end = at + 1
            } else if text.hasPrefix("Fatal error!") || text.hasPrefix("[Callstack]") || text.hasPrefix("Stack:") {
                end = at + 1
            } else if text.contains("end: stack for UAT") || text.contains("Engine crash handling finished") {
                end = at + 1
                break
            }
            at += 1
        }
        record.frames = frames.isEmpty ? (record.frames.isEmpty ? placed : record.frames) : frames
        return end
    }

    private static func describe(_ text: String, into record: inout CrashRecord) {
        guard let reason = text.after(": ") else { return }
        record.message = record.message ?? reason
        if reason.hasPrefix("SIG") { record.signal = String(reason.prefix { $0.isLetter }) }
        if reason.hasPrefix("EXCEPTION_") { record.exception = String(reason.prefix { $0.isLetter || $0 == "_" }) }
        if reason.contains("read memory") || reason.contains("reading address") { record.access = "read" }
        if reason.contains("write memory") || reason.contains("writing address") { record.access = "write" }
        record.address = (reason.after("address "))?.leadingHex.map(Address.init) ?? record.address
        place(text, into: &record)
    }

    /// Without `LogCore: Error: ` and its like.
    private static func body(_ line: String) -> String {
        var text = line.trimmed
        for lead in ["LogCore: ", "LogOutputDevice: ", "LogWindows: ", "LogLinux: ", "Error: ", "begin: stack for UAT"]
        where text.hasPrefix(lead) { text = text.dropFirst(lead.count).trimmed }
        return text
    }

    /// `[Callstack] 0x… Module!Class::Function(args) [file:line]`, also without the word or the place.
    static func frame(_ line: String, index: Int) -> CrashFrame? {
        var text = line.hasPrefix("[Callstack] ") ? String(line.dropFirst(12)) : line
        guard let address = text.leadingHex else { return nil }
        text = text.drop { !$0.isWhitespace }.trimmed
        guard let bang = text.find("!") else { return nil }
        var frame = CrashFrame.printed(index, function: nil)
        frame.address = Address(address)
        frame.module = text[..<bang.lowerBound].trimmed
        text = String(text[bang.upperBound...])
        if text.hasSuffix("]"), let open = text.findLast(" [") {
            let place = text[open.upperBound...].dropLast().fileAndLine
            frame.file = place.file
            frame.line = place.line
            text = String(text[..<open.lowerBound])
        }
        let name = text.trimmed
        frame.function = name.isEmpty || name.hasPrefix("UnknownFunction") ? nil : name
        return frame
    }
}
