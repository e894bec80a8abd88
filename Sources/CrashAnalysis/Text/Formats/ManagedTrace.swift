import Model

/// Stack traces of `at …` lines, as JVM languages, .NET and JavaScript print them.
struct ManagedTrace {
    enum Runtime: String {
        case java, dotnet, node
    }

    /// Index of the line that names the exception.
    var head: Int
    var exception: String?
    var message: String?
    /// The exceptions that caused this one, outermost first.
    var causes: [Cause] = []
    var frames: [CrashFrame] = []
    /// One past the last line.
    var end: Int

    /// An exception that another one wraps.
    struct Cause {
        var exception: String
        var message: String?
        var frames: [CrashFrame] = []
        /// The number of frames it shares with the exception around it.
        var shared = 0
    }

    /// The number of causes whose frames still follow: .NET prints those of the innermost first.
    private var open = 0

    /// Reads the trace whose exception or first frame is at `place`; nil if there is none.
    init?(_ lines: ReportLines, at place: Int, runtime: Runtime) {
        let isFrame = ManagedFrame.read(lines[place], runtime) != nil
        guard let head = isFrame ? Self.header(lines, above: place, runtime) : place else { return nil }
        self.init(lines, head: head, from: isFrame ? place : head + 1, runtime)
    }

    /// Reads the trace whose exception is at `head`; the search for frames starts at `from`.
    init?(_ lines: ReportLines, head: Int, from: Int, _ runtime: Runtime) {
        self.head = head
        guard let first = lines.next(from: from, gap: 8, { ManagedFrame.read($0, runtime) }),
            let named = ManagedException(Self.text(lines, head), runtime, beforeFrame: first.after - 1 == head + 1)
        else { return nil }
        exception = named.type
        var text = named.message ?? ""
        for at in head + 1..<max(head + 1, first.after - 1) {
            let line = lines[at]
            if Self.cause(line, runtime) != nil { break }
            text += "\n" + line
        }
        if runtime == .node { text = Self.withoutSource(text) }
        message = text.trimmed.isEmpty ? nil : text.trimmed
        end = head + 1
        if runtime == .dotnet { splitCauses() }
        read(lines, runtime)
    }

    /// Removes the source line and its `^`, which deno prints between the message and the frames.
    private static func withoutSource(_ text: String) -> String {
        let parts = text.split(separator: "\n" as Character, omittingEmptySubsequences: false)
        guard let last = parts.last?.trimmed, parts.count >= 3, !last.isEmpty,
            last.allSatisfy({ $0 == "^" || $0 == "~" })
        else { return text }
        return parts.dropLast(2).joined(separator: "\n")
    }

    private static let inlineCauses = 8

    /// `Type: text ---> Inner: text` on one line, as Mono and the .NET Framework print it.
    private mutating func splitCauses() {
        guard var rest = message, rest.find(" ---> ") != nil else { return }
        var isOuter = true
        var found: [Cause] = []
        while found.count < Self.inlineCauses, let cut = rest.find(" ---> ") {
            let before = rest[..<cut.lowerBound].trimmed
            let tail = String(rest[cut.upperBound...])
            guard let inner = ManagedException(tail.before("\n") ?? tail, .dotnet, beforeFrame: true) else { break }
            if isOuter { message = before } else { found[found.count - 1].message = before }
            isOuter = false
            // The next round cuts the text after the type where the next cause begins.
            rest = String(tail.dropFirst(inner.type.count)).after(": ") ?? ""
            found.append(Cause(exception: inner.type, message: rest.isEmpty ? nil : rest))
        }
        causes = found
        open = found.count
    }

    /// Reads frames and causes in the order of the lines.
    private mutating func read(_ lines: ReportLines, _ runtime: Runtime) {
        var at = end
        var foreign = 0
        while at < lines.count, foreign <= 12, frameCount < ReportLines.frameLimit * 4 {
            let line = lines[at]
            if let frame = ManagedFrame.read(line, runtime) {
                append(frame)
                end = at + 1
                foreign = 0
            } else if let found = Self.cause(line, runtime) {
                causes.append(Cause(exception: found.type, message: found.message))
                open = causes.count
                end = at + 1
                foreign = 0
            } else if let shared = Self.shared(line) {
                if !causes.isEmpty { causes[causes.count - 1].shared = shared }
                end = at + 1
                foreign = 0
            } else if Self.belongs(line) {
                if runtime == .dotnet, Self.endsInner(line), open > 0 { open -= 1 }
                end = at + 1
            } else if frameCount > 0, Self.isAnother(lines, at, runtime) {
                return
            } else {
                // Other threads may write in between; a message may span several lines before the first frame.
                if frameCount > 0, foreign >= 2 { return }
                foreign += 1
            }
            at += 1
        }
    }

