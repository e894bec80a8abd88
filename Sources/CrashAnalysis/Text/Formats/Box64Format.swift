extension TextReportFormat {
    static let box64 = TextReportFormat(
        name: "box64",
        anchors: [
            Anchor(81, "|SIGSEGV @0x"), Anchor(82, "|SIGABRT @0x"), Anchor(83, "|SIGBUS @0x"),
            Anchor(84, "|SIGILL @0x"),
            Anchor(85, "Sigfault/Segbus "),
        ],
        start: .afterPrefix, ending: .saysItself, rank: -21, rankWithoutFrames: 1,
        openingWords: ["BOX64", "BOX86", "BOX32"],
        parse: TextBox64.parse)
}

/// What the emulators box64 and box86 say of a signal. Its one frame tells less than any words of the program.
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
        return TextReport(record: record, fate: isHandled ? .unsaid : .died, first: lines.at, end: end)
    }

    /// Registers and memory that follow.
    private static func isDetail(_ text: String) -> Bool {
        [
            "RAX:", "RSP:", "R8:", "R12:", "ES:", "CS:", "EAX:", "ESP:", "RSP-", "x64opcode", "x86opcode", "NativeBT",
            "EmulatedBT",
        ]
        .contains { text.hasPrefix($0) } || text.find("|Double SIG") != nil
    }

    /// `(x64pc=0x7fff00499e57/"/path/lib.so/_Zname + 0x97", …)`; older versions set the quote elsewhere.
    private static func frame(_ words: String) -> CrashFrame {
        var frame = CrashFrame.printed(0, function: nil)
        guard let pc = words.after("x64pc=") ?? words.after("x86pc=") else { return frame }
        frame.address = pc.leadingHex.map(Address.init)
        guard let quoted = pc.between("\"", "\"") else { return frame }
        let parts = quoted.split(separator: "/").map(String.init)
        guard let last = parts.last else { return frame }
        frame.function = PrintedNames.function(last.before(" + ") ?? last)
        frame.module = parts.dropLast().last.flatMap { PrintedNames.module($0) }
        return frame
    }
}
