extension TextReportFormat {
    static let exitStatus = TextReportFormat(
        name: "exit",
        anchors: [
            Anchor(111, "exited with code 13"), Anchor(112, "Main process exited, code="), Anchor(113, "OOMKilled"),
            Anchor(114, "terminated by SIG"), Anchor(115, "via signal [SIG"),
        ],
        voice: .anyone, ending: .ended, rank: 0, rankWithoutFrames: 0, parse: TextExit.parse)
}

/// What a supervisor says of the status with which a process ended.
enum TextExit {
    /// Signals by which nobody stops a server on purpose; SIGKILL may be the end of a stop that took too long.
    private static let deadly: Set<String> = [
        "SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS", "SIGKILL",
    ]

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let whole = lines.window.text(lines.at).trimmed
        let words = lines[lines.at]
        let lead = whole.before(words.trimmed) ?? ""
        let told: (name: String?, signal: String?, memory: Bool)?
        if words.hasPrefix("exited with code ") {
            told = compose(lead, words)
        } else if words.hasPrefix("Main process exited") {
            told = systemd(lead, words)
        } else if words.hasPrefix("OOMKilled") {
            told = orchestrator(whole)
        } else if words.hasPrefix("terminated by SIG") {
            told = supervisord(whole)
        } else {
            told = pm2(whole)
        }
        guard let told, let signal = told.signal, deadly.contains(signal) else { return nil }
        var record = CrashRecord(kind: "exit")
        record.signal = signal
        record.executable = told.name
        let what = told.memory ? "out of memory, " : ""
        record.message = (told.name.map { $0 + ": " } ?? "") + what + "ended by " + signal
        record.notes.append("weak evidence: only the supervisor's word")
        let fate: TextReport.Fate = signal == "SIGKILL" && !told.memory ? .unsaid : .died
        return TextReport(record: record, fate: fate, first: lines.at, end: lines.at + 1)
    }

    private typealias Told = (name: String?, signal: String?, memory: Bool)

    private static func signal(_ status: Int?) -> String? {
        guard let status, status > 128, status < 160 else { return nil }
        return SignalNames.name(status - 128)
    }

    /// `fernd_1 exited with code 139`, `Server process exited with code 134`.
    private static func compose(_ lead: String, _ words: String) -> Told? {
        let names = lead.split(separator: " " as Character).map(String.init)
        guard names.count <= 3,
            names.allSatisfy({ name in name.allSatisfy { $0.isLetter || $0.isNumber || "_.-".contains($0) } })
        else { return nil }
        return (names.first, signal(words.dropFirst(17).leadingNumber), false)
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
        guard head.isEmpty || LineHead(head + " x").isStamped && head.utf8.count < 40 else { return nil }
        return (name, whole.after("terminated by ").map { String($0.prefix { $0.isLetter }) }, false)
    }

    /// `PM2      | App [arena:0] exited with code [139] via signal [SIGSEGV]`.
    private static func pm2(_ whole: String) -> Told? {
        guard let mark = whole.find("App "), let name = whole[mark.upperBound...].before(" exited with code ["),
            whole[..<mark.lowerBound].split(separator: " " as Character).allSatisfy({ word in
                ["PM2", "[PM2]", "PM2:", "PM2|", "|", "log:"].contains(word) || LineHead(word + " x").isStamped
            })
        else { return nil }
        return (
            name.filter { $0 != "[" && $0 != "]" }.before(":") ?? name, whole.between("via signal [", "]"), false
        )
    }
}
