extension TextReportFormat {
    static let javaFatal = TextReportFormat(
        name: "java_fatal",
        anchors: [
            Anchor(14, "A fatal error has been detected by the Java"),
        ],
        start: .afterPrefix, ending: .ended, rank: 70, parse: TextJavaFatal.parse)
}

/// The Java VM's fatal error log (`hs_err_pid*.log`).
enum TextJavaFatal {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        var record = CrashRecord(kind: "java_fatal")
        var at = lines.at + 1
        var problem = false
        while at < min(lines.count, lines.at + 40) {
            let text = lines[at].drop { $0 == "#" }.trimmed
            if problem, !text.isEmpty {
                if let frame = frame(text, index: 0) { record.frames = [frame] }
                problem = false
            }
            if text.hasPrefix("SIG") || text.hasPrefix("EXCEPTION_"), text.contains(" at pc=") {
                let name = text.prefix { $0.isLetter || $0 == "_" }
                if name.hasPrefix("SIG") { record.signal = String(name) } else { record.exception = String(name) }
                record.pid = text.after("pid=")?.leadingNumber
                record.thread = text.after("tid=")?.leadingNumber
            }
            if text.hasPrefix("Internal Error") || text.hasPrefix("Out of Memory Error") { record.message = text }
            if text.hasPrefix("Problematic frame:") { problem = true }
            at += 1
            if text.hasPrefix("---------------") { break }
        }
        let end = stack(lines, from: at, into: &record)
        return TextReport(record: record, fate: .died, first: max(0, lines.at - 1), end: max(at, end))
    }

    private static func stack(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        var frames: [CrashFrame] = []
        var inside = false
        while at < lines.count {
            let text = lines[at].trimmed
            if text.hasPrefix("siginfo:"), let address = text.after("si_addr: ")?.leadingHex {
                record.address = Address(address)
                record.exception = text.between("si_code: ", ",").flatMap { $0.between("(", ")") }
            }
            if text.hasPrefix("Current thread"), let name = text.between("\"", "\"") { record.threadName = name }
            if text.hasPrefix("Native frames:") || (text.hasPrefix("Java frames:") && frames.isEmpty) {
                inside = true
            } else if inside {
                if let frame = frame(text, index: frames.count) { frames.append(frame) } else { inside = false }
            }
            at += 1
        }
        if !frames.isEmpty { record.frames = frames }
        return at
    }

    /// `C  [libfoo.so+0x12]  fn(int)+0x3`, `j  a.b.C.d(I)V+4`, `J 12 c2 a.B.c()V (5 bytes) @ …`, `v  ~Stub`.
    private static func frame(_ text: String, index: Int) -> CrashFrame? {
        guard let letter = text.first, "CVjJvA".contains(letter), text.dropFirst().first == " " else { return nil }
        let body = text.dropFirst(2).trimmed
        if body.hasPrefix("["), let inside = body.between("[", "]") {
            var frame = CrashFrame.printed(index, function: nil)
            frame.module = inside.before("+0x") ?? inside
            frame.offset = inside.after("+")?.leadingHex.map(Address.init)
            if let name = body.after("]")?.trimmed, !name.isEmpty {
                frame.function = name.findLast("+0x").map { String(name[..<$0.lowerBound]) } ?? name
            }
            return frame
        }
        var name = body
        if letter == "J" {
            name = body.split(separator: " ").first { $0.contains(".") && $0.contains("(") }.map(String.init) ?? body
        }
        name = name.before("+") ?? name
        return .printed(index, function: name.before("(") ?? name)
    }
}
