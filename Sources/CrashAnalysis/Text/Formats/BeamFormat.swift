import Model

extension TextReportFormat {
    /// The end of Erlang's virtual machine.
    static let beam = TextReportFormat(
        name: "beam",
        anchors: [
            Anchor(151, "rash dump is being written to: "), Anchor(152, "=erl_crash_dump:"),
            Anchor(153, "Kernel pid terminated"), Anchor(154, "nit terminating in do_boot"),
            Anchor(164, "Crash dump was written to: "), Anchor(212, "Runtime terminating during boot"),
            Anchor(211, "** (Mix) Could not start application "),
        ],
        start: .afterPrefix, ending: .ended, lead: .word, runtime: .beam, parse: TextBeam.parse)
}

extension TextReportFormat {
    /// A process in Erlang's virtual machine; its supervisor restarts it.
    static let beamProcess = TextReportFormat(
        name: "beam_process",
        anchors: [
            Anchor(155, "=CRASH REPORT==="), Anchor(156, "GenServer "), Anchor(157, "Process #PID<"),
            Anchor(158, "** Generic server "), Anchor(159, "Process <0."), Anchor(214, "** State machine "),
        ],
        voice: .logger, start: .afterPrefix, ending: .survived, lead: .exception, parse: TextBeam.parseProcess)
}

