import Model

/// Unreal's reports of old engines, and reports whose beginning was lost when the log was rotated.
enum UnrealRemains {
    private static let ending = "Engine crash handling finished; re-raising signal "
    private static let abortHandler = "FPlatformMisc::RequestExit(1, WindowsPlatformCrashContext"
    private static let firstEngine = "Signal: SIG"
    /// The most lines between the end of a report and its first frame.
    private static let reach = 200

    static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        if head.hasPrefix(ending) { return end(lines, head) }
        if head.hasPrefix(abortHandler) { return abort(lines, head) }
        if head.hasPrefix(firstEngine) { return firstEngine(lines, head) }
        return nil
    }

    /// Reads the end of a report of which only the last frames are left.
    private static func end(_ lines: ReportLines, _ head: String) -> TextReport? {
        guard let number = head.dropFirst(ending.count).leadingNumber else { return nil }
        var record = CrashRecord(kind: "unreal")
        record.signal = SignalNames.name(number)
        var first = lines.at
        var foreign = 0
        for index in stride(from: lines.at - 1, through: max(0, lines.at - reach), by: -1) {
            let text = lines[index]
            if UnrealReport.opens(UnrealLine.body(text)) { break }
            if text.leadingHex != nil, let frame = UnrealLine.frame(text.trimmed, index: 0) {
                record.frames.append(frame)
                first = index
                foreign = 0
            } else if !text.trimmed.isEmpty {
                foreign += 1
                if foreign > 4 { break }
            }
        }
        record.frames.reverse()
        for index in record.frames.indices { record.frames[index].index = index }
        var report = TextReport(record: record, fate: .died, first: first, end: lines.at + 1)
        report.continues = true
        return report
    }

    /// On Windows the handler of `abort()` ends the engine without a report.
    private static func abort(_ lines: ReportLines, _ head: String) -> TextReport? {
        guard head.contains(".AbortHandler)") else { return nil }
        var record = CrashRecord(kind: "unreal")
        record.signal = "SIGABRT"
        record.notes.append("the engine's abort() handler ended the process; the log has no stack")
        var end = lines.at + 1
        while end < lines.count, end < lines.at + 4, lines[end].contains(".AbortHandler)") { end += 1 }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    /// `Signal: SIGSEGV [segmentation fault]`, `Aborting.`, and between or after them `History: UPond::Drain <- …` or a
    /// list of numbered frames.
    private static func firstEngine(_ lines: ReportLines, _ head: String) -> TextReport? {
        let name = String(head.dropFirst("Signal: ".count).prefix { $0.isLetter })
        guard SignalNames.number(name) != nil, head.trimmed.hasSuffix("]") else { return nil }
        var record = CrashRecord(kind: "unreal")
        record.signal = name
        var end = lines.at + 1
        var isAborting = false
        for index in end..<min(lines.count, lines.at + 64) where index <= end + 6 {
            let text = lines[index].trimmed
            if text.hasPrefix("Signal: SIG") { break }
            if text == "Aborting." || text.hasPrefix("Developer Backtrace:") {
                isAborting = true
                end = index + 1
            } else if let history = text.after("History: "), text.hasPrefix("History: ") {
                isAborting = true
                end = index + 1
                for call in history.split(separator: "<").prefix(64) {
                    let called = call.drop { $0 == "-" || $0 == " " }
                    record.frames.append(
                        .printed(record.frames.count, function: PrintedNames.function(called)))
                }
            } else if isAborting, let frame = numbered(text, index: record.frames.count) {
                record.frames.append(frame)
                end = index + 1
            }
        }
        guard isAborting else { return nil }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    /// `[ 1]  ./ucc-bin(name+0x12) [0x8082f3a]`.
    private static func numbered(_ text: String, index: Int) -> CrashFrame? {
        guard text.hasPrefix("["), let close = text.find("]"), Int(text[..<close.lowerBound].dropFirst().trimmed) != nil
        else { return nil }
        return BacktraceSymbol.frame(String(text[close.upperBound...]), index: index)
    }
}
