/// Makes bytes that a container chose safe to show: no byte of theirs may move the cursor, recolour, retitle or ring.
public enum Escape {
    /// A printable form of `bytes`: valid UTF-8 text stays, control characters, bidirectional overrides and bytes that
    /// are not UTF-8 become `\x1b`-like or `\u{202e}`-like escapes. A backslash that would be mistaken for one of these
    /// escapes is doubled when `reversible` is set.
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

    /// A printable form of text, see ``display(_:reversible:)-(Collection<UInt8>,_)``.
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
            scalar.value < 0x100
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
