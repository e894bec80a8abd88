/// Scans the members of one JSON object without building values (RFC 8259). Malformed bytes end the scan.
enum JSONObjectScan {
    /// Calls `body` with each member's name and a closure that returns its value as text: a string unescaped, a number
    /// as written, an object as the text of its `name`; nil for anything else.
    static func eachMember(
        of bytes: UnsafeRawBufferPointer, inner: Bool = false, _ body: (_ name: String, _ value: () -> String?) -> Void
    ) {
        var index = skipSpace(bytes, 0)
        guard byte(bytes, index) == UInt8(ascii: "{") else { return }
        index = skipSpace(bytes, index + 1)
        while byte(bytes, index) == UInt8(ascii: "\"") {
            guard let nameEnd = endOfString(bytes, index) else { return }
            let name = unescape(bytes, index + 1, nameEnd - 1)
            index = skipSpace(bytes, nameEnd)
            guard byte(bytes, index) == UInt8(ascii: ":") else { return }
            let start = skipSpace(bytes, index + 1)
            guard let end = endOfValue(bytes, start) else { return }
            body(name) { text(bytes, start, end, inner: inner) }
            index = skipSpace(bytes, end)
            guard byte(bytes, index) == UInt8(ascii: ",") else { return }
            index = skipSpace(bytes, index + 1)
        }
    }

    /// Calls `body` with each member's name, still escaped, and the byte range of its value; ends when it returns
    /// false.
    static func eachRange(
        of bytes: UnsafeRawBufferPointer, _ body: (_ name: UnsafeRawBufferPointer, _ value: Range<Int>) -> Bool
    ) {
        var index = skipSpace(bytes, 0)
        guard byte(bytes, index) == UInt8(ascii: "{") else { return }
        index = skipSpace(bytes, index + 1)
        while byte(bytes, index) == UInt8(ascii: "\"") {
            guard let nameEnd = endOfString(bytes, index) else { return }
            let name = UnsafeRawBufferPointer(rebasing: bytes[(index + 1)..<max(index + 1, nameEnd - 1)])
            index = skipSpace(bytes, nameEnd)
            guard byte(bytes, index) == UInt8(ascii: ":") else { return }
            let start = skipSpace(bytes, index + 1)
            guard let end = endOfValue(bytes, start), end <= bytes.count, body(name, start..<end) else { return }
            index = skipSpace(bytes, end)
            guard byte(bytes, index) == UInt8(ascii: ",") else { return }
            index = skipSpace(bytes, index + 1)
        }
    }

    /// Calls `body` with the byte range of each element of an array.
    static func eachElement(of bytes: UnsafeRawBufferPointer, _ body: (Range<Int>) -> Void) {
        guard byte(bytes, 0) == UInt8(ascii: "[") else { return }
        var index = skipSpace(bytes, 1)
        while let end = endOfValue(bytes, index), end <= bytes.count {
            body(index..<end)
            index = skipSpace(bytes, end)
            guard byte(bytes, index) == UInt8(ascii: ",") else { return }
            index = skipSpace(bytes, index + 1)
        }
    }

    /// The text of the value at a byte range, as in ``eachMember(of:inner:_:)``; nil for an object.
    static func text(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> String? {
        text(bytes, range.lowerBound, range.upperBound, inner: true)
    }

    private static func text(
        _ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int, inner: Bool
    ) -> String? {
        switch byte(bytes, start) {
        case UInt8(ascii: "\"")?: return unescape(bytes, start + 1, end - 1)
        case UInt8(ascii: "-")?, (0x30...0x39)?: return String(decoding: bytes[start..<end], as: UTF8.self)
        // One level only, to bound the recursion.
        case UInt8(ascii: "{")? where !inner:
            var found: String?
            eachMember(of: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), inner: true) { name, value in
                if name == "name", found == nil { found = value() }
            }
            return found
        default: return nil
        }
    }

    private static func byte(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt8? {
        index < bytes.count ? bytes[index] : nil
    }

    private static func skipSpace(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var index = start
        while index < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[index]) { index += 1 }
        return index
    }

    /// The position after a string's closing quote.
    private static func endOfString(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int? {
        var index = start + 1
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""): return index + 1
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        return nil
    }

    private static func endOfValue(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int? {
        var index = start
        var depth = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""):
                guard let end = endOfString(bytes, index) else { return nil }
                index = end
                if depth == 0 { return index }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return index > start ? index : nil }
                depth -= 1
                if depth == 0 { return index + 1 }
            case UInt8(ascii: ","), 0x20, 0x0A, 0x0D, 0x09: if depth == 0 { return index > start ? index : nil }
            default: break
            }
            index += 1
        }
        return nil
    }

    private static func unescape(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> String {
        let raw = bytes[start..<max(start, end)]
        guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
        var units: [UInt16] = []
        var scalars = String(decoding: raw, as: UTF8.self).utf16.makeIterator()
        while let unit = scalars.next() {
            guard unit == 0x5C, let escape = scalars.next() else {
                units.append(unit)
                continue
            }
            switch escape {
            case 0x6E: units.append(0x0A)
            case 0x74: units.append(0x09)
            case 0x72: units.append(0x0D)
            case 0x62: units.append(0x08)
            case 0x66: units.append(0x0C)
            case 0x75:
                var value: UInt16 = 0
                for _ in 0..<4 {
                    let digit = scalars.next().flatMap { UnicodeScalar($0) }.flatMap { Character($0).hexDigitValue }
                    value = value << 4 | UInt16(truncatingIfNeeded: digit ?? 0)
                }
                units.append(value)
            default: units.append(escape)
            }
        }
        return String(decoding: units, as: UTF16.self)
    }
}
