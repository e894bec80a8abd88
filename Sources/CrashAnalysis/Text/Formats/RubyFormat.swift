import Model

extension TextReportFormat {
    static let ruby = TextReportFormat(
        name: "ruby",
        anchors: [
            Anchor(47, ":in `"), Anchor(48, ":in '"), Anchor(49, "[BUG] "),
        ],
        start: .afterPrefix, ending: .saysItself, lead: .exception, leavesNoDump: true, runtime: .ruby,
        parse: TextRuby.parse)
}

/// Ruby's backtraces.
enum TextRuby {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        if head.contains("[BUG] ") { return parseBug(lines) }
        guard !head.trimmed.hasPrefix("from "), let first = frame(head) else { return nil }
        var record = CrashRecord(kind: "ruby")
        var text = first.rest
        var at = lines.at + 1
        var steps = 0
        let isComplete = type(first.rest) != nil
        while steps < 16, !lines[at].trimmed.hasPrefix("from "), at < lines.count {
            // After a complete line, error_highlight shows the source.
            if !isComplete { text += "\n" + lines[at] }
            at += 1
            steps += 1
        }
        guard lines[at].trimmed.hasPrefix("from ") || steps == 16 || at >= lines.count else { return nil }
        if !lines[at].trimmed.hasPrefix("from ") {
            text = first.rest
            at = lines.at + 1
        }
        guard let found = type(text) else { return nil }
        record.exception = found.name
        record.message = found.message
        record.frames = [first.frame]
        while record.frames.count < ReportLines.frameLimit,
            let next = lines.next(
                from: at, gap: 3,
                { line in
                    line.trimmed.hasPrefix("from ") ? frame(String(line.trimmed.dropFirst(5))) : nil
                })
        {
            var frame = next.found.frame
            frame.index = record.frames.count
            record.frames.append(frame)
            at = next.after
        }
        return TextReport(record: record, fate: fate(lines, record), first: lines.at, end: at)
    }

    /// The parts of `text (Type)`.
    private static func type(_ text: String) -> (name: String, message: String)? {
        guard let open = text.findLast(" ("), text.trimmed.hasSuffix(")") else { return nil }
        let name = String(text[open.upperBound...].trimmed.dropLast())
        guard name.first?.isUppercase == true, !name.contains(" ") else { return nil }
        return (name, text[..<open.lowerBound].trimmed)
    }

    private static func fate(_ lines: ReportLines, _ record: CrashRecord) -> TextReport.Fate {
        let isThread =
            lines.at > 0 && lines[lines.at - 1].hasPrefix("#<Thread:")
            && lines[lines.at - 1].contains("terminated with exception")
        if isThread || ["Interrupt", "SystemExit", "SignalException"].contains(record.exception ?? "") {
            return .survived
        }
        return record.frames.last?.function == "<main>" ? .likelyDied : .unsaid
    }

    /// `file.rb:13:in `rescue in block (2 levels) in func': rest`.
    private static func frame(_ line: String) -> (frame: CrashFrame, rest: String)? {
        guard let mark = line.find(":in `") ?? line.find(":in '"), let close = line[mark.upperBound...].find("'") else {
            return nil
        }
        let place = line[..<mark.lowerBound].trimmed.fileAndLine
        // A name before the place is a speaker's.
        guard place.line != nil, !place.file.contains(": ") else { return nil }
        var name = String(line[mark.upperBound..<close.lowerBound])
        while true {
            if name.hasPrefix("rescue in ") {
                name = String(name.dropFirst(10))
            } else if name.hasPrefix("ensure in ") {
                name = String(name.dropFirst(10))
            } else if name.hasPrefix("block in ") {
                name = String(name.dropFirst(9))
            } else if name.hasPrefix("block ("), let inner = name.after(") in ") {
                name = inner
            } else {
                break
            }
        }
        var rest = String(line[close.upperBound...])
        if rest.hasPrefix(": ") { rest = String(rest.dropFirst(2)) }
        return (.printed(0, function: name, file: place.file, line: place.line), rest)
    }

    private static func parseBug(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        guard let text = head.after("[BUG] "), let place = head.before(": [BUG]"), place.fileAndLine.line != nil,
            !place.contains(": ")
        else {
            return nil
        }
        var record = CrashRecord(kind: "ruby")
        record.exception = "[BUG]"
        record.message = text
        record.signal = text.hasPrefix("Segmentation fault") ? "SIGSEGV" : "SIGABRT"
        record.address = text.after(" at 0x").flatMap { ("0x" + $0).leadingHex }.map(Address.init)
        let end = sections(lines, into: &record)
        if record.frames.isEmpty {
            record.frames = [.printed(0, function: nil, file: place.fileAndLine.file, line: place.fileAndLine.line)]
        }
        for index in record.frames.indices { record.frames[index].index = index }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    private static let sectionsReach = 2000

    /// `-- Ruby level backtrace information ---`, outermost first, and `-- C level backtrace information ---`.
    private static func sections(_ lines: ReportLines, into record: inout CrashRecord) -> Int {
        var native: [CrashFrame] = []
        var script: [CrashFrame] = []
        var section = ""
        var end = lines.at + 1
        for at in lines.at + 1..<max(lines.at + 1, min(lines.count, lines.at + sectionsReach)) {
            let text = lines[at]
            if text.hasPrefix("-- "), text.hasSuffix("---") {
                section = text
                end = at + 1
            } else if section.hasPrefix("-- Ruby level"), let found = frame(text) {
                if script.count < ReportLines.frameLimit { script.append(found.frame) }
                end = at + 1
            } else if section.hasPrefix("-- C level"), let found = nativeFrame(text) {
                if native.count < ReportLines.frameLimit { native.append(found) }
                end = at + 1
            } else if section.hasPrefix("-- C level"), !native.isEmpty {
                break
            } else if section.isEmpty, at > lines.at + 8 {
                break
            }
        }
        record.frames = belowHandler(native) + script.reversed()
        return end
    }

    /// `/usr/lib/libruby.so.3.2(rb_bug+0x11) [0x7f…] vm_dump.c:785`.
    private static func nativeFrame(_ text: String) -> CrashFrame? {
        guard let close = text.findLast("]") else { return nil }
        guard var frame = BacktraceSymbol.frame(String(text[..<close.upperBound]), index: 0) else { return nil }
        let place = text[close.upperBound...].trimmed.fileAndLine
        if place.line != nil {
            frame.file = place.file
            frame.line = place.line
        }
        return frame
    }

    private static let handlers: Set<String> = [
        "rb_print_backtrace", "rb_vm_bugreport", "rb_bug_for_fatal_signal", "rb_bug", "rb_bug_without_die",
        "bug_report_end", "sigsegv", "sigbus", "sigill", "sigabrt", "check_stack_overflow", "__restore_rt",
    ]

    /// Removes the interpreter's handler and the C library's return from it, which often has no name.
    private static func belowHandler(_ frames: [CrashFrame]) -> [CrashFrame] {
        let top = frames.prefix(12)
        guard let last = top.lastIndex(where: { $0.function.map(handlers.contains) ?? false }) else { return frames }
        let isNamed = frames[last].function == "__restore_rt"
        let rest = frames[(last + 1)...]
        if !isNamed, let first = rest.first, SystemModules.isLibraryOfC(first.module) { return Array(rest.dropFirst()) }
        return Array(rest)
    }
}

extension RuntimeNames {
    /// The interpreter: its functions that raise and report.
    static let ruby = RuntimeNames(
        machinery: [
            "rb_bug*", "rb_raise*", "rb_exc_raise*", "rb_fatal*", "die", "rb_vm_bugreport*", "rb_print_backtrace*",
            "rb_check_stack_overflow*",
        ])
}
