extension TextReportFormat {
    static let factorio = TextReportFormat(
        name: "factorio",
        anchors: [Anchor(71, "CrashHandler.cpp:"), Anchor(72, " crashed. Generating symbolized stacktrace")],
        voice: .logger, start: .afterPrefix, ending: .ended,
        irrelevant: ["Logger::writeStacktrace*", "Logger::logStacktrace*", "CrashHandler::*", "StackWalker::*"],
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
            let next = lines.next(from: at, gap: record.frames.isEmpty ? 12 : 3, { frame($0, record.frames.count) })
        {
            record.frames.append(next.found)
            at = next.after
        }
        if let last = lines.next(from: at, gap: 8, { $0.contains("Unexpected error occurred") ? true : nil }) {
            at = last.after
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: at)
    }

    /// `#0  0x… in f at file:line`; on Windows `c:\src\f.cpp (337): f`, `00007FFE6B3294F0 (ntdll): (filename not
    /// available): f`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        if let frame = TextStack.frame(line, index: index)?.frame { return frame }
        let text = line.trimmed
        if let found = PrintedNames.bareHex(text), let module = found.rest.between("(", "): (filename not available): ")
        {
            let name = found.rest.after("(filename not available): ") ?? ""
            var frame = CrashFrame.printed(index, function: PrintedNames.function(name))
            frame.address = Address(found.value)
            frame.module = PrintedNames.module(module)
            return frame
        }
        guard let close = text.find("): "), let open = text[..<close.lowerBound].findLast("("),
            let number = Int(text[open.upperBound..<close.lowerBound]), text[..<open.lowerBound].contains(".")
        else { return nil }
        return .printed(
            index, function: PrintedNames.function(text[close.upperBound...]), file: text[..<open.lowerBound].trimmed,
            line: number)
    }
}
