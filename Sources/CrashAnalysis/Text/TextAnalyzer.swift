import Calendar
import Model

/// Finds the reports in the text of a member, parses them and merges them into one crash per death.
struct TextAnalyzer {
    /// The most crashes read from one member; more say nothing new.
    static let crashLimit = 56
    static let errorLimit = 200
    static let recordLimit = crashLimit + errorLimit
    /// Bounds the work on a hostile or endlessly failing log.
    static let attemptLimit = 10_000
    private static let blockSize = 256 << 10
    private static let sampleSize = 16 << 10
    private static let sampleLines = 40

    let source: any ByteSource
    private let supervisor: Supervisor
    private let boundary: RunBoundary
    private let began: Int64?

    /// `began`, in milliseconds since 1970, dates timestamps that have no date.
    init(source: any ByteSource, began: Int64? = nil) {
        self.source = source
        self.began = began
        let head = source.bytes(at: 0, count: Self.sampleSize)
        let first = head.split(separator: 0x0a, maxSplits: Self.sampleLines, omittingEmptySubsequences: true)
            .prefix(Self.sampleLines)
        let raw = first.map { Array(TextCleaner.clean($0.prefix(TextWindow.longestLine))) }
        let supervisor = Supervisor(learning: raw)
        self.supervisor = supervisor
        // Boot lines precede the first report.
        let report = head.withUnsafeBytes { TextCrashScanner.shared.scan($0, limit: 1) }.first.map { Int($0.offset) }
        let boot = raw.prefix(first.count { $0.startIndex < report ?? .max })
        boundary = RunBoundary(
            firstLines: boot.map { String(decoding: supervisor.strip($0[...]).text, as: UTF8.self) },
            bootEnd: UInt64(first.prefix(4).last?.endIndex ?? 0))
    }

    /// Scans the whole member for anchors. If there are very many, keeps the first and the last: the report of the
    /// death is at the end.
    static func anchors(in source: any ByteSource) -> [CrashAnchor] {
        var first: [CrashAnchor] = []
        var last: [CrashAnchor] = []
        var offset: UInt64 = 0
        while offset < source.size {
            let block = source.bytes(at: offset, count: blockSize)
            guard !block.isEmpty else { break }
            var used = block.count
            if offset + UInt64(block.count) < source.size, let newline = block.lastIndex(of: 0x0a) {
                used = newline + 1
            }
            let found = block.withUnsafeBytes { bytes in
                TextCrashScanner.shared.scan(UnsafeRawBufferPointer(rebasing: bytes[..<used])).map {
                    CrashAnchor(offset: $0.offset + offset, id: $0.id)
                }
            }
            if first.count < attemptLimit { first += found } else { last += found }
            if last.count > attemptLimit * 2 { last.removeFirst(last.count - attemptLimit) }
            offset += UInt64(used)
        }
        return first + last
    }

