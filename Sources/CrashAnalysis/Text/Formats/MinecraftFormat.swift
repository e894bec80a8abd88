import Model

extension TextReportFormat {
    /// What Minecraft's servers print about their own end, on the console and in the crash report file.
    static let minecraft = TextReportFormat(
        name: "java",
        anchors: [
            Anchor(120, "---- Minecraft Crash Report ----"), Anchor(121, "Encountered an unexpected exception"),
            Anchor(122, "This crash report has been saved to"), Anchor(123, "Failed to start the minecraft server"),
            Anchor(124, "Exception in server tick loop"),
        ],
        voice: .logger, start: .afterPrefix, ending: .saysItself, lead: .exception, runtime: .minecraft,
        parse: TextMinecraft.parse)
}

extension TextReportFormat {
    /// A hung server that its watchdog ended.
    static let hang = TextReportFormat(
        name: "hang",
        anchors: [
            Anchor(125, "The server has stopped responding!"), Anchor(126, "Considering it to be crashed, server will"),
            Anchor(165, "--- Server stopped responding ---"),
        ],
        voice: .logger, start: .afterPrefix, ending: .saysItself, lead: .word, parse: TextMinecraft.parseHang)
}

/// Minecraft's servers: vanilla, Forge, Fabric, Spigot, Paper and their forks.
enum TextMinecraft {
    private static let consoleLeads = [
        "Encountered an unexpected exception", "Failed to start the minecraft server", "Exception in server tick loop",
    ]

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        guard lines.voice.isRawOrBad else { return nil }
        let head = lines[lines.at]
        if head.hasPrefix("---- Minecraft Crash Report ----") { return parseReport(lines) }
        if head.hasPrefix("This crash report has been saved to") { return parseSaved(lines) }
        guard consoleLeads.contains(where: { head.hasPrefix($0) }) else { return nil }
        guard var found = trace(lines, from: lines.at + 1, within: 4) else { return nil }
        if let saved = lines.next(from: found.end, gap: 8, { $0.find("crash report has been saved to") }) {
            found.end = saved.after
        }
        return TextReport(record: found.record, fate: .died, first: lines.at, end: found.end)
    }

    /// The crash report file, or the same text on the console; its sections repeat the stack.
    private static func parseReport(_ lines: ReportLines) -> TextReport? {
        var description: String?
        var at = lines.at + 1
        while at < min(lines.count, lines.at + 400), description == nil {
            if lines[at].hasPrefix("---- Minecraft Crash Report") { return nil }
            if lines[at].hasPrefix("Description: ") { description = lines[at].after("Description: ")?.trimmed }
            at += 1
        }
        guard let description else { return nil }
        var record = CrashRecord(kind: "java")
        record.message = description
        var end = at
        if let found = trace(lines, from: at, within: 12) {
            record = found.record
            end = found.end
        }
        record.notes.append("Minecraft crash report: " + String(description.prefix(200)))
        if description == "Watching Server" {
            record.detector = "hang"
            record.kind = "hang"
            record.exception = "hang"
        }
        let sections = sections(lines, from: end)
        record.threadName = record.threadName ?? sections.thread
        return TextReport(record: record, fate: .died, first: lines.at, end: max(end, sections.end))
    }

    private static let sectionsReach = 6000

    /// Reads the walkthrough after the exception, which belongs to the report; it ends at the first line that is not
    /// its own.
    private static func sections(_ lines: ReportLines, from start: Int) -> (end: Int, thread: String?) {
        var at = start
        var end = start
        var thread: String?
        var isInside = false
        while at < min(lines.count, start + sectionsReach) {
            let text = lines[at]
            if lines.head(at).isLogged, lines.voice.isRaw { break }
            if text.hasPrefix("A detailed walkthrough") || text.hasPrefix("-- ") || text.hasPrefix("---------") {
                isInside = true
                end = at + 1
            } else if isInside {
                if text.hasPrefix("Thread: ") { thread = thread ?? text.after("Thread: ")?.trimmed }
                let isOwn =
                    text.first == "\t" || text.hasPrefix("  ") || text.hasPrefix("Details:") || text.isEmpty
                    || text.hasPrefix("Thread: ") || text.hasPrefix("Stacktrace:") || text.hasPrefix("#@!@# ")
                if !isOwn { break }
                end = at + 1
            } else if at > start + 8 {
                break
            }
            at += 1
        }
        return (end, thread)
    }

    /// The line saying that a report was written. The rest is in that file, or was printed just before.
    private static func parseSaved(_ lines: ReportLines) -> TextReport? {
        var record = CrashRecord(kind: "java")
        record.exception = "crash report"
        record.notes.append(
            "reported in " + String((lines[lines.at].after(": ") ?? "another file").trimmed.prefix(300)))
        // A plugin may have printed the line alone.
        let isTold = (max(0, lines.at - savedReach)..<lines.at).contains { ManagedFrame.read(lines[$0], .java) != nil }
        let stops = lines.next(from: lines.at + 1, gap: 12, { $0.find("Stopping server") != nil ? true : nil }) != nil
        let fate: TextReport.Fate = isTold || lines.voice.isRaw ? .died : stops ? .likelyDied : .unsaid
        var report = TextReport(record: record, fate: fate, first: lines.at, end: lines.at + 1)
        report.continues = true
        return report
    }

    /// The most lines between the exception of a saved report and this line.
    private static let savedReach = 120

    private static func trace(_ lines: ReportLines, from start: Int, within reach: Int) -> (
        record: CrashRecord, end: Int
    )? {
        for head in start..<min(lines.count, start + reach) {
            let isBeforeFrame = ManagedFrame.read(lines[head + 1], .java) != nil
            guard
                ManagedException(ManagedTrace.text(lines, head), .java, beforeFrame: isBeforeFrame) != nil,
                let trace = ManagedTrace(lines, head: head, from: head + 1, .java)
            else { continue }
            var record = CrashRecord(kind: "java")
            trace.name(&record, wrappers: TextJava.wrappers)
            TextJava.takeCarried(&record)
            return (record, trace.end)
        }
        return nil
    }

    // MARK: Watchdogs

    @Sendable static func parseHang(_ lines: ReportLines) -> TextReport? {
        guard lines.voice.isRawOrBad else { return nil }
        let head = lines[lines.at]
        var record = CrashRecord(kind: "hang")
        record.exception = "hang"
        record.message = "the server stopped responding"
        var end = lines.at + 1
        if head.hasPrefix("The server has stopped responding!") || head.hasPrefix("--------- Server stopped responding")
        {
            end = dump(lines, from: end, into: &record)
        } else if head.hasPrefix("Considering it to be crashed, server will") {
            if let tick = lines.at > 0 ? lines[lines.at - 1].trimmed : nil, tick.hasPrefix("A single server tick took")
            {
                record.notes.append(String(tick.prefix(200)))
            }
            if let found = trace(lines, from: end, within: 6) {
                record.frames = found.record.frames
                end = found.end
            }
            if let saved = lines.next(from: end, gap: 6, { $0.find("crash report has been saved to") }) {
                end = saved.after
            }
        } else {
            return nil
        }
        // The line alone may be a plugin's.
        let isWitnessed = lines.voice.isRaw || !record.frames.isEmpty || !record.notes.isEmpty
        let fate: TextReport.Fate = isWitnessed ? .died : .unsaid
        return TextReport(record: record, fate: fate, first: lines.at, end: end)
    }

    /// Reads Spigot's and Paper's dump of the server thread: `Current Thread: Server thread`, `Stack:`, then bare
    /// frames. The other threads follow and belong to the report.
    private static func dump(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        var end = start
        var isServer = true
        var thread: String?
        var foreign = 0
        while at < lines.count, foreign <= 3 {
            let text = lines[at].trimmed
            at += 1
            if text.hasPrefix("Current Thread: ") {
                isServer = record.frames.isEmpty
                if isServer { thread = text.after("Current Thread: ") }
            } else if let frame = ManagedFrame.java(text) {
                if isServer, record.frames.count < ReportLines.frameLimit {
                    var next = frame
                    next.index = record.frames.count
                    record.frames.append(next)
                }
            } else if !isDumpLine(text) {
                foreign += 1
                continue
            }
            foreign = 0
            end = at
        }
        record.threadName = thread
        return end
    }

    private static func isDumpLine(_ text: String) -> Bool {
        let leads = [
            "------", "PID: ", "Stack:", "Server thread dump", "Entire Thread Dump", "If you ", "If this ", "This is ",
            "Please ", "Be sure", "version: ", "Paper version", "Spigot version", "Purpur version", "Server version",
            "During the run", "Last entity", "Tick ", "Thread is waiting", "Locked on", "Waiting on", "World: ",
            "*", "- ", "The server ", "Dumping", "Total ",
        ]
        return text.isEmpty || leads.contains { text.hasPrefix($0) } || text.contains(" version: ")
    }
}

extension RuntimeNames {
    /// Minecraft's reports and the loaders of its mods.
    static let minecraft = RuntimeNames(
        machinery: [
            "net.fabricmc.loader.impl.*", "net.minecraftforge.fml.ModLoader.*", "net.neoforged.fml.ModLoader.*",
            "net.minecraft.CrashReport.*", "net.minecraft.ReportedException.*",
        ])
}
