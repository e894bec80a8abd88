import Model

extension TextReportFormat {
    static let terminate = TextReportFormat(
        name: "cxx",
        anchors: [
            Anchor(33, "terminate called "), Anchor(34, "libc++abi: terminating"),
            Anchor(96, "libc++abi: Pure virtual function"), Anchor(95, "pure virtual method called"),
        ],
        ending: .ended, rank: 10, rankWithoutFrames: 10, lead: .terminate, parse: TextTerminate.parse)
}

/// The last words of C++ runtimes.
enum TextTerminate {
    private static let thrown = "terminate called after throwing an instance of '"

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at].trimmed
        var record = CrashRecord(kind: "cxx")
        record.signal = "SIGABRT"
        var end = lines.at + 1
        if text.hasPrefix(thrown) {
            record.exception = text.between("instance of '", "'")
            end = what(lines, from: end, &record)
        } else if text.hasPrefix("terminate called without an active exception")
            || text.hasPrefix("terminate called recursively")
        {
            if let next = (lines.at + 1..<lines.at + 4).first(where: { lines[$0].hasPrefix(thrown) }) {
                // The exception in flight says more.
                record.exception = lines[next].between("instance of '", "'")
                end = what(lines, from: next + 1, &record)
            } else {
                record.exception = "terminate"
                record.message = text.after("terminate called ")
            }
        } else if text == "pure virtual method called" || text.hasPrefix("libc++abi: Pure virtual function") {
            record.exception = "pure virtual call"
            record.message = text
            if lines[end].hasPrefix("terminate called without") { end += 1 }
        } else if text.hasPrefix("libc++abi: terminating") {
            // "due to" or "with", depending on the version.
            if let tail = text.after("exception of type ") {
                record.exception = tail.before(": ") ?? tail
                record.message = tail.after(": ")
            } else {
                record.exception = "terminate"
                record.message = String(text.dropFirst(11))
            }
        } else {
            return nil
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    private static func what(_ lines: ReportLines, from start: Int, _ record: inout CrashRecord) -> Int {
        guard let what = lines.next(from: start, gap: 3, { $0.after("what():").map { $0.trimmed } }) else {
            return start
        }
        record.message = what.found
        return what.after
    }
}
