import Model

extension TextReportFormat {
    static let assertion = TextReportFormat(
        name: "assert",
        anchors: [
            Anchor(30, "Assertion `"), Anchor(31, "Assertion failed: "), Anchor(32, "Assertion Failed: "),
            Anchor(54, "Assertion '"), Anchor(194, "Assertion failed!"), Anchor(195, "Debug Assertion Failed!"),
        ],
        start: .afterPrefix, ending: .ended, rank: 10, rankWithoutFrames: 10, lead: .assertion,
        openingWords: ["*"],
        parse: TextAssertion.parse)
}

/// Failed assertions of C and C++ libraries.
enum TextAssertion {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        var record = CrashRecord(kind: "assert")
        record.exception = "assertion"
        record.signal = "SIGABRT"
        if text.contains("[File:") { return nil }
        if text.hasPrefix("Assertion failed!") || text.hasPrefix("Debug Assertion Failed!") {
            return block(lines, &record)
        }
        let quotes = ["Assertion `", "Assertion '"].first { text.find(": " + $0) != nil }
        if let quotes, let condition = text.after(quotes), let cut = condition.findLast("' failed") {
            // glibc: "prog: file.c:12: function: Assertion `x' failed.", libstdc++ without the program and with "'x'".
            let parts = (text.before(": " + quotes) ?? "").split(separator: ":", omittingEmptySubsequences: false)
                .map(String.init)
            // A further word before them is a speaker's name.
            guard let number = parts.indices.first(where: { $0 >= 1 && Int(parts[$0].trimmed) != nil }), number <= 2,
                !parts[0].contains(where: { " <>[]".contains($0) })
            else { return nil }
            record.message = String(condition[..<cut.lowerBound])
            let full = parts[(number + 1)...].joined(separator: ":").trimmed
            let function = full.before(" [with ") ?? full
            record.frames = [
                .printed(0, function: function, file: parts[number - 1].trimmed, line: Int(parts[number].trimmed))
            ]
            record.executable = number >= 2 ? parts[number - 2].trimmed : nil
        } else if text.hasPrefix("Assertion failed: "), let rest = text.after("Assertion failed: "),
            let frame = place(rest, &record)
        {
            record.frames = [frame]
        } else {
            return nil
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
    }

    /// The Microsoft runtime's dialog as text: `Program: …`, `File: …`, `Line: 12`, `Expression: x`.
    private static func block(_ lines: ReportLines, _ record: inout CrashRecord) -> TextReport? {
        var file: String?
        var line: Int?
        for index in lines.at + 1..<lines.at + 16 {
            let text = lines[index].trimmed
            if let path = text.after("Program: "), text.hasPrefix("Program: ") {
                record.executable = PrintedNames.module(path.hasPrefix("...") ? path.dropFirst(3) : path[...])
            } else if text.hasPrefix("File: ") {
                // `File: D:\src\pond.cpp, Line 44` of older versions.
                let parts = String(text.dropFirst(6))
                file = parts.before(", Line ") ?? parts
                line = parts.after(", Line ")?.leadingNumber
            } else if text.hasPrefix("Line: ") {
                line = text.after("Line: ")?.leadingNumber
            } else if text.hasPrefix("Expression: "), let file, record.executable != nil {
                record.message = text.after("Expression: ")
                record.frames = [.printed(0, function: nil, file: file, line: line)]
                return TextReport(record: record, fate: .died, first: lines.at, end: index + 1)
            }
        }
        return nil
    }

    /// `x (file.c: fn: 12)` of musl, `(x), function f, file f.c, line 12.` of the BSDs, `x, file f.c, line 12` of the
    /// Microsoft runtime.
    private static func place(_ rest: String, _ record: inout CrashRecord) -> CrashFrame? {
        if let function = rest.findLast(", function "), let file = rest.findLast(", file "),
            function.upperBound <= file.lowerBound, let line = rest[file.upperBound...].after(", line ")?.leadingNumber
        {
            record.message = String(rest[..<function.lowerBound])
            return .printed(
                0, function: String(rest[function.upperBound..<file.lowerBound]),
                file: rest[file.upperBound...].before(", line "), line: line)
        }
        if let file = rest.findLast(", file "), let mark = rest[file.upperBound...].findLast(", line "),
            let line = rest[mark.upperBound...].leadingNumber
        {
            record.message = String(rest[..<file.lowerBound])
            return .printed(0, function: nil, file: String(rest[file.upperBound..<mark.lowerBound]), line: line)
        }
        guard let place = rest.findLast(", file ") ?? rest.findLast(" (") else { return nil }
        record.message = String(rest[..<place.lowerBound])
        let tail = rest[place.upperBound...]
        let words = tail.split(whereSeparator: { ",: )".contains($0) }).map(String.init)
        guard let file = words.first, let line = words.last(where: { Int($0) != nil }) else { return nil }
        let function = words.count > 2 && words[1] != "line" ? words[1] : nil
        return .printed(0, function: function, file: file, line: Int(line))
    }
}
