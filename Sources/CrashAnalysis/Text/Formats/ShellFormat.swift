import Model

extension TextReportFormat {
    static let shell = TextReportFormat(
        name: "shell",
        anchors: [
            Anchor(51, "Segmentation fault"), Anchor(52, "(core dumped)"), Anchor(97, ": line "),
            Anchor(98, "Bus error"),
            Anchor(99, "Illegal instruction"), Anchor(100, "Floating point exception"),
            Anchor(101, "Trace/breakpoint trap"), Anchor(102, "Killed\n"), Anchor(103, "Aborted\n"),
        ],
        start: .afterPrefix, ending: .ended, rank: -25, rankWithoutFrames: -25, isWord: true, parse: TextShell.parse)
}

/// Messages of a shell or an init script that a process died.
enum TextShell {
    private static let deaths: [(word: String, signal: String)] = [
        ("Segmentation fault", "SIGSEGV"), ("segmentation fault", "SIGSEGV"), ("Aborted", "SIGABRT"),
        ("abort", "SIGABRT"), ("Killed", "SIGKILL"), ("killed", "SIGKILL"), ("Bus error", "SIGBUS"),
        ("bus error", "SIGBUS"), ("Illegal instruction", "SIGILL"), ("illegal hardware instruction", "SIGILL"),
        ("Floating point exception", "SIGFPE"), ("floating point exception", "SIGFPE"),
        ("Trace/breakpoint trap", "SIGTRAP"), ("trace trap", "SIGTRAP"), ("Bad system call", "SIGSYS"),
    ]

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at].trimmed
        guard text.utf8.count <= 1024, let told = script(text) ?? job(text) ?? alone(text) else { return nil }
        var record = CrashRecord(kind: "shell")
        record.signal = told.death.signal
        record.pid = told.pid
        // The signature must not depend on the script, the line and the pid.
        let word = told.death.word.prefix(1).uppercased() + told.death.word.dropFirst()
        record.message = told.command.isEmpty ? word : word + ": " + told.command
        record.commandLine = told.command.isEmpty ? nil : told.command
        record.notes.append("weak evidence: only the shell reported it, no stack, no core")
        return TextReport(
            record: record, fate: told.death.signal == "SIGKILL" ? .likelyDied : .died, first: lines.at,
            end: lines.at + 1)
    }

    private typealias Told = (death: (word: String, signal: String), pid: Int?, command: String)

    /// `./run.sh: line 84:  4242 Killed                  wine64 $P`.
    private static func script(_ text: String) -> Told? {
        guard let mark = text.find(": line "), isScript(text[..<mark.lowerBound]),
            let number = text[mark.upperBound...].leadingNumber
        else { return nil }
        let rest = text[mark.upperBound...].dropFirst(String(number).count)
        guard rest.hasPrefix(":") else { return nil }
        let words = rest.dropFirst().trimmed
        guard let pid = words.leadingNumber else { return nil }
        let tail = words.drop { $0.isNumber }.trimmed
        guard let death = deaths.first(where: { tail.hasPrefix($0.word) }) else { return nil }
        return (death, pid, command(tail, death.word))
    }

    /// True for a script's path or a shell, which no player's name is.
    private static func isScript(_ name: Substring) -> Bool {
        let bare = name.hasSuffix(": -c") ? name.dropLast(4) : name
        guard !bare.contains(where: { " <>:\"".contains($0) }) else { return false }
        return bare.contains("/") || bare.hasSuffix(".sh") || ["bash", "-bash", "sh", "dash"].contains(bare)
    }

    /// `[1]+  Segmentation fault      (core dumped) ./srv`, `[1]    4242 segmentation fault  ./srv`,
    /// `zsh: abort  ./srv`.
    private static func job(_ text: String) -> Told? {
        var rest = text
        var pid: Int?
        if text.hasPrefix("["), let close = text.find("]"), Int(text[..<close.lowerBound].dropFirst()) != nil {
            rest = text[close.upperBound...].drop { "+- ".contains($0) }.trimmed
            pid = rest.leadingNumber
            rest = rest.drop { $0.isNumber }.trimmed
        } else if text.hasPrefix("zsh: ") {
            rest = text.dropFirst(5).trimmed
            pid = rest.leadingNumber
            rest = rest.drop { $0.isNumber }.trimmed
        } else {
            return nil
        }
        guard let death = deaths.first(where: { rest.hasPrefix($0.word) }) else { return nil }
        let tail = rest.dropFirst(death.word.count)
        guard tail.isEmpty || tail.hasPrefix("  ") || tail.hasPrefix(" (core dumped)") else { return nil }
        return (death, pid, command(rest, death.word))
    }

    private static func alone(_ text: String) -> Told? {
        guard
            let death = deaths.first(where: { death in
                text == death.word || text.hasPrefix(death.word + " (core dumped)")
                    || text == death.word + " (core image recorded)"
            }), death.word.first?.isUppercase == true
        else { return nil }
        return (death, nil, command(text, death.word))
    }

    private static func command(_ text: String, _ word: String) -> String {
        let rest = text.dropFirst(word.count).trimmed
        for mark in ["(core dumped)", "(core image recorded)"] where rest.hasPrefix(mark) {
            return rest.dropFirst(mark.count).trimmed
        }
        return rest
    }
}
