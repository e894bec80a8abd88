import Model

extension TextReportFormat {
    static let kernel = TextReportFormat(
        name: "kernel",
        anchors: [
            Anchor(104, "Out of memory: Kill"), Anchor(105, "Memory cgroup out of memory"),
            Anchor(106, "oom-kill:constraint="), Anchor(107, " segfault at "), Anchor(108, "general protection"),
            Anchor(109, "trap invalid opcode"), Anchor(110, "trap divide error"),
        ],
        voice: .anyone, ending: .ended, rank: 0, rankWithoutFrames: 0, isWord: true, parse: TextKernel.parse)
}

/// Messages in the kernel's log about a process that it killed or that faulted.
enum TextKernel {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let whole = lines.window.text(lines.at)
        let words = lines[lines.at]
        let lead = String(whole.dropLast(words.count))
        // A structured logger's JSON only quotes a report.
        if whole.hasPrefix("{") { return nil }
        if words.hasPrefix("oom-kill:") || words.hasPrefix("Out of memory: Kill")
            || words.hasPrefix("Memory cgroup out of memory")
        {
            return SystemVoice.isKernels(lead) ? outOfMemory(lines, words) : nil
        }
        return fault(lines, lead, words)
    }

    /// Separators between a speaker's name and the words.
    private static let speakers = [": ", "> ", ") ", "| "]

    private static func outOfMemory(_ lines: ReportLines, _ words: String) -> TextReport? {
        var record = CrashRecord(kind: "kernel")
        if words.hasPrefix("oom-kill:") {
            record.executable = words.between(",task=", ",pid=")
            record.pid = words.after(",pid=")?.leadingNumber
        } else {
            record.pid = words.after(" process ")?.leadingNumber
            record.executable = words.between("(", ")")
        }
        guard let pid = record.pid, let name = record.executable, !name.isEmpty, name.utf8.count < 32 else {
            return nil
        }
        record.signal = "SIGKILL"
        record.message = "out of memory: the kernel killed " + name
        record.notes.append("weak evidence: only the kernel reported it")
        var end = lines.at + 1
        // The kernel reports the same kill three times.
        while end < lines.count, end < lines.at + 8, isSame(lines.window.text(end), pid) { end += 1 }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    private static func isSame(_ text: String, _ pid: Int) -> Bool {
        for mark in ["Killed process ", "Kill process ", "reaped process "] {
            if let number = text.after(mark)?.leadingNumber { return number == pid }
        }
        return false
    }

    /// `fernd[4242]: segfault at 18 ip 55d0… sp 7ff… error 4 in fernd[55d0…+1000]`, `traps: fernd[4242] general
    /// protection fault ip:55d0… sp:7ff… error:0 in fernd[55d0…+1000]`.
    private static func fault(_ lines: ReportLines, _ before: String, _ words: String) -> TextReport? {
        var lead = before.trimmed
        if lead.hasSuffix(":") { lead = String(lead.dropLast()) }
        guard lead.hasSuffix("]"), let open = lead.findLast("["), let pid = Int(lead[open.upperBound...].dropLast())
        else { return nil }
        var name = String(lead[..<open.lowerBound])
        var prefix = ""
        for mark in ["traps: ", "kernel: ", "] "] {
            guard let found = name.findLast(mark) else { continue }
            // The text before belongs to the kernel's log, the text after to the process.
            prefix += name[..<found.upperBound]
            name = String(name[found.upperBound...])
        }
        if prefix.hasSuffix("traps: ") { prefix = String(prefix.dropLast(7)) }
        guard SystemVoice.isKernels(prefix), !name.isEmpty, name.utf8.count <= 16, !name.contains("<"),
            !speakers.contains(where: { name.contains($0) })
        else { return nil }
        let isSegfault = words.trimmed.hasPrefix("segfault at ")
        guard isSegfault || words.contains(" ip:"), words.contains(" sp") else { return nil }
        var record = CrashRecord(kind: "kernel")
        record.pid = pid
        record.executable = name
        record.notes.append("weak evidence: only the kernel reported it")
        if isSegfault {
            record.signal = "SIGSEGV"
            record.address = words.after("segfault at ").flatMap(hex).map(Address.init)
            if let error = words.after(" error ")?.leadingNumber {
                record.access = error & 16 != 0 ? "execute" : error & 2 != 0 ? "write" : "read"
            }
        } else {
            record.signal = words.hasPrefix("general") ? "SIGSEGV" : words.contains("divide") ? "SIGFPE" : "SIGILL"
        }
        record.message = name + ": " + (isSegfault ? "segfault" : words.before(" ip:") ?? "trap")
        record.frames = frame(words).map { [$0] } ?? []
        return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
    }

    /// The place in `in fernd[55d0c1a00000+1000]`, since Linux 6 `in fernd[1e31d7,55d0c1a00000+1000]`.
    private static func frame(_ words: String) -> CrashFrame? {
        guard let ip = (words.after(" ip:") ?? words.after(" ip ")).flatMap(hex), let tail = words.after(" in "),
            let open = tail.find("["), let inside = tail[open.upperBound...].before("]")
        else { return nil }
        var frame = CrashFrame.printed(0, function: nil)
        frame.address = Address(ip)
        frame.module = PrintedNames.module(tail[..<open.lowerBound])
        let parts = inside.split(separator: ",").map(String.init)
        if parts.count == 2, let offset = hex(parts[0]) {
            frame.offset = Address(offset)
        } else if let base = parts.last.flatMap({ $0.before("+") }).flatMap(hex), ip >= base {
            frame.offset = Address(ip - base)
        }
        return frame
    }

    private static func hex(_ text: String) -> UInt64? {
        let bare = text.hasPrefix("0x") ? String(text.dropFirst(2)) : text
        return UInt64(bare.prefix { $0.isHexDigit }, radix: 16)
    }
}
