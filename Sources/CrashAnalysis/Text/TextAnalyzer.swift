/// Finds the reports in the text of a member and parses them.
struct TextAnalyzer {
    /// Beyond this many crashes in one member, more of the same says nothing new.
    static let crashLimit = 56
    static let errorLimit = 200
    static let recordLimit = crashLimit + errorLimit
    /// Bounds the work on a hostile or endlessly failing log.
    static let attemptLimit = 10_000
    private static let blockSize = 256 << 10

    let source: any ByteSource

    /// Scans the whole member for anchors. Of very many the first and the last are kept: what killed the process
    /// stands at the end.
    func anchors() -> [CrashAnchor] {
        var first: [CrashAnchor] = []
        var last: [CrashAnchor] = []
        var offset: UInt64 = 0
        while offset < source.size {
            let block = source.bytes(at: offset, count: Self.blockSize)
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
            if first.count < Self.attemptLimit { first += found } else { last += found }
            if last.count > Self.attemptLimit * 2 { last.removeFirst(last.count - Self.attemptLimit) }
            offset += UInt64(used)
        }
        return first + last
    }

    /// The reports at these anchors, in order; errors that repeat are told once.
    func records(_ anchors: [CrashAnchor]) -> [CrashRecord] {
        var records: [CrashRecord] = []
        var seen: [String: Int] = [:]
        var consumed: UInt64 = 0
        var attempts = 0
        var crashes = 0
        for anchor in anchors where anchor.offset >= consumed {
            attempts += 1
            guard attempts <= Self.attemptLimit * 3, crashes < Self.crashLimit else {
                if !records.isEmpty { records[records.count - 1].notes.append("further reports were not read") }
                break
            }
            guard let (report, first, end) = report(at: anchor) else { continue }
            consumed = max(anchor.offset + 1, end)
            var record = report.record
            record.memberOffset = first
            if record.kind == "error" {
                SignatureAlgorithm.sign(&record)
                let key = record.detector + "\0" + record.signature
                seen[key, default: 0] += 1
                guard seen[key] == 1, records.count - crashes < Self.errorLimit else { continue }
            } else {
                crashes += 1
            }
            records.append(record)
        }
        for index in records.indices where records[index].kind == "error" {
            let times = seen[records[index].detector + "\0" + records[index].signature] ?? 1
            if times > 1 { records[index].notes.append("seen \(times) times in this member") }
        }
        return records
    }

    /// The report at an anchor with the offsets of its first byte and of what follows it.
    private func report(at anchor: CrashAnchor) -> (report: TextReport, first: UInt64, end: UInt64)? {
        guard let family = AnchorTable.family(anchor.id) else { return nil }
        let literal = AnchorTable.entries[Int(anchor.id)].literal
        for after in [TextWindow.near, TextWindow.far] {
            guard let window = TextWindow(source, around: anchor.offset, after: after),
                var report = Self.parse(family, literal: literal, window)
            else { return nil }
            // A report that fills the window may go on beyond it.
            if after == TextWindow.near, !window.reachesEnd, report.end + 16 >= window.lines.count { continue }
            let nearby = window.lines[max(0, window.at - 20)...window.at].reversed()
            if report.record.time == nil,
                let stamp = nearby.lazy.compactMap({ LogStamp.milliseconds(in: $0.text) }).first
            {
                report.record.time = Timestamp.text(milliseconds: stamp)
                report.record.timeSource = "log"
            }
            let first = window.lines[min(max(0, report.first), window.lines.count - 1)].offset
            let end = window.lines.indices.contains(report.end) ? window.lines[report.end].offset : .max
            return (report, first, window.reachesEnd ? end : min(end, anchor.offset + UInt64(after)))
        }
        return nil
    }

    /// One parser's verdict on the lines at an anchor, with the fate decided.
    static func parse(_ family: ReportFamily, literal: String, _ window: TextWindow) -> TextReport? {
        let line = window.lines[window.at].text
        guard let place = line.find(literal), !isQuoted(line, place.lowerBound) else { return nil }
        let start = contentStart(family, line, place.lowerBound)
        let lines = ReportLines(window, prefixLength: line.utf8.distance(from: line.startIndex, to: start))
        guard var report = parser(family)(lines) else { return nil }
        report.end = max(report.end, window.at + 1)
        if report.fate == .byPosition {
            let lived = lines.following(report.end) >= 5 || lines.prefix.namesLevel
            report.fate = lived ? .survived : .died
        }
        if report.fate == .survived { report.record.kind = "error" }
        report.record.message = report.record.message.map { String($0.prefix(2048)) }
        return report
    }

    private static func isQuoted(_ line: String, _ place: String.Index) -> Bool {
        if line.first == ">" { return true }
        guard place > line.startIndex else { return false }
        return "\"`>'".contains(line[line.index(before: place)])
    }

    /// Some anchors stand in the middle of their report's first line.
    private static func contentStart(_ family: ReportFamily, _ line: String, _ place: String.Index) -> String.Index {
        let head = line[..<place]
        switch family {
        case .rust: return head.findLast("thread '")?.lowerBound ?? place
        case .sanitizer: return head.find("==")?.lowerBound ?? place
        case .managed where line[place...].hasPrefix("\tat ") || line[place...].hasPrefix("   at "):
            var start = place
            while start > line.startIndex, line[line.index(before: start)] == " " { start = line.index(before: start) }
            return start
        case .python where line[place...].hasPrefix("Traceback"): return place
        case .assertion, .runtimeError, .ruby, .shell, .python, .lua, .swift:
            return logPrefixEnd(line, place)
        default: return place
        }
    }

    /// Where a logger's prefix ends on a line whose report starts before its anchor.
    private static func logPrefixEnd(_ line: String, _ place: String.Index) -> String.Index {
        var best = line.startIndex
        var at = line.startIndex
        while at < place {
            let next = line.index(after: at)
            if line[at] == " " || line[at] == "]" {
                let candidate = LinePrefix(pattern: Array(line[..<next].utf8))
                if candidate.looksLogged { best = next }
            }
            at = next
        }
        if best == line.startIndex { return best }
        return best
    }

    private static func parser(_ family: ReportFamily) -> (ReportLines) -> TextReport? {
        switch family {
        case .go: TextGo.parse
        case .rust: TextRust.parse
        case .python: TextPython.parse
        case .faulthandler: TextPython.parseFaulthandler
        case .managed: TextManaged.parse
        case .javaFatal: TextJavaFatal.parse
        case .sanitizer: TextSanitizer.parse
        case .runtimeError: TextSanitizer.parseUndefined
        case .stack: TextStack.parse
        case .glibc: TextAbort.parseGlibc
        case .assertion: TextAbort.parseAssertion
        case .terminate: TextAbort.parseTerminate
        case .unreal: TextUnreal.parse
        case .unity: TextEngines.parseUnity
        case .godot: TextEngines.parseGodot
        case .source: TextEngines.parseSource
        case .swift: TextSwift.parse
        case .v8: TextManaged.parseV8
        case .ruby: TextRuby.parse
        case .lua: TextRuby.parseLua
        case .shell: TextAbort.parseShell
        case .microdump: { _ in nil }
        }
    }
}
