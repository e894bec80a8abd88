import Model

extension TextReportFormat {
    static let javaFatal = TextReportFormat(
        name: "java_fatal",
        anchors: [
            Anchor(14, "A fatal error has been detected by the Java"),
            Anchor(127, "There is insufficient memory for the Java"),
        ],
        start: .afterPrefix, ending: .ended, rank: 70, runtime: .javaFatal, parse: TextJavaFatal.parse)
}

extension TextReportFormat {
    /// The line that the Java VM prints when it ends itself because memory ran out.
    static let javaMemory = TextReportFormat(
        name: "java_memory",
        anchors: [
            Anchor(128, "Terminating due to java.lang."), Anchor(129, "Aborting due to java.lang."),
            Anchor(213, "# -XX:OnOutOfMemoryError="),
        ],
        ending: .ended, parse: TextJavaFatal.parseMemory)
}

/// The Java VM's fatal error log (`hs_err_pid*.log`), its head as printed on the console, and its messages on exit.
enum TextJavaFatal {
    static func parse(_ lines: ReportLines) -> TextReport? {
        guard lines[lines.at].drop(while: { $0 == "#" }).trimmed.hasPrefix(anyOf: starts) else { return nil }
        var record = CrashRecord(kind: "java_fatal")
        if lines[lines.at].contains("insufficient memory") {
            record.exception = "Out of Memory Error"
            record.message = "There is insufficient memory for the Java Runtime Environment to continue."
        }
        var end = head(lines, into: &record)
        let body = lines.next(from: end, gap: 4, { $0.hasPrefix("---------------  ") ? true : nil })
        if let body { end = sections(lines, from: body.after - 1, into: &record) }
        // The lines of a bare `#` right before belong to the report.
        var first = lines.at
        while first > 0, lines.at - first < 4, lines[first - 1].trimmed == "#" { first -= 1 }
        return TextReport(record: record, fate: .died, first: first, end: end)
    }

    private static let starts = ["A fatal error has been detected by", "There is insufficient memory for the Java"]

    /// The block of `#` lines.
    private static func head(_ lines: ReportLines, into record: inout CrashRecord) -> Int {
        var at = lines.at + 1
        var isProblem = false
        while at < min(lines.count, lines.at + 60), lines[at].hasPrefix("#") {
            let text = lines[at].drop { $0 == "#" }.trimmed
            at += 1
            if isProblem, !text.isEmpty {
                if let frame = frame(text, index: 0) { record.frames = [frame] }
                isProblem = false
            }
            if text.hasPrefix("SIG") || text.hasPrefix("EXCEPTION_"), text.contains(" at pc=") {
                let name = text.prefix { $0.isLetter || $0 == "_" }
                if name.hasPrefix("SIG") { record.signal = String(name) } else { record.exception = String(name) }
                record.pid = text.after("pid=")?.leadingNumber
                record.thread = text.after("tid=")?.leadingNumber
            } else if text.hasPrefix("Internal Error") || text.hasPrefix("Out of Memory Error") {
                record.pid = text.after("pid=")?.leadingNumber ?? record.pid
                record.thread = text.after("tid=")?.leadingNumber ?? record.thread
                // `Internal Error (debug.cpp:362), pid=1, tid=2`, then the error itself.
                let next = lines[at].drop { $0 == "#" }.trimmed
                let words = next.isEmpty || next.hasPrefix("JRE version") ? text.before(", pid=") ?? text : next
                if record.exception == nil { record.message = words }
                if text.hasPrefix("Out of Memory Error") { record.exception = "Out of Memory Error" }
            } else if text.hasPrefix("fatal error: ") || text.hasPrefix("Error: ") {
                record.message = text.after(": ")
            } else if text.hasPrefix("Problematic frame:") {
                isProblem = true
            }
        }
        return at
    }

    private static func sections(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        var frames: [CrashFrame] = []
        var isInside = false
        while at < lines.count {
            let text = lines[at].trimmed
            at += 1
            if text == "END." { break }
            if text.hasPrefix("siginfo:") {
                takeAddress(text, into: &record)
                record.exception = text.between("si_code: ", ",").flatMap { $0.between("(", ")") } ?? record.exception
                if let windows = text.between("ExceptionCode=", ","), record.exception == nil {
                    record.exception = windows
                }
            } else if text.hasPrefix("Current thread"), let name = text.between("\"", "\"") {
                record.threadName = name
            }
            if text.hasPrefix("Native frames:") || (text.hasPrefix("Java frames:") && frames.isEmpty) {
                isInside = true
            } else if isInside {
                if frames.count < ReportLines.frameLimit, let frame = frame(text, index: frames.count) {
                    frames.append(frame)
                } else {
                    isInside = false
                }
            }
        }
        if !frames.isEmpty { record.frames = frames }
        return at
    }

