import Model

extension TextReportFormat {
    static let coredump = TextReportFormat(
        name: "systemd_coredump",
        anchors: [Anchor(89, " dumped core.")],
        voice: .anyone, start: .before("Process "), ending: .ended, rank: 45, rankWithoutFrames: 4,
        parse: TextCoredump.parse)
}

/// What systemd-coredump writes to the journal and `coredumpctl info` prints.
enum TextCoredump {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        let whole = lines.window.text(lines.at)
        let lead = String(whole.dropLast(head.count)).trimmed
        guard !whole.hasPrefix("{"),
            lead.isEmpty || lead == "Message:" || SystemVoice.speaks(lead, as: "systemd-coredump"),
            head.hasPrefix("Process "), let pid = head.dropFirst(8).leadingNumber,
            let name = head.between(" (", ") of user ")
        else { return nil }
        var record = CrashRecord(kind: "systemd_coredump")
        record.pid = pid
        record.executable = name
        for index in max(0, lines.at - 30)..<lines.at {
            let text = lines.window.text(index).trimmed
            if text.hasPrefix("Signal: "), let number = text.dropFirst(8).leadingNumber {
                record.signal = SignalNames.name(number)
            }
            if text.hasPrefix("Executable: ") { record.executable = text.after("Executable: ")?.trimmed }
            if text.hasPrefix("Command Line: ") { record.commandLine = text.after("Command Line: ")?.trimmed }
        }
        var builds: [String: String] = [:]
        var at = lines.at + 1
        var end = at
        while at < lines.count, at <= end + 40, record.frames.isEmpty {
            if opens(lines, at) { break }
            let text = own(lines, at)
            if let module = text.between("Module ", " with build-id "), let build = text.after(" with build-id ") {
                builds[PrintedNames.module(module) ?? module] = String(build.prefix { $0.isHexDigit })
                end = at + 1
            }
            if let frame = TextStack.frame(text, index: 0)?.frame {
                record.frames = [frame]
                end = at + 1
            }
            at += 1
        }
        if !record.frames.isEmpty { end = rest(lines, from: at, &record) }
        for index in record.frames.indices {
            record.frames[index].buildID = record.frames[index].module.flatMap { builds[$0] }
        }
        record.signal = record.signal ?? unitsSignal(lines, from: end, name)
        if record.frames.isEmpty, let signal = record.signal { record.message = name + ": ended by " + signal }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    /// True for the first line of another core's report.
    private static func opens(_ lines: ReportLines, _ index: Int) -> Bool {
        let text = lines.window.text(index)
        return text.hasSuffix(" dumped core.") && text.find("Process ") != nil
    }

    /// The signal on the unit's own line, which follows at once. After two reports in a row, both units' lines follow.
    private static func unitsSignal(_ lines: ReportLines, from end: Int, _ name: String) -> String? {
        var others: String?
        var isAlone = true
        for index in end..<min(lines.count, end + 8) {
            let text = lines.window.text(index)
            if opens(lines, index) { isAlone = false }
            guard let status = text.find("status="), let number = text[status.upperBound...].leadingNumber else {
                continue
            }
            let signal = SignalNames.name(number)
            if text[..<status.lowerBound].contains(name) { return signal }
            if isAlone { others = others ?? signal }
        }
        return others
    }

    private static func own(_ lines: ReportLines, _ index: Int) -> String {
        let text = lines[index]
        return (text.hasPrefix(" ") ? text : text.after("]: ") ?? text).trimmed
    }

    /// Reads the frames of the thread that died and skips the stacks of the others. Returns the index after them.
    private static func rest(_ lines: ReportLines, from start: Int, _ record: inout CrashRecord) -> Int {
        var at = start
        var end = start
        var isFirst = true
        var wanted = 1
        while at < lines.count, at <= end + 3 {
            if opens(lines, at) { return end }
            let text = own(lines, at)
            if text.hasPrefix("Stack trace of thread ") {
                isFirst = false
                wanted = 0
                end = at + 1
            } else if text.hasPrefix("ELF object binary architecture") {
                return at + 1
            } else if let frame = TextStack.frame(text, index: wanted)?.frame {
                if isFirst, record.frames.count < ReportLines.frameLimit { record.frames.append(frame) }
                wanted += 1
                end = at + 1
            }
            at += 1
        }
        return end
    }
}

/// Recognises lines of the system's own services, which no program and no player can write.
enum SystemVoice {
    /// True if the text before the words is a syslog head of this service: a timestamp, perhaps a host, and its tag.
    static func speaks(_ lead: String, as service: String) -> Bool {
        guard lead.utf8.count < 160, lead.hasSuffix(":") else { return false }
        let words = lead.split(separator: " " as Character).map(String.init)
        guard words.count <= 6, let tag = words.last, tag.hasPrefix(service) else { return false }
        let rest = tag.dropFirst(service.count)
        guard rest == ":" || rest.hasPrefix("["), words.count >= 2 else { return false }
        return words[0].first?.isNumber == true || words.count >= 4 && words[0].count == 3
    }

    /// True if the text before the words is the kernel's: its clock, its tag in the journal, or nothing once the log's
    /// prefix was removed.
    static func isKernels(_ lead: String) -> Bool {
        var text = lead.trimmed
        if text.hasSuffix("]"), let open = text.findLast("[") {
            let clock = text[open.upperBound...].dropLast().trimmed
            let isSeconds = clock.filter { $0.isNumber }.count + 1 == clock.count && clock.contains(".")
            // `dmesg -T` prints a date that begins with the day of the week.
            let words = clock.split(separator: " " as Character)
            let isCalendar = words.count == 5 && words[0].count == 3 && words[3].contains(":") && Int(words[4]) != nil
            guard isSeconds || isCalendar else { return false }
            text = text[..<open.lowerBound].trimmed
        }
        // `<4>` is the level.
        if text.hasPrefix("<"), text.hasSuffix(">"), text.utf8.count <= 4 { text = "" }
        return text.isEmpty || speaks(text, as: "kernel")
    }
}
