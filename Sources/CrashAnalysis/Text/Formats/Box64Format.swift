import Model

extension TextReportFormat {
    static let box64 = TextReportFormat(
        name: "box64",
        anchors: [
            Anchor(81, "|SIGSEGV @0x"), Anchor(82, "|SIGABRT @0x"), Anchor(83, "|SIGBUS @0x"),
            Anchor(84, "|SIGILL @0x"),
            Anchor(85, "Sigfault/Segbus "),
        ],
        start: .afterPrefix, ending: .saysItself, rank: -21, rankWithoutFrames: 1,
        openingWords: ["BOX64", "BOX86", "BOX32"], runtime: .box64, parse: TextBox64.parse)
}

/// Signal reports of the emulators box64 and box86. Their single frame says less than any words of the program.
enum TextBox64 {
    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        var text = lines[lines.at].trimmed
        if text.hasPrefix("[BOX") { text = text.after("] ") ?? "" }
        guard let bar = text.find("|"), let pid = Int(text[..<bar.lowerBound]) else { return nil }
        let words = String(text[bar.upperBound...])
        var record = CrashRecord(kind: "box64")
        record.pid = pid
        if words.hasPrefix("Sigfault/Segbus ") {
            record.signal = "SIGSEGV"
            record.message = "Sigfault/Segbus"
            return TextReport(record: record, fate: .likelyDied, first: lines.at, end: lines.at + 1)
        }
        guard words.hasPrefix("SIG"), words.contains(" @0x") else { return nil }
        record.signal = String(words.prefix { $0.isLetter })
        record.address = words.after("for accessing ")?.leadingHex.map(Address.init)
        record.frames = [frame(words)]
        // A program that handles the signal itself writes its own report, or goes on.
        let handler = words.after("handler=").map { String($0.prefix { !$0.isWhitespace && $0 != "," }) } ?? ""
        let isHandled = handler.hasPrefix("0x") && handler.leadingHex != 0
        var end = lines.at + 1
        while end < lines.count, end < lines.at + 64, isDetail(lines[end].trimmed) { end += 1 }
        let isTold = isHandled && isReported(lines, from: end)
        return TextReport(
            record: record, fate: isHandled && !isTold ? .unsaid : .died, first: lines.at, end: end)
    }

    /// True if the program's own handler begins its report right after: it is the same death.
    private static func isReported(_ lines: ReportLines, from start: Int) -> Bool {
        (start..<min(lines.count, start + 12)).contains { index in
            let text = lines.window.text(index)
            return text.hasPrefix("Caught fatal signal - ") || text.hasPrefix("handle_crash: ")
                || (text.hasPrefix("Signal ") || text.hasPrefix("CommonUnixCrashHandler: ")) && UnrealReport.opens(text)
        }
    }

    /// True for the registers and memory that follow.
    private static func isDetail(_ text: String) -> Bool {
        [
            "RAX:", "RSP:", "R8:", "R12:", "ES:", "CS:", "EAX:", "ESP:", "RSP-", "x64opcode", "x86opcode", "NativeBT",
            "EmulatedBT",
        ]
        .contains { text.hasPrefix($0) } || text.find("|Double SIG") != nil
    }

    /// `(x64pc=0x7fff00499e57/"/path/lib.so/_Zname + 0x97", …)`. Depending on the version, the name follows the path
    /// after a slash or a plus or is missing, and the path is repeated before the quote.
    private static func frame(_ words: String) -> CrashFrame {
        var frame = CrashFrame.printed(0, function: nil)
        guard let pc = words.after("x64pc=") ?? words.after("x86pc="), let address = pc.leadingHex else { return frame }
        frame.address = Address(address)
        let rest = pc.drop { $0 != "/" && $0 != ":" && $0 != "\"" }
        guard let open = rest.find("\""), let quoted = rest[open.upperBound...].before("\"") else { return frame }
        var path = rest[..<open.lowerBound].dropFirst().trimmed
        if path.hasSuffix(":") { path = String(path.dropLast()) }
        let parts = quoted.split(separator: "+").map(\.trimmed)
        var place = parts.first ?? ""
        var name = parts.count > 1 && parts[1].leadingHex == nil ? parts[1] : nil
        if name == nil, let slash = place.findLast("/") {
            let last = String(place[slash.upperBound...])
            let before = String(place[..<slash.lowerBound])
            if last.hasPrefix("_Z") || before == path || isFile(before) && isIdentifier(last) {
                name = last
                place = before
            }
        }
        frame.function = name.flatMap { PrintedNames.function($0) }
        frame.module = PrintedNames.module(place) ?? PrintedNames.module(path)
        if frame.function == nil {
            if frame.module == PrintedNames.module(place), let offset = parts.last?.leadingHex {
                frame.offset = Address(offset)
            } else if address < PrintedNames.fixedLimit {
                frame.offset = frame.address
            }
        }
        return frame
    }

    /// True for a path that ends as those of programs and libraries do.
    private static func isFile(_ path: String) -> Bool {
        let name = PrintedNames.module(path) ?? ""
        return name.contains(".so") || name.contains("-Shipping")
            || [".x86_64", ".x86", ".x64", ".bin", ".exe", ".dll"].contains { name.hasSuffix($0) }
    }

    private static func isIdentifier(_ name: String) -> Bool {
        name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "@" || $0 == "$" }
    }
}

extension RuntimeNames {
    /// The emulator's handlers.
    static let box64 = RuntimeNames(
        machinery: ["my_sigaction*", "my_box64signalhandler*", "emit_signal*"],
        modules: ["libbox64*", "box64"])
}
