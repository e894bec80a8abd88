/// Text as the content of an element.
public enum XMLText {
    /// Returns the text with markup and white space that readers change escaped. Other control characters cannot be written
    /// in XML 1.0; see ``isWritable(_:)``.
    public static func escaped(_ text: String) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): out += "&amp;".utf8
            case UInt8(ascii: "<"): out += "&lt;".utf8
            case UInt8(ascii: ">"): out += "&gt;".utf8
            case UInt8(ascii: "\""): out += "&quot;".utf8
            case 0x09, 0x0A, 0x0D: out += "&#\(byte);".utf8
            default: out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Whether XML 1.0 has all characters of a text (section 2.2).
    public static func isWritable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy {
            $0.value >= 0x20 && $0.value != 0xFFFE && $0.value != 0xFFFF || $0 == "\t" || $0 == "\n" || $0 == "\r"
        }
    }
}