    /// Returns the crashes and errors at these anchors in order; a repeated error only once.
    func records(_ anchors: [CrashAnchor]) -> [CrashRecord] {
        var told: [ReportedDeaths.Told] = []
        var survived: [String: Int] = [:]
        var consumed: UInt64 = 0
        var attempts = 0
        var crashes = 0
        lazy var clock = ReportClock(source, began: began)
        let fate = ReportFate(source: source, supervisor: supervisor, boundary: boundary)
        for (index, anchor) in anchors.enumerated() where anchor.offset >= consumed {
            attempts += 1
            guard attempts <= Self.attemptLimit * 3, crashes < Self.crashLimit else {
                if !told.isEmpty { told[told.count - 1].record.notes.append("further reports were not read") }
                break
            }
            guard let found = report(at: anchor) else { continue }
            consumed = max(anchor.offset + 1, found.end)
            if absorbs(&told, found) { continue }
            var record = found.report.record
            record.memberOffset = found.first
            if record.time == nil,
                let stamp = clock.time(in: found.lines.window, first: found.report.first, end: found.report.end)
            {
                record.time = ISO8601.text(stamp)
                record.timeSource = "log"
            }
            SignatureAlgorithm.sign(&record)
            let key = record.detector + "\0" + record.signature
            let isDeath = fate.isDeath(
                found.report, found.lines, class: found.format.ending, survivedBefore: survived[key] != nil)
            if isDeath {
                crashes += 1
            } else {
                record.kind = CrashRecord.survivedError
                // A survived report must not hide the report of a death among its lines.
                consumed = min(
                    consumed,
                    death(
                        anchors[(index + 1)...], before: consumed, otherThan: found.isForeign ? nil : found.format.name)
                )
                survived[key, default: 0] += 1
                guard survived[key] == 1, told.count - crashes < Self.errorLimit else { continue }
            }
            told.append(
                ReportedDeaths.Told(
                    record: record, first: found.first, end: found.end, continues: found.report.continues,
                    opensProcess: found.report.opensProcess,
                    isClosed: ReportFate.isClosed(found.report, found.lines)))
        }
        for index in told.indices where !told[index].record.isCrash {
            let times = survived[told[index].record.detector + "\0" + told[index].record.signature] ?? 1
            if times > 1 { told[index].record.notes.append("seen \(times) times in this member") }
        }
        return ReportedDeaths(source: source, supervisor: supervisor, boundary: boundary).merge(told)
    }

    /// The offset of the next anchor at which another format may report a death; `end` if there is none.
    private func death(_ anchors: ArraySlice<CrashAnchor>, before end: UInt64, otherThan name: String?) -> UInt64 {
        for anchor in anchors {
            guard anchor.offset < end else { break }
            let ends = TextReportFormats.formats(at: anchor.id).contains { format in
                switch (format.ending, format.voice) {
                // An engine's handler may report a death, whatever the ending of its format.
                case (.ended, _), (_, .engine): return format.name != name
                default: return false
                }
            }
            if ends { return anchor.offset }
        }
        return end
    }

    /// Extends the last report by one that only continues it, because it was too long to read at once.
    private func absorbs(_ told: inout [ReportedDeaths.Told], _ found: Found) -> Bool {
        guard found.report.continues, let last = told.indices.last,
            told[last].record.detector == found.report.record.detector, found.first <= told[last].end + 4096
        else { return false }
        told[last].end = max(told[last].end, found.end)
        if found.report.fate == .died, !told[last].record.isCrash {
            told[last].record.kind = told[last].record.detector
            told[last].record.signal = told[last].record.signal ?? found.report.record.signal
        }
        return true
    }

    private struct Found {
        var format: TextReportFormat
        var report: TextReport
        var lines: ReportLines
        /// True if someone other than the dying process logged it.
        var isForeign: Bool
        var first: UInt64
        var end: UInt64
    }

    /// Parses the report at an anchor; nil if there is none.
    private func report(at anchor: CrashAnchor) -> Found? {
        guard let literal = TextReportFormats.literal(anchor.id) else { return nil }
        // Formats that share a literal share the lines around it.
        var windows: [Int: TextWindow] = [:]
        func window(_ after: Int) -> TextWindow? {
            if let known = windows[after] { return known }
            let loaded = TextWindow(source, around: anchor.offset, after: after, supervisor: supervisor)
            windows[after] = loaded
            return loaded
        }
        for format in TextReportFormats.formats(at: anchor.id) {
            if let found = report(format, literal: literal, at: anchor, window) { return found }
        }
        return nil
    }

