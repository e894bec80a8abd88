/// Writes JSON strings (RFC 8259, section 7). Every writer of JSON in this package uses it, so that the same text is
/// written the same everywhere.
///
/// `"`, `\` and the control characters with a short escape (`\b \f \n \r \t`) are written with it; other control
/// characters and DEL, which terminals obey, as `\u00xx` in lower case. Everything else is written as it is.
public enum JSONString {
    /// Appends a text in quotes.
    public static func append(_ text: String, to out: inout [UInt8]) {
        var text = text
        text.withUTF8 { append(utf8: UnsafeRawBufferPointer($0), to: &out) }
    }

    /// Appends bytes, which must be valid UTF-8, in quotes.
    public static func append(utf8 bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        var plainFrom = 0
        var at = 0
        while let special = nextSpecial(bytes, from: at) {
            out.append(contentsOf: bytes[plainFrom..<special])
            escape(bytes[special], to: &out)
            at = special + 1
            plainFrom = at
        }
        out.append(contentsOf: bytes[plainFrom...])
        out.append(UInt8(ascii: "\""))
    }

    /// The position of the next byte that needs an escape.
    private static func nextSpecial(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        while index + 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let found =
                ByteMarks.controls(word) | ByteMarks.quotes(word) | ByteMarks.backslashes(word)
                | ByteMarks.equal(word, 0x7F7F_7F7F_7F7F_7F7F)
            if found != 0 { return index + found.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F { return index }
            index += 1
        }
        return nil
    }

    private static func escape(_ byte: UInt8, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: out.append(UInt8(ascii: "b"))
        case 0x09: out.append(UInt8(ascii: "t"))
        case 0x0A: out.append(UInt8(ascii: "n"))
        case 0x0C: out.append(UInt8(ascii: "f"))
        case 0x0D: out.append(UInt8(ascii: "r"))
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): out.append(byte)
        default:
            out += "u00".utf8
            out.append(digit(byte >> 4))
            out.append(digit(byte & 15))
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
