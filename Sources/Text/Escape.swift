/// Makes bytes from a container safe to print: they must not move the cursor, change colors or the title, ring the
/// bell, or hide or reorder the text around them.
public enum Escape {
    /// White space that stays as it is.
    public enum Layout: Sendable {
        /// None: the text is one line of a table or a message.
        case none
        /// Tabs, as in one line of a log.
        case tabs
        /// Tabs and line feeds, as in a whole log.
        case tabsAndLines
    }

    /// Appends a printable form of `bytes`. UTF-8 text stays. Control characters, characters that hide or reorder text,
    /// and bytes that are not UTF-8 become escapes: `\n`, `\r`, `\t`, `\x1b`, `\u{202e}`.
    ///
    /// - Parameters:
    ///   - layout: the white space that stays.
    ///   - doublesBackslashes: whether backslashes are doubled, so that no two inputs look the same.
    ///   - asciiOnly: whether all characters beyond ASCII become escapes, for a terminal that cannot show them.
    public static func append(
        _ bytes: UnsafeRawBufferPointer, to out: inout [UInt8], keeping layout: Layout = .none,
        doublesBackslashes: Bool = false, asciiOnly: Bool = false
    ) {
        let keepsTabs = layout != .none
        let keepsLines = layout == .tabsAndLines
        var at = 0
        var plainFrom = 0
        while at < bytes.count {
            let byte = bytes[at]
            if byte >= 0x20 && byte < 0x7F && !(doublesBackslashes && byte == UInt8(ascii: "\\"))
                || keepsTabs && byte == 0x09 || keepsLines && byte == 0x0A
            {
                at += 1
                continue
            }
            let scalar = byte >= 0x80 ? UTF8Text.scalar(bytes, at: at) : nil
            if let scalar, !asciiOnly, !isDangerous(scalar.value) {
                at += scalar.length
                continue
            }
            out.append(contentsOf: bytes[plainFrom..<at])
            if let scalar {
                // `\x85` would mean the byte, which is not UTF-8, and not the character.
                out += Array("\\u{\(String(scalar.value, radix: 16))}".utf8)
                at += scalar.length
            } else {
                out += escaped(byte).utf8
                at += 1
            }
            plainFrom = at
        }
        out.append(contentsOf: bytes[plainFrom..<at])
    }

    /// Returns a printable form of `bytes`, as ``append(_:to:keeping:doublesBackslashes:)`` writes it. With
    /// `reversible` backslashes are doubled.
    public static func display(_ bytes: some Collection<UInt8>, reversible: Bool = false) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        let isDone: Void? = bytes.withContiguousStorageIfAvailable {
            append(UnsafeRawBufferPointer($0), to: &out, doublesBackslashes: reversible)
        }
        if isDone == nil {
            Array(bytes).withUnsafeBytes { append($0, to: &out, doublesBackslashes: reversible) }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Returns a printable form of text, as ``append(_:to:keeping:doublesBackslashes:)`` writes it.
    public static func display(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        return display(text.utf8)
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

    /// Whether a scalar from U+0080 on is a C1 control, or hides, reorders or separates text.
    @inline(__always)
    private static func isDangerous(_ value: UInt32) -> Bool {
        switch value {
        case 0x80...0x9F, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB,
            0xE0000...0xE007F:
            true
        default: false
        }
    }

    private static func escaped(_ byte: UInt8) -> String {
        switch byte {
        case 0x0A: return "\\n"
        case 0x0D: return "\\r"
        case 0x09: return "\\t"
        case UInt8(ascii: "\\"): return "\\\\"
        default:
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "\\x0\(digits)" : "\\x\(digits)"
        }
    }
}
