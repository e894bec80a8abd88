/// The head that a logger puts before a line: time, level, thread, category, the speaker's name.
struct LineHead: Equatable {
    enum Level: Int, Comparable {
        case debug, info, warning, error, fatal

        static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// Length of the head in bytes; 0 if there is none.
    var length = 0
    /// True if it contains a time or a date.
    var isStamped = false
    var level: Level?
    /// Threads, categories, loggers and speakers, in order.
    var names: [String] = []

    /// True if a name in brackets follows the level and a colon: a plugin's or a script's tag, or a speaker's name.
    var isTagged = false
    /// True if a name in brackets comes before everything else.
    var opensWithName = false

    /// True for a logger's line: it has a time or a level.
    var isLogged: Bool { isStamped || level != nil }

    /// Parses the head of a line; empty if the line begins with its own text.
    init(_ line: String) {
        var text = HeadText(Array(line.utf8.prefix(240)))
        while let piece = text.next(in: self) {
            length = text.at
            switch piece {
            case .stamp: isStamped = true
            case .level(let found): level = level ?? found
            case .name(let name):
                opensWithName = opensWithName || (names.isEmpty && !isLogged && !name.hasPrefix("Log"))
                isTagged = isTagged || (text.isBehindColon && level != nil)
                names.append(name)
            case .group(let stamped, let words, let found):
                isStamped = isStamped || stamped
                level = level ?? found
                names += words
            case .filler: break
            }
        }
        // Brackets and words alone are not a logger's head.
        if !isLogged, !names.contains(where: { $0.hasPrefix("Log") }) { self = LineHead() }
    }

    init() {}

    /// The level that a word names.
    static func level(_ word: String) -> Level? { levels[word.lowercased()] }

    private static let levels: [String: Level] = [
        "trace": .debug, "debug": .debug, "verbose": .debug, "veryverbose": .debug, "fine": .debug, "dbg": .debug,
        "info": .info, "information": .info, "notice": .info, "display": .info, "log": .info, "inf": .info,
        "warn": .warning, "warning": .warning, "wrn": .warning,
        "error": .error, "err": .error, "severe": .error, "exception": .error,
        "fatal": .fatal, "critical": .fatal, "crit": .fatal, "emerg": .fatal, "alert": .fatal, "panic": .fatal,
        "ftl": .fatal, "fail": .error, "trce": .debug, "dbug": .debug, "inform": .info,
    ]
}

/// Walks the pieces of a head.
private struct HeadText {
    enum Piece {
        case stamp, filler
        case level(LineHead.Level)
        case name(String)
        /// Several in one pair of brackets.
        case group(stamped: Bool, names: [String], level: LineHead.Level?)
    }

