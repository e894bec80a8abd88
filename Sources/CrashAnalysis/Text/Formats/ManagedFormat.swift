extension TextReportFormat {
    static let managed = TextReportFormat(
        name: "java", kinds: ["dotnet", "node"],
        anchors: [
            Anchor(9, "\tat ", hints: false), Anchor(10, "   at ", hints: false), Anchor(11, "Exception in thread \""), Anchor(12, "Unhandled exception. "), Anchor(13, "Unhandled Exception: "),
        ],
        voice: .anyone, start: .afterPrefix, ending: .saysItself, lead: .exception, parse: TextManaged.parse)
}

extension TextReportFormat {
    static let v8 = TextReportFormat(
        name: "node_fatal",
        anchors: [
            Anchor(46, "FATAL ERROR: "),
        ],
        ending: .ended, parse: TextManaged.parseV8)
}

/// Stack traces of `at …` lines: Java and its relatives, .NET, JavaScript.
enum TextManaged {
    private enum Runtime: String {
        case java, dotnet, node
    }

    private struct Parsed {
        var runtime: Runtime
        var frame: CrashFrame
    }

    @Sendable static func parse(_ lines: ReportLines) -> TextReport? {
        var head = lines.at
        let isFrame = frame(lines[head]) != nil
        if isFrame {
            guard let found = header(lines) else { return nil }
            head = found
        }
        guard let first = lines.next(from: isFrame ? lines.at : head + 1, { frame($0) }) else {
            return parseBare(lines)
        }
        var record = CrashRecord(kind: first.found.runtime.rawValue)
        record.frames = [first.found.frame]
        var at = first.after
        while record.frames.count < ReportLines.frameLimit {
            guard let next = lines.next(from: at, gap: 2, { frame($0) }), next.found.runtime == first.found.runtime,
                !(at..<next.after).contains(where: { isCause(lines[$0]) })
            else { break }
            var caller = next.found.frame
            caller.index = record.frames.count
            record.frames.append(caller)
            at = next.after
        }
        at = causes(lines, from: at, into: &record)
        let fate = describe(lines, head: head, firstFrame: first.after - 1, into: &record)
        let node = (at..<at + 4).contains { lines[$0].hasPrefix("Node.js v") }
        return TextReport(record: record, fate: node ? .died : fate, first: head, end: at)
    }

    /// `Exception in thread "x" …` or `Unhandled exception.` whose frames were lost.
    private static func parseBare(_ lines: ReportLines) -> TextReport? {
        let text = lines[lines.at]
        let unhandled = text.hasPrefix("Unhandled exception. ") || text.hasPrefix("Unhandled Exception: ")
        guard unhandled || text.hasPrefix("Exception in thread \"") else { return nil }
        var record = CrashRecord(kind: unhandled ? "dotnet" : "java")
        let fate = describe(lines, head: lines.at, firstFrame: lines.at + 1, into: &record)
        guard record.exception != nil else { return nil }
        return TextReport(record: record, fate: fate, first: lines.at, end: lines.at + 1)
    }

    private static func isCause(_ line: String) -> Bool {
        line.hasPrefix("Caused by: ") || line.hasPrefix(" ---> ") || line.contains("--- End of inner exception")
    }

    /// The line above the first frame that names the exception; messages may take several lines.
    private static func header(_ lines: ReportLines) -> Int? {
        for at in stride(from: lines.at - 1, through: max(0, lines.at - 6), by: -1) {
            if exceptionText(lines[at]) != nil || TextManaged.unprefixed(lines.window.text(at)) != nil {
                return at
            }
            if lines[at].trimmed.isEmpty { return nil }
        }
        return nil
    }

    /// An exception header at the end of a line with a prefix of its own.
    private static func unprefixed(_ line: String) -> String? {
        for separator in ["] ", "ERROR ", "Error: ", " - ", "== Java Exception: "] {
            if let cut = line.findLast(separator), exceptionText(String(line[cut.upperBound...])) != nil {
                return String(line[cut.upperBound...])
            }
        }
        return nil
    }

    /// Type and message of `a.b.SomeException: text`.
    private static func exceptionText(_ line: String) -> (type: String, message: String?)? {
        var text = line.trimmed[...]
        for lead in [
            "Exception in thread ", "Unhandled exception. ", "Unhandled Exception: ", "Uncaught ",
            "== Java Exception: ", "Unhandled rejection ",
        ] where text.hasPrefix(lead) {
            text = text.dropFirst(lead.count)
            if lead.hasPrefix("Exception in"), text.first == "\"" {
                text = text.dropFirst().drop { $0 != "\"" }.dropFirst().drop { $0 == " " }
            }
        }
        let type = String(text.prefix { $0.isLetter || $0.isNumber || ".$_`".contains($0) })
        let rest = text.dropFirst(type.count)
        guard !type.isEmpty, type.first?.isLetter == true, rest.isEmpty || rest.hasPrefix(":") || rest.hasPrefix(" [")
        else { return nil }
        let endings = ["Exception", "Error", "Throwable", "Failure", "Fault", "Death"]
        guard endings.contains(where: { type.hasSuffix($0) }) || (type.contains(".") && rest.isEmpty) else {
            return nil
        }
        return (type, rest.after(": ").map { $0.trimmed })
    }

