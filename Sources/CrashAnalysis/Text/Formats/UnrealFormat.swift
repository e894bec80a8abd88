import Model

extension TextReportFormat {
    static let unreal = TextReportFormat(
        name: "unreal",
        anchors: [
            Anchor(35, "=== Critical error: ==="), Anchor(36, "Fatal error!"), Anchor(37, "CommonUnixCrashHandler"),
            Anchor(38, "Ensure condition failed: "), Anchor(31, "Assertion failed: "), Anchor(45, "Fatal error: "),
            Anchor(60, "LowLevelFatalError [File:"), Anchor(61, "Signal 11 caught."), Anchor(62, "Signal 6 caught."),
            Anchor(63, "Signal 4 caught."), Anchor(64, "Signal 7 caught."), Anchor(65, "Signal 8 caught."),
            Anchor(119, "Signal 5 caught."), Anchor(66, "Ran out of memory allocating "),
            Anchor(67, "appError called: "), Anchor(13, "Unhandled Exception: "),
            Anchor(186, "FPlatformMisc::RequestExit(1, WindowsPlatformCrashContext"),
            Anchor(189, "Engine crash handling finished; re-raising signal "),
            Anchor(190, "Signal: SIGSEGV [segmentation fault]"),
        ],
        voice: .engine(["LogMemory"]), ending: .saysItself, lead: .check, printsInParts: true, runtime: .unreal,
        closes: { $0.hasPrefix("Engine crash handling finished") && $0.contains("re-raising signal") },
        parse: TextUnreal.parse)
}

/// Reports of an Unreal server that dies or in which an `ensure` fails.
enum TextUnreal {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        if head.hasPrefix("Ensure condition failed: ") { return ensure(lines) }
        if head.hasPrefix("Assertion failed: "), !head.contains("[File:") { return nil }
        if lines.repeatsWords, head.hasPrefix("Fatal error!") || head.hasPrefix("=== Critical") { return nil }
        let isUnhandled = head.hasPrefix("Unhandled Exception: ") && isHandlers(lines)
        guard isUnhandled || UnrealReport.opens(head) else { return UnrealRemains.parse(lines) }
        var report = UnrealReport()
        let end = report.read(lines)
        let record = report.record
        // Other runtimes print these words, too.
        if isUnhandled, record.frames.isEmpty { return nil }
        guard !record.frames.isEmpty || record.message != nil || record.signal != nil else { return nil }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    /// True for a line that the engine logged in a category of its own.
    private static func isHandlers(_ lines: ReportLines) -> Bool {
        guard case .logged(let head) = lines.voice else { return false }
        return head.names.contains { $0.hasPrefix("Log") }
    }

    /// `Index >= 0 [File:…] [Line: 12] Array is empty` without the place, which changes with every build.
    static func statement(_ text: String, after lead: String) -> String? {
        guard let rest = text.after(lead) else { return nil }
        guard let condition = rest.before(" [File:") else { return rest }
        let words = rest.after("[Line: ")?.after("]")?.trimmed ?? ""
        return words.isEmpty ? condition : condition + ": " + words
    }

    /// A frame as the engine's log and its XML print it.
    static func frame(_ line: String, index: Int) -> CrashFrame? { UnrealLine.frame(line, index: index) }

    /// The file and line of `[File:…] [Line: 12]`, as a frame without a name.
    static func place(_ text: String) -> CrashFrame? {
        guard let file = text.between("[File:", "]"), file != "Unknown",
            let line = (text.between("[Line: ", "]") ?? text.between("[Line:", "]")).flatMap({ Int($0.trimmed) })
        else { return nil }
        return .printed(0, function: nil, file: file, line: line)
    }

    /// Reads an ensure up to its last frame: what follows may be the crash.
    private static func ensure(_ lines: ReportLines) -> TextReport? {
        var record = CrashRecord(kind: "unreal")
        let text = lines[lines.at]
        record.exception = "ensure"
        record.message = statement(text, after: "Ensure condition failed: ")
        var end = lines.at + 1
        var at = end
        var foreign = 0
        while at < lines.count, foreign <= 3, record.frames.count < ReportLines.frameLimit {
            // Only lines with the ensure's own prefix belong to it; a crash handler writes without one.
            let whole = lines.window.text(at)
            let own = UnrealLine.isForeign(whole) ? nil : lines.prefix.strip(whole).map(UnrealLine.body)
            if let own, let frame = UnrealLine.frame(own, index: record.frames.count) {
                record.frames.append(frame)
                end = at + 1
                foreign = 0
            } else if let own, UnrealReport.opens(own) || own.hasPrefix("Ensure condition failed: ") {
                break
            } else if own == nil, UnrealReport.opens(UnrealLine.body(whole)) {
                break
            } else if own == nil || !record.frames.isEmpty {
                foreign += 1
            } else if at > lines.at + 12 {
                break
            }
            at += 1
        }
        if record.frames.isEmpty { record.frames = place(text).map { [$0] } ?? [] }
        return TextReport(record: record, fate: .survived, first: lines.at, end: end)
    }
}

