import Model

extension TextReportFormat {
    static let mono = TextReportFormat(
        name: "mono", kinds: ["unity"],
        anchors: [
            Anchor(40, "Native Crash Reporting"), Anchor(69, "Native stacktrace:"),
            Anchor(70, " while executing native code"),
        ],
        start: .afterPrefix, ending: .ended, printsInParts: true, runtime: .mono, parse: TextMono.parse)
}

/// Crash reports of the Mono runtime. Old versions print `Stacktrace:`, `Native stacktrace:` and then the signal; new
/// ones print a header first and `Managed Stacktrace:` last.
enum TextMono {
    /// The most lines before the first frame.
    private static let wordsLimit = 24

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at].trimmed
        let isNew = head.hasPrefix("Native Crash Reporting")
        guard isNew || head.hasPrefix("Native stacktrace:") || head.hasPrefix("Got a SIG") else { return nil }
        if lines.repeatsWords, !head.hasPrefix("Got a SIG") { return nil }
        var record = CrashRecord(kind: isNew ? "unity" : "mono")
        var native: [CrashFrame] = []
        var managed: [CrashFrame] = []
        var isManaged = false
        var at = head.hasPrefix("Got a SIG") ? lines.at : lines.at + 1
        var end = lines.at + 1
        var first = lines.at
        if !isNew { first = before(lines, &managed) }
        // The output of gdb may come in between, of any length.
        while at < lines.count, at < end + (isNew ? 600 : 200), native.count + managed.count < ReportLines.frameLimit {
            let text = lines[at].trimmed
            if let signal = text.between("Got a ", " while executing") {
                record.signal = signal
                end = at + 1
            } else if text.hasPrefix("Managed Stacktrace:") {
                isManaged = true
                end = at + 1
            } else if text.hasPrefix("Native stacktrace:") || text.hasPrefix("====") {
                end = at + 1
            } else if text.hasPrefix("a fatal error in the mono runtime") || text.hasPrefix("used by your application")
            {
                end = at + 1
            } else if isManaged, let frame = managedFrame(text, index: managed.count) {
                managed.append(frame)
                end = at + 1
            } else if !isManaged, let frame = nativeFrame(text, index: native.count) {
                native.append(frame)
                end = at + 1
            } else if record.signal != nil, !isNew, !text.isEmpty, at > end + 1 {
                break
            } else if !text.isEmpty, LineHead(lines.window.text(at)).isLogged, lines.prefix.isEmpty {
                break
            }
            at += 1
            if native.isEmpty, managed.isEmpty, at > lines.at + Self.wordsLimit { break }
        }
        guard record.signal != nil || !native.isEmpty || isNew else { return nil }
        record.frames = (native + managed).enumerated().map { index, frame in
            var frame = frame
            frame.index = index
            return frame
        }
        return TextReport(record: record, fate: .died, first: first, end: end)
    }

    /// Reads the managed frames of the old form, which precede the native ones under `Stacktrace:`.
    private static func before(_ lines: ReportLines, _ managed: inout [CrashFrame]) -> Int {
        let start = (max(0, lines.at - 80)..<lines.at).last { lines[$0].trimmed == "Stacktrace:" }
        guard let start else { return lines.at }
        for index in start..<lines.at {
            if let frame = managedFrame(lines[index].trimmed, index: managed.count) { managed.append(frame) }
        }
        return start
    }

    /// `at Class:Method (args) [0x0000b] in <hash>:0`, `at Class:Method <0x00079>`.
    private static func managedFrame(_ text: String, index: Int) -> CrashFrame? {
        guard text.hasPrefix("at ") else { return nil }
        let rest = String(text.dropFirst(3))
        var frame = CrashFrame.printed(index, function: TextUnity.managed(rest))
        if let place = rest.findLast(" in "), !rest[place.upperBound...].hasPrefix("<") {
            let parts = rest[place.upperBound...].fileAndLine
            frame.file = parts.line == nil ? nil : parts.file
            frame.line = parts.line
        }
        return frame
    }

    /// `mono(+0xc8514) [0x55d0c1ac8514]`, `0x7f… - /path/lib.so : symbol`, `[0x41c50820]`.
    private static func nativeFrame(_ text: String, index: Int) -> CrashFrame? {
        if let frame = BacktraceSymbol.frame(text, index: index) { return frame }
        guard let address = text.leadingHex, let dash = text.find(" - ") else { return nil }
        var frame = CrashFrame.printed(index, function: nil)
        frame.address = Address(address)
        let rest = String(text[dash.upperBound...])
        if let colon = rest.findLast(" :") {
            frame.module = PrintedNames.module(rest[..<colon.lowerBound])
            frame.function = PrintedNames.function(rest[colon.upperBound...])
        } else {
            frame.module = PrintedNames.module(rest)
        }
        return frame
    }
}

extension RuntimeNames {
    /// Mono's handlers and modules.
    static let mono = RuntimeNames(
        machinery: [
            "mono_*", "sigsegv_signal_handler*", "monoeg_*", "g_assert_*", "<Module>:runtime_invoke*",
            "object:runtime_invoke*", "Object:runtime_invoke*", "GC_*",
        ],
        modules: ["libmono*", "mono-2.0*", "mono.dll", "libmonobdwgc*"])
}
