extension TextReportFormat {
    static let glibc = TextReportFormat(
        name: "glibc",
        anchors: [
            Anchor(20, "*** stack smashing detected"), Anchor(21, "*** buffer overflow detected"), Anchor(22, "free(): "), Anchor(23, "double free or corruption"), Anchor(24, "malloc(): "), Anchor(25, "corrupted size vs. prev_size"), Anchor(26, "munmap_chunk(): "), Anchor(27, "realloc(): "), Anchor(28, "corrupted double-linked list"), Anchor(29, "malloc_consolidate(): "), Anchor(55, "Fatal glibc error: "),
        ],
        ending: .ended, rank: 10, rankWithoutFrames: 10, lead: .abort, parse: TextAbort.parseGlibc)
}

extension TextReportFormat {
    static let assertion = TextReportFormat(
        name: "assert",
        anchors: [
            Anchor(30, "Assertion `"), Anchor(31, "Assertion failed: "), Anchor(32, "Assertion Failed: "), Anchor(54, "Assertion '"),
        ],
        start: .afterPrefix, ending: .ended, rank: 10, rankWithoutFrames: 10, lead: .assertion, parse: TextAbort.parseAssertion)
}

extension TextReportFormat {
    static let terminate = TextReportFormat(
        name: "cxx",
        anchors: [
            Anchor(33, "terminate called "), Anchor(34, "libc++abi: terminating"),
        ],
        ending: .ended, rank: 10, rankWithoutFrames: 10, lead: .terminate, parse: TextAbort.parseTerminate)
}

extension TextReportFormat {
    static let shell = TextReportFormat(
        name: "shell",
        anchors: [
            Anchor(51, "Segmentation fault"), Anchor(52, "(core dumped)"),
        ],
        start: .afterPrefix, ending: .ended, rank: 0, rankWithoutFrames: 0, parse: TextAbort.parseShell)
}

/// One-line last words: glibc's heap checks, failed assertions, `terminate`, and what the shell reports.
enum TextAbort {
    static func parseGlibc(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at].trimmed
                let known = [
            "*** stack smashing detected ***", "*** buffer overflow detected ***", "free(): invalid",
            "free(): double free",
            "free(): corrupted", "free(): unaligned", "free(): too many", "double free or corruption", "malloc(): ",
            "corrupted size vs. prev_size", "munmap_chunk(): invalid", "realloc(): invalid",
            "corrupted double-linked list", "malloc_consolidate(): ", "Fatal glibc error: ",
        ]
        let body = text.hasPrefix("*** Error in `") ? text.after("': ") ?? text : text
        guard let lead = known.first(where: { body.hasPrefix($0) }), body.utf8.count <= 120 else { return nil }
        if lead == "malloc(): " || lead == "malloc_consolidate(): " {
            let reasons = [
                "corrupted", "invalid", "unaligned", "mismatching", "unsorted", "smallbin", "memory", "largebin",
            ]
            guard reasons.contains(where: { body.contains($0) }) else { return nil }
        }
        var record = CrashRecord(kind: "glibc")
        record.signal = "SIGABRT"
        record.message = body
        return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
    }

    static func parseAssertion(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        var record = CrashRecord(kind: "assert")
        record.exception = "assertion"
        record.signal = "SIGABRT"
        if text.contains("[File:") { return nil }
        let quotes = ["Assertion `", "Assertion '"].first { text.find(": " + $0) != nil }
        if let quotes, let condition = text.after(quotes), let cut = condition.findLast("' failed") {
            // glibc: "prog: file.c:12: function: Assertion `x' failed.", libstdc++ without the program and with "'x'".
            let parts = (text.before(": " + quotes) ?? "").split(separator: ":", omittingEmptySubsequences: false)
                .map(String.init)
            guard let number = parts.indices.first(where: { $0 >= 1 && Int(parts[$0].trimmed) != nil }) else {
                return nil
            }
            record.message = String(condition[..<cut.lowerBound])
            let full = parts[(number + 1)...].joined(separator: ":").trimmed
            let function = full.before(" [with ") ?? full
            record.frames = [
                .printed(0, function: function, file: parts[number - 1].trimmed, line: Int(parts[number].trimmed))
            ]
            record.executable = number >= 2 ? parts[number - 2].trimmed : nil
        } else if text.hasPrefix("Assertion failed: "), let rest = text.after("Assertion failed: "),
            let place = rest.findLast(", file ") ?? rest.findLast(" (")
        {
            // "Assertion failed: x (file.c: fn: 12)" of musl, "…, file f.c, line 12" of the Microsoft runtime.
            record.message = String(rest[..<place.lowerBound])
            let tail = rest[place.upperBound...]
            let words = tail.split(whereSeparator: { ",: )".contains($0) }).map(String.init)
            guard let file = words.first, let line = words.last(where: { Int($0) != nil }) else { return nil }
            record.frames = [.printed(0, function: words.count > 2 ? words[1] : nil, file: file, line: Int(line))]
            if record.frames[0].function == "line" { record.frames[0].function = nil }
        } else {
            return nil
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
    }

    static func parseTerminate(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        var record = CrashRecord(kind: "cxx")
        record.signal = "SIGABRT"
        var end = lines.at + 1
        if text.hasPrefix("terminate called after throwing an instance of '") {
            record.exception = text.between("instance of '", "'")
            if let what = lines.next(from: end, gap: 3, { $0.after("what():").map { $0.trimmed } }) {
                record.message = what.found
                end = what.after
            }
        } else if text.hasPrefix("terminate called without an active exception")
            || text.hasPrefix("terminate called recursively")
        {
            record.exception = "terminate"
            record.message = text.trimmed
        } else if text.hasPrefix("libc++abi: terminating") {
            record.exception = text.between("exception of type ", ":") ?? "terminate"
            record.message = text.after(": ").flatMap { $0.after(": ") }
        } else {
            return nil
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    /// The shell's or an init script's word that a process died; the weakest evidence.
    static func parseShell(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at].trimmed
        let deaths = [
            "Segmentation fault": "SIGSEGV", "Aborted": "SIGABRT", "Bus error": "SIGBUS",
            "Illegal instruction": "SIGILL", "Floating point exception": "SIGFPE", "Trace/breakpoint trap": "SIGTRAP",
        ]
        guard text.utf8.count <= 400,
            let death = deaths.keys.sorted().first(where: { word in
                text == word || text == word + " (core dumped)" || text.hasPrefix(word + " (core dumped)")
                    || (text.contains(": line ") && text.contains(" " + word))
            })
        else { return nil }
                var record = CrashRecord(kind: "shell")
        record.signal = deaths[death]
        record.message = text
        if let rest = text.after(": line "), let words = rest.after(": ")?.split(separator: " "), let pid = words.first
        {
            record.pid = Int(pid)
        }
        record.notes.append("only the shell's word: no stack, no core")
        return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
    }
}
