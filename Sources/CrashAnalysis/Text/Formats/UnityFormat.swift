import Model

extension TextReportFormat {
    static let unity = TextReportFormat(
        name: "unity",
        anchors: [Anchor(39, "Caught fatal signal - ")],
        ending: .ended, printsInParts: true, runtime: .unity, parse: TextUnity.parseSignal)

    /// Unity on Windows and under wine.
    static let unityWindows = TextReportFormat(
        name: "unity",
        anchors: [Anchor(68, "OUTPUTTING STACK TRACE")],
        start: .afterPrefix, ending: .ended, printsInParts: true, parse: TextUnity.parseWindows)
}

/// Last words of Unity's player.
enum TextUnity {
    @Sendable static func parseSignal(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        guard head.hasPrefix("Caught fatal signal - ") else { return nil }
        var record = CrashRecord(kind: "unity")
        record.signal = head.after("signo:")?.leadingNumber.map(SignalNames.name)
        let code = head.after("code:").flatMap { Int($0.prefix { $0 == "-" || $0.isNumber }) } ?? 0
        let signal = record.signal.flatMap(SignalNames.number) ?? 0
        record.exception = head.contains("code:") ? SignalNames.code(code, of: signal) : nil
        // For a signal that was sent, the field holds the sender.
        if SignalNames.hasAddress(signal, code: code) {
            record.address = head.after("addr:")?.leadingHex.map(Address.init)
        }
        var at = lines.at + 1
        if let start = lines.next(from: at, gap: 40, { frame($0, index: 0) }) {
            record.frames = [start.found]
            at = start.after
            while record.frames.count < ReportLines.frameLimit,
                let next = lines.next(from: at, { frame($0, index: record.frames.count) })
            {
                record.frames.append(next.found)
                at = next.after
            }
        } else if let obtained = lines.next(from: at, gap: 3, { $0.hasPrefix("Obtained ") ? true : nil }) {
            at = obtained.after
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: at)
    }

    /// `#0  0x7f… in name (args)`.
    static func frame(_ line: String, index: Int) -> CrashFrame? {
        guard var frame = TextStack.frame(line, index: index)?.frame else { return nil }
        frame.function = frame.function.flatMap(managed)
        return frame
    }

    /// The name in `(wrapper managed-to-native) Class:Method (args)`.
    static func managed(_ raw: String) -> String? {
        var name = raw.trimmed
        if name.hasPrefix("(wrapper "), let close = name.find(") ") { name = name[close.upperBound...].trimmed }
        if name.contains(":"), !name.contains("::"), let open = name.find(" (") {
            name = String(name[..<open.lowerBound])
        }
        if let place = name.find(" [0x") { name = String(name[..<place.lowerBound]) }
        if let place = name.find(" <0x") { name = String(name[..<place.lowerBound]) }
        return PrintedNames.function(name)
    }

    @Sendable static func parseWindows(_ lines: ReportLines) -> TextReport? {
        guard lines[lines.at].hasPrefix("=====") else { return nil }
        var record = CrashRecord(kind: "unity")
        var first = lines.at
        for index in max(0, lines.at - 14)..<lines.at {
            let text = lines[index].trimmed
            if text == "Crash!!!" { first = min(first, index) }
            if text.hasPrefix("Unhandled exception") || text.hasPrefix("Exception: EXCEPTION_") {
                record.exception = text.find("EXCEPTION_").map {
                    text[$0.lowerBound...].prefix { $0.isLetter || $0 == "_" }
                }
                .map(String.init)
            }
        }
        var at = lines.at + 1
        while record.frames.count < ReportLines.frameLimit,
            let next = lines.next(from: at, gap: 12, { windowsFrame($0, index: record.frames.count) })
        {
            record.frames.append(next.found)
            at = next.after
        }
        if let end = lines.next(from: at, gap: 12, { $0.contains("END OF STACKTRACE") ? true : nil }) { at = end.after }
        if let told = lines.next(from: at, gap: 6, { $0.hasPrefix("A crash has been intercepted") ? true : nil }) {
            at = told.after
        }
        return TextReport(record: record, fate: .died, first: first, end: at)
    }

    private static let playerBase: UInt64 = 0x1_8000_0000

    /// True for a library's exported name that, without symbols, is printed for all code after it.
    private static func exported(_ name: String, of module: String) -> Bool {
        switch module.lowercased() {
        case "unityplayer": name == "EntryPoint" || name.hasPrefix("UnityMain")
        case "gameassembly": name == "EntryPoint" || name.hasPrefix("il2cpp_")
        default: false
        }
    }

    /// `0x0000000180EE7265 (UnityPlayer) name`.
    private static func windowsFrame(_ line: String, index: Int) -> CrashFrame? {
        let text = line.trimmed
        guard let address = text.leadingHex else { return nil }
        var rest = text.drop { !$0.isWhitespace }.trimmed
        guard rest.hasPrefix("("), let close = rest.find(") ") ?? rest.find(")") else { return nil }
        var frame = CrashFrame.printed(index, function: nil)
        frame.address = Address(address)
        let module = rest[rest.utf8.index(after: rest.startIndex)..<close.lowerBound].trimmed
        // Code compiled at run time belongs to no file.
        if module != "Mono JIT Code", module != "<unknown>", !module.hasPrefix("(") {
            frame.module = PrintedNames.module(module)
        }
        rest = rest[close.upperBound...].trimmed
        if rest.hasPrefix("["), let place = rest.between("[", "]") {
            let parts = place.fileAndLine
            frame.file = parts.file
            frame.line = parts.line
            rest = rest.after("]")?.trimmed ?? ""
        }
        frame.function = exported(rest, of: module) ? nil : managed(rest)
        // If the player was loaded at its base, the offset is the same in every run.
        if frame.function == nil, module.lowercased() == "unityplayer", playerBase..<playerBase + 0x1000_0000 ~= address
        {
            frame.offset = Address(address - playerBase)
        }
        return frame
    }
}

extension RuntimeNames {
    /// Unity's player, IL2CPP and the engine's own classes.
    static let unity = RuntimeNames(
        machinery: [
            "UnityEngine.StackTraceUtility*", "UnityEngine.Debug*", "UnityEngine.Logger*",
            "UnityEngine.DebugLogHandler*", "UnityEngine.Diagnostics.Utils*", "UnityEngine.UnhandledExceptionHandler*",
            "il2cpp::vm::Exception::*", "il2cpp::vm::Runtime::*", "il2cpp::vm::StackTrace::*", "il2cpp::utils::*",
            "il2cpp::os::*", "il2cpp_codegen_*", "il2cpp_runtime_*", "il2cpp_raise*", "il2cpp_unity_*",
            "scripting_method_invoke*", "ScriptingInvocation::*", "MonoManager::*", "MonoBehaviour::CallMethod*",
            "funlockfile", "__funlockfile", "__sigaction", "sigaction", "killpg", "__restore_rt", "mono_*", "il2cpp_*",
            "il2cpp::vm::*", "UnityMain", "UnityPlayer", "HandleSignal*", "UnityGetStackTrace*", "HandleSignal",
            "CrashHandler_*", "UnityDefaultSignalHandler*", "DebuggerExceptionHandler*", "LaunchCrashReporter*",
            "ProcessCrashHandler*", "CustomUnhandledExceptionFilter*", "ExitProcessWithErrorCode*",
            "Application_CUSTOM_ForceCrash*", "DiagnosticsUtils_CUSTOM_ForceCrash*",
        ])
}
