/// A statement of the catalog as PostgreSQL reads it: `$1` in place of `?` and `?1`.
///
/// Source of the syntax: https://www.postgresql.org/docs/15/sql-syntax-lexical.html.
struct PostgresText {
    /// The statement.
    let sql: String
    /// The number of parameters.
    let count: Int
    /// Whether it may return rows, so that its result is awaited.
    let returnsRows: Bool

    /// Rewrites one statement.
    init(_ text: String) {
        let bytes = Array(text.utf8)
        var sql: [UInt8] = []
        sql.reserveCapacity(bytes.count + 16)
        var (at, ordinal, most) = (0, 0, 0)
        while at < bytes.count {
            if let end = PostgresSyntax.end(ofOpaque: bytes, at: at) {
                sql += bytes[at..<end]
                at = end
            } else if bytes[at] == UInt8(ascii: "?") {
                let (number, end) = PostgresSyntax.number(bytes, from: at + 1)
                ordinal += 1
                let position = number ?? ordinal
                most = max(most, position)
                sql += "$\(position)".utf8
                at = end
            } else {
                sql.append(bytes[at])
                at += 1
            }
        }
        self.sql = String(decoding: sql, as: UTF8.self)
        count = most
        returnsRows = Self.returnsRows(bytes)
    }

    private static func returnsRows(_ bytes: [UInt8]) -> Bool {
        let words = PostgresSyntax.words(bytes)
        guard let first = words.first else { return false }
        return ["SELECT", "WITH", "VALUES", "SHOW", "TABLE", "FETCH", "EXPLAIN"].contains(first)
            || words.contains("RETURNING")
    }

    /// The column that a parameter is stored in or compared with, for errors; nil when it is not obvious.
    ///
    /// - Parameter position: counted from 1.
    func role(of position: Int) -> String? {
        let words = sql.split { !($0.isLetter || $0.isNumber || "_$.".contains($0)) }.map(String.init)
        if words.first?.uppercased() == "INSERT", let values = words.firstIndex(where: { $0.uppercased() == "VALUES" })
        {
            let columns = words[..<values].dropFirst(3)
            let place = words[values...].dropFirst().firstIndex(of: "$\(position)").map { $0 - values - 1 }
            if let place, place < columns.count { return columns[columns.startIndex + place] }
        }
        guard let place = words.firstIndex(of: "$\(position)") else { return nil }
        return words[..<place].last {
            !["coalesce", "SET", "WHERE", "AND", "OR", "IN", "THEN", "ELSE", "WHEN"].contains($0) && !$0.hasPrefix("$")
        }
    }

    /// The statements of a text, which semicolons separate.
    static func split(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        var found: [String] = []
        var (start, at) = (0, 0)
        func take(_ end: Int) {
            guard !PostgresSyntax.words(Array(bytes[start..<end])).isEmpty else { return }
            found.append(String(decoding: bytes[start..<end], as: UTF8.self))
        }
        while at < bytes.count {
            if let end = PostgresSyntax.end(ofOpaque: bytes, at: at) {
                at = end
            } else {
                if bytes[at] == UInt8(ascii: ";") {
                    take(at)
                    start = at + 1
                }
                at += 1
            }
        }
        take(bytes.count)
        return found
    }
}

/// The parts of SQL that are not looked into.
enum PostgresSyntax {
    /// The end of the quoted text, quoted name or comment that begins at an offset; nil when none begins there.
    static func end(ofOpaque bytes: [UInt8], at start: Int) -> Int? {
        func has(_ text: StaticString, _ at: Int) -> Bool {
            text.withUTF8Buffer { at + $0.count <= bytes.count && bytes[at..<at + $0.count].elementsEqual($0) }
        }
        switch bytes[start] {
        case UInt8(ascii: "'"), UInt8(ascii: "\""):
            // A doubled quote ends one text and begins the next, which comes to the same.
            let end = bytes[(start + 1)...].firstIndex(of: bytes[start])
            return end.map { $0 + 1 } ?? bytes.count
        case UInt8(ascii: "-") where has("--", start):
            return bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
        case UInt8(ascii: "/") where has("/*", start):
            var (at, depth) = (start + 2, 1)
            while at < bytes.count, depth > 0 {
                if has("/*", at) {
                    (at, depth) = (at + 2, depth + 1)
                } else if has("*/", at) {
                    (at, depth) = (at + 2, depth - 1)
                } else {
                    at += 1
                }
            }
            return at
        case UInt8(ascii: "$"): return end(ofDollars: bytes, at: start)
        default: return nil
        }
    }

    /// The end of a text between `$tag$` and `$tag$`.
    private static func end(ofDollars bytes: [UInt8], at start: Int) -> Int? {
        if start > 0, isWord(bytes[start - 1]) { return nil }
        var close = start + 1
        while close < bytes.count, isWord(bytes[close]) { close += 1 }
        guard close < bytes.count, bytes[close] == UInt8(ascii: "$") else { return nil }
        // `$1$` is a parameter, not a tag.
        guard close == start + 1 || !(0x30...0x39).contains(bytes[start + 1]) else { return nil }
        let tag = bytes[start...close]
        var at = close + 1
        while at + tag.count <= bytes.count {
            if bytes[at..<at + tag.count].elementsEqual(tag) { return at + tag.count }
            at += 1
        }
        return bytes.count
    }

    /// The number that begins at an offset, and its end.
    static func number(_ bytes: [UInt8], from start: Int) -> (value: Int?, end: Int) {
        var (end, value) = (start, 0)
        while end < bytes.count, end - start < 6, case let digit = bytes[end], (0x30...0x39).contains(digit) {
            value = value * 10 + Int(digit - 0x30)
            end += 1
        }
        return (end > start ? value : nil, end)
    }

    /// The words outside quotes and comments, in capitals.
    static func words(_ bytes: [UInt8]) -> [String] {
        var found: [String] = []
        var at = 0
        while at < bytes.count {
            if let end = end(ofOpaque: bytes, at: at) {
                at = end
                continue
            }
            let start = at
            while at < bytes.count, isWord(bytes[at]) { at += 1 }
            if at > start {
                found.append(String(decoding: bytes[start..<at], as: UTF8.self).uppercased())
            } else {
                at += 1
            }
        }
        return found
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xFF:
            true
        default: false
        }
    }
}
