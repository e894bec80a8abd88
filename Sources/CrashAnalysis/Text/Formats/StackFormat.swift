import Model

extension TextReportFormat {
    static let stack = TextReportFormat(
        name: "stack", kinds: ["gdb"],
        anchors: [Anchor(17, "#0 0x"), Anchor(18, "#0  0x"), Anchor(19, "#0  ")],
        ending: .saysItself, printsInParts: true, parse: TextStack.parse)
}

/// Numbered frames, `#0 …`, as gdb, the sanitizers and several engines print them.
enum TextStack {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        guard !lines.repeatsWords, let first = frame(joined(lines, lines.at), index: 0) else { return nil }
        let preamble = GdbPreamble(lines)
        var stacks: [(title: String, frames: [CrashFrame])] = [(title(lines, lines.at), [first.frame])]
        var gdb = first.gdb
        var at = lines.at + 1
        let most = ReportLines.frameLimit
        while at < lines.count, let last = stacks.indices.last {
            let wanted = stacks[last].frames.count
            if wanted < most,
                let next = numbered(
                    lines, from: at, gap: gdb ? 60 : ReportLines.gap, index: wanted, restart: wanted > 1 || gdb)
            {
                gdb = gdb || next.found.gdb
                if next.found.frame.index == 0, wanted > 0 {
                    guard stacks.count < 256 else { break }
                    stacks.append((title(lines, next.after - 1), [next.found.frame]))
                } else {
                    stacks[last].frames.append(next.found.frame)
                }
                at = next.after
            } else {
                break
            }
        }
        guard gdb || (stacks.first?.frames.count ?? 0) >= 2 else { return nil }
        let frames = choose(stacks)
        let sanitized = frames.contains { $0.function?.hasPrefix("__asan") ?? false }
        var record = CrashRecord(kind: gdb ? "gdb" : sanitized ? "asan" : "stack")
        record.frames = frames
        record.signal = preamble.signal
        record.commandLine = preamble.command
        var report = TextReport(record: record, fate: .died, first: preamble.first, end: preamble.end(lines, from: at))
        report.opensProcess = preamble.opensProcess
        if preamble.signal == nil, !sanitized, !preamble.opensProcess {
            // A bare stack: the lines before it say why it was printed.
            let said = CrashWords.before(lines, lines.at)
            report.record.signal = said.signal
            report.fate = CrashWords.isLooking(lines, lines.at) ? .survived : said.isCrash ? .died : .unsaid
        }
        return report
    }

    /// The next frame `index`, or frame 0 of another stack if `restart` allows it.
    private static func numbered(
        _ lines: ReportLines, from start: Int, gap: Int, index: Int, restart: Bool
    ) -> (found: Parsed, after: Int)? {
        for at in start...start + gap where at < lines.count {
            if GdbPreamble.isSection(lines[at]) { return nil }
            guard lines[at].trimmed.first == "#" else { continue }
            let text = joined(lines, at)
            if let found = frame(text, index: index) { return (found, at + 1) }
            if restart, let found = frame(text, index: 0) { return (found, at + 1) }
        }
        return nil
    }

    /// The lines of one frame, joined: gdb wraps long argument lists.
    private static func joined(_ lines: ReportLines, _ at: Int) -> String {
        var text = lines[at].trimmed
        guard !text.hasSuffix(")") || text.contains("=") else { return text }
        for step in 1...6 {
            let next = lines[at + step]
            let rest = next.trimmed
            guard next.first?.isWhitespace == true, !rest.isEmpty, rest.first != "#" else { break }
            let opens = text.utf8.lazy.filter { $0 == 0x28 }.count
            let closes = text.utf8.lazy.filter { $0 == 0x29 }.count
            guard opens > closes || rest.hasPrefix("at ") || rest.hasPrefix("from ") else { break }
            text += " " + rest
        }
        return text
    }

    /// gdb prints the innermost frame alone, then every thread; thread 1 is the one that crashed.
    private static func choose(_ stacks: [(title: String, frames: [CrashFrame])]) -> [CrashFrame] {
        if let one = stacks.first(where: { $0.title.hasPrefix("Thread 1 ") }) { return one.frames }
        guard let first = stacks.first?.frames else { return [] }
        guard first.count == 1, let top = first.first else { return first }
        return stacks.first { $0.frames.count > 1 && $0.frames.first?.function == top.function }?.frames ?? first
    }

    private static func title(_ lines: ReportLines, _ at: Int) -> String {
        for step in 1...2 where lines[at - step].hasPrefix("Thread ") { return lines[at - step] }
        return ""
    }

    struct Parsed {
        var frame: CrashFrame
        var gdb: Bool
    }

    /// One frame with the number `index`; nil for any other line.
    static func frame(_ line: String, index: Int, needsAddress: Bool = true) -> Parsed? {
        let text = line.trimmed
        let lead = "#\(index) "
        guard text.hasPrefix(lead) else { return nil }
        var rest = text.dropFirst(lead.count).trimmed
        var frame = CrashFrame.printed(index, function: nil)
        var hadAddress = false
        if let address = rest.leadingHex {
            frame.address = Address(address)
            hadAddress = true
            rest = String(rest.drop { !$0.isWhitespace }).trimmed
        }
        // cpptrace adds the address within the file.
        var within: UInt64?
        if hadAddress, rest.hasPrefix("(0x"), let close = rest.find(")") {
            within = rest.dropFirst().leadingHex
            rest = rest[close.upperBound...].trimmed
        }
        if rest.hasPrefix("in ") { rest = rest.dropFirst(3).trimmed }
        if rest == "<signal handler called>" {
            frame.function = rest
            return Parsed(frame: frame, gdb: true)
        }
        if hadAddress, let parsed = journal(rest, frame) { return parsed }
        if let parsed = gdb(rest, frame) { return parsed }
        guard hadAddress || !needsAddress else { return nil }
        return located(rest, frame, within: within)
    }

    /// systemd-coredump: `name (libc.so.6 + 0x9dbe2)`, with "n/a" for a name that is unknown.
    private static func journal(_ rest: String, _ base: CrashFrame) -> Parsed? {
        guard rest.hasSuffix(")"), let plus = rest.findLast(" + 0x"),
            let open = rest[..<plus.lowerBound].findLast(" ("),
            let offset = UInt64(rest[plus.upperBound...].dropLast(), radix: 16)
        else { return nil }
        var frame = base
        frame.module = PrintedNames.module(rest[open.upperBound..<plus.lowerBound])
        frame.offset = Address(offset)
        frame.function = PrintedNames.function(rest[..<open.lowerBound])
        return Parsed(frame: frame, gdb: false)
    }

    /// `name (args) at file:line` or `name (args) from lib.so`.
    private static func gdb(_ rest: String, _ base: CrashFrame) -> Parsed? {
        var frame = base
        var head = rest
        var placed = false
        if let at = rest.findLast(" at "), rest[..<at.lowerBound].hasSuffix(")") {
            let place = rest[at.upperBound...].fileAndLine
            if place.line != nil {
                frame.file = place.file
                frame.line = place.line
                head = String(rest[..<at.lowerBound])
                placed = true
            }
        } else if let from = rest.findLast(" from "), rest[..<from.lowerBound].hasSuffix(")") {
            frame.module = rest[from.upperBound...].split(separator: "/").last.map(String.init)
            head = String(rest[..<from.lowerBound])
            placed = true
        }
        guard head.hasSuffix(")"), let open = head.find(" ("), placed || head.hasSuffix(" ()") || head.contains("=")
        else { return nil }
        var name = String(head[..<open.lowerBound])
        // "(anonymous namespace)::f (x=1)" begins with the same bracket as the arguments.
        if name.isEmpty || head.hasPrefix("(anonymous namespace)") {
            let skipped = head.dropFirst("(anonymous namespace)".count)
            guard head.hasPrefix("(anonymous namespace)"), let next = skipped.find(" (") else { return nil }
            name = "(anonymous namespace)" + skipped[..<next.lowerBound]
        }
        frame.function = PrintedNames.function(name)
        return Parsed(frame: frame, gdb: true)
    }

    /// `name file:line:col (mod+0x12) (BuildId: …)` of the sanitizers, `name at file:line:col` and `at /path/mod` of
    /// cpptrace; each part may be absent.
    private static func located(_ rest: String, _ base: CrashFrame, within: UInt64?) -> Parsed? {
        var frame = base
        var text = rest
        if let build = text.find(" (BuildId: ") {
            frame.buildID = text[build.upperBound...].before(")")
            text = String(text[..<build.lowerBound]).trimmed
        }
        if text.hasSuffix(")"), let open = text.findLast("("), let plus = text[open.upperBound...].findLast("+0x") {
            let path = text[open.upperBound..<plus.lowerBound]
            frame.module = PrintedNames.module(path)
            frame.offset = UInt64(text[plus.upperBound...].dropLast(), radix: 16).map(Address.init)
            text = text[..<open.lowerBound].trimmed
        }
        if let space = text.findLast(" "), text[space.upperBound...].fileAndLine.line != nil {
            let place = text[space.upperBound...].fileAndLine
            frame.file = place.file
            frame.line = place.line
            text = text[..<space.lowerBound].trimmed
        } else if text.hasPrefix("/"), text.fileAndLine.line != nil {
            let place = text.fileAndLine
            frame.file = place.file
            frame.line = place.line
            text = ""
        } else if let at = text.findLast(" at /") ?? (text.hasPrefix("at /") ? text.find("at /") : nil) {
            frame.module = PrintedNames.module(text[at.lowerBound...].trimmed.dropFirst(3))
            text = text[..<at.lowerBound].trimmed
        }
        if text.hasSuffix(" at") { text = text.dropLast(3).trimmed }
        frame.function = PrintedNames.function(text)
        if frame.offset == nil, frame.module != nil { frame.offset = within.map(Address.init) }
        return Parsed(frame: frame, gdb: false)
    }
}