    private func report(
        _ format: TextReportFormat, literal: String, at anchor: CrashAnchor, _ load: (Int) -> TextWindow?
    ) -> Found? {
        for after in [TextWindow.near, TextWindow.far] {
            guard let window = load(after),
                let lines = Self.lines(format, literal: literal, window), Self.maySpeak(format, lines.voice),
                var report = format.parse(lines), !Self.isSaid(format, lines)
            else { return nil }
            report.end = max(report.end, window.at + 1)
            var isForeign = false
            // A report that fills the window may continue beyond it.
            if after == TextWindow.near, !window.reachesEnd, report.end + 16 >= window.count { continue }
            report.first = min(max(0, report.first), window.at)
            if case .logged = lines.voice, !Self.isOwnVoice(format, lines), !isEnclosed(format, lines, report) {
                guard Self.mayBeLogged(format) else { return nil }
                report.fate = .survived
                isForeign = true
            }
            report.record.message = report.record.message.map { String($0.prefix(2048)) }
            let end = window.offset(report.end)
            return Found(
                format: format, report: report, lines: lines, isForeign: isForeign, first: window.offset(report.first),
                end: window.reachesEnd ? end : min(end, anchor.offset + UInt64(after)))
        }
        return nil
    }

    private static func offset(of place: String.Index, in line: String) -> Int {
        line.utf8.distance(from: line.startIndex, to: place)
    }

    /// Where a literal occurs in its line; one that ends in a newline must be last.
    private static func place(of literal: String, in line: String) -> String.Index? {
        guard literal.hasSuffix("\n") else { return line.find(literal)?.lowerBound }
        let words = String(literal.dropLast())
        return line.hasSuffix(words) ? line.findLast(words)?.lowerBound : nil
    }

    /// The lines as the format's parser sees them; nil if the cleaned line lacks the literal or only quotes it.
    private static func lines(_ format: TextReportFormat, literal: String, _ window: TextWindow) -> ReportLines? {
        let line = window.text(window.at)
        guard let place = Self.place(of: literal, in: line), !isQuoted(line, place) else { return nil }
        // A structured logger's JSON only quotes a report; Docker's JSON is unwrapped by now.
        if line.first == "{", offset(of: place, in: line) > 0 { return nil }
        if isSpeech(line, place), !allowsSpeech(format), !opens(line, format) { return nil }
        let offset = offset(of: place, in: line)
        let start: Int
        switch format.start {
        case .anchor: start = offset
        case .afterPrefix: start = min(LineHead(line).length, offset)
        case .before(let words):
            let lead = line[..<place].findLast(words)?.lowerBound ?? place
            start = line.utf8.distance(from: line.startIndex, to: lead)
        }
        return ReportLines(window, start: start, place: offset)
    }

    private static func isQuoted(_ line: String, _ place: String.Index) -> Bool {
        if line.first == ">" { return true }
        guard place > line.startIndex else { return false }
        return "\"`>'".contains(line[line.index(before: place)])
    }

    /// True if the line begins with a speaker's name in brackets, `<Name> …`, or a structured logger's first field.
    private static func isSpeech(_ line: String, _ place: String.Index) -> Bool {
        guard let first = line.first, place > line.startIndex else { return false }
        // A number in brackets is a shell's job or the kernel's clock.
        if first == "[", line.dropFirst().first(where: { $0 != " " })?.isNumber == true { return false }
        if first == "<" || first == "[" { return LineHead(line).length == 0 }
        // `key=value`: a structured logger's line, which only quotes a report.
        let key = line[..<place].prefix { $0.isLetter || $0 == "_" }
        guard !key.isEmpty, line[key.endIndex...].hasPrefix("=") else { return false }
        return ["time", "ts", "t", "level", "lvl"].contains(key) || line.contains(" msg=") || line.contains(" level=")
    }

    /// True if the line begins with the format's own word in brackets.
    private static func opens(_ line: String, _ format: TextReportFormat) -> Bool {
        format.openingWords.contains { line.hasPrefix("[\($0)]") }
    }