    /// True if another exception begins here.
    private static func isAnother(_ lines: ReportLines, _ at: Int, _ runtime: Runtime) -> Bool {
        let isBeforeFrame = ManagedFrame.read(lines[at + 1], runtime) != nil
        return ManagedException(text(lines, at), runtime, beforeFrame: isBeforeFrame) != nil
    }

    private var frameCount: Int { frames.count + causes.reduce(0) { $0 + $1.frames.count } }

    private mutating func append(_ found: CrashFrame) {
        var frame = found
        if open == 0 {
            frame.index = frames.count
            if frames.count < ReportLines.frameLimit { frames.append(frame) }
        } else {
            let last = open - 1
            frame.index = causes[last].frames.count
            if causes[last].frames.count < ReportLines.frameLimit { causes[last].frames.append(frame) }
        }
    }

    /// True if the program itself logs, at level fatal, that this exception ends it.
    static func endsProgram(_ lines: ReportLines, head: Int) -> Bool {
        [head, head - 1].contains { index in
            guard index >= 0, lines.head(index).level == .fatal else { return false }
            let text = lines.window.text(index).lowercased()
            return ends.contains { text.contains($0) }
        }
    }

    private static let ends = [
        "terminated unexpectedly", "unhandled exception", "uncaught exception", "unreported exception", "engine crash",
        "server crashed", "server has crashed",
    ]

    /// Names the bug. If the outer exception only wraps another one, that one and its frames are used.
    func name(_ record: inout CrashRecord, wrappers: [String]) {
        record.exception = exception
        record.message = message
        record.frames = frames
        var inner: Cause?
        var type = exception ?? ""
        var outer = frames
        for cause in causes {
            guard wrappers.contains(where: { Self.matches(type, $0) }) || Self.isCarrier(inner?.message ?? message)
            else { break }
            inner = cause
            // Frames shared with the exception around it are printed only there.
            let tail = cause.shared > 0 ? outer.suffix(cause.shared) : []
            outer = cause.frames.isEmpty ? outer : cause.frames + tail
            type = cause.exception
        }
        if let inner {
            record.exception = inner.exception
            record.message = inner.message
            record.frames = Array(outer.prefix(ReportLines.frameLimit))
            for index in record.frames.indices { record.frames[index].index = index }
            record.notes.append("wrapped in \(exception ?? "another exception")")
        } else {
            for cause in causes.prefix(16) {
                let text = cause.exception + (cause.message.map { ": " + $0 } ?? "")
                record.notes.append("Caused by: " + String(text.prefix(300)))
            }
        }
    }

    /// True for a loader's message around the exception of what it loaded.
    private static func isCarrier(_ message: String?) -> Bool {
        message?.hasPrefix("Could not execute entrypoint stage") ?? false
    }

    /// Compares the last component of a type's name.
    private static func matches(_ type: String, _ name: String) -> Bool {
        type == name || type.hasSuffix("." + name)
    }

    /// True for lines within traces that are not frames.
    private static func belongs(_ line: String) -> Bool {
        let text = line.trimmed
        return text.hasPrefix("--- ") && text.hasSuffix("---") || text.hasPrefix("Suppressed: ")
            || text.hasPrefix("at ")
    }

    /// `--- End of inner exception stack trace ---`, in English or German.
    private static func endsInner(_ line: String) -> Bool {
        let text = line.trimmed
        return text.hasPrefix(anyOf: ["--- End of inner", "--- Ende der inner", "--- Ende der intern"])
    }

    /// The number in Java's `... 7 more`, which loggers may extend.
    private static func shared(_ line: String) -> Int? {
        let text = line.trimmed
        guard text.hasPrefix("... "), let number = text.dropFirst(4).leadingNumber, text.contains(" more") else {
            return nil
        }
        return min(number, ReportLines.frameLimit)
    }

    /// `Caused by: type: message` of Java, ` ---> type: message` of .NET, `[cause]: type: message` of node.
    private static func cause(_ line: String, _ runtime: Runtime) -> ManagedException? {
        let text = line.trimmed
        let lead: String
        switch runtime {
        case .java: lead = "Caused by: "
        case .dotnet: lead = "---> "
        case .node: lead = "[cause]: "
        }
        guard text.hasPrefix(lead) else { return nil }
        var rest = text.dropFirst(lead.count).trimmed
        // ` ---> (Inner Exception #0) System.X: …`, one of several inner exceptions.
        if rest.hasPrefix("(Inner Exception #"), let inner = rest.after(") ") { rest = inner }
        return ManagedException(rest, runtime, beforeFrame: true)
    }

