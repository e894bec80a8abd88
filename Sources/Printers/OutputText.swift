import JSON
internal import LogSearch

/// Escapes text from containers for a terminal.
enum TerminalText {
    /// Appends bytes with control characters, bidirectional controls and invalid UTF-8 written as `\xNN` or `\u{N}`.
    /// - Parameter tabs: whether to keep tabs.
    static func append(_ bytes: UnsafeRawBufferPointer, to out: inout [UInt8], tabs: Bool = true) {
        var at = 0
        var plainFrom = 0
        func flush(_ out: inout [UInt8]) { out.append(contentsOf: bytes[plainFrom..<at]) }
        while at < bytes.count {
            let byte = bytes[at]
            if byte >= 0x20 && byte < 0x7F || tabs && byte == 0x09 {
                at += 1
                continue
            }
            let scalar = byte >= 0x80 ? UTF8Text.scalar(bytes, at: at) : nil
            if let scalar, !isDangerous(scalar.value) {
                at += scalar.length
                continue
            }
            flush(&out)
            if let scalar {
                out += "\\u{\(String(scalar.value, radix: 16))}".utf8
                at += scalar.length
            } else {
                out += "\\x".utf8
                out.append(hexDigits[Int(byte >> 4)])
                out.append(hexDigits[Int(byte & 15)])
                at += 1
            }
            plainFrom = at
        }
        flush(&out)
    }

    static func append(_ text: String, to out: inout [UInt8]) {
        Array(text.utf8).withUnsafeBytes { append($0, to: &out) }
    }

    /// Whether it is a C1 control, or a character that reorders or hides text.
    private static func isDangerous(_ value: UInt32) -> Bool {
        switch value {
        case 0x80...0x9F, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB,
            0xE0000...0xE007F:
            true
        default: false
        }
    }
}

let hexDigits = Array("0123456789ABCDEF".utf8)

/// Decoding of UTF-8 in raw bytes.
enum UTF8Text {
    /// The scalar that begins at `at`; nil when the bytes are not valid UTF-8.
    static func scalar(_ bytes: UnsafeRawBufferPointer, at: Int) -> (value: UInt32, length: Int)? {
        let first = bytes[at]
        if first < 0x80 { return (UInt32(first), 1) }
        let length: Int
        var value: UInt32
        switch first {
        case 0xC2...0xDF: (length, value) = (2, UInt32(first & 0x1F))
        case 0xE0...0xEF: (length, value) = (3, UInt32(first & 0x0F))
        case 0xF0...0xF4: (length, value) = (4, UInt32(first & 0x07))
        default: return nil
        }
        guard at + length <= bytes.count else { return nil }
        for index in 1..<length {
            let next = bytes[at + index]
            guard next & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(next & 0x3F)
        }
        let least: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000
        guard value >= least, value <= 0x10FFFF, !(0xD800...0xDFFF).contains(value) else { return nil }
        return (value, length)
    }

    /// Whether all bytes are valid UTF-8.
    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if bytes.isASCII() { return true }
        var at = 0
        while at < bytes.count {
            guard let scalar = scalar(bytes, at: at) else { return false }
            at += scalar.length
        }
        return true
    }
}

/// Bytes in JSON, as ripgrep writes them.
enum JSONBytes {
    /// ripgrep's data object: `{"text":…}`, or `{"bytes":…}` in base64 when the bytes are not UTF-8.
    static func appendData(_ bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        if UTF8Text.isValid(bytes) {
            out += "{\"text\":".utf8
            JSONString.append(utf8: bytes, to: &out)
        } else {
            out += "{\"bytes\":\"".utf8
            appendBase64(bytes, to: &out)
            out.append(0x22)
        }
        out.append(0x7D)
    }

    private static let base64 = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static func appendBase64(_ bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
        var at = 0
        while at < bytes.count {
            let left = min(3, bytes.count - at)
            var group = UInt32(bytes[at]) << 16
            if left > 1 { group |= UInt32(bytes[at + 1]) << 8 }
            if left > 2 { group |= UInt32(bytes[at + 2]) }
            for index in 0..<4 {
                out.append(index <= left ? base64[Int(group >> (18 - 6 * UInt32(index)) & 63)] : 0x3D)
            }
            at += 3
        }
    }
}

extension Array where Element == UInt8 {
    /// Appends a number in decimal.
    mutating func append(decimal value: UInt64) {
        if value < 10 {
            append(0x30 + UInt8(value))
            return
        }
        var rest = value
        let start = count
        while rest > 0 {
            append(0x30 + UInt8(rest % 10))
            rest /= 10
        }
        self[start...].reverse()
    }
}
