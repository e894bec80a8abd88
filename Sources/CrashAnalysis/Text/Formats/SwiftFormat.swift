import Model

extension TextReportFormat {
    static let swift = TextReportFormat(
        name: "swift",
        anchors: [
            Anchor(44, "Program crashed: "), Anchor(45, "Fatal error: "), Anchor(31, "Assertion failed: "),
            Anchor(209, "Precondition failed"),
        ],
        start: .afterPrefix, ending: .ended, lead: .exception, runtime: .swift, parse: TextSwift.parse)
}

/// Swift: `Fatal error:` and the runtime's backtrace since Swift 5.9.
enum TextSwift {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        var record = CrashRecord(kind: "swift")
        var at = lines.at + 1
        if head.find("Program crashed: ") != nil {
            guard isCrashLine(head) else { return nil }
            takeCrash(head, into: &record)
        } else {
            guard takeFatal(head, into: &record) else { return nil }
            if let crash = lines.next(from: at, gap: 8, { isCrashLine($0) ? $0 : nil }) {
                takeCrash(crash.found, into: &record)
                at = crash.after
            } else if let old = lines.next(from: at, gap: 3, { $0.hasPrefix("Current stack trace:") ? true : nil }) {
                at = oldFrames(lines, from: old.after, into: &record)
                return TextReport(record: record, fate: .died, first: lines.at, end: at)
            } else {
                return TextReport(record: record, fate: .died, first: lines.at, end: at)
            }
        }
        let end = backtrace(lines, from: at, into: &record)
        return TextReport(record: record, fate: .died, first: lines.at, end: max(at, end))
    }

    /// `file.swift:12: Fatal error: text` or `Fatal error: text: file f.swift, line 12`.
    private static func takeFatal(_ head: String, into record: inout CrashRecord) -> Bool {
        let words = ["Fatal error", "Precondition failed", "Assertion failed"]
        guard let word = words.first(where: { head.find($0) != nil }), let rest = head.after(word),
            let lead = head.before(word), lead.isEmpty || lead.hasSuffix(": "), rest.isEmpty || rest.hasPrefix(": ")
        else { return false }
        let text = rest.dropFirst(2).trimmed
        let place = lead.trimmed.dropLast().fileAndLine
        let isSwift = place.file.hasSuffix(".swift") && place.line != nil && !place.file.contains(": ")
        guard isSwift || lead.isEmpty && (text.contains(": file ") || text.contains(".swift:")) else { return false }
        record.exception = word.lowercased()
        let message = (text.before(": file ") ?? text).trimmed
        record.message = message.isEmpty ? nil : message
        record.signal = "SIGILL"
        if isSwift { record.frames = [.printed(0, function: nil, file: place.file, line: place.line)] }
        return true
    }

    /// True for `💣 Program crashed: Bad pointer dereference at 0x10` or `*** Program crashed: … ***` at the start of
    /// a line; after a name, anyone may have typed it. In color, one line holds several that overwrite one another;
    /// the last one is valid.
    private static func isCrashLine(_ line: String) -> Bool {
        let text = line.trimmed
        return text.hasPrefix(anyOf: [
            "*** Program crashed: ", "💣 Program crashed: ", "💥 Program crashed: ", "Program crashed: ",
        ])
    }

    private static let signals = [
        ("Bad pointer dereference", "SIGSEGV"), ("Segmentation fault", "SIGSEGV"), ("Illegal instruction", "SIGILL"),
        ("System trap", "SIGTRAP"), ("Aborted", "SIGABRT"), ("Bus error", "SIGBUS"),
        ("Floating point exception", "SIGFPE"), ("Arithmetic", "SIGFPE"), ("Access violation", "SIGSEGV"),
    ]

    private static func takeCrash(_ line: String, into record: inout CrashRecord) {
        guard let mark = line.findLast("Program crashed: ") else { return }
        var words = String(line[mark.upperBound...])
        words = (words.before(" ***") ?? words).trimmed
        if words.hasPrefix("Signal "), let number = words.dropFirst(7).leadingNumber {
            record.signal = SignalNames.name(number)
        }
        record.signal = signals.first { words.hasPrefix($0.0) }?.1 ?? record.signal
        if record.message == nil { record.message = words }
        record.address = words.findLast(" at 0x").flatMap { ("0x" + words[$0.upperBound...]).leadingHex }.map(
            Address.init)
    }

    private static func backtrace(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        guard
            let thread = lines.next(
                from: start, gap: 60,
                { line in
                    line.hasPrefix("Thread ") && line.contains(" crashed") ? line : nil
                })
        else { return start }
        record.threadName = thread.found.between("\"", "\"")
        var at = thread.after
        var frames: [CrashFrame] = []
        while frames.count < ReportLines.frameLimit {
            let wanted = frames.count
            guard let next = lines.next(from: at, gap: 12, { frame($0, wanted) }) else { break }
            frames.append(next.found)
            at = next.after
        }
        if !frames.isEmpty { record.frames = frames }
        return rest(lines, from: at)
    }

    /// One past the report: registers, other threads and images belong to it.
    private static func rest(_ lines: ReportLines, from start: Int) -> Int {
        for at in start..<min(lines.count, start + 4000) {
            let text = lines[at]
            if text.hasPrefix("Backtrace took ") { return at + 1 }
            if text.hasPrefix("Fatal error: ") || isCrashLine(text) { return start }
        }
        return start
    }

    /// `1 [ra] 0x… fn + 302 in mod at /path/f.swift:3:5`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        let text = line.trimmed
        guard text.hasPrefix("\(index) ") else { return nil }
        var rest = text.dropFirst(String(index).count).trimmed
        while rest.hasPrefix("["), let tail = rest.after("] ") { rest = tail.trimmed }
        guard !rest.isEmpty else { return nil }
        var frame = CrashFrame.printed(index, function: nil)
        if let address = rest.leadingHex {
            frame.address = Address(address)
            rest = rest.drop { !$0.isWhitespace }.trimmed
        } else if !rest.contains(" in ") {
            return nil
        }
        if let place = rest.findLast(" at "), rest[place.upperBound...].fileAndLine.line != nil {
            let found = rest[place.upperBound...].fileAndLine
            frame.file = found.file
            frame.line = found.line
            rest = String(rest[..<place.lowerBound])
        }
        // `fn in mod`, or `in mod` alone if the function has no name.
        if let module = rest.findLast(" in ") {
            frame.module = rest[module.upperBound...].trimmed
            rest = String(rest[..<module.lowerBound])
        } else if rest.hasPrefix("in ") {
            frame.module = rest.dropFirst(3).trimmed
            rest = ""
        }
        if let plus = rest.findLast(" + ") { rest = String(rest[..<plus.lowerBound]) }
        rest = rest.trimmed
        frame.function = rest.isEmpty || rest == "<unknown>" ? nil : rest
        return frame
    }

    /// Swift before 5.9: `0    libswiftCore.so    0x00007f… _swift_stdlib_reportFatalErrorInFile + 112`.
    private static func oldFrames(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        var frames: [CrashFrame] = []
        while frames.count < ReportLines.frameLimit, at < lines.count {
            let parts = lines[at].split(separator: " ", maxSplits: 3, omittingEmptySubsequences: true).map(String.init)
            guard parts.count >= 3, Int(parts[0]) == frames.count, let address = parts[2].leadingHex else { break }
            var frame = CrashFrame.printed(frames.count, function: nil)
            frame.module = parts[1]
            frame.address = Address(address)
            let name = parts.count > 3 ? parts[3] : ""
            let bare = (name.findLast(" + ").map { String(name[..<$0.lowerBound]) } ?? name).trimmed
            frame.function = bare.isEmpty || bare == "<unavailable>" ? nil : PrintedNames.function(bare) ?? bare
            frames.append(frame)
            at += 1
        }
        if !frames.isEmpty { record.frames = frames }
        return at
    }
}

