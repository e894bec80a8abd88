extension TextReportFormat {
    static let rust = TextReportFormat(
        name: "rust",
        anchors: [
            Anchor(3, "panicked at "), Anchor(4, "has overflowed its stack"),
        ],
        start: .before("thread '"), ending: .saysItself, lead: .word, parse: TextRust.parse)
}

/// Rust: `thread 'x' panicked at file:l:c:` with the message on the next line, or the older one-line form.
enum TextRust {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        guard let name = head.between("thread '", "'"), head.hasPrefix("thread '") else { return nil }
        var record = CrashRecord(kind: "rust")
        record.threadName = name
        record.exception = "panic"
        if head.contains("has overflowed its stack") {
            record.message = "stack overflow"
            record.signal = "SIGABRT"
            return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 2)
        }
        guard let rest = head.after("panicked at ") else { return nil }
        var at = lines.at + 1
        var place: (file: String, line: Int?)?
        if rest.hasPrefix("'"), let cut = rest.findLast("', ") {
            record.message = String(rest[rest.index(after: rest.startIndex)..<cut.lowerBound])
            place = rest[cut.upperBound...].trimmed.fileAndLine
        } else if rest.trimmed.hasSuffix(":") {
            place = rest.trimmed.dropLast().fileAndLine
            record.message = lines[at]
            at += 1
        } else {
            return nil
        }
        guard let place, place.line != nil else { return nil }
        var end = at
        if let start = lines.next(from: at, { $0.hasPrefix("stack backtrace:") ? true : nil }) {
            end = backtrace(lines, from: start.after, into: &record)
        } else if lines[at].hasPrefix("note: ") {
            end = at + 1
        }
        if record.frames.isEmpty { record.frames = [.printed(0, function: nil, file: place.file, line: place.line)] }
        let aborts = (end..<end + 3).contains { lines[$0].contains("panicked while processing panic") }
        return TextReport(
            record: record, fate: name == "main" || aborts ? .died : .unsaid, first: lines.at, end: end)
    }

    private static func backtrace(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        while record.frames.count < ReportLines.frameLimit {
            let wanted = record.frames.count
            guard let found = lines.next(from: at, { numbered($0, wanted) }) else { break }
            var frame = CrashFrame.printed(wanted, function: found.found)
            at = found.after
            if let place = lines.next(from: at, gap: 0, { atPlace($0) }) {
                frame.file = place.found.file
                frame.line = place.found.line
                at = place.after
            }
            record.frames.append(frame)
        }
        if lines[at].hasPrefix("note: ") { at += 1 }
        return at
    }

    /// `   3: name` or `   3:     0x55… - name`.
    private static func numbered(_ line: String, _ index: Int) -> String? {
        let text = line.trimmed
        guard text.hasPrefix("\(index): ") else { return nil }
        let rest = text.dropFirst("\(index): ".count).trimmed
        if rest.hasPrefix("0x"), let name = rest.after(" - ") { return name }
        return rest
    }

    private static func atPlace(_ line: String) -> (file: String, line: Int?)? {
        let text = line.trimmed
        return text.hasPrefix("at ") ? text.dropFirst(3).fileAndLine : nil
    }
}