    /// True for `Name: words` if the words alone are a report: somebody said them.
    private static func isSaid(_ format: TextReportFormat, _ lines: ReportLines) -> Bool {
        guard case .raw = lines.voice, lines.place > 0, !allowsSpeech(format), !format.openingWords.contains("*") else {
            return false
        }
        let line = lines.window.text(lines.at)
        let text = lines[lines.at]
        let name = text.utf8.prefix(25).prefix { byte in
            (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a || (byte >= 0x30 && byte <= 0x39) || byte == 0x5f
                || byte == 0x2d
        }
        guard !name.isEmpty, text.utf8.dropFirst(name.count).starts(with: ": ".utf8), lines.place >= name.count + 2,
            !format.openingWords.contains(String(decoding: name, as: UTF8.self))
        else { return false }
        let own = line.utf8.count - text.utf8.count
        let said = ReportLines(lines.window, start: own + name.count + 2, place: own + lines.place)
        return format.parse(said) != nil
    }

    private static func allowsSpeech(_ format: TextReportFormat) -> Bool {
        if case .anyone = format.voice { return true }
        return false
    }

    /// False for words that somebody typed or quoted, unless the format allows it.
    private static func maySpeak(_ format: TextReportFormat, _ voice: LineVoice) -> Bool {
        guard case .quoted = voice else { return true }
        return allowsSpeech(format)
    }

    /// True for a format whose reports a program may log and survive.
    private static func mayBeLogged(_ format: TextReportFormat) -> Bool {
        if case .engine = format.voice { return false }
        return format.ending != .ended
    }

    /// True if the writer of this line may print the format's reports.
    private static func isOwnVoice(_ format: TextReportFormat, _ lines: ReportLines) -> Bool {
        guard case .logged(let head) = lines.voice else { return true }
        // A name before the time is a speaker's, and speakers can type the rest.
        if head.opensWithName, !allowsSpeech(format) { return false }
        switch format.voice {
        case .anyone: return true
        case .logger:
            // A tag after the level, or a category of scripts: anyone's words.
            return (head.level ?? .info) >= .error && !head.isTagged && !head.names.contains { $0.hasPrefix("<") }
                && !head.names.contains { $0.hasPrefix("Log") && !handlers.contains($0) }
        case .process: return isHandler(head, [])
        case .engine(let categories):
            // Unreal's timestamp without a category: the low-level error is printed in its place.
            if head.names.isEmpty { return head.level == nil && isUnrealStamp(lines.window.text(lines.at)) }
            return isHandler(head, categories)
        }
    }

    /// `[2026.11.20-21.03.00:137]`.
    private static func isUnrealStamp(_ line: String) -> Bool {
        let bytes = Array(line.utf8.prefix(12))
        return bytes.count == 12 && bytes[0] == UInt8(ascii: "[") && bytes[5] == UInt8(ascii: ".")
            && bytes[8] == UInt8(ascii: ".") && bytes[11] == UInt8(ascii: "-")
    }

    /// True for the engine's own categories, to which no player and no script can log.
    private static func isHandler(_ head: LineHead, _ more: Set<String>) -> Bool {
        guard let category = head.names.last else { return false }
        // The head may hold no other name: a player can also type a head like the engine's.
        return (handlers.contains(category) || more.contains(category))
            && head.names.dropLast().allSatisfy { LineHead.level($0) != nil }
    }

    private static let handlers: Set<String> = [
        "LogCore", "LogOutputDevice", "LogWindows", "LogLinux", "LogUnix", "LogMac",
    ]

    /// Lines that a shell and a supervisor may add, with a timestamp like all others.
    private static let lastWords = 2

    /// True if an unknown wrapper put only a time before the report, and the log or the run ends after it.
    private func isEnclosed(_ format: TextReportFormat, _ lines: ReportLines, _ report: TextReport) -> Bool {
        if case .engine = format.voice { return false }
        guard case .logged(let head) = lines.voice, head.isStamped, head.level == nil, head.names.isEmpty else {
            return false
        }
        let after = Aftermath(
            source, from: lines.window.offset(report.end), supervisor: supervisor, boundary: boundary,
            familiarWords: [], enough: Self.lastWords + 1)
        return after.logged <= Self.lastWords
    }
}