/// Reads the lines of one death.
struct UnrealReport {
    private(set) var record = CrashRecord(kind: "unreal")
    /// Several, because the handler and the log print the same stack one after the other.
    private var stacks: [[CrashFrame]] = [[]]
    private var placed: CrashFrame?
    /// True after `[File:…] [Line: N]` without words: they are on the next line.
    private var wantsWords = false

    private static let wordsLimit = 32

    private enum Step {
        case own, end, other, stop
    }

    /// True for the words that open a report.
    static func opens(_ text: String) -> Bool {
        if text.hasPrefix("Signal "), text.contains(" caught.") {
            return text.dropFirst(7).leadingNumber != nil && text.utf8.count < 40
        }
        return openings.contains { text.hasPrefix($0) }
    }

    private static let openings = [
        "=== Critical error: ===", "Fatal error!", "CommonUnixCrashHandler: Signal=", "Fatal error: [File:",
        "LowLevelFatalError [File:", "Ran out of memory allocating ", "appError called: ", "Assertion failed: ",
    ]

    /// Reads from the anchor's line on. Returns one past the last line of the report.
    mutating func read(_ lines: ReportLines) -> Int {
        var at = lines.at
        var end = at + 1
        var foreign = 0
        let isEnsures = UnrealLine.isEnsures(lines.window.text(at))
        loop: while at < lines.count, at < end + 24, foreign <= (stacks[0].isEmpty ? 12 : 4) {
            let text = UnrealLine.body(lines[at])
            // Only the handler's categories belong to a report; players' words are logged in others. An ensure that
            // another thread reports meanwhile has a category of its own.
            let whole = lines.window.text(at)
            let isForeign =
                at != lines.at
                && (UnrealLine.isForeign(whole) || !isEnsures && UnrealLine.isEnsures(whole))
            switch isForeign ? .other : take(text, isFirst: at == lines.at) {
            case .own:
                end = at + 1
                foreign = 0
            case .end:
                end = at + 1
                break loop
            case .other: if !text.isEmpty { foreign += 1 }
            case .stop: break loop
            }
            at += 1
            // Repeated words without frames are not a report.
            if !hasFrames, at > lines.at + Self.wordsLimit { break }
        }
        let named = stacks.first { $0.contains { $0.function != nil } } ?? stacks.first { !$0.isEmpty }
        record.frames =
            named ?? (record.message == nil || record.exception == "assertion" ? placed : nil).map { [$0] } ?? []
        return end
    }

    private var hasFrames: Bool { !stacks[0].isEmpty }

    private mutating func take(_ text: String, isFirst: Bool) -> Step {
        if let frame = UnrealLine.frame(text, index: stacks[stacks.count - 1].count) {
            wantsWords = false
            if frame.index < ReportLines.frameLimit { stacks[stacks.count - 1].append(frame) }
            return .own
        }
        if text.hasPrefix("LogInit: ") || text.hasPrefix("Log file open") || text.hasPrefix("=== Handled ensure")
            || text.hasPrefix("Ensure condition failed: ")
        {
            return .stop
        }
        if text.hasPrefix("Engine crash handling finished") { return .end }
        for mark in ["Fatal error!", "begin: stack for UAT", "[Callstack]", "Stack:", "end: stack for UAT"]
        where text.hasPrefix(mark) {
            wantsWords = false
            if hasFrames, !(stacks.last?.isEmpty ?? true), stacks.count < 8 { stacks.append([]) }
            return .own
        }
        if Self.opens(text) {
            // A second death, unless the stack of the first is still to come.
            if hasFrames, !isFirst { return .stop }
            wantsWords = false
            open(text)
            return .own
        }
        if text.hasPrefix("Unhandled Exception: ") {
            if hasFrames { return .stop }
            describe(text)
            return .own
        }
        if text.hasPrefix("Malloc Size=") { return .own }
        guard wantsWords, !text.isEmpty else { return .other }
        wantsWords = false
        record.message = text
        return .own
    }

