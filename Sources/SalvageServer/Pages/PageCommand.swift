import Text

/// Commands that pages offer to copy.
enum PageCommand {
    /// The selection of an address as flags, each value quoted for a shell.
    static func flags(_ query: QueryItems) -> String {
        let known = ["since", "until", "image", "tag", "location", "label", "signature", "session"]
        return query.pairs.filter { pair in !pair.value.isEmpty && known.contains { $0.hasSameBytes(as: pair.name) } }
            .map { " --\($0.name) \(quoted($0.value))" }.joined()
    }

    /// A word for a POSIX shell. What cannot be typed, such as a line feed, is written as `$'…'` with escapes.
    static func quoted(_ word: String) -> String {
        if !word.isEmpty, word.utf8.allSatisfy(isPlain) { return word }
        let isPrintable = Escape.display(word).hasSameBytes(as: word)
        guard !isPrintable else {
            return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }
        return "$'" + word.utf8.map(ansi).joined() + "'"
    }

    private static func ansi(_ byte: UInt8) -> String {
        switch byte {
        case UInt8(ascii: "'"): "\\'"
        case UInt8(ascii: "\\"): "\\\\"
        case 0x20..<0x7F: String(UnicodeScalar(byte))
        default: "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: ","), UInt8(ascii: "@"),
            UInt8(ascii: "+"), UInt8(ascii: "%"):
            true
        default: false
        }
    }
}