extension RuntimeNames {
    /// Swift, and the checks of its collections.
    static let swift = RuntimeNames(
        machinery: [
            "$ss17_assertionFailure*", "$ss18_fatalErrorMessage*", "_assertionFailure*", "_fatalErrorMessage*",
            "assertionFailure*", "fatalError*", "preconditionFailure*", "precondition", "assert", "_precondition*",
            "_preconditionFailure*", "_checkIndex*", "swift_unexpectedError*", "swift_abort*", "_swift_runtime_*",
            "_swift_stdlib_*", "swift::fatalError*", "swift::swift_abort*", "swift::crash*", "swift::warning*",
            "swift_dynamicCastFailure*", "swift_conformsToProtocol*", "swift_task_reportUnexpectedExecutor*",
            "swift_reportError*", "swift_deletedMethodError*", "Swift runtime failure*", "Swift._assertionFailure*",
            "Swift._fatalErrorMessage*", "Swift.fatalError*", "Swift.preconditionFailure*", "Swift.assertionFailure*",
            "_diagnoseUnexpectedNilOptional*", "Swift._diagnoseUnexpectedNilOptional*", "_diagnoseUnexpectedEnum*",
            "_unavailableMethod*", "_abstract", "Array.subscript*", "Array._checkSubscript*", "Array._getElement*",
            "Array._checkIndex*", "ContiguousArray.*", "ArraySlice.subscript*", "ArraySlice._checkIndex*",
            "_ArrayBuffer.*", "_ContiguousArrayBuffer.*", "_SliceBuffer.*", "Swift.Array.subscript*",
            "Swift.Array._checkSubscript*", "Swift._ArrayBuffer.*", "Swift._ContiguousArrayBuffer.*",
            "Dictionary.subscript*", "String.subscript*", "StringProtocol.subscript*", "_StringGuts.*",
            "UnsafeMutableBufferPointer.subscript*", "UnsafeBufferPointer.subscript*",
            "Collection._failEarlyRangeCheck*", "StaticString.*", "Swift.StaticString.*", "_StringGuts.withFastUTF8*",
            "String.withUTF8*", "Swift.String.withUTF8*",
        ],
        raisers: ["_assertionFailure*", "Swift._assertionFailure*", "_fatalErrorMessage*"],
        libraries: ["Swift.*", "swift_retain*", "swift_release*"],
        modules: ["libswift*"])
}
