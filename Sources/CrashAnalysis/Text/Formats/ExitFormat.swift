import Model

extension TextReportFormat {
    static let exitStatus = TextReportFormat(
        name: "exit",
        anchors: [
            Anchor(111, "exited with code 13"), Anchor(112, "Main process exited, code="), Anchor(113, "OOMKilled"),
            Anchor(114, "terminated by SIG"), Anchor(115, "via signal [SIG"),
            Anchor(180, "Detected server process in a crashed state"), Anchor(181, "exited with exit code 13"),
            Anchor(182, "\"ExitCode\": 13"), Anchor(183, "exited with code -10737"),
            Anchor(184, "exited with code 32212"),
        ],
        voice: .anyone, ending: .ended, rank: -25, rankWithoutFrames: -25, isWord: true, parse: TextExit.parse)
}

/// Messages of supervisors about the status with which a process ended.
enum TextExit {
    /// Signals with which nobody stops a server on purpose; SIGKILL may end a stop that took too long.
    private static let deadly: Set<String> = [
        "SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS", "SIGKILL",
    ]

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let whole = lines.window.text(lines.at).trimmed
        let words = lines[lines.at]
        // A structured logger's JSON only quotes a report.
        if whole.hasPrefix("{") { return nil }
        let lead = whole.before(words.trimmed) ?? ""
        let told: Told?
        if words.hasPrefix("Detected server process") { return daemon(lines, lead) }
        if words.hasPrefix("exited with ") {
            told = compose(lead, words)
        } else if words.hasPrefix("\"ExitCode\": ") {
            let bare = lead.isEmpty ? words.trimmed.dropFirst(12).filter { $0 != "," } : ""
            told = (nil, signal(Int(bare)), false)
        } else if words.hasPrefix("Main process exited") {
            told = systemd(lead, words)
        } else if words.hasPrefix("OOMKilled") {
            told = orchestrator(whole)
        } else if words.hasPrefix("terminated by SIG") {
            told = supervisord(whole)
        } else {
            told = pm2(whole)
        }
        guard let told, let signal = told.signal else { return nil }
        var report = TextReport(
            record: record(told, signal), fate: signal == "SIGKILL" && !told.memory ? .unsaid : .died,
            first: lines.at, end: lines.at + 1)
        if signal.hasPrefix("SIG") {
            guard deadly.contains(signal) else { return nil }
            report.continues = told.name.map { isTold(lines, of: $0) } ?? false
        }
        return report
    }

    private typealias Told = (name: String?, signal: String?, memory: Bool)

    private static func record(_ told: Told, _ reason: String) -> CrashRecord {
        var record = CrashRecord(kind: "exit")
        if reason.hasPrefix("SIG") { record.signal = reason } else { record.exception = reason }
        record.executable = told.name
        let what = told.memory ? "out of memory, " : ""
        record.message = (told.name.map { $0 + ": " } ?? "") + what + "ended by " + reason
        record.notes.append("weak evidence: only the supervisor reported it")
        return record
    }

    /// True if the core of the same unit's process was reported right before, perhaps among those of others.
    private static func isTold(_ lines: ReportLines, of unit: String) -> Bool {
        guard let name = unit.before(".service") else { return false }
        return (max(0, lines.at - 24)..<lines.at).contains { index in
            let text = lines.window.text(index)
            return text.hasSuffix(" dumped core.") && text.find(" (\(name.prefix(15))) of user ") != nil
        }
    }

    /// `[Pterodactyl Daemon]: ---------- Detected server process in a crashed state! ----------`, then the exit code
    /// and whether memory ran out. The panel's daemon prints this only if nobody asked for a stop.
    private static func daemon(_ lines: ReportLines, _ lead: String) -> TextReport? {
        guard lead.hasPrefix("["), let tag = lead.before("]:"), tag.hasSuffix(" Daemon"), tag.utf8.count < 64,
            lead.after("]:")?.allSatisfy({ $0 == "-" || $0 == " " }) == true
        else { return nil }
        var status: Int?
        var memory = false
        var end = lines.at + 1
        for index in lines.at + 1..<lines.at + 8 {
            let text = lines.window.text(index)
            guard text.hasPrefix(tag + "]: ") else { continue }
            if let code = text.after("Exit code: ") {
                status = code.leadingNumber
                end = index + 1
            } else if let said = text.after("Out of memory: ") {
                memory = said.hasPrefix("true")
                end = index + 1
                break
            }
        }
        guard let signal = memory ? "SIGKILL" : signal(status), deadly.contains(signal) else { return nil }
        return TextReport(record: record((nil, signal, memory), signal), fate: .died, first: lines.at, end: end)
    }

    private static func signal(_ status: Int?) -> String? {
        guard let status, status > 128, status < 160 else { return nil }
        return SignalNames.name(status - 128)
    }

    /// `fernd_1 exited with code 139`, `Server process exited with code 134`, `Process exited with code -1073741819`.
    private static func compose(_ lead: String, _ words: String) -> Told? {
        let names = lead.split(separator: " " as Character).map(String.init)
        guard names.count <= 1 || names == ["Server", "process"],
            names.allSatisfy({ name in name.allSatisfy { $0.isLetter || $0.isNumber || "_.-".contains($0) } }),
            let code = words.after("code ")
        else { return nil }
        let isNegative = code.hasPrefix("-")
        guard let number = (isNegative ? code.dropFirst() : code[...]).leadingNumber else { return nil }
        let status = isNegative ? 0 &- number : number
        return (names.first, signal(status) ?? windows(status), false)
    }

    /// The name of a Windows exit status that means a crash; nil for any other.
    private static func windows(_ status: Int) -> String? {
        guard let code = UInt32(exactly: status) ?? Int32(exactly: status).map(UInt32.init(bitPattern:)) else {
            return nil
        }
        let deadly: Set<UInt32> = [
            0x8000_0003, 0xc000_0005, 0xc000_001d, 0xc000_0094, 0xc000_00fd, 0xc000_0374, 0xc000_0409,
        ]
        return deadly.contains(code) ? MinidumpReason.windowsName(code) : nil
    }

    /// `fernd.service: Main process exited, code=dumped, status=11/SEGV`.
    private static func systemd(_ lead: String, _ words: String) -> Told? {
        let tokens = lead.split(separator: " " as Character).map(String.init)
        guard let unit = tokens.last, unit.hasSuffix(":"), unit.contains(".") else { return nil }
        let head = tokens.dropLast().joined(separator: " ")
        guard head.isEmpty || SystemVoice.speaks(head, as: "systemd"), let code = words.between("code=", ","),
            let status = words.after("status=")?.leadingNumber
        else { return nil }
        let name = String(unit.dropLast())
        return (name, code == "exited" ? signal(status) : SignalNames.name(status), false)
    }

    /// `Reason: OOMKilled` of kubectl, `"OOMKilled": true` of Docker.
    private static func orchestrator(_ whole: String) -> Told? {
        let bare = whole.lowercased().filter { !$0.isWhitespace && $0 != "\"" && $0 != "," && $0 != "-" }
        guard bare == "reason:oomkilled" || bare == "oomkilled:true" || bare == "lastterminationreason:oomkilled" else {
            return nil
        }
        return (nil, "SIGKILL", true)
    }

    /// `2026-11-20 21:03:10,660 WARN exited: tide (terminated by SIGSEGV (core dumped); not expected)`.
    private static func supervisord(_ whole: String) -> Told? {
        guard let mark = whole.find("exited: "), let name = whole[mark.upperBound...].before(" (terminated by SIG"),
            !name.contains(" ")
        else { return nil }
        let head = whole[..<mark.lowerBound].trimmed
        guard head.isEmpty || isSupervisords(head) else { return nil }
        return (name, whole.after("terminated by ").map { String($0.prefix { $0.isLetter }) }, false)
    }

    /// `2026-11-20 21:03:10,660 WARN` and nothing else.
    private static func isSupervisords(_ head: String) -> Bool {
        let words = head.split(separator: " " as Character)
        guard words.count == 3, words[2] == "WARN" || words[2] == "INFO", words[0].utf8.count == 10,
            words[1].utf8.count == 12
        else { return false }
        let shape = String((words[0] + " " + words[1]).map { $0.isASCII && $0.isNumber ? "0" : $0 })
        return shape == "0000-00-00 00:00:00,000"
    }

    /// `PM2      | App [arena:0] exited with code [139] via signal [SIGSEGV]`.
    private static func pm2(_ whole: String) -> Told? {
        guard let mark = whole.find("App "),
            whole[..<mark.lowerBound].trimmed.isEmpty || whole[..<mark.lowerBound].contains("PM2"),
            let name = whole[mark.upperBound...].before(" exited with code ["),
            whole[..<mark.lowerBound].split(separator: " " as Character).allSatisfy({ word in
                ["PM2", "[PM2]", "PM2:", "PM2|", "|", "log:"].contains(word) || LineHead(word + " x").isStamped
            })
        else { return nil }
        return (
            name.filter { $0 != "[" && $0 != "]" }.before(":") ?? name, whole.between("via signal [", "]"), false
        )
    }
}