    private static let headerReach = 8

    /// The line above the first frame that names the exception; messages may span several lines.
    private static func header(_ lines: ReportLines, above place: Int, _ runtime: Runtime) -> Int? {
        for at in stride(from: place - 1, through: max(0, place - headerReach), by: -1) {
            let line = text(lines, at)
            if ManagedException(line, runtime, beforeFrame: at == place - 1) != nil { return at }
            if line.trimmed.isEmpty { return nil }
        }
        return nil
    }

    /// The part of a line that names an exception, without a prefix that only this line has.
    static func text(_ lines: ReportLines, _ index: Int) -> String {
        let line = lines[index]
        if ManagedException(line, .java, beforeFrame: false) != nil { return line }
        let whole = lines.window.text(index)
        let head = LineHead(whole)
        if head.isLogged, head.length > 0 {
            let rest = String(decoding: whole.utf8.dropFirst(head.length), as: UTF8.self)
            if ManagedException(rest, .java, beforeFrame: false) != nil { return rest }
        }
        for separator in ["] ", "|", "ERROR ", "Error: ", " - ", "== Java Exception: ", "exception: "] {
            guard let cut = whole.findLast(separator) else { continue }
            let rest = String(whole[cut.upperBound...])
            if ManagedException(rest, .java, beforeFrame: false) != nil { return rest }
        }
        return line
    }
}

/// Type and message of `a.b.SomeException: text`.
struct ManagedException {
    var type: String
    var message: String?
    /// The thread that Java's `Exception in thread` names.
    var thread: String?

    private static let leads = [
        "FATAL UNHANDLED EXCEPTION: ", "Exception in thread ", "Unhandled exception. ", "Unhandled Exception: ",
        "Uncaught ", "== Java Exception: ", "Unbehandelte Ausnahme: ", "Exception non gérée : ",
        "Excepción no controlada: ", "Необработанное исключение: ", "未经处理的异常: ",
        "Unhandled rejection ", "(in promise) ", "error: Uncaught (in promise) ", "error: Uncaught ",
    ]
    private static let endings = [
        "Exception", "Error", "Throwable", "Failure", "Fault", "Death", "Exit", "Rejection",
    ]

    /// Parses a line; nil if it names no exception. `beforeFrame` says that a frame follows at once, so that any class
    /// name is accepted.
    init?(_ line: String, _ runtime: ManagedTrace.Runtime, beforeFrame: Bool) {
        var text = line.trimmed[...]
        for lead in Self.leads where text.hasPrefix(lead) {
            text = text.dropFirst(lead.count)
            if lead.hasPrefix("Exception in"), text.first == "\"" {
                thread = String(text.dropFirst().prefix { $0 != "\"" })
                text = text.dropFirst().drop { $0 != "\"" }.dropFirst().drop { $0 == " " }
            }
        }
        let type = String(text.prefix { $0.isLetter || $0.isNumber || "._$`+".contains($0) })
        let rest = text.dropFirst(type.count)
        guard !type.isEmpty, type.utf8.count <= 200, type.first?.isLetter == true, type.last != ".",
            rest.isEmpty || rest.hasPrefix(":") || rest.hasPrefix(" [") || rest.hasPrefix(" (") || rest == " {"
        else { return nil }
        guard type != "java.lang.Thread.State" else { return nil }
        let isNamed = Self.endings.contains { type.hasSuffix($0) }
        let last = type.split(separator: ".").last.map(String.init) ?? type
        let isClass =
            type.contains(".") && (rest.isEmpty || (beforeFrame && rest.hasPrefix(":")))
            && (last.first?.isUppercase == true || last.hasPrefix("class_"))
        let isBare = runtime == .node && beforeFrame && type == "error" && rest.hasPrefix(":")
        guard isNamed || isClass || isBare else { return nil }
        // A logger's level is not a type.
        if !isBare, LineHead.level(type) != nil, type != "Error" { return nil }
        self.type = type
        message = rest.after(": ").map { $0.trimmed }.flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension LineVoice {
    /// True for words outside a logger.
    var isRaw: Bool {
        if case .raw = self { return true }
        return false
    }

    /// True for words outside a logger, and for those logged at level error or worse.
    var isRawOrBad: Bool {
        switch self {
        case .raw: true
        case .logged(let head): (head.level ?? .info) >= .error || head.level == nil && head.names.isEmpty
        case .quoted: false
        }
    }
}
