extension TextReportFormat {
    static let ruby = TextReportFormat(
        name: "ruby",
        anchors: [
            Anchor(47, ":in `"), Anchor(48, ":in '"), Anchor(49, "[BUG] "),
        ],
        start: .afterPrefix, ending: .saysItself, lead: .exception, parse: TextRuby.parse)
}

extension TextReportFormat {
    static let lua = TextReportFormat(
        name: "lua",
        anchors: [
            Anchor(50, "stack traceback:"),
        ],
        voice: .anyone, start: .afterPrefix, ending: .survived, parse: TextRuby.parseLua)
}

/// Ruby's backtraces, and Lua's, which scripted game servers print and survive.
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
        return TextReport(record: record, fate: .unsaid, first: lines.at, end: at)
    }

    /// `file.rb:13:in `rescue in block (2 levels) in func': rest`.
    private static func frame(_ line: String) -> (frame: CrashFrame, rest: String)? {
        guard let mark = line.find(":in `") ?? line.find(":in '"), let close = line[mark.upperBound...].find("'") else {
            return nil
        }
        let place = line[..<mark.lowerBound].trimmed.fileAndLine
        guard place.line != nil else { return nil }
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
        guard let text = head.after("[BUG] "), let place = head.before(": [BUG]"), place.fileAndLine.line != nil else {
            return nil
        }
        var record = CrashRecord(kind: "ruby")
        record.exception = "[BUG]"
        record.message = text
        record.signal = text.hasPrefix("Segmentation fault") ? "SIGSEGV" : "SIGABRT"
        record.frames = [.printed(0, function: nil, file: place.fileAndLine.file, line: place.fileAndLine.line)]
        return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
    }

    static func parseLua(_ lines: ReportLines) -> TextReport? {
        guard lines[lines.at].trimmed == "stack traceback:" else { return nil }
        var record = CrashRecord(kind: "lua")
        record.exception = "error"
        record.message = lines.at > 0 ? lines[lines.at - 1].trimmed : nil
        var at = lines.at + 1
        while record.frames.count < ReportLines.frameLimit, let frame = luaFrame(lines[at], record.frames.count) {
            record.frames.append(frame)
            at += 1
        }
        guard !record.frames.isEmpty else { return nil }
        return TextReport(record: record, fate: .survived, first: max(0, lines.at - 1), end: at)
    }

    /// `\tfile.lua:12: in function 'name'` or `\t[C]: in function 'error'`.
    private static func luaFrame(_ line: String, _ index: Int) -> CrashFrame? {
        guard line.first == "\t" || line.hasPrefix("  "), let mark = line.find(": in ") else { return nil }
        let place = line[..<mark.lowerBound].trimmed.fileAndLine
        let name = line[mark.upperBound...].between("'", "'") ?? line[mark.upperBound...].trimmed
        return .printed(index, function: name, file: place.file, line: place.line)
    }
}
