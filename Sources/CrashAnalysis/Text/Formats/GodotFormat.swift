import Model

extension TextReportFormat {
    static let godot = TextReportFormat(
        name: "godot",
        anchors: [
            Anchor(41, "Program crashed with signal"), Anchor(42, "CrashHandlerException"),
            Anchor(188, "Dumping the backtrace. Please include"),
        ],
        start: .before("handle_crash: "), ending: .ended, openingWords: ["handle_crash"], printsInParts: true,
        runtime: .godot, parse: TextGodot.parse)
}

/// Reports of Godot's crash handler.
enum TextGodot {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at]
        // The line with the signal may be missing.
        let isHeadless = head.hasPrefix("Dumping the backtrace. ")
        guard
            isHeadless || head.hasPrefix("handle_crash: ") || head.hasPrefix("CrashHandlerException: ")
                || head.hasPrefix("Program crashed with signal")
        else { return nil }
        var record = CrashRecord(kind: "godot")
        record.signal = head.after("crashed with signal ")?.leadingNumber.map(SignalNames.name)
        var at = lines.at + 1
        while record.frames.count < ReportLines.frameLimit,
            let next = lines.next(from: at, gap: 8, { frame($0, record.frames.count) })
        {
            record.frames.append(next.found)
            at = next.after
        }
        if isHeadless, record.frames.isEmpty { return nil }
        for _ in 0..<2 {
            guard let end = lines.next(from: at, gap: 6, { $0.hasPrefix("-- END OF ") ? true : nil }) else { break }
            at = end.after
            guard
                let script = lines.next(
                    from: at, gap: 3, { $0.contains(" backtrace (most recent call first)") ? true : nil })
            else { continue }
            at = script.after
            var count = 0
            while count < ReportLines.frameLimit, let next = lines.next(from: at, gap: 2, { scriptFrame($0, count) }) {
                var frame = next.found
                frame.index = record.frames.count
                record.frames.append(frame)
                count += 1
                at = next.after
            }
        }
        if lines[at].hasPrefix("=====") { at += 1 }
        return TextReport(record: record, fate: .died, first: lines.at, end: at)
    }

    /// `[0] _process (res://main.gd:12)`.
    private static func scriptFrame(_ line: String, _ index: Int) -> CrashFrame? {
        let text = line.trimmed
        guard text.hasPrefix("[\(index)] "), text.contains("(res://"), text.hasSuffix(")"),
            let open = text.findLast(" (")
        else { return nil }
        let place = text[open.upperBound...].dropLast().fileAndLine
        let name = text[..<open.lowerBound].drop { $0 != " " }
        return .printed(index, function: PrintedNames.function(name), file: place.file, line: place.line)
    }

    /// `[1] /path/libc.so.6(+0x46210) [0x7f…] (file:12)`, `[2] ./game() [0x475b918] (??:0)`,
    /// `[1] Main::start() (main.cpp:12)`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        let text = line.trimmed
        guard text.hasPrefix("["), let number = text.dropFirst().leadingNumber, number == index || number == index + 1,
            text.dropFirst(1 + String(number).count).hasPrefix("] ")
        else { return nil }
        var rest = text.after("] ") ?? ""
        if rest.contains("(res://") { return nil }
        var placed: (file: String, line: Int?)?
        if rest.hasSuffix(")"), let open = rest.findLast(" ("), rest[open.upperBound...].contains(":") {
            let place = rest[open.upperBound...].dropLast().fileAndLine
            if place.line != nil {
                if !place.file.hasPrefix("?") { placed = place }
                rest = String(rest[..<open.lowerBound])
            }
        }
        var frame: CrashFrame
        if let symbol = BacktraceSymbol.frame(rest, index: index) {
            frame = symbol
        } else {
            frame = CrashFrame.printed(index, function: nil)
            if let address = rest.findLast(" [0x") {
                frame.address = rest[address.lowerBound...].dropFirst(2).leadingHex.map(Address.init)
                rest = String(rest[..<address.lowerBound])
            } else if let address = rest.leadingHex {
                frame.address = Address(address)
                rest = rest.drop { !$0.isWhitespace }.trimmed
            }
            frame.function = rest.hasPrefix("<couldn't map") ? nil : PrintedNames.function(rest)
        }
        frame.file = placed?.file
        frame.line = placed?.line
        return frame
    }
}

extension RuntimeNames {
    /// Godot's handlers and containers.
    static let godot = RuntimeNames(
        machinery: [
            "CrashHandlerException*", "handle_crash", "_err_print_error*", "_err_flush_stdout*", "handle_crash*",
        ],
        libraries: ["Vector*", "Ref<*", "Variant::*"])
}
