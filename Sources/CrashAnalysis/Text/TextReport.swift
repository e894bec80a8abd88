/// What a parser made of the lines at an anchor.
struct TextReport {
    /// Whether the process lived on.
    enum Fate {
        case died
        case survived
        /// Ordinary lines after the report mean that it lived on.
        case byPosition
    }

    var record: CrashRecord
    var fate: Fate
    /// Index of its first line in the window.
    var first: Int
    /// One past its last line.
    var end: Int
}

/// The lines of a window as a parser sees them: without the prefix of the anchor's line.
struct ReportLines {
    let window: TextWindow
    let prefix: LinePrefix
    let at: Int

    /// How many foreign lines may stand between two lines of a report.
    static let gap = 6
    static let frameLimit = 1024

    var count: Int { window.lines.count }

    /// `start` is where the report's own text begins in the anchor's line.
    init(_ window: TextWindow, prefixLength: Int) {
        self.window = window
        at = window.at
        prefix = LinePrefix(pattern: Array(window.lines[window.at].text.utf8.prefix(prefixLength)))
    }

    /// The report's own part of a line; the whole line when it has no such prefix.
    subscript(index: Int) -> String {
        guard index >= 0, index < count else { return "" }
        return prefix.strip(window.lines[index].text) ?? window.lines[index].text
    }

    /// The next line within the gap for which `match` gives something.
    func next<Found>(from index: Int, gap: Int = gap, _ match: (String) -> Found?) -> (found: Found, after: Int)? {
        var at = index
        while at < count, at <= index + gap {
            if let found = match(self[at]) { return (found, at + 1) }
            at += 1
        }
        return nil
    }

    /// Ordinary lines after `end`, counted up to ten.
    func following(_ end: Int) -> Int {
        window.lines.dropFirst(end).lazy.filter { line in line.text.contains { !$0.isWhitespace } }.prefix(10).count
    }
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

/// Small pieces of text work that every parser needs.
extension StringProtocol {
    /// Without white space and control characters at both ends.
    var trimmed: String {
        let part = Substring(self)
        let bytes = part.utf8
        guard let first = bytes.firstIndex(where: { $0 > 0x20 && $0 != 0x7f }),
            let last = bytes.lastIndex(where: { $0 > 0x20 && $0 != 0x7f })
        else { return "" }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }

    /// Where `needle` first occurs, as a UTF-8 range.
    func find(_ needle: String) -> Range<String.Index>? {
        let text = Array(utf8)
        let wanted = Array(needle.utf8)
        guard let first = wanted.first, text.count >= wanted.count else { return nil }
        for at in 0...(text.count - wanted.count) where text[at] == first {
            if text[at..<at + wanted.count].elementsEqual(wanted) {
                let start = utf8.index(utf8.startIndex, offsetBy: at)
                return start..<utf8.index(start, offsetBy: wanted.count)
            }
        }
        return nil
    }

    /// Where `needle` last occurs.
    func findLast(_ needle: String) -> Range<String.Index>? {
        let text = Array(utf8)
        let wanted = Array(needle.utf8)
        guard let first = wanted.first, text.count >= wanted.count else { return nil }
        for at in stride(from: text.count - wanted.count, through: 0, by: -1) where text[at] == first {
            if text[at..<at + wanted.count].elementsEqual(wanted) {
                let start = utf8.index(utf8.startIndex, offsetBy: at)
                return start..<utf8.index(start, offsetBy: wanted.count)
            }
        }
        return nil
    }

    /// The text after the first `needle`; nil when it is absent.
    func after(_ needle: String) -> String? { find(needle).map { String(self[$0.upperBound...]) } }

    /// The text before the first `needle`; nil when it is absent.
    func before(_ needle: String) -> String? { find(needle).map { String(self[..<$0.lowerBound]) } }

    /// The text between `open` and the next `close`.
    func between(_ open: String, _ close: String) -> String? { after(open)?.before(close) }

    /// The decimal number it starts with.
    var leadingNumber: Int? { Int(prefix { $0.isASCII && $0.isNumber }) }

    /// The hexadecimal number after "0x" that it starts with.
    var leadingHex: UInt64? {
        guard hasPrefix("0x") else { return nil }
        return UInt64(dropFirst(2).prefix { $0.isHexDigit }, radix: 16)
    }

    /// `path:12` or `path:12:5` taken apart; the path may hold colons.
    var fileAndLine: (file: String, line: Int?) {
        var parts = String(self).split(separator: ":" as Character, omittingEmptySubsequences: false).map(String.init)
        var numbers: [Int] = []
        while parts.count > 1, numbers.count < 2, let last = parts.last, let number = Int(last), number >= 0 {
            numbers.append(number)
            parts.removeLast()
        }
        return (parts.joined(separator: ":"), numbers.last)
    }
}
