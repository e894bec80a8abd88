import Model

extension TextReportFormat {
    static let backward = TextReportFormat(
        name: "backward", anchors: [Anchor(19, "#0  ")], ending: .saysItself, runtime: .backward,
        parse: TextBackward.parse)
}

/// Stacks of the library backward-cpp, which prints the innermost frame last.
enum TextBackward {
    private static let title = "Stack trace (most recent call last)"

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        guard let last = frame(lines[lines.at], 0) else { return nil }
        var record = CrashRecord(kind: "backward")
        record.frames = [last]
        var first: Int?
        // A few lines of source may follow each frame.
        for index in stride(from: lines.at - 1, through: max(0, lines.at - 2000), by: -1) {
            let text = lines[index]
            if text.hasPrefix(title) {
                first = index
                break
            }
            if let next = frame(text, record.frames.count), record.frames.count < ReportLines.frameLimit {
                record.frames.append(next)
            } else if text.hasPrefix("#") {
                break
            }
        }
        guard let first else { return nil }
        var end = lines.at + 1
        while end < lines.count, end < lines.at + 16, lines[end].hasPrefix("   ") { end += 1 }
        // Its signal handler prints the reason below the stack.
        var fate = TextReport.Fate.unsaid
        if let said = lines.next(from: end, gap: 2, { text in deadly(text) }) {
            record.signal = said.found.signal
            record.address = said.found.address
            end = said.after
            fate = .died
        } else if CrashWords.before(lines, first).isCrash {
            record.signal = CrashWords.before(lines, first).signal
            fate = .died
        }
        return TextReport(record: record, fate: fate, first: first, end: end)
    }

    /// `Segmentation fault (Address not mapped to object [0x18])`, `Aborted (Signal sent by tkill() 7 0)`.
    private static func deadly(_ text: String) -> (signal: String, address: Address?)? {
        let words = [
            ("Segmentation fault", "SIGSEGV"), ("Aborted", "SIGABRT"), ("Bus error", "SIGBUS"),
            ("Illegal instruction", "SIGILL"), ("Floating point exception", "SIGFPE"),
        ]
        guard let signal = words.first(where: { text.hasPrefix($0.0 + " (") })?.1 else { return nil }
        return (signal, text.between(" object [", "]")?.leadingHex.map(Address.init))
    }

    /// `#2    Source "/src/pond.cpp", line 12, in pond::Tick() [0x55d0c1a2b3f4]`,
    /// `#4    Object "/srv/marshd", at 0x55d0c1a2b3f4, in _start`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        guard line.hasPrefix("#\(index) ") else { return nil }
        let text = line.dropFirst(String(index).utf8.count + 1).trimmed
        guard let path = text.between("\"", "\""), let called = text.find(", in ") else { return nil }
        var name = String(text[called.upperBound...])
        var frame: CrashFrame
        if text.hasPrefix("Source "), let line = text.after("\", line ")?.leadingNumber {
            if name.hasSuffix("]"), let open = name.findLast(" [0x") { name = String(name[..<open.lowerBound]) }
            frame = .printed(index, function: PrintedNames.function(name), file: path, line: line)
        } else if text.hasPrefix("Object ") {
            frame = .printed(index, function: PrintedNames.function(name))
            frame.module = PrintedNames.module(path)
            frame.address = text.after("\", at ")?.leadingHex.map(Address.init)
        } else {
            return nil
        }
        return frame
    }
}

extension RuntimeNames {
    /// The library's own functions.
    static let backward = RuntimeNames(
        machinery: ["backward::*"])
}
