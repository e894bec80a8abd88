import Glibc

/// The lines around an anchor, cleaned of colours, carriage returns and Docker's JSON wrapping.
struct TextWindow {
    struct Line {
        var offset: UInt64
        let bytes: ArraySlice<UInt8>

        /// Cleaned when asked for: of most windows only a few lines are looked at.
        var text: String { TextCleaner.clean(bytes) }
    }

    static let before = 8192
    /// Enough for most reports, and cheap where an anchor turns out to be nothing.
    static let near = 32 << 10
    /// For the reports of hundreds of goroutines or threads.
    static let far = 512 << 10
    static let longestLine = 8192
    static let lineLimit = 4096

    let lines: [Line]
    /// Index of the line that holds the anchor.
    let at: Int
    /// True when the last line is the last of the member.
    let reachesEnd: Bool

    /// Loads the lines around `offset`; nil when nothing can be read there.
    init?(_ source: any ByteSource, around offset: UInt64, after: Int) {
        let start = offset > UInt64(Self.before) ? offset - UInt64(Self.before) : 0
        let bytes = source.bytes(at: start, count: Int(offset - start) + after)
        guard UInt64(bytes.count) > offset - start else { return nil }
        var lines: [Line] = []
        var at = 0
        var position = 0
        if start > 0 { position = (bytes.firstIndex(of: 0x0a) ?? -1) + 1 }
        if UInt64(position) > offset - start { position = 0 }
        while position < bytes.count, lines.count < Self.lineLimit {
            let end = Self.newline(bytes, from: position) ?? bytes.count
            if UInt64(position) <= offset - start { at = lines.count }
            let cut = min(end, position + Self.longestLine)
            lines.append(Line(offset: start + UInt64(position), bytes: bytes[position..<cut]))
            position = end + 1
        }
        guard !lines.isEmpty else { return nil }
        self.lines = lines
        self.at = at
        reachesEnd = start + UInt64(bytes.count) >= source.size && position >= bytes.count
    }
}

extension TextWindow {
    private static func newline(_ bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { all in
            guard let base = all.baseAddress, start < all.count,
                let found = memchr(base + start, 0x0a, all.count - start)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }
}

/// Takes away what terminals and container runtimes add to a line.
enum TextCleaner {
    static func clean(_ line: ArraySlice<UInt8>) -> String {
        var line = line
        while let last = line.last, last == 0x0d || last == 0x0a { line = line.dropLast() }
        if line.starts(with: Array("{\"log\":\"".utf8)) { line = docker(line.dropFirst(8)) }
        guard line.contains(0x1b) else { return String(decoding: line, as: UTF8.self) }
        var kept: [UInt8] = []
        var at = line.startIndex
        while at < line.endIndex {
            guard line[at] == 0x1b else {
                kept.append(line[at])
                at += 1
                continue
            }
            at += 1
            guard at < line.endIndex, line[at] == 0x5b else { continue }
            at += 1
            while at < line.endIndex, line[at] < 0x40 { at += 1 }
            at += 1
        }
        return String(decoding: kept, as: UTF8.self)
    }

    /// The text of Docker's json-file driver: a JSON string up to its closing quote.
    private static func docker(_ body: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text: [UInt8] = []
        var at = body.startIndex
        while at < body.endIndex, body[at] != UInt8(ascii: "\"") {
            guard body[at] == UInt8(ascii: "\\"), at + 1 < body.endIndex else {
                text.append(body[at])
                at += 1
                continue
            }
            switch body[at + 1] {
            case UInt8(ascii: "n"), UInt8(ascii: "r"): break
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u") where at + 5 < body.endIndex:
                let digits = String(decoding: body[at + 2..<at + 6], as: UTF8.self)
                if let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init) {
                    text += Array(String(Character(scalar)).utf8)
                }
                at += 4
            default: text.append(body[at + 1])
            }
            at += 2
        }
        return text[...]
    }
}

/// What a logger puts before every line, learnt from the line of an anchor.
struct LinePrefix {
    let pattern: [UInt8]

    var isEmpty: Bool { pattern.isEmpty }

    /// The rest of a line that begins with a prefix of the same shape: digits match digits, letters match letters,
    /// all else must be equal.
    func strip(_ line: String) -> String? {
        guard !pattern.isEmpty else { return line }
        let bytes = Array(line.utf8)
        var at = 0
        var step = 0
        while step < pattern.count {
            let kind = Self.kind(pattern[step])
            let runEnd = pattern[step...].firstIndex { Self.kind($0) != kind } ?? pattern.count
            if kind == .other {
                guard at < bytes.count, bytes[at] == pattern[step] else { return nil }
                at += 1
                step += 1
                continue
            }
            let start = at
            let most = kind == .space && runEnd == pattern.count ? runEnd - step : Int.max
            while at < bytes.count, at - start < most, Self.kind(bytes[at]) == kind { at += 1 }
            if at == start {
                let padsNumber = kind == .space && runEnd < pattern.count && Self.kind(pattern[runEnd]) == .digit
                guard padsNumber || (kind == .space && at == bytes.count) else { return nil }
            }
            step = runEnd
        }
        return String(decoding: bytes[min(at, bytes.count)...], as: UTF8.self)
    }

    private enum Kind {
        case digit, letter, space, other
    }

    private static func kind(_ byte: UInt8) -> Kind {
        switch byte {
        case 0x30...0x39: .digit
        case 0x41...0x5a, 0x61...0x7a: .letter
        case 0x20, 0x09: .space
        default: .other
        }
    }

    /// True for what loggers and runtimes write before a line, false for what a person may have typed: a time, a
    /// level, a source in brackets, `host prog[12]:`.
    var looksLogged: Bool {
        let text = String(decoding: pattern, as: UTF8.self)
        guard pattern.count <= 160 else { return false }
        let words: Set<String> = [
            "error", "err", "warn", "warning", "info", "debug", "trace", "fatal", "critical", "notice", "stderr",
            "stdout", "verbose", "display", "log", "exception", "e", "w", "f", "i", "t", "z", "utc", "kernel",
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "l", "server",
            "mon", "tue", "wed", "thu", "fri", "sat", "sun",
        ]
        var bracket = 0
        var run = ""
        func acceptable(_ word: String) -> Bool {
            word.isEmpty || words.contains(word.lowercased()) || word.hasPrefix("Log")
                || !word.contains(where: \.isLetter)
        }
        for character in text {
            switch character {
            case "[", "(": bracket += 1
            case "]", ")": bracket -= 1
            case _ where bracket > 0: continue
            case _ where character.isLetter || character.isNumber: run.append(character)
            default:
                guard acceptable(run) || timeLike(run) else { return false }
                run = ""
            }
        }
        return acceptable(run) || timeLike(run)
    }

    private func timeLike(_ run: String) -> Bool { run.first?.isNumber == true && run.filter(\.isLetter).count <= 2 }

    /// True when a logger's level stands in the prefix: somebody caught the trouble and logged it.
    var namesLevel: Bool {
        let text = String(decoding: pattern, as: UTF8.self).lowercased()
        return ["error", "warn", "info", "debug", "exception", "critical"].contains { text.contains($0) }
    }
}
