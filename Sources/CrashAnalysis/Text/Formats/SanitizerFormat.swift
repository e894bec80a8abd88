import Model

extension TextReportFormat {
    static let sanitizer = TextReportFormat(
        name: "sanitizer", kinds: ["asan", "tsan", "msan", "lsan", "ubsan"],
        anchors: [Anchor(15, "Sanitizer: "), Anchor(116, "Sanitizer:DEADLYSIGNAL")],
        voice: .anyone, ending: .saysItself, lead: .word, runtime: .sanitizer,
        reports: TextSanitizer.isInterceptor, closes: { $0.hasSuffix("==ABORTING") }, parse: TextSanitizer.parse)

    static let undefinedBehaviour = TextReportFormat(
        name: "undefined",
        anchors: [Anchor(16, "runtime error: ")],
        start: .afterPrefix, ending: .saysItself, lead: .word, parse: TextSanitizer.parseUndefined)
}

/// The reports of AddressSanitizer and related sanitizers, and UBSan's one-liners.
enum TextSanitizer {
    private static let names: [(name: String, kind: String)] = [
        ("HWAddressSanitizer", "asan"), ("AddressSanitizer", "asan"), ("LeakSanitizer", "lsan"),
        ("ThreadSanitizer", "tsan"), ("MemorySanitizer", "msan"), ("UndefinedBehaviorSanitizer", "ubsan"),
    ]

    /// True for a frame between the program and its error: the runtime's own, or a C library function that it
    /// intercepts.
    @Sendable static func isInterceptor(_ frame: CrashFrame) -> Bool {
        if let module = frame.module, runtimes.contains(where: { module.hasPrefix($0) }) { return true }
        if let file = frame.file, sources.contains(where: { file.find($0) != nil }) { return true }
        return frame.function.map { SignatureLists.intercepted.contains(SignatureNames.normalise($0)) } ?? false
    }

    private static let runtimes = ["libasan", "libtsan", "libubsan", "liblsan", "libmsan", "libclang_rt"]
    private static let sources = ["libsanitizer/", "compiler-rt/lib/", "sanitizer_common", "/sysdeps/"]

    @Sendable static func parse(_ anchored: ReportLines) -> TextReport? {
        guard let lines = ownLines(anchored), let tool = names.first(where: { lines[lines.at].contains($0.name + ":") })
        else { return nil }
        let head = lines[lines.at]
        if head.contains(tool.name + ":DEADLYSIGNAL") { return deadly(lines, tool.kind) }
        guard let text = head.after(tool.name + ": ") else { return nil }
        let isWarning = head.contains("WARNING: ")
        var record = CrashRecord(kind: tool.kind)
        record.pid = head.between("==", "==").flatMap { Int($0) } ?? text.between("(pid=", ")").flatMap { Int($0) }
        record.exception = text.before(" on ") ?? text.before(" (") ?? text.trimmed
        record.message = text
        record.address = (text.after("address ") ?? text.after("on "))?.leadingHex.map(Address.init)
        var at = lines.at + 1
        var found = false
        while at < min(lines.count, lines.at + 24), !found {
            let line = lines[at].trimmed
            if line.hasPrefix("READ of size") || line.contains("caused by a READ") { record.access = "read" }
            if line.hasPrefix("WRITE of size") || line.contains("caused by a WRITE") { record.access = "write" }
            if record.thread == nil, let thread = line.after(" thread T") {
                record.thread = thread.leadingNumber
                record.threadName = thread.between("(", ")")
            }
            found = TextStack.frame(line, index: 0, needsAddress: false) != nil
            if !found { at += 1 }
        }
        var end = lines.at + 1
        if found { end = frames(lines, from: at, into: &record) }
        end = tail(lines, from: end)
        guard found || end > lines.at + 1 else { return nil }
        if text.hasPrefix("SEGV") { record.signal = "SIGSEGV" }
        let fate = fate(lines, tool.kind, isWarning: isWarning, text: text)
        return TextReport(record: record, fate: fate, first: lines.at, end: end)
    }

    /// A leak does not end the program, nor does a race unless the program was told to halt at the first.
    private static func fate(_ lines: ReportLines, _ kind: String, isWarning: Bool, text: String) -> TextReport.Fate {
        if case .logged(let head) = lines.voice, head.level != nil || !head.names.isEmpty { return .survived }
        switch kind {
        case "lsan": return .survived
        case "tsan" where isWarning:
            let halts = (max(0, lines.at - 200)..<lines.at).contains { index in
                let line = lines.window.text(index)
                return line.contains("TSAN_OPTIONS") && line.contains("halt_on_error=1")
            }
            return halts ? .likelyDied : .survived
        case "ubsan" where !text.contains("SEGV") && !text.contains("on unknown address"): return .unsaid
        default: return .died
        }
    }

