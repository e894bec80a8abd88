extension TextReportFormat {
    /// The end of Erlang's virtual machine.
    static let beam = TextReportFormat(
        name: "beam",
        anchors: [
            Anchor(151, "rash dump is being written to: "), Anchor(152, "=erl_crash_dump:"),
            Anchor(153, "Kernel pid terminated"), Anchor(154, "nit terminating in do_boot"),
            Anchor(164, "Crash dump was written to: "),
        ],
        start: .afterPrefix, ending: .ended, lead: .word, parse: TextBeam.parse)
}

extension TextReportFormat {
    /// A process within Erlang's virtual machine, which supervisors start again.
    static let beamProcess = TextReportFormat(
        name: "beam_process",
        anchors: [
            Anchor(155, "=CRASH REPORT==="), Anchor(156, "GenServer "), Anchor(157, "Process #PID<"),
            Anchor(158, "** Generic server "), Anchor(159, "Process <0."),
        ],
        voice: .logger, start: .afterPrefix, ending: .survived, lead: .exception, parse: TextBeam.parseProcess)
}

/// Erlang and Elixir.
enum TextBeam {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let text = lines.window.text(lines.at)
        var record = CrashRecord(kind: "beam")
        record.exception = "vm ended"
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
            // `eheap_alloc: Cannot allocate … bytes of memory` and the like stand above.
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
        guard isServer || text.hasPrefix("=CRASH REPORT===") || text.hasPrefix("** Generic server ") else { return nil }
        var record = CrashRecord(kind: "beam_process")
        record.exception = "process ended"
        var at = lines.at + 1
        if let reason = lines.next(from: at, gap: 3, { $0.hasPrefix("** (") ? $0 : nil }) {
            record.exception = reason.found.between("** (", ")") ?? record.exception
            record.message = reason.found.after(") ")
            at = reason.after
        }
        while record.frames.count < 64, let next = lines.next(from: at, gap: 1, { frame($0, record.frames.count) }) {
            record.frames.append(next.found)
            at = next.after
        }
        return TextReport(record: record, fate: .survived, first: lines.at, end: at)
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
