import Text

extension Glob {
    /// This glob in the dialect of SQLite's operator GLOB, which has no escapes and negates sets with `^` only. It gives
    /// the same answers for all texts without NUL bytes, at which SQLite ends a text. Nil for a glob over paths.
    var sqlite: String? {
        guard let pieces else { return nil }
        var text: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .byte(let byte) where "*?[".utf8.contains(byte): text += [UInt8(ascii: "["), byte, UInt8(ascii: "]")]
            case .byte(let byte): text.append(byte)
            case .anyText: text.append(UInt8(ascii: "*"))
            case .anyCharacter: text.append(UInt8(ascii: "?"))
            case .set(let ranges, let negated): text += Self.sqliteSet(ranges, negated: negated).utf8
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A set whose members are all written as ranges, as SQLite reads `a-c` differently behind a single member. A `]`
    /// must come first, and a `^` must not.
    private static func sqliteSet(_ ranges: [ClosedRange<UInt32>], negated: Bool) -> String {
        let (bracket, caret) = (UInt32(0x5D), UInt32(0x5E))
        var rest: [ClosedRange<UInt32>] = []
        var hasBracket = false
        var hasCaret = false
        for range in ranges {
            hasBracket = hasBracket || range.contains(bracket)
            hasCaret = hasCaret || range.contains(caret)
            if range.lowerBound < bracket { rest.append(range.lowerBound...min(range.upperBound, bracket - 1)) }
            if range.upperBound > caret { rest.append(max(range.lowerBound, caret + 1)...range.upperBound) }
        }
        if hasCaret, !hasBracket, !negated, rest.isEmpty { return "^" }
        var text = negated ? "[^" : "["
        if hasBracket { text += "]" }
        for range in rest { text += scalar(range.lowerBound) + "-" + scalar(range.upperBound) }
        if hasCaret { text += "^-^" }
        return text + "]"
    }

    private static func scalar(_ value: UInt32) -> String { Unicode.Scalar(value).map { String($0) } ?? "" }
}
