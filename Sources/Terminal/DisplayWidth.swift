/// How many columns of a terminal a text takes, and texts cut to a number of columns.
public enum DisplayWidth {
    /// The number of terminal columns that a text takes: two for East Asian wide characters and emoji, none for combining
    /// marks (Unicode Standard Annex 11, limited to the ranges that names of games and players use).
    public static func of(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.unicodeScalars.reduce(0) { $0 + columns($1) }
    }

    /// A text cut to at most `width` columns, with the charset's ellipsis where something is left out.
    public static func cut(_ text: String, to width: Int, _ cut: TableColumn.Cut, _ charset: Charset) -> String {
        // A text has at least as many bytes as columns; most fit.
        guard text.utf8.count > width, of(text) > width else { return text }
        let mark = charset.ellipsis
        let room = width - of(mark)
        guard room > 0 else { return String(String.UnicodeScalarView(prefix(text.unicodeScalars[...], width))) }
        guard cut == .middle else {
            var head = prefix(text.unicodeScalars[...], room)
            // A list that ends with an ellipsis of its own has one mark, not two.
            let own = head.reversed().drop { $0 == " " }
            if own.starts(with: mark.unicodeScalars) { head = head.prefix(own.count - mark.unicodeScalars.count) }
            return String(String.UnicodeScalarView(head)) + mark
        }
        let head = atBoundary(prefix(text.unicodeScalars[...], (room + 1) / 2), losing: room / 5)
        let tail = suffix(text.unicodeScalars[...], room - columns(head))
        return String(String.UnicodeScalarView(head)) + mark + String(String.UnicodeScalarView(tail))
    }

    private static func columns(_ scalar: Unicode.Scalar) -> Int {
        if scalar.isASCII { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }

    private static func columns(_ text: Substring.UnicodeScalarView) -> Int { text.reduce(0) { $0 + columns($1) } }

    private static func prefix(_ text: Substring.UnicodeScalarView, _ width: Int) -> Substring.UnicodeScalarView {
        var left = width
        var end = text.startIndex
        while end < text.endIndex {
            left -= columns(text[end])
            if left < 0 { break }
            end = text.index(after: end)
        }
        return text[..<end]
    }

    private static func suffix(_ text: Substring.UnicodeScalarView, _ width: Int) -> Substring.UnicodeScalarView {
        var left = width
        var start = text.endIndex
        while start > text.startIndex {
            let before = text.index(before: start)
            left -= columns(text[before])
            if left < 0 { break }
            start = before
        }
        // A mark belongs to the letter before it.
        while start < text.endIndex, columns(text[start]) == 0 { start = text.index(after: start) }
        return text[start...]
    }

    /// The text up to the last `::` or `/` in it, if that loses no more columns than allowed: `Foo::…` is easier to read
    /// than `Foo::Ba…`.
    private static func atBoundary(
        _ text: Substring.UnicodeScalarView, losing most: Int
    ) -> Substring.UnicodeScalarView {
        guard let last = text.lastIndex(where: { $0 == ":" || $0 == "/" }) else { return text }
        let end = text.index(after: last)
        return columns(text[end...]) <= most ? text[..<end] : text
    }
}
