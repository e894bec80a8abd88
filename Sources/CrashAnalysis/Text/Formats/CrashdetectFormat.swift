import Model

extension TextReportFormat {
    static let crashdetect = TextReportFormat(
        name: "crashdetect",
        anchors: [
            Anchor(78, "Server crashed while executing "), Anchor(79, "Server crashed due to an unknown error"),
            Anchor(80, "Run time error "),
        ],
        voice: .anyone, start: .afterPrefix, ending: .saysItself, runtime: .crashdetect, parse: TextCrashdetect.parse)
}

/// Reports of the crashdetect plugin of SA-MP and open.mp: the script's stack and the server's.
enum TextCrashdetect {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        guard isPlugins(lines.voice) else { return nil }
        var head = lines[lines.at]
        if head.hasPrefix("[debug] ") { head = String(head.dropFirst(8)) }
        var record = CrashRecord(kind: "crashdetect")
        let isError = head.hasPrefix("Run time error ")
        guard isError || head.hasPrefix("Server crashed ") else { return nil }
        if isError {
            guard head.dropFirst(15).leadingNumber != nil else { return nil }
            record.exception = "Run time error"
            record.message = head.between("\"", "\"") ?? head.trimmed
        } else {
            record.executable = head.after("while executing ")?.trimmed
        }
        var at = lines.at + 1
        var script: [CrashFrame] = []
        var native: [CrashFrame] = []
        var isNative = !isError
        var end = at
        while at < lines.count, at <= end + 4, script.count + native.count < ReportLines.frameLimit {
            var text = lines[at].trimmed
            if text.hasPrefix("[debug] ") { text = String(text.dropFirst(8)) }
            if text.hasPrefix("Server crashed ") || text.hasPrefix("Run time error ") { break }
            if text.hasPrefix("AMX backtrace:") {
                isNative = false
                end = at + 1
            } else if text.hasPrefix("Native backtrace:") {
                isNative = true
                end = at + 1
            } else if isNative, let frame = nativeFrame(text, native.count) {
                native.append(frame)
                end = at + 1
            } else if !isNative, let frame = scriptFrame(text, script.count) {
                script.append(frame)
                end = at + 1
            }
            at += 1
        }
        record.frames = (script + native).enumerated().map { index, frame in
            var frame = frame
            frame.index = index
            return frame
        }
        return TextReport(record: record, fate: isError ? .survived : .died, first: lines.at, end: end)
    }

    /// The plugin writes to the server's log, which puts a time but no name before each line.
    private static func isPlugins(_ voice: LineVoice) -> Bool {
        switch voice {
        case .raw: true
        case .logged(let head): head.names.isEmpty
        case .quoted: false
        }
    }

    /// `#0 f7adb281 in _Zname () in plugins/x.so`, in older versions `() from x.so`.
    private static func nativeFrame(_ text: String, _ index: Int) -> CrashFrame? {
        guard text.hasPrefix("#\(index) "),
            let found = PrintedNames.bareHex(String(text.dropFirst(String(index).count + 2))),
            found.rest.hasPrefix("in ")
        else { return nil }
        var frame = CrashFrame.printed(index, function: nil)
        frame.address = Address(found.value)
        let rest = String(found.rest.dropFirst(3))
        guard let open = rest.find(" (") else { return frame }
        frame.function = PrintedNames.function(rest[..<open.lowerBound])
        let tail = String(rest[open.upperBound...])
        frame.module = (tail.after(") in ") ?? tail.after(") from ")).flatMap { PrintedNames.module($0) }
        if frame.function == nil, frame.module != nil, found.value < PrintedNames.fixedLimit {
            frame.offset = Address(found.value)
        }
        return frame
    }

    /// `#0 native fclose () in samp03svr`, `#1 004b1e20 in public OnX (id=0) at x.pwn:67`.
    private static func scriptFrame(_ text: String, _ index: Int) -> CrashFrame? {
        let lead = "#\(index) "
        guard text.hasPrefix(lead) else { return nil }
        var rest = String(text.dropFirst(lead.count))
        if let found = PrintedNames.bareHex(rest) {
            rest = found.rest.hasPrefix("in ") ? String(found.rest.dropFirst(3)) : found.rest
        }
        for word in ["native ", "public ", "stock ", "static "] where rest.hasPrefix(word) {
            rest = String(rest.dropFirst(word.count))
        }
        guard let open = rest.find(" (") else { return nil }
        var frame = CrashFrame.printed(index, function: PrintedNames.function(rest[..<open.lowerBound]))
        if let at = rest.findLast(") at ") {
            let place = rest[at.upperBound...].fileAndLine
            frame.file = place.file
            frame.line = place.line
        } else if let module = rest.findLast(") in ") ?? rest.findLast(") from ") {
            frame.module = PrintedNames.module(rest[module.upperBound...])
        }
        return frame
    }
}

extension RuntimeNames {
    /// The plugin's handlers.
    static let crashdetect = RuntimeNames(
        machinery: ["GetStackTrace*", "StackTrace::StackTrace*", "CrashDetect::*", "CrashDetectHandler::*"])
}
