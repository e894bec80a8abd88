import Model

extension TextReportFormat {
    static let glibc = TextReportFormat(
        name: "glibc",
        anchors: [
            Anchor(92, "*** Error in `"), Anchor(93, "*** glibc detected ***"),
            Anchor(20, "*** stack smashing detected"), Anchor(21, "*** buffer overflow detected"),
            Anchor(22, "free(): "), Anchor(23, "double free or corruption"), Anchor(24, "malloc(): "),
            Anchor(25, "corrupted size vs. prev_size"), Anchor(26, "munmap_chunk(): "), Anchor(27, "realloc(): "),
            Anchor(28, "corrupted double-linked list"), Anchor(29, "malloc_consolidate(): "),
            Anchor(55, "Fatal glibc error: "), Anchor(94, "Attempt to free invalid pointer "),
        ],
        ending: .ended, rank: 42, rankWithoutFrames: 10, lead: .abort, parse: TextGlibc.parse)
}

/// Heap and stack checks of the C library, and heap checks of tcmalloc.
enum TextGlibc {
    private static let known = [
        "*** stack smashing detected ***", "*** buffer overflow detected ***", "free(): invalid",
        "free(): double free", "free(): corrupted", "free(): unaligned", "free(): too many",
        "double free or corruption", "malloc(): ", "corrupted size vs. prev_size", "munmap_chunk(): invalid",
        "realloc(): invalid", "corrupted double-linked list", "malloc_consolidate(): ", "Fatal glibc error: ",
        "Attempt to free invalid pointer ",
    ]

    private static let reasons = [
        "corrupted", "invalid", "unaligned", "mismatching", "unsorted", "smallbin", "memory", "largebin",
    ]

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at].trimmed
        var body = text
        var record = CrashRecord(kind: "glibc")
        // Before 2.26: "*** Error in `./x': double free or corruption (!prev): 0x0000000001f8a010 ***".
        if text.hasPrefix("*** Error in `"), let words = text.after("': ") {
            record.executable = text.between("`", "': ")
            body = words
        } else if text.hasPrefix("*** glibc detected *** ") {
            let rest = String(text.dropFirst(23))
            record.executable = rest.before(": ")
            body = rest.after(": ") ?? rest
        }
        if body.hasSuffix(" ***"), let place = body.findLast(": 0x") {
            body = String(body[..<place.lowerBound])
        }
        guard let lead = known.first(where: { body.hasPrefix($0) }), body.utf8.count <= 160 else { return nil }
        if lead == "malloc(): " || lead == "malloc_consolidate(): " {
            guard reasons.contains(where: { body.contains($0) }) else { return nil }
        }
        record.signal = "SIGABRT"
        record.message = lead == "Attempt to free invalid pointer " ? lead.trimmed : body
        let end = backtrace(lines, from: lines.at + 1, &record)
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    /// Reads the stack and the memory map that older versions print. Returns the index after them.
    private static func backtrace(_ lines: ReportLines, from start: Int, _ record: inout CrashRecord) -> Int {
        guard let title = lines.next(from: start, gap: 2, { $0.contains("= Backtrace: =") ? true : nil }) else {
            return start
        }
        var at = title.after
        while record.frames.count < ReportLines.frameLimit,
            let next = lines.next(from: at, gap: 2, { BacktraceSymbol.frame($0, index: record.frames.count) })
        {
            record.frames.append(next.found)
            at = next.after
        }
        guard let map = lines.next(from: at, gap: 2, { $0.contains("= Memory map: =") ? true : nil }) else { return at }
        at = map.after
        while at < lines.count, isMapping(lines[at]) { at += 1 }
        return at
    }

    /// `00400000-00401000 r-xp 00000000 08:01 1234   /srv/x`.
    private static func isMapping(_ line: String) -> Bool {
        let range = line.prefix { $0.isHexDigit || $0 == "-" }
        return range.count >= 17 && range.contains("-") && line.dropFirst(range.count).hasPrefix(" ")
    }
}
