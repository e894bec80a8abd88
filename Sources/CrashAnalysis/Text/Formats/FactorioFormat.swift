extension TextReportFormat {
    static let factorio = TextReportFormat(
        name: "factorio",
        anchors: [Anchor(71, "CrashHandler.cpp:"), Anchor(72, " crashed. Generating symbolized stacktrace")],
        voice: .logger, start: .afterPrefix, ending: .ended,
        irrelevant: ["Logger::writeStacktrace*", "Logger::logStacktrace*", "CrashHandler::*"],
        parse: TextFactorio.parse)
}

/// What Factorio's crash handler writes.
enum TextFactorio {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at].trimmed
        var record = CrashRecord(kind: "factorio")
        if head.hasPrefix("CrashHandler.cpp:") {
            guard let words = head.after(": "), words.hasPrefix("Received ") || words.hasPrefix("Exception Code: ")
            else { return nil }
            record.signal = CrashWords.signal(in: words)
            if let name = words.find("EXCEPTION_") {
                record.exception = String(words[name.lowerBound...].prefix { $0.isLetter || $0 == "_" })
            }
        } else {
            guard let name = head.before(" crashed. Generating"), !name.contains(" ") else { return nil }
        }
        // The engine goes on in its log's prefix, its stack stands without.
        var at = lines.at + 1
        while record.frames.count < ReportLines.frameLimit,
            let next = lines.next(from: at, gap: record.frames.isEmpty ? 12 : 6, { frame($0, record.frames.count) })
        {
            record.frames.append(next.found)
            at = next.after
        }
        if let last = lines.next(from: at, gap: 8, { $0.contains("Unexpected error occurred") ? true : nil }) {
            at = last.after
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: at)
    }

    /// `#0  0x… in f at file:line`; on Windows `c:\src\f.cpp (337): f`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        if let frame = TextStack.frame(line, index: index)?.frame { return frame }
        let text = line.trimmed
        guard let open = text.find(" ("), let number = text[open.upperBound...].leadingNumber,
            text[open.upperBound...].dropFirst(String(number).count).hasPrefix("): "),
            text[..<open.lowerBound].contains(".")
        else { return nil }
        let name = text[open.upperBound...].after("): ") ?? ""
        return .printed(index, function: PrintedNames.function(name), file: String(text[..<open.lowerBound]), line: number)
    }
}
