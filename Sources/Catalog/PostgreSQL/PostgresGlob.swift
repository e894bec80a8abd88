import Text

extension Glob {
    /// This glob as one of PostgreSQL's advanced regular expressions, with the same answers for all texts that PostgreSQL can
    /// store: valid UTF-8 without NUL. Nil for a glob over paths.
    ///
    /// Source of the syntax: https://www.postgresql.org/docs/15/functions-matching.html#FUNCTIONS-POSIX-REGEXP. A line feed is
    /// an ordinary character, and under the collation "C" a range has the scalars between its ends.
    var postgres: String? {
        guard var pieces = pieces?[...] else { return nil }
        var (starts, ends) = ("^", "$")
        if pieces.first == .anyText {
            pieces.removeFirst()
            starts = ""
        }
        if pieces.last == .anyText {
            pieces.removeLast()
            ends = ""
        }
        var body = ""
        var literal: [UInt8] = []
        for piece in pieces {
            if case .byte(let byte) = piece {
                literal.append(byte)
                continue
            }
            body += Self.quoted(literal)
            literal = []
            switch piece {
            case .byte: break
            case .anyText: body += ".*"
            case .anyCharacter: body += "."
            case .set(let ranges, let negated): body += Self.postgresSet(ranges, negated: negated)
            }
        }
        body += Self.quoted(literal)
        // Without an anchor an empty expression would be one that every text matches, which is what `*` means.
        return starts + body + ends
    }

    /// A character that no text has.
    private static let nothing = "[^\\U00000001-\\U0010FFFF]"

    private static func quoted(_ bytes: [UInt8]) -> String {
        guard !bytes.contains(0) else { return nothing }
        var text = ""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            let isPlain = !scalar.isASCII || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
            // Only punctuation may be quoted; a control character is itself.
            if !isPlain, scalar.value > 0x20, scalar.value < 0x7F { text += "\\" }
            text.unicodeScalars.append(scalar)
        }
        return text
    }

    private static func postgresSet(_ ranges: [ClosedRange<UInt32>], negated: Bool) -> String {
        var members = ""
        for range in ranges where range.upperBound > 0 {
            members += "\\U\(digits(max(1, range.lowerBound)))-\\U\(digits(range.upperBound))"
        }
        if members.isEmpty { return negated ? "." : nothing }
        return negated ? "[^\(members)]" : "[\(members)]"
    }

    private static func digits(_ value: UInt32) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, 8 - text.count)) + text
    }
}
