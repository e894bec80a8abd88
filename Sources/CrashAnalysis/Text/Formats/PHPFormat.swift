extension TextReportFormat {
    static let php = TextReportFormat(
        name: "php", anchors: [Anchor(150, "Fatal error: Uncaught "), Anchor(163, "Fatal error:  Uncaught ")],
        start: .afterPrefix, ending: .saysItself, lead: .exception, parse: TextPHP.parse)
}

/// PHP: an exception that nobody caught ends a script.
enum TextPHP {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let whole = lines.window.text(lines.at)
        guard whole.hasPrefix("PHP Fatal error: ") || whole.hasPrefix("Fatal error: Uncaught "),
            let told = whole.after("Uncaught "), let found = ManagedException(told, .java, beforeFrame: false)
        else { return nil }
        var record = CrashRecord(kind: "php")
        record.exception = found.type
        let text = found.message ?? ""
        let place = text.findLast(" in ")
        record.message = place.map { String(text[..<$0.lowerBound]) } ?? text
        if let place {
            let found = text[place.upperBound...].trimmed.fileAndLine
            record.frames = [.printed(0, function: nil, file: found.file, line: found.line)]
        }
        var at = lines.at + 1
        if lines[at].hasPrefix("Stack trace:") { at += 1 }
        while record.frames.count < 256, let frame = frame(lines[at], record.frames.count) {
            record.frames.append(frame)
            at += 1
        }
        if lines[at].hasPrefix("#"), lines[at].hasSuffix("{main}") { at += 1 }
        if lines[at].hasPrefix("  thrown in ") { at += 1 }
        return TextReport(record: record, fate: .likelyDied, first: lines.at, end: at)
    }

    /// `#0 /srv/room.php(12): Room->join('x')`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        guard line.hasPrefix("#"), line.dropFirst().leadingNumber != nil, let cut = line.find("): "),
            let open = line[..<cut.lowerBound].findLast("(")
        else { return nil }
        let name = line[cut.upperBound...].before("(") ?? String(line[cut.upperBound...])
        let file = String(line[..<open.lowerBound]).after(" ") ?? ""
        return .printed(index, function: name, file: file, line: line[open.upperBound...].leadingNumber)
    }
}
