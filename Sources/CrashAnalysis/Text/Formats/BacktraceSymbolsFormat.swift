import Model

extension TextReportFormat {
    static let backtraceSymbols = TextReportFormat(
        name: "backtrace_symbols",
        anchors: [Anchor(90, ")[0x"), Anchor(91, ") [0x")],
        start: .afterPrefix, ending: .saysItself, rank: 40, printsInParts: true, parse: TextBacktraceSymbols.parse)
}

/// One frame as the C library's `backtrace_symbols` writes it.
enum BacktraceSymbol {
    /// `./prog(_Zname+0x14)[0x55d0…]`, `prog(+0x12) [0x…]`, `./prog() [0x47…]`, `./prog[0x47…]`,
    /// `[0x41c50820]`; a number may come first.
    static func frame(_ line: String, index: Int) -> CrashFrame? {
        let text = line.trimmed
        guard text.hasSuffix("]"), let open = text.findLast("[0x"), text.utf8.count <= 4096 else { return nil }
        let digits = text[open.lowerBound...].dropFirst().dropLast()
        guard let address = digits.leadingHex, digits.dropFirst(2).allSatisfy(\.isHexDigit) else { return nil }
        var frame = CrashFrame.printed(index, function: nil)
        frame.address = Address(address)
        let rest = text[..<open.lowerBound].trimmed
        if rest.isEmpty { return frame }
        guard rest.hasSuffix(")"), let bracket = rest.find("(") else {
            // A module without any symbol names.
            guard !rest.contains(" "), rest.contains(where: { $0.isLetter }), rest.last != ":" else { return nil }
            frame.module = PrintedNames.module(rest)
            if address < PrintedNames.fixedLimit { frame.offset = frame.address }
            return frame
        }
        let words = rest[..<bracket.lowerBound].split(separator: " " as Character)
        // A number may precede the path, but no other word.
        guard let path = words.last.map(String.init), path.contains(where: { $0.isLetter }), words.count <= 2,
            words.dropLast().allSatisfy({ word in word.allSatisfy { $0.isNumber || "#[]().:".contains($0) } })
        else { return nil }
        frame.module = PrintedNames.module(path)
        let inside = rest[bracket.upperBound...].dropLast()
        guard let plus = inside.findLast("+0x") else {
            frame.function = PrintedNames.function(inside)
            // A program at a fixed address, without symbols.
            if frame.function == nil, address < PrintedNames.fixedLimit { frame.offset = Address(address) }
            return frame
        }
        let name = inside[..<plus.lowerBound]
        if name.isEmpty { frame.offset = UInt64(inside[plus.upperBound...], radix: 16).map(Address.init) }
        frame.function = PrintedNames.function(name)
        return frame
    }
}

/// Stacks that a program's own handler writes with `backtrace_symbols_fd`.
enum TextBacktraceSymbols {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        guard let first = BacktraceSymbol.frame(lines[lines.at], index: 0) else { return nil }
        var start = lines.at
        var record = CrashRecord(kind: "backtrace_symbols")
        record.frames = [first]
        // Frames that are only an address may precede the anchor's.
        while start > 0, lines.at - start < 16, let frame = BacktraceSymbol.frame(lines[start - 1], index: 0) {
            record.frames.insert(frame, at: 0)
            start -= 1
        }
        var at = lines.at + 1
        while record.frames.count < ReportLines.frameLimit,
            let next = lines.next(from: at, gap: 3, { BacktraceSymbol.frame($0, index: record.frames.count) })
        {
            record.frames.append(next.found)
            at = next.after
        }
        guard record.frames.count >= 2 else { return nil }
        for index in record.frames.indices { record.frames[index].index = index }
        let said = CrashWords.before(lines, start)
        record.signal = said.signal
        let fate: TextReport.Fate =
            CrashWords.isLooking(lines, start) ? .survived : said.isCrash ? .died : .unsaid
        return TextReport(record: record, fate: fate, first: start, end: at)
    }
}
