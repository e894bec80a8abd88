extension TextReportFormat {
    static let swift = TextReportFormat(
        name: "swift",
        anchors: [
            Anchor(44, "Program crashed: "), Anchor(45, "Fatal error: "),
        ],
        start: .afterPrefix, ending: .ended, lead: .word, parse: TextSwift.parse)
}

/// Swift: `Fatal error:` and the runtime's backtrace since Swift 5.9.
enum TextSwift {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        var record = CrashRecord(kind: "swift")
        var at = lines.at + 1
        if let text = head.after("Fatal error: ") {
            guard let lead = head.before("Fatal error: "), lead.isEmpty || lead.hasSuffix(": ") else { return nil }
            let place = lead.trimmed.dropLast().fileAndLine
            let swiftFile = place.file.hasSuffix(".swift") && place.line != nil
            guard swiftFile || text.contains(": file ") || text.contains(".swift:") else { return nil }
            record.exception = "Fatal error"
            record.message = text.before(": file ") ?? text
            record.signal = "SIGILL"
            if swiftFile { record.frames = [.printed(0, function: nil, file: place.file, line: place.line)] }
            guard let crash = lines.next(from: at, { $0.contains("Program crashed: ") ? $0 : nil }) else {
                return TextReport(record: record, fate: .died, first: lines.at, end: at)
            }
            at = crash.after
        } else {
            guard head.contains("*** Program crashed: ") else { return nil }
            record.message = head.between("Program crashed: ", " ***")
            record.address = head.after(" at 0x").flatMap { ("0x" + $0).leadingHex }.map(Address.init)
        }
        let end = backtrace(lines, from: at, into: &record)
        guard end > lines.at + 1 || record.message != nil else { return nil }
        return TextReport(record: record, fate: .died, first: lines.at, end: max(at, end))
    }

    private static func backtrace(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        guard
            let thread = lines.next(
                from: start, gap: 30,
                { line in
                    line.hasPrefix("Thread ") && line.contains(" crashed") ? line : nil
                })
        else { return start }
        record.threadName = thread.found.between("\"", "\"")
        var at = thread.after
        var frames: [CrashFrame] = []
        while frames.count < ReportLines.frameLimit {
            let wanted = frames.count
            guard let next = lines.next(from: at, gap: 12, { frame($0, wanted) }) else { break }
            frames.append(next.found)
            at = next.after
        }
        if !frames.isEmpty { record.frames = frames }
        return at
    }

    /// `1 [ra] 0x… fn + 302 in mod at /path/f.swift:3:5`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        let text = line.trimmed
        guard text.hasPrefix("\(index) ") else { return nil }
        var rest = text.dropFirst(String(index).count).trimmed
        while rest.hasPrefix("["), let tail = rest.after("] ") { rest = tail.trimmed }
        guard !rest.isEmpty else { return nil }
        var frame = CrashFrame.printed(index, function: nil)
        if let address = rest.leadingHex {
            frame.address = Address(address)
            rest = rest.drop { !$0.isWhitespace }.trimmed
        } else if !rest.contains(" in ") {
            return nil
        }
        if let place = rest.findLast(" at "), rest[place.upperBound...].fileAndLine.line != nil {
            let found = rest[place.upperBound...].fileAndLine
            frame.file = found.file
            frame.line = found.line
            rest = String(rest[..<place.lowerBound])
        }
        if let module = rest.findLast(" in ") {
            frame.module = rest[module.upperBound...].trimmed
            rest = String(rest[..<module.lowerBound])
        }
        if let plus = rest.findLast(" + ") { rest = String(rest[..<plus.lowerBound]) }
        frame.function = rest.isEmpty ? nil : rest.trimmed
        return frame
    }
}
