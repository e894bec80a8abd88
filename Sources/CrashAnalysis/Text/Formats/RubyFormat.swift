extension TextReportFormat {
    static let ruby = TextReportFormat(
        name: "ruby",
        anchors: [
            Anchor(47, ":in `"), Anchor(48, ":in '"), Anchor(49, "[BUG] "),
        ],
        start: .afterPrefix, ending: .saysItself, lead: .exception, parse: TextRuby.parse)
}

/// Ruby's backtraces.
enum TextRuby {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        if head.contains("[BUG] ") { return parseBug(lines) }
        guard !head.trimmed.hasPrefix("from "), let first = frame(head) else { return nil }
        var record = CrashRecord(kind: "ruby")
        var text = first.rest
        var at = lines.at + 1
        var steps = 0
        while steps < 16, !lines[at].trimmed.hasPrefix("from "), at < lines.count {
            text += "\n" + lines[at]
            at += 1
            steps += 1
        }
        guard lines[at].trimmed.hasPrefix("from ") || steps == 16 || at >= lines.count else { return nil }
        if !lines[at].trimmed.hasPrefix("from ") {
            text = first.rest
            at = lines.at + 1
        }
        guard let open = text.findLast(" ("), text.trimmed.hasSuffix(")") else { return nil }
        record.exception = String(text[open.upperBound...].trimmed.dropLast())
        record.message = text[..<open.lowerBound].trimmed
        record.frames = [first.frame]
        while record.frames.count < ReportLines.frameLimit,
            let next = lines.next(
                from: at, gap: 3,
                { line in
                    line.trimmed.hasPrefix("from ") ? frame(String(line.trimmed.dropFirst(5))) : nil
                })
        {
            var frame = next.found.frame
            frame.index = record.frames.count
            record.frames.append(frame)
            at = next.after
        }
        return TextReport(record: record, fate: fate(lines, record), first: lines.at, end: at)
    }

    private static func fate(_ lines: ReportLines, _ record: CrashRecord) -> TextReport.Fate {
        let isThread =
            lines.at > 0 && lines[lines.at - 1].hasPrefix("#<Thread:")
            && lines[lines.at - 1].contains("terminated with exception")
        if isThread || ["Interrupt", "SystemExit", "SignalException"].contains(record.exception ?? "") {
            return .survived
        }
        return record.frames.last?.function == "<main>" ? .likelyDied : .unsaid
    }

    /// `file.rb:13:in `rescue in block (2 levels) in func': rest`.
    private static func frame(_ line: String) -> (frame: CrashFrame, rest: String)? {
        guard let mark = line.find(":in `") ?? line.find(":in '"), let close = line[mark.upperBound...].find("'") else {
            return nil
        }
        let place = line[..<mark.lowerBound].trimmed.fileAndLine
        // A name before the place is a speaker's.
        guard place.line != nil, !place.file.contains(": ") else { return nil }
        var name = String(line[mark.upperBound..<close.lowerBound])
        while true {
            if name.hasPrefix("rescue in ") {
                name = String(name.dropFirst(10))
            } else if name.hasPrefix("ensure in ") {
                name = String(name.dropFirst(10))
            } else if name.hasPrefix("block in ") {
                name = String(name.dropFirst(9))
            } else if name.hasPrefix("block ("), let inner = name.after(") in ") {
                name = inner
            } else {
                break
            }
        }
        var rest = String(line[close.upperBound...])
        if rest.hasPrefix(": ") { rest = String(rest.dropFirst(2)) }
        return (.printed(0, function: name, file: place.file, line: place.line), rest)
    }

    private static func parseBug(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        guard let text = head.after("[BUG] "), let place = head.before(": [BUG]"), place.fileAndLine.line != nil,
            !place.contains(": ")
        else {
            return nil
        }
        var record = CrashRecord(kind: "ruby")
        record.exception = "[BUG]"
        record.message = text
        record.signal = text.hasPrefix("Segmentation fault") ? "SIGSEGV" : "SIGABRT"
        record.frames = [.printed(0, function: nil, file: place.fileAndLine.file, line: place.fileAndLine.line)]
        return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
    }
}