    private static func describe(
        _ lines: ReportLines, head: Int, firstFrame: Int, into record: inout CrashRecord
    ) -> TextReport.Fate {
        let text = exceptionText(lines[head]) == nil ? unprefixed(lines.window.text(head)) : lines[head]
        guard let text, let found = exceptionText(text) else { return .unsaid }
        record.exception = found.type
        var message = found.message ?? ""
        for at in head + 1..<max(head + 1, firstFrame) where frame(lines[at]) == nil { message += "\n" + lines[at] }
        record.message = message.isEmpty ? nil : message.trimmed
        if let thread = text.between("Exception in thread \"", "\"") { record.threadName = thread }
        return text.hasPrefix("Unhandled exception. ") || text.hasPrefix("Unhandled Exception: ") ? .died : .unsaid
    }

    /// Notes the chain of causes and gives the index after it.
    private static func causes(_ lines: ReportLines, from start: Int, into record: inout CrashRecord) -> Int {
        var at = start
        while at < lines.count, at < start + ReportLines.frameLimit {
            let line = lines[at]
            if line.hasPrefix("Caused by: ") {
                record.notes.append(String(line.trimmed.prefix(300)))
            } else if !(frame(line) != nil || line.trimmed.hasPrefix("... ") || isCause(line)
                || line.trimmed.hasPrefix("--- End of") || line.trimmed.hasPrefix("Suppressed: "))
            {
                break
            }
            at += 1
        }
        return at
    }

    private static func frame(_ line: String) -> Parsed? {
        guard line.first == "\t" || line.hasPrefix("   ") else { return nil }
        let text = line.trimmed
        guard text.hasPrefix("at ") else { return nil }
        let body = String(text.dropFirst(3))
        if let dotnet = dotnet(body) { return dotnet }
        if let open = body.findLast("("), let close = body.findLast(")"), open.upperBound <= close.lowerBound {
            let name = body[..<open.lowerBound].trimmed
            let place = String(body[open.upperBound..<close.lowerBound])
            if let java = java(name, place) { return java }
            return javascript(name, place)
        }
        return javascript(nil, body)
    }

    private static func java(_ name: String, _ place: String) -> Parsed? {
        guard name.contains("."), !name.contains(" ") else { return nil }
        let clean = name.split(separator: "/").last.map(String.init) ?? name
        if place == "Native Method" || place == "Unknown Source" || place == "<generated>" {
            return Parsed(runtime: .java, frame: .printed(0, function: clean))
        }
        let file = place.fileAndLine
        guard [".java", ".kt", ".scala", ".groovy", ".clj"].contains(where: { file.file.hasSuffix($0) }) else {
            return nil
        }
        return Parsed(runtime: .java, frame: .printed(0, function: clean, file: file.file, line: file.line))
    }

    private static func javascript(_ name: String?, _ place: String) -> Parsed? {
        if place == "native" || place == "<anonymous>" {
            return name.map { Parsed(runtime: .node, frame: .printed(0, function: $0)) }
        }
        let parts = place.split(separator: ":")
        guard parts.count >= 3, let column = parts.last, Int(column) != nil, Int(parts[parts.count - 2]) != nil else {
            return nil
        }
        let file = place.fileAndLine
        let function = name.map { $0.hasPrefix("async ") ? String($0.dropFirst(6)) : $0 }
        return Parsed(runtime: .node, frame: .printed(0, function: function, file: file.file, line: file.line))
    }

    /// `Ns.Type.Method(Int32 x) in /src/f.cs:line 12`, or without the place.
    private static func dotnet(_ body: String) -> Parsed? {
        let name: String
        var file: String?
        var line: Int?
        if let place = body.findLast(" in "), let number = body[place.upperBound...].findLast(":line ") {
            name = String(body[..<place.lowerBound])
            file = String(body[place.upperBound..<number.lowerBound])
            line = body[number.upperBound...].leadingNumber
        } else {
            name = body.before(" [0x") ?? body
        }
        guard name.hasSuffix(")"), let open = name.find("("), name[..<open.lowerBound].contains("."),
            !name[..<open.lowerBound].trimmed.contains(" ")
        else { return nil }
        let arguments = name[open.upperBound...].dropLast()
        if file == nil {
            // Java's frames have a file or two words of its own in the parentheses, JavaScript's a place.
            guard !arguments.contains(":"), arguments != "Native Method", arguments != "Unknown Source",
                !arguments.hasSuffix(".java"), arguments != "<anonymous>"
            else { return nil }
        }
        return Parsed(
            runtime: .dotnet,
            frame: .printed(0, function: name[..<open.lowerBound].trimmed, file: file, line: line))
    }

    /// V8's own fatal errors, above all a full heap.
    static func parseV8(_ lines: ReportLines) -> TextReport? {
        guard let text = lines[lines.at].after("FATAL ERROR: ") else { return nil }
        var record = CrashRecord(kind: "node")
        record.exception = "FATAL ERROR"
        record.message = text
        record.signal = "SIGABRT"
        var at = lines.at + 1
        while record.frames.count < 64, let next = lines.next(from: at, gap: 3, { native($0) }) {
            record.frames.append(.printed(record.frames.count, function: next.found))
            at = next.after
        }
        guard !record.frames.isEmpty || text.contains("heap") || text.contains("v8::") else { return nil }
        return TextReport(record: record, fate: .died, first: lines.at, end: at)
    }

    private static func native(_ line: String) -> String? {
        let text = line.trimmed
        guard text.leadingNumber != nil, let rest = text.after(": 0x"), let name = rest.after(" ") else { return nil }
        return name.before(" [") ?? name
    }
}
