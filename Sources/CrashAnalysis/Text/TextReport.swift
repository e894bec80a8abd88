import Model

/// A report that a parser read from the lines at an anchor.
struct TextReport {
    /// Whether the process lived on.
    enum Fate {
        /// It printed this because it was dying.
        case died
        /// Its words are those of a death; the lines that follow may show otherwise.
        case likelyDied
        case survived
        /// The report does not say; the lines around it decide.
        case unsaid
    }

    var record: CrashRecord
    /// Nil if the format decides for all of its reports.
    var fate: Fate?
    /// Index of its first line in the window.
    var first: Int
    /// One past its last line.
    var end: Int
    /// True for words that repeat or explain the report right before: the same death.
    var continues = false
    /// True if the report begins with a header of its own process, so that it is not the same death as the one before.
    var opensProcess = false

    init(record: CrashRecord, fate: Fate? = nil, first: Int, end: Int) {
        self.record = record
        self.fate = fate
        self.first = first
        self.end = end
    }
}

/// Who wrote the words on a line.
enum LineVoice {
    /// The process, outside its logger.
    case raw
    /// The program's logger.
    case logged(LineHead)
    /// The text before the words is not a logger's: somebody quotes or types them.
    case quoted

    /// The voice of the words that begin `length` bytes into a line.
    static func of(_ line: String, before length: Int) -> LineVoice {
        guard length > 0 else { return .raw }
        let lead = String(decoding: line.utf8.prefix(length), as: UTF8.self)
        if lead.utf8.allSatisfy({ $0 <= 0x20 || $0 == 0x7f }) { return .raw }
        // Text must follow, or a timestamp at the end is taken for a truncated one.
        let head = LineHead(lead + "x")
        return head.length >= length ? .logged(head) : .quoted
    }
}

/// The lines of a window as a parser sees them: without the prefix of the anchor's line.
struct ReportLines {
    let window: TextWindow
    let prefix: LinePrefix
    let at: Int
    /// Who wrote the anchor's line.
    let voice: LineVoice
    /// Byte offset of the anchor's literal in `self[at]`.
    let place: Int

    /// The most foreign lines between two lines of a report.
    static let gap = 6
    static let frameLimit = 1024

    var count: Int { window.count }

    /// `start` is where the report's own text begins in the anchor's line, `place` where the anchor is; both in bytes.
    init(_ window: TextWindow, start: Int, place: Int) {
        self.window = window
        at = window.at
        let line = window.text(window.at)
        prefix = LinePrefix(pattern: Array(line.utf8.prefix(start)))
        voice = LineVoice.of(line, before: start)
        self.place = place - start
    }

    /// A line without the prefix; the whole line if it does not have that prefix.
    subscript(index: Int) -> String {
        guard index >= 0, index < count else { return "" }
        let text = window.text(index)
        return prefix.strip(text) ?? text
    }

    /// The first value that `match` returns for a line within the gap, and the index after that line.
    func next<Found>(from index: Int, gap: Int = gap, _ match: (String) -> Found?) -> (found: Found, after: Int)? {
        var at = index
        while at < count, at <= index + gap {
            if let found = match(self[at]) { return (found, at + 1) }
            at += 1
        }
        return nil
    }

    /// The logger's head of a line; empty for a raw one.
    func head(_ index: Int) -> LineHead { LineHead(window.text(index)) }
}

extension CrashFrame {
    /// A frame that a report printed.
    static func printed(_ index: Int, function: String?, file: String? = nil, line: Int? = nil) -> CrashFrame {
        var frame = CrashFrame(index: index, trust: .text)
        frame.function = function.flatMap { $0.isEmpty ? nil : $0 }
        frame.file = file
        frame.line = line
        return frame
    }
}
