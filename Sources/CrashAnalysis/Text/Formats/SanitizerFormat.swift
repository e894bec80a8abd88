extension TextReportFormat {
    static let sanitizer = TextReportFormat(
        name: "sanitizer", kinds: ["asan", "tsan", "msan", "lsan", "ubsan"],
        anchors: [
            Anchor(15, "Sanitizer: "),
        ],
        start: .afterPrefix, ending: .saysItself, lead: .word, parse: TextSanitizer.parse)
}

extension TextReportFormat {
    static let undefinedBehaviour = TextReportFormat(
        name: "undefined",
        anchors: [
            Anchor(16, "runtime error: "),
        ],
        start: .afterPrefix, ending: .saysItself, lead: .word, parse: TextSanitizer.parseUndefined)
}

/// The reports of AddressSanitizer and its sisters, and UBSan's one-liners.
enum TextSanitizer {
    private static let names = [
        "AddressSanitizer": "asan", "HWAddressSanitizer": "asan", "LeakSanitizer": "lsan",
        "ThreadSanitizer": "tsan", "MemorySanitizer": "msan", "UndefinedBehaviorSanitizer": "ubsan",
    ]

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        guard head.contains("ERROR: ") || head.contains("WARNING: ") || head.contains("FATAL: "),
            let name = names.keys.sorted(by: { $0.count > $1.count }).first(where: { head.contains($0 + ": ") }),
            let kind = names[name], let text = head.after(name + ": ")
        else { return nil }
        var record = CrashRecord(kind: kind)
        record.pid = head.between("==", "==").flatMap { Int($0) }
        record.exception = text.before(" on ") ?? text.before(" (") ?? text.trimmed
        record.message = text
        record.address = (text.after("address ") ?? text.after("on "))?.leadingHex.map(Address.init)
        var at = lines.at + 1
        var found = false
        while at < min(lines.count, lines.at + 24), !found {
            let line = lines[at].trimmed
            if line.hasPrefix("READ of size") || line.contains("caused by a READ") { record.access = "read" }
            if line.hasPrefix("WRITE of size") || line.contains("caused by a WRITE") { record.access = "write" }
            if let thread = line.after(" thread T") {
                record.thread = thread.leadingNumber
                record.threadName = thread.between("(", ")")
            }
            found = TextStack.frame(line, index: 0) != nil
            if !found { at += 1 }
        }
        var end = lines.at + 1
        if found { end = frames(lines, from: at, into: &record) }
        // The stacks of allocation and release follow, up to the summary.
        if let summary = lines.next(from: end, gap: 200, { $0.hasPrefix("SUMMARY: ") ? true : nil }) {
            end = summary.after
        } else if let tail = lines.next(from: end, gap: 200, { $0.trimmed.hasSuffix("==ABORTING") ? true : nil }) {
            end = tail.after
        }
        if lines[end].hasSuffix("==ABORTING") { end += 1 }
        guard found || end > lines.at + 1 else { return nil }
        let continues = kind == "tsan" || kind == "lsan" || (kind == "ubsan" && !text.contains("SEGV"))
        return TextReport(record: record, fate: continues ? .unsaid : .died, first: lines.at, end: end)
    }

    private static func frames(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        while record.frames.count < ReportLines.frameLimit {
            let wanted = record.frames.count
            guard let next = lines.next(from: at, { TextStack.frame($0, index: wanted) }) else { break }
            record.frames.append(next.found.frame)
            at = next.after
        }
        return at
    }

    /// UBSan: `file:l:c: runtime error: text`.
    static func parseUndefined(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        guard let text = head.after(": runtime error: "), let place = head.before(": runtime error: "),
            !place.contains(" "), place.fileAndLine.line != nil
        else { return nil }
        var record = CrashRecord(kind: "ubsan")
        record.exception = "runtime error"
        record.message = text
        let end = frames(lines, from: lines.at + 1, into: &record)
        if record.frames.isEmpty {
            record.frames = [.printed(0, function: nil, file: place.fileAndLine.file, line: place.fileAndLine.line)]
        }
        return TextReport(record: record, fate: .unsaid, first: lines.at, end: end)
    }
}