/// The lines that gdb prints before the stack of a core.
struct GdbPreamble {
    private(set) var signal: String?
    private(set) var command: String?
    /// Index of the report's first line.
    private(set) var first: Int
    /// True if the lines are the header of a process of its own.
    private(set) var opensProcess = false
    private var isSource = false

    private static let reach = 60

    init(_ lines: ReportLines) {
        first = lines.at
        for index in stride(from: lines.at - 1, through: max(0, lines.at - Self.reach), by: -1) {
            let text = lines[index]
            if text.hasPrefix("End of Source crash report") || text.hasPrefix("#") { return }
            if let found = Self.signal(text) {
                signal = signal ?? found
                first = index
            } else if let command = text.between("Core was generated by `", "'") {
                self.command = command
                opensProcess = true
                first = index
            } else if text.hasPrefix("CRASH: ") {
                opensProcess = true
                isSource = true
                first = index
                return
            }
        }
    }

    /// The signal of "Program terminated with signal 11, …" and "Thread 1 received signal SIGSEGV, …".
    static func signal(_ text: String) -> String? {
        guard let rest = text.after("terminated with signal ") ?? text.after(" received signal ") else { return nil }
        if let number = rest.leadingNumber { return SignalNames.name(number) }
        let name = String(rest.prefix { $0.isLetter || $0.isNumber })
        return name.hasPrefix("SIG") ? name : nil
    }

    /// True for a line that belongs to another report than the frames above it.
    static func isSection(_ text: String) -> Bool {
        text.hasPrefix("CRASH: ") || text.hasPrefix("End of Source crash report")
            || text.hasPrefix("Core was generated by")
            || text.hasPrefix("Program terminated with signal") || text.hasPrefix("Program received signal")
    }

    /// One past the end of the section that the server's script wraps around gdb's output.
    func end(_ lines: ReportLines, from end: Int) -> Int {
        guard isSource else { return end }
        for index in end..<min(lines.count, end + 2000) {
            if lines[index].hasPrefix("End of Source crash report") { return index + 1 }
            if lines[index].hasPrefix("CRASH: ") { return end }
        }
        return end
    }
}