    private mutating func open(_ text: String) {
        if text.hasPrefix("Signal ") {
            record.signal = record.signal ?? text.dropFirst(7).leadingNumber.map(SignalNames.name)
        } else if text.hasPrefix("CommonUnixCrashHandler") {
            record.signal = record.signal ?? text.after("Signal=")?.leadingNumber.map(SignalNames.name)
        } else if text.hasPrefix("appError called: ") {
            if let rest = text.after("appError called: "),
                rest.hasPrefix("Assertion failed: ") || rest.hasPrefix("Fatal error: ")
            {
                open(rest)
            } else if record.exception == nil {
                record.exception = "fatal error"
                record.message = record.message ?? text.after("appError called: ")
            }
        } else if text.hasPrefix("Assertion failed: ") {
            guard record.exception != "assertion" else { return }
            record.exception = "assertion"
            record.message = TextUnreal.statement(text, after: "Assertion failed: ")
            placed = TextUnreal.place(text)
        } else if text.hasPrefix("Ran out of memory allocating ") {
            record.exception = record.exception ?? "fatal error"
            record.message = text
        } else if text.contains("[File:") {
            guard record.exception == nil else { return }
            record.exception = "fatal error"
            placed = TextUnreal.place(text)
            let words = (text.after("[Line:") ?? text).after("]")?.trimmed ?? ""
            record.message = words.isEmpty ? record.message : words
            wantsWords = words.isEmpty
        }
    }

    private mutating func describe(_ text: String) {
        guard let reason = text.after(": ") else { return }
        record.message = record.message ?? reason
        if reason.hasPrefix("SIG") { record.signal = String(reason.prefix { $0.isLetter }) }
        if reason.hasPrefix("EXCEPTION_"), record.exception == nil {
            record.exception = String(reason.prefix { $0.isLetter || $0 == "_" })
        }
        if let code = reason.leadingHex, reason.utf8.count == 10 {
            record.exception = record.exception ?? MinidumpReason.windowsName(UInt32(truncatingIfNeeded: code))
        }
        if reason.contains("read memory") || reason.contains("reading address") { record.access = "read" }
        if reason.contains("write memory") || reason.contains("writing address") { record.access = "write" }
        record.address = (reason.after("address "))?.leadingHex.map(Address.init) ?? record.address
    }
}

/// One line of an Unreal log.
enum UnrealLine {
    private static let handlers: Set<String> = [
        "LogInit", "LogCore", "LogOutputDevice", "LogWindows", "LogLinux", "LogUnix", "LogMac", "LogMemory", "LogExit",
    ]

    /// A line without timestamps, category and level.
    static func body(_ line: String) -> String {
        let text = withoutStamps(line)
        guard let name = category(text), name != "LogInit" else { return text }
        let rest = text.dropFirst(name.count + 1).trimmed
        for level in ["Error:", "Display:", "Warning:", "Fatal:", "Critical:"] where rest.hasPrefix(level) {
            return rest.dropFirst(level.count).trimmed
        }
        return rest
    }

    /// True for a line of a category that does not belong to reports.
    static func isForeign(_ line: String) -> Bool {
        let text = withoutStamps(line)
        let named = category(text) ?? text.find("]Log").flatMap { category(text[$0.lowerBound...].dropFirst()) }
        return named.map { !handlers.contains($0) } ?? false
    }

    /// True for a line of the category in which ensures are reported.
    static func isEnsures(_ line: String) -> Bool { category(withoutStamps(line)) == "LogOutputDevice" }

    /// `LogCore` of `LogCore: Error: …`.
    private static func category(_ text: some StringProtocol) -> String? {
        let name = text.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        let rest = text.dropFirst(name.count)
        return name.hasPrefix("Log") && (rest.hasPrefix(": ") || rest == ":") ? String(name) : nil
    }

    private static func withoutStamps(_ line: String) -> String {
        var text = line.trimmed
        while let first = text.first {
            if first == "[", let second = text.dropFirst().first, second.isNumber || second == " ",
                let close = text.find("]"), text[..<close.lowerBound].utf8.count < 48
            {
                text = text[close.upperBound...].trimmed
            } else if first.isNumber, !text.hasPrefix("0x"), let space = text.find(" "),
                LineHead(text[..<space.lowerBound] + " x").isStamped
            {
                text = text[space.upperBound...].trimmed
            } else {
                break
            }
        }
        return text
    }

