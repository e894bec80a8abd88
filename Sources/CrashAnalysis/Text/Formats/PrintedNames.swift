/// Reads the names of functions and modules in printed stacks.
enum PrintedNames {
    private static let none: Set<String> = [
        "", "?", "??", "n/a", "N/A", "at", "in", "nil", "(nil)", "null", "(null)", "<null>", "Unknown", "(Unknown)",
        "(unknown)", "<unknown>", "[unknown]", "<unresolved>", "(function-name not available)", "UnknownFunction",
        "???", "?Unknown function", "Unknown function", "<unknown function>",
        "?? ()", "0",
    ]

    /// A function's demangled name; nil for the placeholders that printers use for an unknown one.
    static func function(_ raw: some StringProtocol) -> String? {
        let name = raw.trimmed
        if none.contains(name) || name.hasPrefix("UnknownFunction") || name.hasPrefix("error(-1)") { return nil }
        let bare = name.hasPrefix("@") ? String(name.dropFirst()) : name
        if bare.hasPrefix("0x"), bare.dropFirst(2).allSatisfy(\.isHexDigit) { return nil }
        guard name.hasPrefix("_Z") || name.hasPrefix("__Z") || name.hasPrefix("_R") || name.hasPrefix("$s") else {
            return name
        }
        return Demangler.demangle(name)
    }

    /// The last component of a Unix or Windows path; nil for a placeholder.
    static func module(_ path: some StringProtocol) -> String? {
        var text = path.trimmed
        if text.hasSuffix(" (deleted)") { text = String(text.dropLast(10)) }
        if text.hasPrefix("\"") { text = String(text.dropFirst()) }
        let name = text.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        return none.contains(name) ? nil : name
    }

    /// The hexadecimal number of 8 or 16 digits without "0x" at the start, as older tools print addresses.
    static func bareHex(_ text: String) -> (value: UInt64, rest: String)? {
        let digits = text.prefix { $0.isHexDigit }
        guard digits.count == 8 || digits.count == 16, let value = UInt64(digits, radix: 16) else { return nil }
        let rest = text.dropFirst(digits.count)
        guard rest.isEmpty || rest.first?.isWhitespace == true else { return nil }
        return (value, rest.trimmed)
    }

    /// Below this, an address belongs to a program that is not position-independent and is the same in every run.
    static let fixedLimit: UInt64 = 1 << 28
}

extension ReportLines {
    /// True if the line before is the same. A first line repeated endlessly begins no report, and reading on from each
    /// repetition would take quadratic time.
    var repeatsWords: Bool { at > 0 && window.text(at - 1) == window.text(at) }
}

/// Finds the reason for a stack in the lines above it.
enum CrashWords {
    /// The signal that a line names, by name, number or the C library's words; nil for a signal that is not a crash.
    static func signal(in text: String) -> String? {
        for name in ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS"] where text.contains(name)
        {
            return name
        }
        let words = [
            ("egmentation fault", "SIGSEGV"), ("egmentation violation", "SIGSEGV"), ("egfault", "SIGSEGV"),
            ("Bus error", "SIGBUS"), ("Illegal instruction", "SIGILL"), ("Floating point exception", "SIGFPE"),
        ]
        for (word, name) in words where text.contains(word) { return name }
        guard let tail = text.after("ignal") else { return nil }
        let near = tail.prefix(20).drop { !$0.isNumber }
        guard let number = near.leadingNumber, [4, 5, 6, 7, 8, 11, 31].contains(number) else { return nil }
        return SignalNames.name(number)
    }

    /// The signal that the lines right before a stack name, and whether they mention a crash at all. Lines with a
    /// speaker's name or at a level below error are ignored: they may be anyone's words.
    static func before(_ lines: ReportLines, _ first: Int, reach: Int = 8) -> (signal: String?, isCrash: Bool) {
        var isCrash = false
        for index in stride(from: first - 1, through: max(0, first - reach), by: -1) {
            let text = lines.window.text(index)
            let head = LineHead(text)
            if let level = head.level, level < .error { continue }
            if head.names.contains(where: { $0.hasPrefix("<") || $0.contains("hat") }) { continue }
            if let signal = signal(in: text) { return (signal, true) }
            let lower = text.lowercased()
            if ["crash", "fatal", "unhandled", "terminate"].contains(where: { lower.contains($0) }) { isCrash = true }
        }
        return (nil, isCrash)
    }

    /// True if the lines right before a stack say that it was only inspected: by a watchdog, a profiler, on request.
    static func isLooking(_ lines: ReportLines, _ first: Int) -> Bool {
        (max(0, first - 3)..<first).contains { index in
            let text = lines.window.text(index).lowercased()
            return looks.contains { text.contains($0) }
        }
    }

    private static let looks = [
        "hitch", "stall", "watchdog", "profil", " took ", " slow", " hang ", "hang detected", "sigquit", "sigusr",
        "stack dump requested", "thread dump", "sampled", "main thread was in", "frame time", "not responding for",
    ]
}
