import Model

extension TextReportFormat {
    static let luanti = TextReportFormat(
        name: "luanti",
        anchors: [
            Anchor(73, "ServerError: AsyncErr: "), Anchor(74, ": A fatal error occurred: "),
            Anchor(75, "UNRECOVERABLE error occurred."), Anchor(187, ": An engine assumption '"),
        ],
        voice: .logger, start: .afterPrefix, ending: .ended, rankWithoutFrames: 16, lead: .word, runtime: .luanti,
        parse: TextLuanti.parse)
}

/// Errors that end a Luanti (Minetest) server, most of them a script's.
enum TextLuanti {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at].trimmed
        var record = CrashRecord(kind: "luanti")
        record.exception = "ServerError"
        var at = lines.at + 1
        var continues = false
        if head.hasPrefix("ServerError: AsyncErr: ") {
            record.message = words(head.after("AsyncErr: "))
        } else if head.hasPrefix("UNRECOVERABLE error occurred.") {
            record.message = words(lines[at])
            at += 1
        } else if let place = head.before(": A fatal error occurred: "), let file = source(place) {
            // The engine repeats the message when it aborts.
            record.message = words(head.after(": A fatal error occurred: "))
            record.signal = "SIGABRT"
            record.frames = [file]
            continues = lines.at > 0 && (max(0, lines.at - 12)..<lines.at).contains { isError(lines[$0]) }
        } else if let place = head.before(": An engine assumption '"), let file = source(place),
            let condition = head.between("An engine assumption '", "' failed")
        {
            record.exception = "engine assumption"
            record.message = condition
            record.signal = "SIGABRT"
            record.frames = [file]
        } else {
            return nil
        }
        if let trace = lines.next(from: at, gap: 3, { $0.trimmed == "stack traceback:" ? true : nil }) {
            at = trace.after
            record.frames = []
            while record.frames.count < ReportLines.frameLimit,
                let next = lines.next(from: at, gap: 1, { frame($0, record.frames.count) })
            {
                record.frames.append(next.found)
                at = next.after
            }
        }
        if record.frames.isEmpty, let place = record.message.flatMap(scriptPlace) { record.frames = [place] }
        var report = TextReport(record: record, fate: .died, first: lines.at, end: at)
        report.continues = continues
        return report
    }

    private static func isError(_ text: String) -> Bool {
        text.find("ServerError: AsyncErr: ") != nil || text.find("UNRECOVERABLE error occurred.") != nil
    }

    private static func words(_ raw: String?) -> String? {
        guard var text = raw?.trimmed else { return nil }
        for lead in ["ServerThread::run ", "Lua: "] where text.hasPrefix(lead) {
            text = text.dropFirst(lead.count).trimmed
        }
        return text
    }

    /// `/src/server.cpp:511: void Server::step(float)`.
    private static func source(_ text: String) -> CrashFrame? {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, parts[0].contains("."), !parts[0].contains(" "), !parts[1].isEmpty else { return nil }
        return .printed(0, function: PrintedNames.function(parts[2]), file: parts[0], line: Int(parts[1]))
    }

    /// `...mods/x/init.lua:22: attempt to index …` within a message.
    private static func scriptPlace(_ text: String) -> CrashFrame? {
        guard let end = text.find(".lua:"), let line = text[end.upperBound...].leadingNumber else { return nil }
        let file = text[..<end.lowerBound].split(separator: " " as Character).last.map(String.init) ?? ""
        return .printed(0, function: nil, file: file + ".lua", line: line)
    }

    /// `[C]: in function 'assert'`, `/x/init.lua:261: in function <…>`, `x.lua:9: in main chunk`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        let text = line.trimmed
        guard let cut = text.find(": in ") else { return nil }
        let place = text[..<cut.lowerBound].fileAndLine
        let named = text[cut.upperBound...].between("'", "'")
        return .printed(
            index, function: named.flatMap { PrintedNames.function($0) }, file: place.file == "[C]" ? nil : place.file,
            line: place.line)
    }
}

extension RuntimeNames {
    /// Luanti's own handlers.
    static let luanti = RuntimeNames(
        machinery: ["sig_handler", "fatal_error_fn*", "debug_set_exception_handler*"])
}