/// Erlang and Elixir.
enum TextBeam {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let text = lines.window.text(lines.at)
        var record = CrashRecord(kind: "beam")
        record.exception = "vm ended"
        if text.hasPrefix("** (Mix) Could not start") { return parseMix(lines) }
        if text.hasPrefix("=erl_crash_dump:") {
            guard let slogan = lines.next(from: lines.at + 1, gap: 6, { $0.hasPrefix("Slogan: ") ? $0 : nil }) else {
                return nil
            }
            take(slogan.found.after("Slogan: ") ?? "", into: &record)
            // The tables of the dump follow, to the end of its file.
            return TextReport(record: record, fate: .died, first: lines.at, end: slogan.after)
        }
        let isDump = text.dropFirst().hasPrefix(anyOf: ["rash dump is being", "rash dump was written"])
        let leads = [
            "Kernel pid terminated", "{\"Kernel pid terminated", "init terminating in do_boot",
            "{\"init terminating in do_boot", "Init terminating in do_boot", "Runtime terminating during boot",
        ]
        guard isDump || text.hasPrefix(anyOf: leads) else { return nil }
        if isDump {
            // Lines such as `eheap_alloc: Cannot allocate … bytes of memory` may precede it.
            let around = [lines.at + 1] + (1...4).map { lines.at - $0 }
            let told = around.lazy.filter { !lines.head($0).isLogged }.map { lines[$0].trimmed }
            let memory = told.first { $0.hasPrefix(anyOf: allocators) && $0.contains("llocate") }
            if let reason = memory ?? told.dropFirst().first(where: { !$0.isEmpty }) { take(reason, into: &record) }
        } else {
            take(text.trimmed, into: &record)
        }
        var end = lines.at + 1
        if !isDump, let dump = lines.next(from: end, gap: 4, { $0.find("rash dump is being written to: ") }) {
            end = dump.after
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    /// `** (Mix) Could not start application hall: …`, with the exception and its frames indented below.
    private static func parseMix(_ lines: ReportLines) -> TextReport {
        var record = CrashRecord(kind: "beam")
        record.exception = "application not started"
        record.message = lines[lines.at].after("** (Mix) ").map { String($0.trimmed.prefix(400)) }
        var end = lines.at + 1
        while end < lines.count, lines[end].hasPrefix("    "), end < lines.at + 100 {
            let text = lines[end].trimmed
            if text.hasPrefix("** ("), let type = text.between("** (", ")"), type != "EXIT" {
                record.exception = type
                record.message = text.after(") ") ?? record.message
            } else if let frame = frame(lines[end], record.frames.count) {
                record.frames.append(frame)
            }
            end += 1
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    private static let allocators = [
        "eheap_alloc: ", "sys_alloc: ", "binary_alloc: ", "ets_alloc: ", "ll_alloc: ", "temp_alloc: ", "std_alloc: ",
        "driver_alloc: ", "sl_alloc: ", "fix_alloc: ", "Cannot ",
    ]

    private static func take(_ words: String, into record: inout CrashRecord) {
        record.message = String(words.prefix(400))
        if words.contains("Cannot allocate") || words.contains("Cannot reallocate") {
            record.exception = "out of memory"
        }
    }

    @Sendable static func parseProcess(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at].trimmed
        let isServer = text.hasPrefix(anyOf: ["GenServer ", "Process #PID<", "Process <0."])
        if isServer, !text.hasSuffix(" terminating"), !text.contains(" terminating, ") { return nil }
        let isBehaviour = text.hasPrefix(anyOf: ["** Generic server ", "** State machine "])
        guard isServer || isBehaviour || text.hasPrefix("=CRASH REPORT===") else { return nil }
        var record = CrashRecord(kind: "beam_process")
        record.exception = "process ended"
        var at = lines.at + 1
        if let reason = lines.next(from: at, gap: 3, { $0.hasPrefix("** (") ? $0 : nil }) {
            record.exception = reason.found.between("** (", ")") ?? record.exception
            record.message = reason.found.after(") ")
            at = reason.after
        } else if text.hasPrefix("=CRASH REPORT===") {
            at = crasher(lines, from: at, into: &record)
        } else if isBehaviour {
            at = term(lines, from: at, into: &record)
        }
        while record.frames.count < 64, let next = lines.next(from: at, gap: 1, { frame($0, record.frames.count) }) {
            record.frames.append(next.found)
            at = next.after
        }
        return TextReport(record: record, fate: .survived, first: lines.at, end: at)
    }

    private static let crasherReach = 40

    /// `exception error: no case clause matching nil`, then `in function  room:seat/2 (/src/room.erl, line 33)` and
    /// `in call from …`.
    private static func crasher(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var end = start
        var isInside = false
        for at in start..<max(start, min(lines.count, start + crasherReach)) {
            let text = lines[at].trimmed
            if text.hasPrefix("="), text.find(" REPORT===") != nil { break }
            if text.hasPrefix("exception "), let words = text.after(": ") {
                record.exception = text.between("exception ", ":")
                record.message = words.trimmed
                isInside = true
                end = at + 1
            } else if isInside, text.hasPrefix(anyOf: ["in function ", "in call from "]) {
                let call = (text.after("in function ") ?? text.after("in call from ") ?? "").trimmed
                let place = call.between(" (", ")")
                record.frames.append(
                    .printed(
                        record.frames.count, function: call.before(" (") ?? call, file: place?.before(", line "),
                        line: place?.after(", line ")?.leadingNumber))
                end = at + 1
            }
        }
        return end
    }

    private static let termLines = 24
    private static let termLength = 16_384

    /// `** Reason for termination == ` with `{{badmatch,nil},[{room,seat,2,[{file,"src/room.erl"},{line,33}]},…]}`.
    private static func term(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        guard let head = lines.next(from: start, gap: 24, { $0.after("** Reason for termination =") }) else {
            return start
        }
        var text = head.found.drop { $0 == "=" }.trimmed
        var at = head.after
        while at < min(lines.count, head.after + termLines), !lines[at].trimmed.isEmpty, text.utf8.count < termLength {
            text += lines[at].trimmed
            at += 1
        }
        text = String(text.drop { $0 == "*" || $0 == " " })
        // `error:{badmatch,nil}` of state machines, whose stack is on another line.
        for kind in ["error:", "exit:", "throw:"] where text.hasPrefix(kind) {
            text = String(text.dropFirst(kind.count))
        }
        let name = text.drop { $0 == "{" }.prefix { $0.isLetter || $0 == "_" }
        let reason = text.before("** ") ?? text
        guard !name.isEmpty else { return at }
        record.exception = String(name)
        let words = (reason.before(",[{") ?? reason).trimmed
        record.message = String(words.dropFirst(words.hasPrefix("{{") ? 1 : 0).prefix(400))
        var rest = text
        while record.frames.count < 64, let mark = rest.find(",[{file,\"") {
            let call = rest[..<mark.lowerBound]
            let parts = call[(call.findLast("{")?.upperBound ?? call.startIndex)...].split(separator: "," as Character)
            let tail = String(rest[mark.upperBound...])
            if parts.count == 3 {
                record.frames.append(
                    .printed(
                        record.frames.count, function: "\(parts[0]):\(parts[1])/\(parts[2])", file: tail.before("\""),
                        line: tail.between("{line,", "}")?.leadingNumber))
            }
            rest = tail
        }
        return at
    }

    /// `    (game 0.1.0) lib/game/room.ex:12: Game.Room.join/2`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        guard line.hasPrefix("    ") else { return nil }
        var text = line.trimmed
        if text.hasPrefix("("), let rest = text.after(") ") { text = rest }
        guard let cut = text.findLast(": ") else { return nil }
        let place = text[..<cut.lowerBound].fileAndLine
        guard place.line != nil else { return nil }
        return .printed(index, function: text[cut.upperBound...].trimmed, file: place.file, line: place.line)
    }
}

extension RuntimeNames {
    /// Erlang's functions that raise.
    static let beam = RuntimeNames(
        machinery: ["erlang:error/*", "erlang:raise/*", "erl_exit*"])
}
