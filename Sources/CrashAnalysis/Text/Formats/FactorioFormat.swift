import Model

extension TextReportFormat {
    static let factorio = TextReportFormat(
        name: "factorio",
        anchors: [Anchor(71, "CrashHandler.cpp:"), Anchor(72, " crashed. Generating symbolized stacktrace")],
        voice: .logger, start: .afterPrefix, ending: .ended, runtime: .factorio, parse: TextFactorio.parse)
}

/// Reports of Factorio's crash handler.
enum TextFactorio {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at].trimmed
        var record = CrashRecord(kind: "factorio")
        if head.hasPrefix("CrashHandler.cpp:") {
            guard isEngines(lines), describe(head, &record) else { return nil }
        } else {
            guard let name = head.before(" crashed. Generating"), !name.contains(" ") else { return nil }
            // Depending on the version, the handler's own line precedes or follows.
            for index in max(0, lines.at - 8)..<min(lines.count, lines.at + 4) {
                guard let mark = lines.window.text(index).find("CrashHandler.cpp:") else { continue }
                _ = describe(String(lines.window.text(index)[mark.lowerBound...]), &record)
            }
        }
        // The engine's further lines have its log's prefix, its stack does not.
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

    /// `CrashHandler.cpp:641: Received SIGSEGV`, `CrashHandler.cpp:498: Exception Code: c0000005, Address: 0x…`; false
    /// for other messages of the handler.
    private static func describe(_ text: String, _ record: inout CrashRecord) -> Bool {
        guard let words = text.after(": "), words.hasPrefix("Received ") || words.hasPrefix("Exception Code: ") else {
            return false
        }
        record.signal = record.signal ?? CrashWords.signal(in: words)
        if let name = words.find("EXCEPTION_") {
            record.exception = String(words[name.lowerBound...].prefix { $0.isLetter || $0 == "_" })
        } else if let code = words.after("Exception Code: ") {
            let bare = code.hasPrefix("0x") ? code.dropFirst(2) : code[...]
            record.exception = UInt32(bare.prefix { $0.isHexDigit }, radix: 16).map(MinidumpReason.windowsName)
        }
        return true
    }

    /// True for the engine's own head, seconds and a level, which has no place for a player's name.
    private static func isEngines(_ lines: ReportLines) -> Bool {
        guard case .logged(let head) = lines.voice else { return true }
        let whole = lines.window.text(lines.at)
        let words = whole.dropLast(lines[lines.at].count).split(separator: " " as Character).map(String.init)
        guard head.names.isEmpty, words.last == "Error" else { return false }
        guard let stamp = words.dropLast().last else { return true }
        return Double(stamp) != nil && stamp.contains(".")
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

extension RuntimeNames {
    /// Factorio's own handlers.
    static let factorio = RuntimeNames(
        machinery: ["Logger::writeStacktrace*", "Logger::logStacktrace*", "CrashHandler::*", "StackWalker::*"])
}
