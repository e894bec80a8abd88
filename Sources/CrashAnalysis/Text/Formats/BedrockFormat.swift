import Model

extension TextReportFormat {
    static let bedrock = TextReportFormat(
        name: "bedrock",
        anchors: [Anchor(76, "CrashReporter Key: ")],
        voice: .anyone, start: .afterPrefix, ending: .saysItself, rank: 20, rankWithoutFrames: 5,
        parse: TextBedrock.parse)
}

/// The block that Minecraft's Bedrock server writes when it dies.
enum TextBedrock {
    private static let keys = ["Package: ", "Version: ", "OS: ", "Server start: ", "Dmp timestamp: ", "Session ID: "]

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        guard lines[lines.at].hasPrefix("CrashReporter Key: "), isServers(lines.voice) else { return nil }
        let block = max(0, lines.at - 12)..<lines.at
        guard let first = block.last(where: { lines[$0].hasPrefix("Package: ") }),
            keys.allSatisfy({ key in (first..<lines.at).contains { lines[$0].hasPrefix(key) } })
        else { return nil }
        var record = CrashRecord(kind: "bedrock")
        record.message = "the server wrote a dump"
        let version = (first..<lines.at).lazy.compactMap { lines[$0].after("Version: ") }.first
        if let version { record.notes.append("version \(version.trimmed)") }
        var at = lines.at + 1
        if let start = lines.next(from: at, gap: 2, { $0.trimmed == "Crash" ? true : nil }) { at = start.after }
        while record.frames.count < ReportLines.frameLimit,
            let next = lines.next(from: at, gap: 1, { frame($0, record.frames.count) })
        {
            record.frames.append(next.found)
            at = next.after
        }
        return TextReport(record: record, fate: .died, first: first, end: at)
    }

    /// True if the block has no prefix, or the head of the server's own logger.
    private static func isServers(_ voice: LineVoice) -> Bool {
        switch voice {
        case .raw: true
        case .logged(let head): head.names.allSatisfy { $0 == "Server" || LineHead.level($0) != nil }
        case .quoted: false
        }
    }

    /// `at name (file:12)`, `at name (UnknownFile:?)`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        let text = line.trimmed
        guard text.hasPrefix("at "), text.hasSuffix(")"), let open = text.findLast(" (") else { return nil }
        let place = text[open.upperBound...].dropLast().fileAndLine
        let isKnown = place.line != nil && !place.file.hasPrefix("Unknown")
        return .printed(
            index, function: PrintedNames.function(text[..<open.lowerBound].dropFirst(3)),
            file: isKnown ? place.file : nil, line: place.line)
    }
}
