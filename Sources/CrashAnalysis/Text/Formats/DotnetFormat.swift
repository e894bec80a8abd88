import Model

extension TextReportFormat {
    static let dotnet = TextReportFormat(
        name: "dotnet",
        anchors: [
            Anchor(9, "\tat ", hints: false), Anchor(10, "   at ", hints: false), Anchor(12, "Unhandled exception. "),
            Anchor(13, "Unhandled Exception: "), Anchor(130, "FATAL UNHANDLED EXCEPTION:"),
            Anchor(131, "Unhandled Exception:"), Anchor(202, ") [0x000", hints: false),
            Anchor(203, "Unbehandelte Ausnahme: "), Anchor(204, "Exception non gérée : "),
            Anchor(205, "Excepción no controlada: "), Anchor(206, "Необработанное исключение: "),
            Anchor(207, "未经处理的异常: "),
        ],
        voice: .logger, start: .afterPrefix, ending: .saysItself, lead: .exception, runtime: .dotnet,
        parse: TextDotnet.parse)
}

extension TextReportFormat {
    /// The .NET runtime's own last words.
    static let dotnetFatal = TextReportFormat(
        name: "dotnet_fatal",
        anchors: [
            Anchor(132, "Fatal error. "), Anchor(134, "Stack overflow."),
            Anchor(135, "Process is terminated due to StackOverflowException"),
            Anchor(210, "Process is terminating due to StackOverflowException"),
            Anchor(136, "Process terminated."),
        ],
        ending: .ended, rank: 55, lead: .exception, parse: TextDotnet.parseFatal)
}

extension TextReportFormat {
    /// The program that writes .NET's dumps.
    static let createdump = TextReportFormat(
        name: "createdump", anchors: [Anchor(137, "[createdump] Crashing thread ")],
        ending: .ended, rank: 5, rankWithoutFrames: 5, parse: TextDotnet.parseDump)
}