    /// The report's lines without the text before "==4242==ERROR: " or "WARNING: "; nil if somebody quotes it.
    private static func ownLines(_ anchored: ReportLines) -> ReportLines? {
        let whole = anchored.window.text(anchored.at)
        guard let name = whole.find("Sanitizer:") else { return nil }
        let before = whole[..<name.lowerBound]
        var mark: String.Index?
        if let equals = before.find("=="), before[equals.upperBound...].leadingNumber != nil {
            mark = equals.lowerBound
        }
        for word in ["ERROR: ", "WARNING: ", "FATAL: "] where mark == nil { mark = before.findLast(word)?.lowerBound }
        if mark == nil, whole[name.lowerBound...].hasPrefix("Sanitizer:DEADLYSIGNAL") {
            let letters = before.reversed().prefix { $0.isLetter }.count
            mark = whole.index(name.lowerBound, offsetBy: -letters)
        }
        guard let mark else { return nil }
        let start = whole.utf8.distance(from: whole.startIndex, to: mark)
        let lines = ReportLines(anchored.window, start: start, place: start)
        if case .quoted = lines.voice { return nil }
        return lines
    }

    /// Reads the first line of a report if nothing follows it.
    private static func deadly(_ lines: ReportLines, _ kind: String) -> TextReport? {
        let isTold = (lines.at + 1..<lines.at + 12).contains { lines[$0].find("ERROR: ") != nil }
        if isTold { return nil }
        if case .logged(let head) = lines.voice, head.level != nil || !head.names.isEmpty { return nil }
        var record = CrashRecord(kind: kind)
        record.exception = "DEADLYSIGNAL"
        return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
    }

    private static func frames(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        while record.frames.count < ReportLines.frameLimit {
            let wanted = record.frames.count
            let limit = (at...at + ReportLines.gap).first { isHeader(lines[$0]) } ?? at + ReportLines.gap + 1
            guard
                let next = lines.next(
                    from: at, gap: limit - at - 1, { TextStack.frame($0, index: wanted, needsAddress: false) })
            else { break }
            record.frames.append(next.found.frame)
            at = next.after
        }
        return at
    }

    /// True for a line that ends a report or begins another.
    private static func isHeader(_ text: String) -> Bool { text.find("Sanitizer:") != nil }

    /// One past the stacks of allocation and release, which follow up to the summary.
    private static func tail(_ lines: ReportLines, from end: Int) -> Int {
        for index in end..<min(lines.count, end + 200) {
            let text = lines[index].trimmed
            if text.hasPrefix("SUMMARY: ") || text.hasSuffix("==ABORTING") {
                return lines[index + 1].trimmed.hasSuffix("==ABORTING") ? index + 2 : index + 1
            }
            if isHeader(text) { break }
        }
        return end
    }

    /// UBSan: `file:l:c: runtime error: text`. The program continues, unless it says otherwise at once.
    @Sendable static func parseUndefined(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        guard let text = head.after(": runtime error: "), let place = head.before(": runtime error: "),
            !place.contains(" "), place.fileAndLine.line != nil
        else { return nil }
        var record = CrashRecord(kind: "ubsan")
        record.exception = "runtime error"
        record.message = text
        var end = frames(lines, from: lines.at + 1, into: &record)
        if record.frames.isEmpty {
            record.frames = [.printed(0, function: nil, file: place.fileAndLine.file, line: place.fileAndLine.line)]
        }
        if lines[end].hasPrefix("SUMMARY: UndefinedBehaviorSanitizer") { end += 1 }
        let isEnd = (end..<end + 2).contains { index in
            let line = lines[index].trimmed
            return line.hasSuffix("==ABORTING") || line.hasPrefix("Aborted")
                || line.contains(": line ") && line.contains(" Aborted ")
        }
        return TextReport(record: record, fate: isEnd ? .died : .survived, first: lines.at, end: end)
    }
}

extension RuntimeNames {
    /// The runtimes of the sanitizers.
    static let sanitizer = RuntimeNames(
        machinery: [
            "__asan*", "__asan::*", "__sanitizer::*", "__sanitizer_*", "__interceptor_*", "___interceptor_*", "__tsan*",
            "__ubsan*", "__msan*", "__lsan*", "__hwasan*", "__gwp_asan*", "gwp_asan::*", "__sancov*",
            "__interception::*", "__cfi_*", "__libfuzzer*", "fuzzer::*",
        ],
        modules: ["libasan*", "libtsan*", "libubsan*", "libmsan*", "liblsan*", "libclang_rt*"])
}
