/// A JSON value (RFC 8259), for the few small documents in and beside a pack. Names and strings keep their bytes.
///
/// Foundation's coders would add their start-up time to every program that opens a pack.
package enum JSONValue: Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([(key: String, value: JSONValue)])

    package static func == (left: JSONValue, right: JSONValue) -> Bool { left.text == right.text }

    subscript(_ key: String) -> JSONValue? {
        guard case .object(let fields) = self else { return nil }
        return fields.last { $0.key == key }?.value
    }

    /// The string; nil for any other value.
    package var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    var int64: Int64? {
        switch self {
        case .integer(let value): value
        case .unsigned(let value): Int64(exactly: value)
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    var uint64: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        case .number(let value): UInt64(exactly: value)
        default: nil
        }
    }

    var array: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    /// The value as JSON text on one line.
    var text: String {
        var out = ""
        write(to: &out)
        return out
    }

    private func write(to out: inout String) {
        switch self {
        case .null: out += "null"
        case .bool(let value): out += value ? "true" : "false"
        case .integer(let value): out += String(value)
        case .unsigned(let value): out += String(value)
        case .number(let value): out += value.isFinite ? String(value) : "null"
        case .string(let value): Self.quote(value, to: &out)
        case .array(let values):
            out += "["
            for (index, value) in values.enumerated() {
                if index > 0 { out += "," }
                value.write(to: &out)
            }
            out += "]"
        case .object(let fields):
            out += "{"
            for (index, field) in fields.enumerated() {
                if index > 0 { out += "," }
                Self.quote(field.key, to: &out)
                out += ":"
                field.value.write(to: &out)
            }
            out += "}"
        }
    }

    private static func quote(_ text: String, to out: inout String) {
        let hex = Array("0123456789abcdef")
        out += "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: out += "\\\""
            case 0x5C: out += "\\\\"
            case 0x0A: out += "\\n"
            case 0..<0x20, 0x7F:
                out += "\\u00"
                out.append(hex[Int(scalar.value >> 4)])
                out.append(hex[Int(scalar.value & 15)])
            default: out.unicodeScalars.append(scalar)
            }
        }
        out += "\""
    }
}

/// Reads one JSON document; hostile text throws an error and cannot cause deep recursion.
package struct JSONParser {
    private let bytes: [UInt8]
    private var at = 0
    private static let maxDepth = 64

    /// Parses a document. Throws `damagedSection` when it is not valid JSON.
    package static func parse(_ bytes: [UInt8]) throws(PackError) -> JSONValue {
        var parser = JSONParser(bytes: bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.at == bytes.count else { throw parser.wrong("text after the end") }
        return value
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private func wrong(_ what: String) -> PackError {
        PackError(.damagedSection, "JSON: \(what)", offset: UInt64(at))
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func expect(_ word: StaticString, _ value: JSONValue) throws(PackError) -> JSONValue {
        let count = word.utf8CodeUnitCount
        let same = word.withUTF8Buffer { expected in
            at + count <= bytes.count && bytes[at..<at + count].elementsEqual(expected)
        }
        guard same else { throw wrong("unknown word") }
        at += count
        return value
    }

    private mutating func value(depth: Int) throws(PackError) -> JSONValue {
        guard depth < Self.maxDepth else { throw wrong("nested too deeply") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try expect("true", .bool(true))
        case UInt8(ascii: "f"): return try expect("false", .bool(false))
        case UInt8(ascii: "n"): return try expect("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(PackError) -> JSONValue {
        at += 1
        var fields: [(key: String, value: JSONValue)] = []
        skipSpace()
        if next == UInt8(ascii: "}") {
            at += 1
            return .object(fields)
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw wrong("a name is missing") }
            let key = try string()
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw wrong("a colon is missing") }
            at += 1
            fields.append((key, try value(depth: depth + 1)))
            if try ended(by: UInt8(ascii: "}")) { return .object(fields) }
        }
    }

    private mutating func array(depth: Int) throws(PackError) -> JSONValue {
        at += 1
        var values: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            at += 1
            return .array(values)
        }
        while true {
            values.append(try value(depth: depth + 1))
            if try ended(by: UInt8(ascii: "]")) { return .array(values) }
        }
    }

    private mutating func ended(by close: UInt8) throws(PackError) -> Bool {
        skipSpace()
        let byte = next
        at += 1
        if byte == close { return true }
        guard byte == UInt8(ascii: ",") else { throw wrong("a comma is missing") }
        return false
    }

    private mutating func number() throws(PackError) -> JSONValue {
        let start = at
        let allowed = Array("+-.eE0123456789".utf8)
        while let byte = next, allowed.contains(byte) { at += 1 }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if let value = Int64(text) { return .integer(value) }
        if let value = UInt64(text) { return .unsigned(value) }
        guard let value = Double(text), value.isFinite else { throw wrong("not a value") }
        return .number(value)
    }

    private mutating func string() throws(PackError) -> String {
        at += 1
        var out: [UInt8] = []
        while let byte = next {
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: out, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &out)
            default: out.append(byte)
            }
        }
        throw wrong("a string does not end")
    }

    private mutating func escape(into out: inout [UInt8]) throws(PackError) {
        guard let byte = next else { throw wrong("a string does not end") }
        at += 1
        switch byte {
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
        case UInt8(ascii: "u"):
            var code = try hex4()
            if code & 0xFC00 == 0xD800, next == UInt8(ascii: "\\"), at + 1 < bytes.count,
                bytes[at + 1] == UInt8(ascii: "u")
            {
                at += 2
                let low = try hex4()
                code = low & 0xFC00 == 0xDC00 ? 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF) : 0xFFFD
            }
            out.append(contentsOf: String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
        default: throw wrong("unknown escape")
        }
    }

    private mutating func hex4() throws(PackError) -> UInt32 {
        guard at + 4 <= bytes.count else { throw wrong("a string does not end") }
        var code: UInt32 = 0
        for byte in bytes[at..<at + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw wrong("unknown escape") }
            code = code << 4 | UInt32(digit)
        }
        at += 4
        return code
    }
}
