/// Reads JSON (RFC 8259) and keeps what Foundation's decoder loses: the order of members, names that differ only in
/// their bytes, and duplicate names.
struct JSONReader {
    private var rest: ArraySlice<UInt8>
    private var depth = 0

    /// A text with deeper nesting is rejected.
    private static let maximumDepth = 128

    /// Returns the value; nil when the bytes are not one JSON value in UTF-8.
    static func value(of bytes: [UInt8]) -> JSONValue? {
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var reader = JSONReader(rest: bytes[...])
        guard let value = reader.value() else { return nil }
        reader.skipSpace()
        return reader.rest.isEmpty ? value : nil
    }

    private init(rest: ArraySlice<UInt8>) { self.rest = rest }

    private mutating func value() -> JSONValue? {
        skipSpace()
        switch rest.first {
        case UInt8(ascii: "{"): return nested { $0.object() }
        case UInt8(ascii: "["): return nested { $0.array() }
        case UInt8(ascii: "\""): return text().map { .string($0) }
        case UInt8(ascii: "t"): return word("true") ? .bool(true) : nil
        case UInt8(ascii: "f"): return word("false") ? .bool(false) : nil
        case UInt8(ascii: "n"): return word("null") ? .null : nil
        default: return number()
        }
    }

    private mutating func nested(_ read: (inout JSONReader) -> JSONValue?) -> JSONValue? {
        guard depth < Self.maximumDepth else { return nil }
        depth += 1
        defer { depth -= 1 }
        rest = rest.dropFirst()
        return read(&self)
    }

    private mutating func object() -> JSONValue? {
        var members: [JSONValue.Member] = []
        skipSpace()
        if take("}") { return .object([]) }
        repeat {
            skipSpace()
            guard let name = text() else { return nil }
            skipSpace()
            guard take(":"), let value = value() else { return nil }
            members.append(.init(name, value))
            skipSpace()
        } while take(",")
        return take("}") ? .object(members) : nil
    }

    private mutating func array() -> JSONValue? {
        var values: [JSONValue] = []
        skipSpace()
        if take("]") { return .array([]) }
        repeat {
            guard let value = value() else { return nil }
            values.append(value)
            skipSpace()
        } while take(",")
        return take("]") ? .array(values) : nil
    }

    private mutating func text() -> String? {
        guard take("\"") else { return nil }
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"): guard escape(into: &bytes) else { return nil }
            case 0..<0x20: return nil
            default: bytes.append(byte)
            }
        }
        return nil
    }

    private mutating func escape(into bytes: inout [UInt8]) -> Bool {
        let plain: [UInt8: UInt8] = [
            UInt8(ascii: "\""): 0x22, UInt8(ascii: "\\"): 0x5c, UInt8(ascii: "/"): 0x2f, UInt8(ascii: "b"): 8,
            UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10, UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9,
        ]
        guard let letter = rest.popFirst() else { return false }
        if let byte = plain[letter] {
            bytes.append(byte)
            return true
        }
        guard letter == UInt8(ascii: "u"), var code = hexadecimal() else { return false }
        if (0xd800..<0xdc00).contains(code) {
            guard take("\\"), take("u"), let low = hexadecimal(), (0xdc00..<0xe000).contains(low) else { return false }
            code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
        }
        // Nil for half of a surrogate pair.
        guard let scalar = Unicode.Scalar(code) else { return false }
        bytes.append(contentsOf: String(scalar).utf8)
        return true
    }

    private mutating func hexadecimal() -> UInt32? {
        guard rest.count >= 4 else { return nil }
        var value: UInt32 = 0
        for byte in rest.prefix(4) {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
            value = value << 4 | UInt32(digit)
        }
        rest = rest.dropFirst(4)
        return value
    }

    private mutating func number() -> JSONValue? {
        let start = rest
        _ = take("-")
        let whole = digits()
        guard whole > 0, whole == 1 || !isZero(start) else { return nil }
        var isInteger = true
        if take(".") {
            isInteger = false
            guard digits() > 0 else { return nil }
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            guard digits() > 0 else { return nil }
        }
        let text = String(decoding: start.prefix(start.count - rest.count), as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        return Double(text).map { .number($0) }
    }

    /// Whether a number begins with 0; no digit may follow it.
    private func isZero(_ number: ArraySlice<UInt8>) -> Bool {
        number.drop { $0 == UInt8(ascii: "-") }.first == UInt8(ascii: "0")
    }

    private mutating func digits() -> Int {
        let run = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        rest = rest.dropFirst(run.count)
        return run.count
    }

    private mutating func word(_ word: StaticString) -> Bool {
        let bytes = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        guard rest.starts(with: bytes) else { return false }
        rest = rest.dropFirst(bytes.count)
        return true
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func skipSpace() {
        rest = rest.drop { $0 == 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }
    }
}
