import Model

extension TextReportFormat {
    static let php = TextReportFormat(
        name: "php",
        anchors: [
            Anchor(150, "Fatal error: Uncaught "), Anchor(163, "Fatal error:  Uncaught "),
            Anchor(200, "Allowed memory size of "),
        ],
        start: .afterPrefix, ending: .saysItself, lead: .exception, parse: TextPHP.parse)
}

extension TextReportFormat {
    /// PocketMine's server, which logs its own end.
    static let pocketmine = TextReportFormat(
        name: "php", anchors: [Anchor(201, "\" (EXCEPTION) in \"")],
        voice: .logger, start: .afterPrefix, ending: .saysItself, lead: .exception, parse: TextPHP.parsePocketmine)
}

/// PHP: an uncaught exception ends a script.
enum TextPHP {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        // The first word may look like a logger's level; `error_log` puts a time before it.
        let line = lines.window.text(lines.at)
        var whole = line
        if case .logged(let head) = lines.voice, head.isStamped, head.level == nil, head.names.isEmpty {
            whole = lines[lines.at]
        }
        guard whole.hasPrefix(anyOf: ["PHP Fatal error: ", "Fatal error: "]), let words = whole.after("Fatal error: ")
        else { return nil }
        if words.trimmed.hasPrefix("Allowed memory size of ") { return parseMemory(lines, words.trimmed) }
        guard let told = whole.after("Uncaught ") else { return nil }
        let type = String(told.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "\\" })
        let rest = told.dropFirst(type.count)
        guard !type.isEmpty, type.utf8.count <= 200, rest.hasPrefix(": ") || rest.hasPrefix(" in ") else { return nil }
        var record = CrashRecord(kind: "php")
        record.exception = type.hasPrefix("\\") ? String(type.dropFirst()) : type
        // Messages may span several lines, the last of which holds the place.
        var text = String(rest)
        var at = lines.at + 1
        while at < lines.at + 9, at < lines.count,
            text.findLast(" in ").map({ isPlace(text[$0.upperBound...]) }) != true
        {
            text += "\n" + lines[at]
            at += 1
        }
        var throwing: (file: String, line: Int?)?
        if let cut = text.findLast(" in "), isPlace(text[cut.upperBound...]) {
            throwing = text[cut.upperBound...].trimmed.fileAndLine
            text = String(text[..<cut.lowerBound])
        } else {
            at = lines.at + 1
            text = String(rest)
        }
        if text.hasPrefix(": ") { text = String(text.dropFirst(2)) }
        // The caller's line differs in every version.
        record.message = (text.before(", called in ") ?? text).trimmed
        if lines[at].hasPrefix("Stack trace:") { at += 1 }
        let end = frames(from: at, throwing: throwing, into: &record) { lines[$0] }
        return TextReport(
            record: record, fate: .likelyDied, first: lines.at,
            end: lines[end].hasPrefix("  thrown in ") ? end + 1 : end)
    }

    private static func isPlace(_ text: Substring) -> Bool { text.trimmed.fileAndLine.line != nil }

    /// A line holds the function called and the place of the call, so each function is at the place of the line before.
    private static func frames(
        from start: Int, throwing: (file: String, line: Int?)?, into record: inout CrashRecord,
        line: (_ index: Int) -> String
    ) -> Int {
        var at = start
        var place = throwing
        while record.frames.count < 256, let call = call(line(at)) {
            record.frames.append(
                .printed(record.frames.count, function: call.name, file: place?.file, line: place?.line))
            place = call.file.map { ($0, call.line) }
            at += 1
        }
        if line(at).hasPrefix("#"), line(at).hasSuffix("{main}") { at += 1 }
        if let place {
            let name = record.frames.isEmpty ? nil : "{main}"
            record.frames.append(.printed(record.frames.count, function: name, file: place.file, line: place.line))
        }
        return at
    }

    /// `#0 /srv/room.php(12): Room->join('x')`, `#1 [internal function]: Room->{closure}(4)`.
    private static func call(_ line: String) -> (name: String, file: String?, line: Int?)? {
        guard line.hasPrefix("#"), line.dropFirst().leadingNumber != nil, let rest = line.after(" ") else { return nil }
        if let call = rest.after("[internal function]: "), rest.hasPrefix("[internal") { return (name(call), nil, nil) }
        guard let cut = rest.find("): "), let open = rest[..<cut.lowerBound].findLast("(") else { return nil }
        return (
            name(rest[cut.upperBound...]), String(rest[..<open.lowerBound]), rest[open.upperBound...].leadingNumber
        )
    }

    /// Removes arguments; `{closure:Room::join():12}` of PHP 8.4 is a closure of `Room::join`.
    private static func name(_ call: some StringProtocol) -> String {
        if let closure = call.between("{closure:", "("), call.before("{closure:")?.contains("(") == false {
            return closure + "{closure}"
        }
        return call.before("(") ?? String(call)
    }

    /// `Allowed memory size of 134217728 bytes exhausted (tried to allocate 20480 bytes) in /srv/room.php on line 12`.
    private static func parseMemory(_ lines: ReportLines, _ words: String) -> TextReport? {
        guard let cut = words.find(" bytes exhausted") else { return nil }
        var record = CrashRecord(kind: "php")
        record.exception = "out of memory"
        record.message = words[..<cut.upperBound].trimmed
        if let place = words.findLast(" in "), let mark = words[place.upperBound...].findLast(" on line ") {
            let file = String(words[place.upperBound..<mark.lowerBound])
            let line = words[mark.upperBound...].leadingNumber
            record.frames = [.printed(0, function: nil, file: file, line: line)]
        }
        return TextReport(record: record, fate: .likelyDied, first: lines.at, end: lines.at + 1)
    }

    // MARK: PocketMine

    /// `TypeError: "text" (EXCEPTION) in "plugins/Room" at line 12`; a server that ends says so after it.
    static func parsePocketmine(_ lines: ReportLines) -> TextReport? {
        guard case .logged = lines.voice else { return nil }
        // The type and its colon look like a logger's name or level.
        let head = lines.window.text(lines.at)
        guard let cut = head.find("\" (EXCEPTION) in \""),
            let type = head.before(": \"")?.split(separator: " " as Character).last.map(String.init),
            type.utf8.count <= 200, let file = head[cut.upperBound...].before("\" at line ")
        else { return nil }
        var record = CrashRecord(kind: "php")
        record.exception = type
        let message = head[..<cut.lowerBound].after(": \"")
        record.message = message?.before(", called in ") ?? message
        let number = head.after("\" at line ")?.leadingNumber
        func words(_ index: Int) -> String {
            let text = lines.window.text(index)
            return String(decoding: text.utf8.dropFirst(LineHead(text).length), as: UTF8.self)
        }
        let end = frames(from: lines.at + 1, throwing: (file, number), into: &record, line: words)
        let last = (end..<end + 6).first { words($0).hasPrefix("An unrecoverable error has occurred and the server") }
        return TextReport(
            record: record, fate: last == nil ? .survived : .died, first: lines.at, end: last.map { $0 + 1 } ?? end)
    }
}