/// .NET on every system, the .NET Framework, and Mono.
enum TextDotnet {
    private static let wrappers = ["AggregateException", "TargetInvocationException", "TypeInitializationException"]
    private static let leads = [
        "Unhandled exception. ", "Unhandled Exception:", "Unbehandelte Ausnahme: ", "Exception non gérée : ",
        "Excepción no controlada: ", "Необработанное исключение: ", "未经处理的异常: ",
    ]

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        var head = lines.at
        var isUnhandled = text.hasPrefix(anyOf: leads)
        if text.find("FATAL UNHANDLED EXCEPTION:") != nil {
            guard isMonos(lines) else { return nil }
            isUnhandled = true
        }
        // Mono's exception follows on the next line or after the words.
        if isUnhandled, ManagedException(ManagedTrace.text(lines, head), .dotnet, beforeFrame: false) == nil {
            guard ManagedException(lines[head + 1], .dotnet, beforeFrame: false) != nil else { return nil }
            head += 1
        }
        var record = CrashRecord(kind: "dotnet")
        let trace =
            isUnhandled
            ? ManagedTrace(lines, head: head, from: head + 1, .dotnet)
            : ManagedTrace(lines, at: lines.at, runtime: .dotnet)
        guard let trace else {
            guard isUnhandled, lines.voice.isRawOrBad,
                let found = ManagedException(ManagedTrace.text(lines, head), .dotnet, beforeFrame: false)
            else { return nil }
            record.exception = found.type
            record.message = found.message
            // After a logger's head, words without a stack may be anyone's.
            let fate: TextReport.Fate = lines.voice.isRaw ? .died : .unsaid
            return TextReport(record: record, fate: fate, first: lines.at, end: head + 1)
        }
        name(&record, trace)
        let fate = isUnhandled ? .died : fate(lines, trace)
        return TextReport(record: record, fate: fate, first: min(lines.at, trace.head), end: trace.end)
    }

    private static func fate(_ lines: ReportLines, _ trace: ManagedTrace) -> TextReport.Fate {
        let head = trace.head
        if lines[head].hasPrefix(anyOf: leads) || ManagedTrace.endsProgram(lines, head: head) { return .died }
        if isConsoleLoggers(lines, head) { return .survived }
        if head > 0 {
            if lines[head - 1].hasPrefix("Server crash: ") { return .died }
            // Lines logged after it would show that the process lived on.
            if isLastWord(lines.window.text(head - 1)) { return .likelyDied }
        }
        if lines.window.text(head).find("|FATAL|") != nil,
            (trace.end..<trace.end + 3).contains(where: { lines[$0].lowercased().find("generating minidump") != nil })
        {
            return .died
        }
        // Unity's scripts throw and continue; it prints exceptions without their namespace.
        return trace.exception?.contains(".") == false && lines[lines.at].find(") [0x000") != nil ? .survived : .unsaid
    }

    /// True for a logger's line at level error that says only that an exception ends the server.
    private static func isLastWord(_ line: String) -> Bool {
        let head = LineHead(line)
        guard let level = head.level, level >= .error else { return false }
        let words = String(decoding: line.utf8.dropFirst(head.length), as: UTF8.self).trimmed.lowercased()
        return words.hasPrefix("server crashed due to") || words == "unhandled exception"
            || words == "unhandled exception:"
    }

    /// True below `fail: Game.Net[12]`, where .NET's console logger indents what it logs by six spaces.
    private static func isConsoleLoggers(_ lines: ReportLines, _ head: Int) -> Bool {
        guard lines.window.text(head).hasPrefix("      ") else { return false }
        for at in stride(from: head - 1, through: max(0, head - 12), by: -1) {
            let text = lines.window.text(at)
            if text.hasPrefix("      ") { continue }
            return text.hasPrefix(anyOf: ["fail: ", "crit: ", "warn: ", "info: ", "dbug: ", "trce: "])
                && text.trimmed.hasSuffix("]")
        }
        return false
    }

    /// .NET prints the frames of the cause first, then those of the exception around it: the innermost names the bug.
    private static func name(_ record: inout CrashRecord, _ trace: ManagedTrace) {
        trace.name(&record, wrappers: wrappers)
        let isCarried = record.exception != trace.exception || record.message != trace.message
        let index =
            isCarried
            ? trace.causes.firstIndex { $0.exception == record.exception && $0.message == record.message }
            : trace.causes.lastIndex { !$0.frames.isEmpty }
        guard let index else { return }
        let inner = trace.causes[index]
        record.exception = inner.exception
        record.message = inner.message
        let frames = trace.causes[...index].reversed().flatMap(\.frames) + trace.frames
        record.frames = Array(frames.prefix(ReportLines.frameLimit))
        for index in record.frames.indices { record.frames[index].index = index }
        if !isCarried { record.notes = ["wrapped in " + (trace.exception ?? "another exception")] }
    }

    /// True for `[ERROR] FATAL UNHANDLED EXCEPTION:` at the start of the line, with or without Mono's `[ERROR]`.
    private static func isMonos(_ lines: ReportLines) -> Bool {
        let whole = lines.window.text(lines.at).trimmed
        return whole.hasPrefix("[ERROR] FATAL UNHANDLED EXCEPTION:") || whole.hasPrefix("FATAL UNHANDLED EXCEPTION:")
    }

    // MARK: The runtime's reports

    static func parseFatal(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        var record = CrashRecord(kind: "dotnet_fatal")
        var needsFrames = false
        var at = lines.at + 1
        let overflows = ["Process is terminated due to StackOver", "Process is terminating due to StackOver"]
        if text.hasPrefix("Stack overflow.") || text.hasPrefix(anyOf: overflows) {
            needsFrames = text.hasPrefix("Stack overflow.")
            guard text.utf8.count < 80 else { return nil }
            record.message = "stack overflow"
        } else if let words = text.after("Fatal error. "), text.hasPrefix("Fatal error. ") {
            if let found = ManagedException(words, .dotnet, beforeFrame: false) {
                record.exception = found.type
                record.message = found.message
            } else {
                guard words.contains("CLR error") || words.hasPrefix("0x") || words.hasPrefix("Invalid Program") else {
                    return nil
                }
                record.exception =
                    words.hasPrefix("0xC0000005")
                    ? "System.AccessViolationException" : "System.ExecutionEngineException"
                record.message = words.trimmed
            }
        } else if text.hasPrefix("Process terminated.") {
            let words = (text.after("Process terminated.") ?? "").trimmed
            needsFrames = true
            if words.hasPrefix("Assertion") {
                record.exception = "Assertion failed"
                let told = lines[at].trimmed
                if !told.hasPrefix("at "), !told.isEmpty { record.message = told }
            } else {
                record.exception = "FailFast"
                record.message = words.isEmpty ? nil : words
            }
        } else {
            return nil
        }
        at = frames(lines, from: at, into: &record)
        guard !needsFrames || !record.frames.isEmpty else { return nil }
        return TextReport(record: record, fate: .died, first: lines.at, end: at)
    }

    /// Frames in blocks: `Repeat 24098 times:`, a line of dashes, the frames, another line of dashes.
    private static func frames(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        var end = start
        var foreign = 0
        while at < lines.count, foreign <= 6, record.frames.count < ReportLines.frameLimit {
            let line = lines[at]
            let text = line.trimmed
            at += 1
            if var frame = ManagedFrame.read(line, .dotnet) {
                frame.index = record.frames.count
                record.frames.append(frame)
            } else if text.hasPrefix("Repeat "), text.contains(" times:") {
                if record.notes.isEmpty { record.notes.append("r" + String(text.dropFirst().dropLast().prefix(100))) }
            } else if !text.hasPrefix("-----"), !(text.hasPrefix("at ") && line.first?.isWhitespace == true) {
                foreign += record.frames.isEmpty ? 1 : 4
                continue
            }
            foreign = 0
            end = at
        }
        return end
    }

    /// `[createdump] Crashing thread 10a4 signal 11 (000b)`.
    static func parseDump(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        guard text.hasPrefix("[createdump] Crashing thread "), let rest = text.after("Crashing thread "),
            let digits = text.between("signal ", " ") ?? text.after("signal ")
        else { return nil }
        var record = CrashRecord(kind: "createdump")
        record.thread = Int(rest.prefix { $0.isHexDigit }, radix: 16)
        // Older versions print eight hexadecimal digits.
        let number = digits.trimmed
        record.signal = (number.count == 8 ? Int(number, radix: 16) : Int(number)).flatMap(SignalNames.name)
        var first = lines.at
        for at in max(0, lines.at - 6)..<lines.at {
            guard let process = lines[at].after("[createdump] Gathering state for process ") else { continue }
            record.pid = process.leadingNumber
            first = min(first, at)
        }
        var end = lines.at + 1
        while end < min(lines.count, lines.at + 40), lines[end].hasPrefix("[createdump] ") { end += 1 }
        return TextReport(record: record, fate: .died, first: first, end: end)
    }
}

