extension TextReportFormat {
    static let lua = TextReportFormat(
        name: "lua",
        anchors: [
            Anchor(50, "stack traceback:")
        ],
        voice: .anyone, start: .afterPrefix, ending: .survived, lead: .none, parse: TextLua.parse)
}

/// Lua: scripted game servers print such stacks and live on; the interpreter by itself ends.
enum TextLua {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        guard lines[lines.at].trimmed == "stack traceback:" else { return nil }
        var record = CrashRecord(kind: "lua")
        record.exception = "error"
        record.message = lines.at > 0 ? lines[lines.at - 1].trimmed : nil
        var at = lines.at + 1
        while record.frames.count < ReportLines.frameLimit, let frame = frame(lines[at], record.frames.count) {
            record.frames.append(frame)
            at += 1
        }
        guard !record.frames.isEmpty else { return nil }
        return TextReport(
            record: record, fate: isInterpreters(lines, record) ? .died : .survived, first: max(0, lines.at - 1),
            end: at)
    }

    private static let interpreters = ["lua: ", "luajit: ", "lua5.1: ", "lua5.2: ", "lua5.3: ", "lua5.4: ", "luvit: "]

    /// `lua: main.lua:12: …`, down to the interpreter's own call.
    private static func isInterpreters(_ lines: ReportLines, _ record: CrashRecord) -> Bool {
        guard lines.at > 0, lines.voice.isRaw else { return false }
        return lines.window.text(lines.at - 1).hasPrefix(anyOf: interpreters) && record.frames.last?.file == "[C]"
    }

    /// `\tfile.lua:12: in function 'name'` or `\t[C]: in function 'error'`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        guard line.first == "\t" || line.hasPrefix("  "), let mark = line.find(": in ") else { return nil }
        let place = line[..<mark.lowerBound].trimmed.fileAndLine
        let name = line[mark.upperBound...].between("'", "'") ?? line[mark.upperBound...].trimmed
        return .printed(index, function: name, file: place.file, line: place.line)
    }
}
