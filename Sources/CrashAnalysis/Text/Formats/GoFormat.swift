extension TextReportFormat {
    static let go = TextReportFormat(
        name: "go",
        anchors: [
            Anchor(0, "panic: "), Anchor(1, "fatal error: "), Anchor(2, "goroutine "),
        ],
        ending: .saysItself, rank: 70, lead: .word, parse: TextGo.parse)
}

/// Go: `panic:` or `fatal error:`, then goroutines as pairs of a call line and an indented file line.
enum TextGo {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        if head.hasPrefix("goroutine ") { return parseBare(lines) }
        guard head.hasPrefix("panic: ") || head.hasPrefix("fatal error: ") else { return nil }
        var record = CrashRecord(kind: "go")
        let text = head.after(": ") ?? ""
        record.message = text
        record.exception = head.hasPrefix("panic: ") ? "panic" : "fatal error"
        var at = lines.at + 1
        if let signal = lines.next(from: at, gap: 2, { $0.hasPrefix("[signal ") ? $0 : nil }) {
            takeSignal(&record, signal.found)
            at = signal.after
        }
        guard let start = lines.next(from: at, gap: 40, { goroutine($0) }) else { return nil }
        record.thread = start.found
        let end = frames(lines, from: start.after, into: &record)
        let recovered = head.contains("[recovered]") && !text.contains("panic")
        return finish(record, lines, end: end, fate: recovered ? .unsaid : .died)
    }

    /// A goroutine whose header line was lost.
    private static func parseBare(_ lines: ReportLines) -> TextReport? {
        guard let id = goroutine(lines[lines.at]) else { return nil }
        var record = CrashRecord(kind: "go")
        record.thread = id
        let end = frames(lines, from: lines.at + 1, into: &record)
        return finish(record, lines, end: end, fate: .unsaid)
    }

    private static func finish(
        _ record: CrashRecord, _ lines: ReportLines, end: Int, fate: TextReport.Fate
    ) -> TextReport? {
        guard !record.frames.isEmpty else { return nil }
        var last = end
        // The other goroutines follow; they belong to the same report.
        while let other = lines.next(from: last, gap: 3, { goroutine($0) }) {
            var ignored = record
            ignored.frames = []
            let next = frames(lines, from: other.after, into: &ignored)
            guard next > last else { break }
            last = next
        }
        if let exit = lines.next(from: last, gap: 1, { $0.hasPrefix("exit status ") ? $0 : nil }) { last = exit.after }
        return TextReport(record: record, fate: fate, first: lines.at, end: last)
    }

    private static func takeSignal(_ record: inout CrashRecord, _ line: String) {
        record.signal = line.after("[signal ")?.split(whereSeparator: { ": ]".contains($0) }).first.map(String.init)
        record.address = line.after("addr=")?.leadingHex.map(Address.init)
    }

    /// The id of `goroutine 17 [running, locked to thread]:`.
    private static func goroutine(_ line: String) -> Int? {
        guard line.hasPrefix("goroutine "), line.trimmed.hasSuffix("]:"), line.contains("[") else { return nil }
        return line.dropFirst(10).leadingNumber
    }

    private static func frames(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        while record.frames.count < ReportLines.frameLimit {
            guard let call = lines.next(from: at, gap: 3, { callName($0) }), goroutineFree(lines, at, call.after - 1),
                let place = lines.next(from: call.after, gap: 3, { filePlace($0) })
            else { break }
            record.frames.append(
                .printed(record.frames.count, function: call.found, file: place.found.file, line: place.found.line))
            at = place.after
        }
        return at
    }

    private static func goroutineFree(_ lines: ReportLines, _ from: Int, _ upTo: Int) -> Bool {
        !(from..<max(from, upTo)).contains { goroutine(lines[$0]) != nil }
    }

    /// `pkg.(*Type).Method(0x1, …)` without its arguments; `created by pkg.fn in goroutine 1`.
    private static func callName(_ line: String) -> String? {
        if let created = line.after("created by "), line.hasPrefix("created by ") {
            return created.before(" in goroutine") ?? created.trimmed
        }
        guard line.first?.isWhitespace == false, line.hasSuffix(")") || line.hasSuffix(", ...)"),
            !line.hasPrefix("goroutine ")
        else { return nil }
        var depth = 0
        for index in line.indices.reversed() {
            if line[index] == ")" { depth += 1 }
            if line[index] == "(" { depth -= 1 }
            if depth == 0 {
                let name = String(line[..<index])
                return name.isEmpty || name.contains(" ") ? nil : name
            }
        }
        return nil
    }

    private static func filePlace(_ line: String) -> (file: String, line: Int?)? {
        guard line.first == "\t" || line.hasPrefix("    "), let first = line.trimmed.split(separator: " ").first else {
            return nil
        }
        let place = first.fileAndLine
        return place.line == nil ? nil : place
    }
}
