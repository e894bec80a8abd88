import Model

extension TextReportFormat {
    static let wine = TextReportFormat(
        name: "wine",
        anchors: [
            Anchor(86, "wine: Unhandled "), Anchor(87, "Unhandled exception: "),
            Anchor(88, "Unhandled exception code "),
        ],
        start: .afterPrefix, ending: .ended, rank: 45, rankWithoutFrames: 6, runtime: .wine, parse: TextWine.parse)
}

/// Reports of wine and its debugger about a Windows program that died.
enum TextWine {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        let head = lines[lines.at].trimmed
        var record = CrashRecord(kind: "wine")
        guard describe(head, &record) else { return nil }
        var at = lines.at + 1
        var end = at
        // Wine's own line precedes those of the debugger, which starts some time later.
        while at < min(lines.count, lines.at + 160) {
            let text = lines[at].trimmed
            if text.hasPrefix("Backtrace:") {
                end = frames(lines, from: at + 1, &record)
                break
            }
            if text.hasPrefix("Unhandled exception: "), at != lines.at {
                _ = describe(text, &record)
                end = at + 1
            } else if LineHead(lines[at]).isStamped {
                break
            }
            at += 1
        }
        if record.frames.isEmpty, let frame = place(lines) { record.frames = [frame] }
        return TextReport(record: record, fate: .died, first: lines.at, end: end)
    }

    /// Base addresses of programs that were not relocated: 64-bit and 32-bit.
    private static let bases: [(base: UInt64, reach: UInt64)] = [
        (0x1_4000_0000, 0x4000_0000), (0x40_0000, 0x0fc0_0000),
    ]

    /// `… at address 0000000140A16904`, `… addr 0x140a16904`: without a backtrace, the place in the program. An address
    /// in wine's own libraries says only how the exception was raised.
    private static func place(_ lines: ReportLines) -> CrashFrame? {
        let head = lines[lines.at]
        guard let tail = head.after(" at address ") ?? head.after(" addr ") else { return nil }
        let digits = (tail.hasPrefix("0x") ? tail.dropFirst(2) : tail[...]).prefix { $0.isHexDigit }
        guard let address = UInt64(digits, radix: 16),
            let base = bases.first(where: { address >= $0.base && address - $0.base < $0.reach })?.base
        else { return nil }
        var frame = CrashFrame.printed(0, function: nil)
        frame.address = Address(address)
        frame.offset = Address(address - base)
        frame.module = program(lines) ?? "exe"
        return frame
    }

    /// The program's name on the line that the shell prints.
    private static func program(_ lines: ReportLines) -> String? {
        for index in lines.at + 1..<lines.at + 6 {
            let text = lines[index]
            guard text.contains(": line "), let dot = text.find(".exe") else { continue }
            let path = text[..<dot.upperBound].split(whereSeparator: { $0 == " " || $0 == "\"" }).last
            return path.flatMap { PrintedNames.module($0) }
        }
        return nil
    }

    private static let reasons = [
        ("page fault", "EXCEPTION_ACCESS_VIOLATION"), ("c0000005", "EXCEPTION_ACCESS_VIOLATION"),
        ("divide by zero", "EXCEPTION_INT_DIVIDE_BY_ZERO"), ("division by zero", "EXCEPTION_INT_DIVIDE_BY_ZERO"),
        ("illegal instruction", "EXCEPTION_ILLEGAL_INSTRUCTION"), ("stack overflow", "EXCEPTION_STACK_OVERFLOW"),
        ("privileged instruction", "EXCEPTION_PRIV_INSTRUCTION"), ("c0000409", "STATUS_STACK_BUFFER_OVERRUN"),
        ("c0000374", "STATUS_HEAP_CORRUPTION"), ("unimplemented function", "unimplemented function"),
        ("assertion failed", "assertion failed"), ("breakpoint", "EXCEPTION_BREAKPOINT"),
    ]

    /// Reads a line's reason and address; false for a line of another runtime with the same beginning.
    private static func describe(_ head: String, _ record: inout CrashRecord) -> Bool {
        var words = head
        if head.hasPrefix("wine: Unhandled ") {
            words = String(head.dropFirst(16))
        } else if head.hasPrefix("Unhandled exception: ") {
            words = String(head.dropFirst(21))
            guard words.contains(" in ") || words.contains("-bit code") else { return false }
        } else {
            // `0024:err:seh:NtRaiseException Unhandled exception code c0000409 flags 1 addr 0x7b…`
            guard let trace = head.find(":seh:"), head[..<trace.lowerBound].utf8.count < 24,
                head.prefix(4).allSatisfy(\.isHexDigit)
            else { return false }
            words = head.after("Unhandled exception ") ?? ""
        }
        let lower = words.lowercased()
        guard let reason = reasons.first(where: { lower.contains($0.0) })?.1 ?? code(lower) else { return false }
        record.exception = record.exception ?? reason
        if reason == "unimplemented function" { record.message = words.before(" called") ?? words }
        if lower.contains("on read access") { record.access = "read" }
        if lower.contains("on write access") { record.access = "write" }
        if lower.contains("on execute access") { record.access = "execute" }
        if let address = words.after(" access to ") {
            let digits =
                address.hasPrefix("0x")
                ? address.dropFirst(2).prefix { $0.isHexDigit } : address.prefix { $0.isHexDigit }
            record.address = record.address ?? UInt64(digits, radix: 16).map(Address.init)
        }
        return true
    }

    private static func code(_ words: String) -> String? {
        guard let found = words.after("0x")?.prefix(while: { $0.isHexDigit }), found.count == 8 else { return nil }
        return "0x" + found
    }

    private static func frames(_ lines: ReportLines, from start: Int, _ record: inout CrashRecord) -> Int {
        var at = start
        while record.frames.count < ReportLines.frameLimit,
            let next = lines.next(from: at, gap: 2, { frame($0, record.frames.count) })
        {
            record.frames.append(next.found)
            at = next.after
        }
        offsets(lines, from: at, &record)
        return at
    }

    /// `=>0 0x… in module (+0x5e7762c) (0x7f…)`, `1 0x… name+0x9(a=1) [Z:\src\f.c:12] in module (0x…)`.
    private static func frame(_ line: String, _ index: Int) -> CrashFrame? {
        var text = line.trimmed
        if text.hasPrefix("=>") { text = String(text.dropFirst(2)) }
        guard text.hasPrefix("\(index) ") else { return nil }
        text = text.dropFirst(String(index).count).trimmed
        guard let address = text.leadingHex else { return nil }
        var frame = CrashFrame.printed(index, function: nil)
        frame.address = Address(address)
        var rest = text.drop { !$0.isWhitespace }.trimmed
        // The frame pointer.
        if rest.hasSuffix(")"), let open = rest.findLast("("),
            rest[open.upperBound...].dropLast().allSatisfy({ $0.isHexDigit || $0 == "x" })
        {
            rest = rest[..<open.lowerBound].trimmed
        }
        if rest.hasSuffix(")"), let open = rest.findLast("(+0x") {
            frame.offset = UInt64(rest[open.upperBound...].dropLast(), radix: 16).map(Address.init)
            rest = rest[..<open.lowerBound].trimmed
        }
        var name = ""
        if rest.hasPrefix("in ") {
            frame.module = PrintedNames.module(rest.dropFirst(3))
        } else if let split = rest.findLast(" in ") {
            frame.module = PrintedNames.module(rest[split.upperBound...])
            name = String(rest[..<split.lowerBound])
        } else {
            name = rest
        }
        if name.hasSuffix("]"), let open = name.findLast(" [") {
            let place = name[open.upperBound...].dropLast().fileAndLine
            frame.file = place.file
            frame.line = place.line
            name = String(name[..<open.lowerBound])
        }
        if let plus = name.find("+0x") { name = String(name[..<plus.lowerBound]) }
        // The nearest name that a file exports, printed for code far after it.
        frame.function = name == "EntryPoint" ? nil : PrintedNames.function(name)
        return frame
    }

    /// Turns addresses without a name into offsets, which are the same in every run, with the bases in the list of
    /// modules.
    private static func offsets(_ lines: ReportLines, from start: Int, _ record: inout CrashRecord) {
        guard record.frames.contains(where: { $0.offset == nil && $0.function == nil && $0.module != nil }) else {
            return
        }
        var bases: [String: UInt64] = [:]
        for index in start..<min(lines.count, start + 400) {
            let words = lines[index].split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard words.count >= 4, words[0].hasPrefix("PE") || words[0].hasPrefix("\\-PE"), words[1].hasSuffix("-"),
                let base = UInt64(words[1].dropLast(), radix: 16)
            else { continue }
            bases[words.dropFirst(4).joined(separator: " ")] = base
        }
        for index in record.frames.indices where record.frames[index].offset == nil {
            let frame = record.frames[index]
            guard frame.function == nil, let module = frame.module, let base = bases[module],
                let address = frame.address?.value, address >= base
            else { continue }
            record.frames[index].offset = Address(address - base)
        }
    }
}

extension RuntimeNames {
    /// The handlers of wine and its modules.
    static let wine = RuntimeNames(
        machinery: [
            "invoke_handler*", "call_seh_handlers*", "dispatch_exception*", "call_stack_handlers*", "segv_handler*",
            "abrt_handler*", "trap_handler*", "raise_func_trampoline*",
        ],
        modules: ["wine", "wine64", "wine-preloader", "wine64-preloader", "ntdll.so"])
}