    /// `si_addr: 0x28`, `si_addr=0x28`, and Windows' `reading address 0x28`.
    private static func takeAddress(_ text: String, into record: inout CrashRecord) {
        for word in ["si_addr: ", "si_addr=", "reading address ", "writing address "] {
            guard let address = text.after(word)?.leadingHex else { continue }
            record.address = Address(address)
            if word.hasPrefix("reading") { record.access = "read" }
            if word.hasPrefix("writing") { record.access = "write" }
            return
        }
    }

    /// `C  [libfoo.so+0x12]  fn(int)+0x3`, `j  a.b.C.d(I)V+4`, `J 12 c2 a.B.c()V (5 bytes) @ …`, `v  ~Stub`.
    private static func frame(_ text: String, index: Int) -> CrashFrame? {
        guard let letter = text.first, "CVjJvAl".contains(letter), text.dropFirst().first == " " else { return nil }
        let body = text.dropFirst(2).trimmed
        if body.hasPrefix("["), let inside = body.between("[", "]") {
            var frame = CrashFrame.printed(index, function: nil)
            frame.module = inside.before("+0x") ?? inside
            frame.offset = inside.after("+")?.leadingHex.map(Address.init)
            if let name = body.after("]")?.trimmed, !name.isEmpty {
                frame.function = name.findLast("+0x").map { String(name[..<$0.lowerBound]) } ?? name
            }
            return frame
        }
        if let address = body.leadingHex {
            var frame = CrashFrame.printed(index, function: nil)
            frame.address = Address(address)
            return frame
        }
        var name = body
        if letter == "J" {
            name = body.split(separator: " ").first { $0.contains(".") && $0.contains("(") }.map(String.init) ?? body
        }
        name = name.before("+") ?? name
        name = name.before("(") ?? name
        // `java.base@17.0.8` may follow.
        return .printed(index, function: (name.before(" ") ?? name).trimmed)
    }

    /// `-XX:+ExitOnOutOfMemoryError` and `-XX:+CrashOnOutOfMemoryError`.
    static func parseMemory(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        if text.hasPrefix("# -XX:OnOutOfMemoryError=") { return parseCommand(lines) }
        guard text.hasPrefix("Terminating due to ") || text.hasPrefix("Aborting due to "),
            let found = ManagedException(text.after(" due to ") ?? "", .java, beforeFrame: false)
        else { return nil }
        var record = CrashRecord(kind: "java_memory")
        record.exception = found.type
        record.message = found.message
        if text.hasPrefix("Aborting") { record.signal = "SIGABRT" }
        return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
    }
}

extension TextJavaFatal {
    /// `# java.lang.OutOfMemoryError: Java heap space`, the option, and `#   Executing /bin/sh -c "kill -9 1842"...`.
    private static func parseCommand(_ lines: ReportLines) -> TextReport? {
        guard lines.at > 0, lines[lines.at - 1].hasPrefix("# java.lang.OutOfMemoryError"),
            lines[lines.at].find("kill") != nil || lines[lines.at + 1].find("kill") != nil,
            let found = ManagedException(String(lines[lines.at - 1].dropFirst(2)), .java, beforeFrame: true)
        else { return nil }
        var record = CrashRecord(kind: "java_memory")
        record.exception = found.type
        record.message = found.message
        var end = lines.at + 1
        while end < min(lines.count, lines.at + 4), lines[end].hasPrefix("#") { end += 1 }
        return TextReport(record: record, fate: .died, first: lines.at - 1, end: end)
    }
}

extension StringProtocol {
    /// True when it begins with one of these.
    func hasPrefix(anyOf words: [String]) -> Bool { words.contains { hasPrefix($0) } }
}

extension RuntimeNames {
    /// HotSpot's handlers, threads and modules.
    static let javaFatal = RuntimeNames(
        machinery: [
            "VMError::*", "JVM_handle_*", "PosixSignals::*", "report_vm_error*", "report_vm_out_of_memory*",
            "report_java_out_of_memory*", "report_fatal*", "report_should_not_*", "report_unimplemented*",
            "report_untested*", "vm_exit*", "vm_abort*", "vm_direct_exit*", "vm_perform_shutdown_actions*",
            "os::abort*", "os::die*", "os::signal_raise*", "os::print_native_stack*", "javaSignalHandler*",
            "UserHandler*", "call_chained_handler*", "NativeStackPrinter::*", "topLevelExceptionFilter*",
            "topLevelVectoredExceptionFilter*", "before_exit*",
        ],
        starters: ["JavaMain", "ThreadJavaMain", "thread_native_entry*"],
        modules: ["libjvm.so", "jvm.dll"])
}
