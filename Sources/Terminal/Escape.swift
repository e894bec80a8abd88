/// Makes bytes from a container safe to print: they must not move the cursor, change colours or the title, or ring the
/// bell.
public enum Escape {
    /// Returns a printable form of `bytes`. UTF-8 text stays; control characters, bidirectional overrides and bytes that
    /// are not UTF-8 become escapes such as `\x1b` and `\u{202e}`. With `reversible` backslashes are doubled, so that no
    /// two names look the same.
    public static func display(_ bytes: some Collection<UInt8>, reversible: Bool = false) -> String {
        var out = ""
        out.reserveCapacity(bytes.count)
        var decoder = UTF8Stepper(bytes: Array(bytes))
        while let step = decoder.next() {
            switch step {
            case .scalar(let scalar):
                if reversible, scalar == "\\" {
                    out += "\\\\"
                } else if isHarmless(scalar) {
                    out.unicodeScalars.append(scalar)
                } else {
                    out += escaped(scalar)
                }
            case .invalid(let byte):
                out += hexEscape(byte)
            }
        }
        return out
    }

    /// Returns the printable form of a path. No two paths share one, and ``path(of:)`` reverses it.
    public static func path(_ bytes: some Collection<UInt8>) -> String { display(bytes, reversible: true) }

    /// Returns the path with this printable form; nil if `text` is not the printable form of a path.
    public static func path(of text: String) -> [UInt8]? {
        var out: [UInt8] = []
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\" else {
                out.append(contentsOf: String(scalar).utf8)
                continue
            }
            switch rest.popFirst() {
            case "\\": out.append(UInt8(ascii: "\\"))
            case "n": out.append(0x0A)
            case "r": out.append(0x0D)
            case "t": out.append(0x09)
            case "x":
                guard let byte = UInt8(String(String.UnicodeScalarView(rest.prefix(2))), radix: 16) else { return nil }
                out.append(byte)
                rest = rest.dropFirst(2)
            case "u":
                guard rest.popFirst() == "{", let end = rest.firstIndex(of: "}"),
                    let value = UInt32(String(String.UnicodeScalarView(rest[..<end])), radix: 16),
                    let named = Unicode.Scalar(value)
                else { return nil }
                out.append(contentsOf: String(named).utf8)
                rest = rest[end...].dropFirst()
            default: return nil
            }
        }
        // Another spelling of the same path is not its printable form.
        return path(out).utf8.elementsEqual(text.utf8) ? out : nil
    }

    /// Returns a printable form of text, see ``display(_:reversible:)-(Collection<UInt8>,_)``.
    public static func display(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        return display(text.utf8)
    }

    /// Whether `bytes` are well-formed UTF-8.
    public static func isUTF8(_ bytes: some Collection<UInt8>) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }

    static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00..<0x20, 0x7F..<0xA0: false
        case 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: false
        case 0xE0000...0xE007F: false
        default: true
        }
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default:
            // From U+0080 on: `\x85` would mean the byte, which is not UTF-8, and not the character.
            scalar.value < 0x80
                ? hexEscape(UInt8(scalar.value)) : "\\u{\(String(scalar.value, radix: 16))}"
        }
    }

    private static func hexEscape(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "\\x0\(digits)" : "\\x\(digits)"
    }
}

/// Steps through bytes as UTF-8 and reports each byte that is not part of a well-formed sequence.
struct UTF8Stepper {
    enum Step {
        case scalar(Unicode.Scalar)
        case invalid(UInt8)
    }

    let bytes: [UInt8]
    private var index = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> Step? {
        guard index < bytes.count else { return nil }
        let first = bytes[index]
        let length: Int
        switch first {
        case 0..<0x80: length = 1
        case 0xC2..<0xE0: length = 2
        case 0xE0..<0xF0: length = 3
        case 0xF0..<0xF5: length = 4
        default: length = 0
        }
        if length > 0, index + length <= bytes.count,
            let text = String(validating: bytes[index..<index + length], as: UTF8.self),
            let scalar = text.unicodeScalars.first
        {
            index += length
            return .scalar(scalar)
        }
        index += 1
        return .invalid(first)
    }
}