    private static let longestBracket = 64
    let bytes: [UInt8]
    private(set) var at = 0
    /// True if the last piece began after a colon.
    private(set) var isBehindColon = false
    private var endsWithColon = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private func byte(_ index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// Returns the next piece and moves `at` past it and the separators that follow it.
    mutating func next(in head: LineHead) -> Piece? {
        var start = at
        while byte(start) == 0x20 || byte(start) == 0x09 { start += 1 }
        guard start < bytes.count else { return nil }
        if start > at, head.length == 0, !Self.isDigit(byte(start)) { return nil }
        // A second level after a colon is part of the text.
        guard let (piece, end) = field(from: start, in: head) ?? piece(from: start, in: head) else { return nil }
        if case .level = piece, head.level != nil, endsWithColon { return nil }
        isBehindColon = endsWithColon
        at = end
        skipSeparators()
        return piece
    }

    private mutating func skipSeparators() {
        endsWithColon = byte(at) == UInt8(ascii: ":")
        if endsWithColon { at += 1 }
        while byte(at) == 0x20 || byte(at) == 0x09 { at += 1 }
        // " - " and " | " separate a head from its text.
        if byte(at) == UInt8(ascii: "-") || byte(at) == UInt8(ascii: "|") || byte(at) == UInt8(ascii: ">"),
            byte(at + 1) == 0x20
        {
            at += 2
        }
    }

    private func piece(from start: Int, in head: LineHead) -> (Piece, Int)? {
        let first = byte(start)
        let isStarted = head.length > 0
        switch first {
        case UInt8(ascii: "["), UInt8(ascii: "("): return bracket(from: start, in: head)
        case UInt8(ascii: "<") where isStarted: return speaker(from: start)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return number(from: start, in: head)
        case UInt8(ascii: "-") where isStarted && byte(start + 1) == 0x20: return (.filler, start + 1)
        case UInt8(ascii: "L") where byte(start + 1) == 0x20 && Self.isDigit(byte(start + 2)) && !isStarted:
            return (.filler, start + 1)
        default: return word(from: start, in: head)
        }
    }

    /// `[2026.11.20-21.03.00:137]`, `[Server thread/INFO]`, `[ 42]`, `[main]`.
    private func bracket(from start: Int, in head: LineHead) -> (Piece, Int)? {
        let close: UInt8 = byte(start) == UInt8(ascii: "[") ? UInt8(ascii: "]") : UInt8(ascii: ")")
        if close == UInt8(ascii: ")"), head.length == 0 { return nil }
        var end = start + 1
        while end < bytes.count, bytes[end] != close, end - start <= Self.longestBracket { end += 1 }
        guard end < bytes.count, bytes[end] == close, end > start + 1 else { return nil }
        let inside = start + 1..<end
        let words = text(inside)
        if let found = LineHead.level(words.trimmed) { return (.level(found), end + 1) }
        if Self.isStamp(bytes[inside]) || Self.hasClock(bytes[inside]) || Self.namesMonth(bytes[inside]) {
            return (Self.group(words), end + 1)
        }
        if bytes[inside].allSatisfy({ Self.isDigit($0) || $0 == 0x20 || $0 == UInt8(ascii: ".") }) {
            // A lone number in brackets is a frame's, unless it has a fraction like the kernel's clock.
            if bytes[inside].contains(UInt8(ascii: ".")) { return (.stamp, end + 1) }
            return head.length > 0 ? (.filler, end + 1) : nil
        }
        guard !words.hasPrefix("0x") else { return nil }
        if let slash = words.findLast("/"), let found = LineHead.level(String(words[slash.upperBound...])) {
            return (.group(stamped: false, names: [String(words[..<slash.lowerBound])], level: found), end + 1)
        }
        return (.name(words), end + 1)
    }

    /// A time with a level and a logger's name beside it: `2026-11-20T21:00:31Z INFO  game::chat`.
    private static func group(_ words: String) -> Piece {
        var names: [String] = []
        var level: LineHead.Level?
        for word in words.split(whereSeparator: { $0 == " " || $0 == "|" || $0 == "\t" }).map(String.init) {
            if let found = LineHead.level(word), level == nil {
                level = found
            } else if word.first?.isLetter == true, !calendar.contains(word.lowercased()), word.count > 2 {
                names.append(word)
            }
        }
        return .group(stamped: true, names: names, level: level)
    }

    /// A field of a line in columns, `2026-11-20 21:00:31.1373|INFO|Game.Chat|text`: after a time, up to the next bar,
    /// comma, semicolon or tab. The last column is the text.
    private func field(from start: Int, in head: LineHead) -> (Piece, Int)? {
        guard head.isStamped, start > 0, Self.columns.contains(byte(start - 1)) || Self.columns.contains(byte(start))
        else {
            return nil
        }
        let mark = Self.columns.contains(byte(start)) ? byte(start) : byte(start - 1)
        let from = Self.columns.contains(byte(start)) ? start + 1 : start
        var end = from
        while end < bytes.count, bytes[end] != mark, end - from <= Self.longestBracket { end += 1 }
        guard end < bytes.count, bytes[end] == mark else { return nil }
        let word = text(from..<end).trimmed
        if let found = LineHead.level(word) { return (.level(found), end) }
        return (word.isEmpty ? .filler : .name(word), end)
    }

    private static let columns: Set<UInt8> = [UInt8(ascii: "|"), UInt8(ascii: ","), UInt8(ascii: ";"), 0x09]

    /// `<Name>` after a head: the speaker's name, as in chat.
    private func speaker(from start: Int) -> (Piece, Int)? {
        var end = start + 1
        while end < bytes.count, bytes[end] != UInt8(ascii: ">"), end - start <= Self.longestBracket { end += 1 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: ">") else { return nil }
        return (.name(text(start..<end + 1)), end + 1)
    }

    private func number(from start: Int, in head: LineHead) -> (Piece, Int)? {
        var end = start
        while end < bytes.count, !(bytes[end] == 0x20 || bytes[end] == 0x09) { end += 1 }
        // A time ends at the first byte that it cannot contain: `2026-11-20,chat,…` has columns.
        if let other = bytes[start..<end].firstIndex(where: { !Self.isClockByte($0) }),
            bytes[other] != UInt8(ascii: ":")
        {
            let isText = (bytes[other] | 0x20) >= 0x61 && (bytes[other] | 0x20) <= 0x7a
            if !isText { end = other } else if bytes[other - 1] == UInt8(ascii: ",") { end = other - 1 }
        }
        var token = bytes[start..<end]
        while let last = token.last, last == UInt8(ascii: ":") || last == UInt8(ascii: ",") { token = token.dropLast() }
        if Self.isStamp(token) || Self.namesMonth(token) { return (.stamp, start + token.count) }
        // `11-20` of logcat, `20` of "20 Nov", process and thread ids after a stamp.
        if token.allSatisfy(Self.isDigit), head.isStamped, token.count <= 10 { return (.filler, start + token.count) }
        if token.allSatisfy({ Self.isDigit($0) || $0 == UInt8(ascii: "-") }), token.count == 5, !head.isStamped,
            Self.isStamp(bytes[min(end + 1, bytes.count)..<min(end + 13, bytes.count)])
        {
            return (.stamp, start + token.count)
        }
        // Seconds since the start with three decimals: `   9.323 Error CrashHandler.cpp:641: …`.
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if parts.count == 2, parts[1].count == 3, token.allSatisfy({ Self.isDigit($0) || $0 == UInt8(ascii: ".") }),
            !parts[0].isEmpty, head.length == 0
        {
            return (.stamp, start + token.count)
        }
        return nil
    }

    private func word(from start: Int, in head: LineHead) -> (Piece, Int)? {
        var end = start
        while end < bytes.count, Self.isWord(bytes[end]) { end += 1 }
        guard end > start, end - start <= 64 else { return nil }
        let word = text(start..<end)
        let next = byte(end)
        if Self.calendar.contains(word.lowercased()),
            next == 0x20 || next == UInt8(ascii: ",") || next == UInt8(ascii: ":") || end == bytes.count
        {
            return dated(word, from: start, end: end, in: head)
        }
        if let found = LineHead.level(word) {
            // A report may itself begin with such a word: first in a line, it is a level only in capitals or before a
            // colon, pipe, tab or space.
            let isTagged = next == UInt8(ascii: ":") || next == UInt8(ascii: "|") || next == 0x09
            guard head.length > 0 || isTagged || word == word.uppercased() || next == 0x20 else { return nil }
            return (.level(found), end)
        }
        if word.hasPrefix("Log"), word.count > 3, next == UInt8(ascii: ":") { return (.name(word), end) }
        if head.length == 0, let klog = klog(word, end) { return klog }
        guard head.isLogged || head.names.contains(where: { $0.hasPrefix("Log") }) else { return nil }
        if next == UInt8(ascii: ":"), byte(end + 1) == 0x20 || end + 1 == bytes.count { return (.name(word), end) }
        if next == 0x20, byte(end + 1) == UInt8(ascii: "-"), byte(end + 2) == 0x20 { return (.name(word), end) }
        return nil
    }

    /// `Nov 20 21:03:00`, `Fri Nov 20 …`, `PM`.
    private func dated(_ word: String, from start: Int, end: Int, in head: LineHead) -> (Piece, Int)? {
        if head.isStamped { return (.filler, end) }
        let rest = bytes[end...].prefix(24)
        guard rest.contains(where: Self.isDigit), rest.contains(UInt8(ascii: ":")) else { return nil }
        return (.stamp, end)
    }

    /// glog: `E1120 21:03:00.123456  1234 file.cc:12] `.
    private func klog(_ word: String, _ end: Int) -> (Piece, Int)? {
        guard word.count == 5, let letter = word.first, "IWEF".contains(letter),
            word.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber }), byte(end) == 0x20
        else { return nil }
        let level: LineHead.Level = letter == "I" ? .info : letter == "W" ? .warning : letter == "E" ? .error : .fatal
        if let close = bytes[end...].firstIndex(of: UInt8(ascii: "]")), close - end < 80 {
            return (.level(level), close + 1)
        }
        return (.level(level), end)
    }

