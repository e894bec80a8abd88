import Model

extension TextReportFormat {
    static let glog = TextReportFormat(
        name: "glog",
        anchors: [
            Anchor(191, " received at time="), Anchor(192, "; stack trace: ***"),
            Anchor(193, "*** Check failure stack trace: ***"),
        ],
        start: .before("*** "), ending: .ended, lead: .check, runtime: .glog, parse: TextGlog.parse)
}

/// Reports of the failure handlers of glog and Abseil.
enum TextGlog {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at].trimmed
        guard head.hasPrefix("*** "), head.hasSuffix("***") else { return nil }
        var record = CrashRecord(kind: "glog")
        var first = lines.at
        if head.hasPrefix("*** Check failure") {
            record.signal = "SIGABRT"
            first = words(lines, &record)
        } else {
            // `*** SIGSEGV (@0x18) received by PID 811 (TID 0x7f…) from PID 24; stack trace: ***`
            let name = String(head.dropFirst(4).prefix { $0.isLetter })
            guard SignalNames.number(name) != nil, head.contains(" received ") else { return nil }
            record.signal = name
            record.address = head.after("(@")?.leadingHex.map(Address.init)
            record.pid = head.after(" received by PID ")?.leadingNumber
        }
        var at = lines.at + 1
        var counter: CrashFrame?
        while record.frames.count < ReportLines.frameLimit, let next = lines.next(from: at, gap: 3, { frame($0) }) {
            at = next.after
            if next.found.isCounter {
                counter = next.found.frame
            } else {
                record.frames.append(next.found.frame)
            }
        }
        // The list contains the PC below the handler, unless it was cut.
        if let counter, let name = counter.function, !record.frames.contains(where: { $0.function == name }) {
            record.frames.insert(counter, at: 0)
        }
        guard !record.frames.isEmpty || record.message != nil || record.signal != "SIGABRT" else { return nil }
        for index in record.frames.indices { record.frames[index].index = index }
        return TextReport(record: record, fate: .died, first: first, end: at)
    }

    /// Reads the fatal line before the stack, `F1121 04:12:00.000000   811 pond.cc:44] Check failed: depth > 0
    /// (0 vs. 0)`. Returns the index of the report's first line.
    private static func words(_ lines: ReportLines, _ record: inout CrashRecord) -> Int {
        for index in stride(from: lines.at - 1, through: max(0, lines.at - 4), by: -1) {
            let text = lines.window.text(index)
            guard text.hasPrefix("F"), lines.head(index).level == .fatal, let said = text.after("] ")?.trimmed else {
                continue
            }
            if let condition = said.after("Check failed: "), said.hasPrefix("Check failed: ") {
                record.exception = "assertion"
                // The values differ in every run.
                let values = condition.findLast(" (").flatMap { open in
                    condition[open.upperBound...].contains(" vs. ") ? open : nil
                }
                record.message = values.map { String(condition[..<$0.lowerBound]) } ?? condition
            } else {
                record.exception = "fatal error"
                record.message = said
            }
            return index
        }
        return lines.at
    }

    /// `    @     0x55d0c1a2b3f4         16  pond::Tick()`, `PC: @     0x55d0c1a2b3c4  (unknown)  pond::Drain()`;
    /// glog has no column for the frame's size.
    private static func frame(_ line: String) -> (frame: CrashFrame, isCounter: Bool)? {
        var text = line.trimmed
        let isCounter = text.hasPrefix("PC: ")
        if isCounter { text = text.dropFirst(4).trimmed }
        guard text.hasPrefix("@") else { return nil }
        text = text.dropFirst().trimmed
        guard let address = text.leadingHex else { return nil }
        text = text.drop { !$0.isWhitespace }.trimmed
        let size = text.prefix { !$0.isWhitespace }
        if size.count < text.count, size == "(unknown)" || Int(size) != nil {
            text = text.dropFirst(size.count).trimmed
        }
        var frame = CrashFrame.printed(0, function: PrintedNames.function(text))
        frame.address = Address(address)
        return (frame, isCounter)
    }
}

extension RuntimeNames {
    /// The handlers of glog and Abseil.
    static let glog = RuntimeNames(
        machinery: [
            "absl::GetStackTrace*", "absl::debugging_internal::*", "absl::DumpStackTrace*",
            "absl::*AbslFailureSignalHandler*", "absl::*LogMessage*", "google::DumpStackTrace*", "google::LogMessage*",
            "google::logging_fail*", "google::FailureSignalHandler*", "google::LogMessageFatal*", "google::*",
        ])
}
