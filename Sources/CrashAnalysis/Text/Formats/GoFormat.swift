import Model

extension TextReportFormat {
    static let go = TextReportFormat(
        name: "go",
        anchors: [
            Anchor(0, "panic: "), Anchor(1, "fatal error: "), Anchor(2, "goroutine "),
        ],
        ending: .saysItself, rank: 70, lead: .word, runtime: .go,
        closes: { $0.hasPrefix("exit status ") }, parse: TextGo.parse)
}

extension TextReportFormat {
    /// A signal that a Go program received outside of Go's own code.
    static let goSignal = TextReportFormat(
        name: "go", anchors: [Anchor(144, "PC=0x")],
        start: .afterPrefix, ending: .saysItself, rank: 70, lead: .word, parse: TextGo.parseSignal)
}

extension TextReportFormat {
    /// Go's race detector, which lets the program continue.
    static let goRace = TextReportFormat(
        name: "go_race", anchors: [Anchor(145, "WARNING: DATA RACE")],
        ending: .survived, lead: .word, parse: TextGo.parseRace)
}

/// Go: `panic:`, `fatal error:` or a signal, then goroutines as pairs of a call line and an indented file line.
enum TextGo {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        if head.hasPrefix("goroutine ") { return parseBare(lines) }
        guard head.hasPrefix("panic: ") || head.hasPrefix("fatal error: ") else { return nil }
        var record = CrashRecord(kind: "go")
        record.message = head.after(": ")?.trimmed
        record.exception = head.hasPrefix("panic: ") ? "panic" : "fatal error"
        var at = lines.at + 1
        // `panic: first [recovered]`, then the later ones, indented: the last one ended the process.
        while at < lines.at + 32, lines[at].hasPrefix("\tpanic: ") || lines[at].hasPrefix("panic: ") {
            record.notes.append("after panic: " + String((record.message ?? "").prefix(200)))
            record.message = lines[at].after("panic: ")?.trimmed
            at += 1
        }
        let signal = lines.next(
            from: at, gap: 12,
            { line -> String? in
                line.hasPrefix("[signal ") || goroutine(line) != nil ? line : nil
            })
        var hasSignal = false
        if let signal, signal.found.hasPrefix("[signal ") {
            takeSignal(&record, signal.found)
            at = signal.after
            hasSignal = true
        }
        guard let end = goroutines(lines, from: at, gap: 60, into: &record) else {
            // The log was cut below the first goroutine's header.
            if let header = lines.next(from: at, gap: 4, { goroutine($0) }) {
                record.thread = header.found
                return TextReport(record: record, fate: .died, first: lines.at, end: header.after)
            }
            // GOTRACEBACK=none leaves the goroutines out.
            let exit = lines.next(from: at, gap: 1, { $0.hasPrefix("exit status 2") ? true : nil })
            guard hasSignal || exit != nil else { return nil }
            return TextReport(record: record, fate: .died, first: lines.at, end: exit?.after ?? at)
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    /// `SIGSEGV: segmentation violation` above `PC=0x… m=0 sigcode=1 addr=0x0`: a signal outside of Go's own code.
    static func parseSignal(_ lines: ReportLines) -> TextReport? {
        let place = lines[lines.at]
        guard place.hasPrefix("PC=0x"), place.contains(" sigcode="), lines.at > 0 else { return nil }
        let head = lines[lines.at - 1]
        guard head.hasPrefix("SIG"), let name = head.before(":"), name.utf8.count <= 10 else { return nil }
        var record = CrashRecord(kind: "go")
        record.exception = "fatal error"
        record.message = head.after(": ")?.trimmed
        record.signal = name
        record.address = place.after("addr=")?.leadingHex.map(Address.init)
        let end = goroutines(lines, from: lines.at + 1, gap: 60, into: &record)
        // `kill -3` requests the stacks.
        let fate: TextReport.Fate = name == "SIGQUIT" ? .survived : .died
        return TextReport(record: record, fate: fate, first: lines.at - 1, end: end ?? lines.at + 1)
    }

    /// A goroutine of a report whose first line was lost, or of a dump too long to read at once.
    private static func parseBare(_ lines: ReportLines) -> TextReport? {
        guard goroutine(lines[lines.at]) != nil else { return nil }
        var record = CrashRecord(kind: "go")
        record.exception = "panic"
        guard let end = goroutines(lines, from: lines.at, gap: 0, into: &record) else { return nil }
        var report = TextReport(
            record: record, fate: isRecovered(lines, record) ? .survived : .unsaid, first: lines.at, end: end)
        report.continues = (max(0, lines.at - 3)..<lines.at).contains { filePlace(lines[$0]) != nil }
        return report
    }

    /// True for the stack of a panic that a server caught, and for one that the program requested.
    private static func isRecovered(_ lines: ReportLines, _ record: CrashRecord) -> Bool {
        let caught = [
            "runtime/debug.Stack", "runtime/debug.PrintStack", "net/http.(*conn).serve.func1", "runtime.Stack",
        ]
        if record.frames.prefix(6).contains(where: { $0.function.map(caught.contains) ?? false }) { return true }
        return (max(0, lines.at - 3)..<lines.at).contains { index in
            let text = lines.window.text(index).lowercased()
            return ["panic serving", "recover", "sigquit", "stack trace:", "stack dump"].contains { text.contains($0) }
        }
    }

    /// Reads the goroutines, the first of them within the gap. Keeps the frames of the first one that is not the
    /// scheduler's. Returns the index after the last one, nil if none has frames.
    private static func goroutines(
        _ lines: ReportLines, from start: Int, gap: Int, into record: inout CrashRecord
    ) -> Int? {
        guard var next = lines.next(from: start, gap: gap, { goroutine($0) }) else { return nil }
        var last: Int?
        while true {
            var one = record
            one.frames = []
            let end = frames(lines, from: next.after, into: &one)
            let isFirst = record.frames.isEmpty
            let isScheduler = record.thread == 0 && next.found != 0
            if !one.frames.isEmpty, isFirst || isScheduler {
                record.frames = one.frames
                record.thread = next.found
            }
            // A goroutine without frames is part of the dump, too.
            last = max(last ?? 0, end)
            guard let other = lines.next(from: end, gap: 4, { goroutine($0) }),
                isUnbroken(lines, end, other.after - 1)
            else { break }
            next = other
        }
        guard !record.frames.isEmpty, var end = last else { return nil }
        if let exit = lines.next(from: end, gap: 20, { $0.hasPrefix("exit status ") || isRegister($0) ? $0 : nil }) {
            end = exit.after
            while end < lines.count, isRegister(lines[end]) || lines[end].hasPrefix("exit status ") { end += 1 }
        }
        return end
    }

    /// True for `rax    0x0`, as printed after a dump with GOTRACEBACK=crash.
    private static func isRegister(_ line: String) -> Bool {
        guard line.utf8.count < 40, let name = line.split(separator: " ").first, name.utf8.count <= 6 else {
            return false
        }
        return line.trimmed.dropFirst(name.count).trimmed.hasPrefix("0x") && line.first?.isLetter == true
    }

    private static func takeSignal(_ record: inout CrashRecord, _ line: String) {
        let name = line.after("[signal ")?.split(whereSeparator: { ": ]".contains($0) }).first.map(String.init)
        // Windows prints numbers instead.
        if let name, name.hasPrefix("SIG") { record.signal = name }
        record.address = line.after("addr=")?.leadingHex.map(Address.init)
    }

    /// The id of `goroutine 17 gp=0xc000 m=0 [running, locked to thread]:`.
    private static func goroutine(_ line: String) -> Int? {
        guard line.hasPrefix("goroutine "), line.trimmed.hasSuffix("]:"), line.contains("[") else { return nil }
        return line.dropFirst(10).leadingNumber
    }

    private static func frames(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        while record.frames.count < ReportLines.frameLimit {
            guard let call = lines.next(from: at, gap: 3, { callName($0) }), isUnbroken(lines, at, call.after - 1)
            else { break }
            guard let place = lines.next(from: call.after, gap: 3, { filePlace($0) }),
                isUnbroken(lines, call.after, place.after)
            else {
                // The log was cut below a call.
                if lines.window.reachesEnd, (call.after..<lines.count).allSatisfy({ lines[$0].trimmed.isEmpty }) {
                    record.frames.append(.printed(record.frames.count, function: call.found))
                    at = call.after
                }
                break
            }
            record.frames.append(
                .printed(record.frames.count, function: call.found, file: place.found.file, line: place.found.line))
            at = place.after
        }
        return at
    }

    /// True if neither another goroutine nor another report begins in these lines.
    private static func isUnbroken(_ lines: ReportLines, _ from: Int, _ upTo: Int) -> Bool {
        !(from..<max(from, upTo)).contains { goroutine(lines[$0]) != nil || isHeadline(lines[$0]) }
    }

    /// True for the first line of a report, which ends the dump before it.
    private static func isHeadline(_ line: String) -> Bool {
        if line.hasPrefix(anyOf: ["panic: ", "fatal error: ", "[signal "]) { return true }
        guard line.hasPrefix("SIG"), let name = line.before(": ") else { return false }
        return name.utf8.count <= 10 && name.allSatisfy { $0.isUppercase || $0.isNumber }
    }

    /// `pkg.(*Type).Method(0x1, …)` without its arguments; `created by pkg.fn in goroutine 1`.
    private static func callName(_ line: String) -> String? {
        if let created = line.after("created by "), line.hasPrefix("created by ") {
            return created.before(" in goroutine") ?? created.trimmed
        }
        guard line.first?.isWhitespace == false, line.hasSuffix(")"), !line.hasPrefix("goroutine ") else { return nil }
        var depth = 0
        for index in line.indices.reversed() {
            if line[index] == ")" { depth += 1 }
            if line[index] == "(" { depth -= 1 }
            if depth == 0 {
                let name = String(line[..<index])
                return name.isEmpty || name.contains(" ") ? nil : name
            }
        }
        return nil
    }

    private static func filePlace(_ line: String) -> (file: String, line: Int?)? {
        guard line.first == "\t" || line.hasPrefix("    ") else { return nil }
        // A path may contain spaces; ` +0x1c` or ` fp=0x… sp=0x… pc=0x…` follows it.
        let text = line.trimmed
        let place = (text.before(" +0x") ?? text.before(" fp=0x") ?? text).trimmed.fileAndLine
        return place.line == nil ? nil : place
    }

    /// `Write at 0x00c0000b4010 by goroutine 7:`, then indented pairs.
    static func parseRace(_ lines: ReportLines) -> TextReport? {
        guard lines[lines.at].hasPrefix("WARNING: DATA RACE") else { return nil }
        var record = CrashRecord(kind: "go_race")
        record.exception = "data race"
        let access = lines[lines.at + 1]
        guard access.find(" by ") != nil, let at = access.after(" at ")?.leadingHex else { return nil }
        record.address = Address(at)
        record.access = access.lowercased().contains("write") ? "write" : "read"
        var end = lines.at + 2
        var isFirst = true
        while end < min(lines.count, lines.at + 400), !lines[end].hasPrefix("=====") {
            let line = lines[end]
            if line.trimmed.isEmpty { isFirst = false }
            if isFirst, line.hasPrefix("  "), let name = callName(line.trimmed) {
                let place = lines[end + 1].trimmed
                let found = (place.before(" +0x") ?? place).fileAndLine
                record.frames.append(
                    .printed(
                        record.frames.count, function: name, file: found.line == nil ? nil : found.file,
                        line: found.line))
            }
            end += 1
        }
        guard !record.frames.isEmpty else { return nil }
        return TextReport(record: record, fate: .survived, first: lines.at, end: min(end + 1, lines.count))
    }
}

extension RuntimeNames {
    /// Go's runtime and its well-known loggers.
    static let go = RuntimeNames(
        machinery: [
            "runtime.gopanic", "runtime.sigpanic*", "runtime.panic*", "runtime.throw*", "runtime.fatal",
            "runtime.fatalthrow*", "runtime.fatalpanic*", "runtime.goPanic*", "runtime.dopanic*",
            "runtime.systemstack*", "runtime.raise*", "runtime.dieFromSignal*", "runtime.crash", "runtime.sigfwd*",
            "runtime.sigtramp*", "runtime.sigreturn*", "runtime.sighandler*", "runtime.sigtrampgo*",
            "runtime.cgoSigtramp*", "runtime.mallocgc*", "runtime.morestack*", "runtime.newstack*",
            "runtime.asmcgocall*", "runtime.cgocall*", "runtime.cgocallback*", "runtime.(*mheap)*",
            "runtime.(*mcache)*", "runtime.(*mcentral)*", "runtime.(*mspan)*", "runtime.(*sweepLocked)*",
            "runtime.gopark*", "runtime.goparkunlock*", "runtime.mcall*", "runtime.park_m*", "runtime.futex*",
            "runtime.notesleep*", "runtime.notetsleep*", "runtime.schedule*", "runtime.findRunnable*", "runtime.stopm*",
            "runtime.fatal*", "runtime.semacquire*", "runtime.semrelease*", "runtime.unlock*", "runtime.lock*",
            "runtime.abort*", "runtime.exit*", "runtime.tgkill*", "runtime.gcWriteBarrier*", "runtime.wbBuf*",
            "runtime.memmove*", "runtime.memclr*", "runtime.memequal*", "runtime.duffcopy*", "runtime.duffzero*",
            "runtime.deferCall*", "runtime.call32*", "runtime.debugCall*", "runtime.recovery*",
            "runtime.preprintpanics*", "runtime.printpanics*", "runtime.assert*", "runtime.nilinterequal*",
            "runtime.efaceeq*", "runtime.ifaceeq*", "runtime/debug.*", "internal/runtime/*", "internal/poll.runtime_*",
            "sync.runtime_*", "sync.fatal", "sync.(*Mutex).unlockSlow*", "sync.throw", "internal/sync.*",
            "os.runtime_*", "reflect.Value.call*", "panic", "log.Fatal*", "log.Panic*", "log.(*Logger).Fatal*",
            "log.(*Logger).Panic*", "reflect.*", "go.uber.org/zap*", "github.com/sirupsen/logrus.*",
            "github.com/rs/zerolog.*", "k8s.io/klog*", "k8s.io/apimachinery/pkg/util/runtime.*",
        ],
        raisers: [
            "runtime.gopanic", "runtime.sigpanic*", "runtime.panicmem*", "runtime.throw", "runtime.fatalthrow*",
            "runtime.fatalpanic*", "panic",
        ],
        libraries: [
            "runtime.mapaccess*", "runtime.mapassign*", "runtime.chansend*", "runtime.chanrecv*", "runtime.mapiter*",
            "runtime.mapdelete*", "runtime.mapclear*", "runtime.growslice*", "runtime.makeslice*", "sync.(*Mutex)*",
            "sync.(*RWMutex)*",
        ],
        starters: ["runtime.main", "runtime.goexit*", "runtime.mstart*", "runtime.rt0_go*"],
        entries: ["main.main"],
        panics: ["runtime.gopanic*", "runtime.fatalpanic*"])
}