    /// `[Callstack] 0x… Module!Class::Function(args) [file:line]`; the mark, the address and the place may be absent.
    static func frame(_ line: String, index: Int) -> CrashFrame? {
        var text = line.hasPrefix("[Callstack] ") ? line.dropFirst(12).trimmed : line
        var address: UInt64?
        if let found = text.leadingHex {
            address = found
            text = text.drop { !$0.isWhitespace }.trimmed
        }
        guard let bang = text.find("!") else {
            // Some games print the C library's own form after the mark.
            return address != nil && line.hasPrefix("[Callstack] ") ? BacktraceSymbol.frame(text, index: index) : nil
        }
        let module = text[..<bang.lowerBound].trimmed
        guard !module.isEmpty, module.utf8.count <= 128 else { return nil }
        if address == nil {
            // Without an address only what looks like a file's name is a module.
            guard !module.contains(" "), module.contains(".") || module.contains("-") else { return nil }
        }
        var frame = CrashFrame.printed(index, function: nil)
        frame.address = address.map(Address.init)
        frame.module = module
        text = text[bang.upperBound...].trimmed
        if text.hasSuffix("]"), let open = text.findLast("[") {
            let place = text[open.upperBound...].dropLast().trimmed
            if !place.isEmpty, !place.hasPrefix("Unknown") {
                frame.file = place.fileAndLine.file
                frame.line = place.fileAndLine.line
            }
            text = text[..<open.lowerBound].trimmed
        }
        if text.hasSuffix(" bytes"), let plus = text.findLast(") + "),
            let open = text[..<plus.lowerBound].findLast("(0x")
        {
            // `name (0x00007ff7c0ffee31) + 0 bytes` of older engines on Windows.
            frame.address = text[open.lowerBound...].dropFirst().leadingHex.map(Address.init) ?? frame.address
            text = text[..<open.lowerBound].trimmed
        }
        if text.hasPrefix("UnknownFunction") {
            frame.offset = text.between("(", ")").flatMap { $0.leadingHex.map(Address.init) }
        } else if let plus = text.findLast("(+0x"), text.hasSuffix(")") {
            text = String(text[..<plus.lowerBound])
        }
        frame.function = PrintedNames.function(text)
        // A Windows program that was not relocated is at the linker's base: its offset is the same in every run.
        if frame.offset == nil, let address = frame.address?.value, module.hasSuffix(".exe"),
            imageBase..<imageBase + imageReach ~= address
        {
            frame.offset = Address(address - imageBase)
        }
        return frame
    }

    private static let imageBase: UInt64 = 0x1_4000_0000
    private static let imageReach: UInt64 = 0x4000_0000
}

extension RuntimeNames {
    /// The engine's handlers, containers and threads.
    static let unreal = RuntimeNames(
        machinery: [
            "FDebug::*", "FOutputDevice*", "FError::*", "FGenericPlatformMisc::RaiseException*",
            "FGenericPlatformMisc::RequestExit*", "FGenericPlatformMisc::LogOutput*", "FMsg::Logf*",
            "FMsg::FatalErrorf*", "FUnixPlatformMisc::*", "FLinuxPlatformMisc::*", "FWindowsPlatformMisc::*",
            "FUnixPlatformStackWalk::*", "FLinuxPlatformStackWalk::*", "FWindowsPlatformStackWalk::*",
            "FGenericPlatformStackWalk::*", "StaticFailDebug*", "CommonUnixCrashHandler*", "CommonLinuxCrashHandler*",
            "PlatformCrashHandler*", "DefaultCrashHandler*", "EngineCrashHandler*", "GracefulTerminationHandler*",
            "FUnixCrashContext::*", "FLinuxCrashContext::*", "FWindowsErrorOutputDevice*", "FUnixErrorOutputDevice*",
            "ReportCrash*", "ReportAssert*", "ReportGPUCrash*", "ReportEnsure*", "FCrashReportingThread::*",
            "RaiseAssertException*", "AssertFailedImplV*", "UE::Assert::*", "UE::Logging::Private::*",
            "LowLevelFatalError*", "FLowLevelFatalError*", "LogFatalImpl*", "FGenericPlatformMisc::*",
            "FUnixPlatformMemory::OnOutOfMemory*", "FPlatformMemory::OnOutOfMemory*",
            "FGenericPlatformMemory::OnOutOfMemory*", "FWindowsPlatformMemory::*", "FMallocBinned*::*OutOfMemory*",
            "FWindowsErrorOutputDevice::*", "FUnixErrorOutputDevice::*", "FDebug::AssertFailed*",
            "GraphicsThreadCrash*",
        ],
        raisers: ["FDebug::*", "StaticFailDebug*"],
        libraries: [
            "TArray*", "TMap*", "TSet*", "TSparseArray*", "TIndirectArray*", "TSharedPtr*", "TSharedRef*", "TWeakPtr*",
            "TFunction*",
            "TUniquePtr*", "FString::*", "FName::*", "FMemory::*", "FMalloc*", "TBaseDelegate*",
            "UObject::ProcessEvent*", "UFunction::Invoke*",
        ],
        starters: ["FRunnableThreadPThread::*", "FRunnableThread::*", "_ThreadProc"])
}