    private static let calendar: Set<String> = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "am", "pm", "utc", "gmt",
    ]

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"),
            UInt8(ascii: "/"), UInt8(ascii: "$"), UInt8(ascii: "@"), UInt8(ascii: "#"), 0x80...0xff:
            true
        default: false
        }
    }

    private static func isClockByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || ":.-/+,TZ".utf8.contains(byte)
    }

    /// True if a time such as `21:03:00` occurs in it.
    private static func hasClock(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.count >= 7 else { return false }
        for at in bytes.startIndex...(bytes.endIndex - 7)
        where isDigit(bytes[at]) && bytes[at + 1] == UInt8(ascii: ":") && isDigit(bytes[at + 2])
            && isDigit(bytes[at + 3])
            && bytes[at + 4] == UInt8(ascii: ":") && isDigit(bytes[at + 5]) && isDigit(bytes[at + 6])
        {
            return true
        }
        return false
    }

    /// `05Jun2026`, `20-Nov-2026`, `20/Nov/2026:21:03:00`.
    private static func namesMonth(_ bytes: ArraySlice<UInt8>) -> Bool {
        let day = bytes.prefix { isDigit($0) }
        guard day.count == 1 || day.count == 2 else { return false }
        var rest = bytes[day.endIndex...]
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "/") { rest = rest.dropFirst() }
        let month = String(decoding: rest.prefix(3), as: UTF8.self).lowercased()
        return month.utf8.count == 3 && calendar.contains(month) && rest.dropFirst(3).contains(where: isDigit)
    }

    /// True for digits with the separators of a time or a date: `21:03:00`, `2026-11-20T21:03:00.137Z`,
    /// `11/20/2026 - 21:03:00`, `20.11.2026`, `1763672589.123`.
    static func isStamp(_ bytes: ArraySlice<UInt8>) -> Bool {
        var runs: [Int] = []
        var separators: [UInt8] = []
        var run = 0
        for byte in bytes.prefix(40) {
            if isDigit(byte) {
                run += 1
                continue
            }
            if run > 0 {
                runs.append(run)
                separators.append(byte)
            } else if runs.isEmpty, byte != 0x20 {
                return false
            }
            run = 0
            if byte >= 0x41, byte != UInt8(ascii: "T"), byte != UInt8(ascii: "Z"), runs.count < 3 { return false }
        }
        if run > 0 { runs.append(run) }
        guard let first = runs.first else { return false }
        if runs.count <= 2, first == 10 || first == 13, runs.count == 1 || separators.first == UInt8(ascii: ".") {
            return true
        }
        guard runs.count >= 3, runs[1] <= 2, runs[2] <= 4, first <= 4, separators.count >= 2 else { return false }
        let isClock = separators[0] == UInt8(ascii: ":") && separators[1] == UInt8(ascii: ":") && first <= 2
        let isDate =
            separators[0] == separators[1]
            && [UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: ".")].contains(separators[0])
            && (first == 4 || (first <= 2 && runs[2] == 4))
        return isClock || isDate
    }
}
