extension TextReportFormat {
    static let unity = TextReportFormat(
        name: "unity",
        anchors: [
            Anchor(39, "Caught fatal signal - "), Anchor(40, "Native Crash Reporting"),
        ],
        ending: .ended, parse: TextEngines.parseUnity)
}

extension TextReportFormat {
    static let godot = TextReportFormat(
        name: "godot",
        anchors: [
            Anchor(41, "Program crashed with signal"), Anchor(42, "CrashHandlerException"),
        ],
        start: .afterPrefix, ending: .ended, parse: TextEngines.parseGodot)
}

extension TextReportFormat {
    static let source = TextReportFormat(
        name: "source",
        anchors: [
            Anchor(43, "PreMinidumpCallback"),
        ],
        ending: .ended, rank: 0, rankWithoutFrames: 0, parse: TextEngines.parseSource)
}

/// Last words of Unity, Godot and Source servers.
enum TextEngines {
    static func parseUnity(_ lines: ReportLines) -> TextReport? {
        var record = CrashRecord(kind: "unity")
        let head = lines[lines.at]
        var native = false
        if head.hasPrefix("Caught fatal signal - ") {
            record.signal = head.after("signo:")?.leadingNumber.map(SignalNames.name)
            if let signal = record.signal.flatMap(SignalNames.number), let code = head.after("code:")?.leadingNumber {
                record.exception = SignalNames.code(code, of: signal)
            }
            record.address = head.after("addr:")?.leadingHex.map(Address.init)
        } else if head.hasPrefix("Native Crash Reporting") {
            native = true
        } else {
            return nil
        }
        var at = lines.at + 1
        if native, let got = lines.next(from: at, gap: 6, { $0.between("Got a ", " while executing") }) {
            record.signal = got.found
            at = got.after
        }
        if let start = lines.next(from: at, gap: 40, { TextStack.frame($0, index: 0)?.frame }) {
            record.frames = [start.found]
            at = start.after
            while record.frames.count < ReportLines.frameLimit,
                let next = lines.next(from: at, { TextStack.frame($0, index: record.frames.count)?.frame })
            {
                record.frames.append(next.found)
                at = next.after
            }
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: at)
    }

    static func parseGodot(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        var record = CrashRecord(kind: "godot")
        record.signal = head.after("crashed with signal ")?.leadingNumber.map(SignalNames.name)
        guard record.signal != nil || head.contains("CrashHandlerException") else { return nil }
        var at = lines.at + 1
        while record.frames.count < ReportLines.frameLimit {
            let wanted = record.frames.count
            guard let next = lines.next(from: at, gap: 8, { godotFrame($0, wanted) }) else { break }
            record.frames.append(next.found)
            at = next.after
        }
        if let end = lines.next(from: at, gap: 6, { $0.hasPrefix("-- END OF BACKTRACE") ? true : nil }) {
            at = end.after
        }
        return TextReport(record: record, fate: .died, first: lines.at, end: at)
    }

    /// `[1] /path/libc.so.6(+0x46210) [0x7f…] (file:12)` or `[1] Main::start() (main.cpp:12)`.
    private static func godotFrame(_ line: String, _ index: Int) -> CrashFrame? {
        let text = line.trimmed
        guard text.hasPrefix("["), let number = text.dropFirst().leadingNumber, number == index || number == index + 1,
            text.dropFirst(1 + String(number).count).hasPrefix("] ")
        else { return nil }
        var rest = text.after("] ") ?? ""
        var frame = CrashFrame.printed(index, function: nil)
        if rest.hasSuffix(")"), let open = rest.findLast(" ("), rest[open.upperBound...].contains(":") {
            let place = rest[open.upperBound...].dropLast().fileAndLine
            if place.line != nil {
                if !place.file.hasPrefix("?") {
                    frame.file = place.file
                    frame.line = place.line
                }
                rest = String(rest[..<open.lowerBound])
            }
        }
        if let address = rest.findLast(" [0x") {
            frame.address = rest[address.lowerBound...].dropFirst(2).leadingHex.map(Address.init)
            rest = String(rest[..<address.lowerBound])
        }
        if rest.hasPrefix("/"), rest.hasSuffix(")"), let open = rest.findLast("(") {
            frame.module = rest[..<open.lowerBound].split(separator: "/").last.map(String.init)
            let inside = rest[open.upperBound...].dropLast()
            if let plus = inside.findLast("+0x") {
                let name = String(inside[..<plus.lowerBound])
                if name.isEmpty { frame.offset = UInt64(inside[plus.upperBound...], radix: 16).map(Address.init) }
                frame.function = name.isEmpty ? nil : name
            }
        } else if !rest.hasPrefix("??") {
            frame.function = rest.trimmed
        }
        return frame
    }

    /// Valve's servers only say that a minidump is being written.
    static func parseSource(_ lines: ReportLines) -> TextReport? {
        guard lines[lines.at].hasPrefix("PreMinidumpCallback") else { return nil }
        var record = CrashRecord(kind: "source")
        record.message = lines[lines.at].trimmed
        record.notes.append("the engine wrote a minidump; the log has no stack")
        return TextReport(record: record, fate: .died, first: lines.at, end: lines.at + 1)
    }
}