extension RuntimeNames {
    /// CoreCLR, and what its libraries throw and report with.
    static let dotnet = RuntimeNames(
        machinery: [
            "GenerateDumpOnError*", "PROCAbort*", "PROCCreateCrashDump*", "PROCNotifyProcessShutdown*",
            "PROCEndProcess*", "TerminateCurrentProcessNoWait*", "EEPolicy::*", "CrashDumpAndTerminateProcess*",
            "RaiseFailFastException*", "SafeExitProcess*", "ForceEEShutdown*", "EEShutDown*", "common_signal_handler*",
            "sigabrt_handler*", "sigill_handler*", "sigfpe_handler*", "sigbus_handler*", "sigtrap_handler*",
            "signal_handler_worker*", "ExecuteHandlerOnOriginalStack*", "ExecuteHandlerOnCustomStack*",
            "CallSignalHandlerWrapper*", "invoke_previous_action*", "SEHProcessException*", "PAL_DispatchException*",
            "PAL_SEHException*", "RtlpRaiseException*", "DispatchManagedException*", "DispatchExSecondPass*",
            "IL_Throw*", "IL_Rethrow*", "JIT_Throw*", "JIT_RngChkFail*", "JIT_FailFast*", "RaiseTheException*",
            "ProcessCLRException*", "HandleHardwareException*", "UnwindManagedException*", "DefaultCatchHandler*",
            "InternalUnhandledExceptionFilter*", "ThrowExceptionForHR*", "RhThrow*", "RhpThrow*", "RhFailFast*",
            "System.Environment.FailFast*", "System.RuntimeExceptionHelpers.*", "System.Runtime.EH.*",
            "System.ThrowHelper.*", "System.Diagnostics.Debug.*", "System.Diagnostics.Trace.*",
            "System.Diagnostics.DebugProvider.*", "System.Diagnostics.TraceInternal.*",
            "System.Diagnostics.StackTrace.*", "System.Diagnostics.StackFrame*",
            "System.Diagnostics.DefaultTraceListener.*", "System.Runtime.ExceptionServices.*",
            "System.Runtime.CompilerServices.TaskAwaiter*", "System.Runtime.CompilerServices.ValueTaskAwaiter*",
            "System.Runtime.CompilerServices.ConfiguredTaskAwaitable*",
            "System.Runtime.CompilerServices.ConfiguredValueTaskAwaitable*", "System.Threading.Tasks.Task.Throw*",
            "System.Environment.get_StackTrace*", "System.Environment.GetStackTrace*",
            "System.ArgumentNullException.Throw*", "System.ArgumentOutOfRangeException.Throw*",
            "System.ArgumentException.Throw*", "System.ObjectDisposedException.Throw*", "Internal.Runtime.*",
        ],
        libraries: ["System.Collections.*", "System.Linq.*"],
        starters: ["CorUnix::CPalThread::ThreadEntry*"],
        modules: ["libcoreclr*", "coreclr.dll", "clrjit*", "libclrjit*", "system.private.corelib*"])
}
