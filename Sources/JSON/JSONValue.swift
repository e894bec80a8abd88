import Text

/// A JSON value as a tree, for small documents. Objects keep the order and the bytes of their members' names.
///
/// Foundation's coders lose both, and add their start-up time to every program that opens a pack.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent.
    case integer(Int64)
    /// A number without fraction and exponent above `Int64.max`.
    case unsigned(UInt64)
    /// Any other number.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([Member])

    /// A named value of an object.
    public struct Member: Sendable, Equatable {
        /// The name. Names are compared by their bytes.
        public var name: String
        /// The value.
        public var value: JSONValue

        /// A named value.
        public init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }

        /// Whether both are written the same.
        public static func == (left: Member, right: Member) -> Bool {
            left.name.hasSameBytes(as: right.name) && left.value == right.value
        }
    }

    /// An object of strings.
    public static func strings(_ pairs: some Sequence<(String, String)>) -> JSONValue {
        .object(pairs.map { Member($0.0, .string($0.1)) })
    }

    /// Whether both are written the same. `é` in one scalar and in two are different texts, 1 and 1.0 different numbers.
    public static func == (left: JSONValue, right: JSONValue) -> Bool { left.utf8 == right.utf8 }

    // MARK: Members

    /// The first member of an object with this name, compared by bytes; nil for any other value.
    public subscript(_ name: String) -> JSONValue? {
        members?.first { $0.name.hasSameBytes(as: name) }?.value
    }

    /// The string; nil for any other value.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The number, if it is whole and fits; nil for any other value.
    public var int64: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// The number, if it is whole and fits; nil for any other value.
    public var uint64: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        case .number(let value): UInt64(exactly: value)
        default: nil
        }
    }

    /// The value, if it is true or false; nil for any other value.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The elements of an array; nil for any other value.
    public var array: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    /// The members of an object; nil for any other value.
    public var members: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    // MARK: Writing

    /// The value as JSON text in UTF-8, without white space.
    public var utf8: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }

    /// Appends the value as JSON text in UTF-8, without white space. A number that is not finite becomes null.
    public func write(to out: inout [UInt8]) {
        switch self {
        case .null: out += "null".utf8
        case .bool(let value): out += (value ? "true" : "false").utf8
        case .integer(let value): out += String(value).utf8
        case .unsigned(let value): out += String(value).utf8
        case .number(let value): out += (value.isFinite ? String(value) : "null").utf8
        case .string(let value): JSONString.append(value, to: &out)
        case .array(let values):
            out.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                value.write(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                JSONString.append(member.name, to: &out)
                out.append(UInt8(ascii: ":"))
                member.value.write(to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }
}

// MARK: Reading

extension JSONValue {
    /// Reads one JSON document in UTF-8, by the rules of ``JSONCursor``.
    public init(parsing bytes: some Sequence<UInt8>) throws(JSONFault) {
        let outcome: Result<JSONValue, JSONFault> = Array(bytes).withUnsafeBytes { bytes in
            do throws(JSONFault) { return .success(try JSONValue(document: bytes)) } catch { return .failure(error) }
        }
        self = try outcome.get()
    }

    /// Reads one JSON document in UTF-8, by the rules of ``JSONCursor``.
    public init(document bytes: UnsafeRawBufferPointer) throws(JSONFault) {
        var cursor = JSONCursor(bytes)
        self = try Self.read(&cursor, depth: 0, JSONScratch(capacity: 256))
        guard cursor.atEnd() else { throw .malformed("text after the end", at: cursor.position) }
    }

    private static func read(
        _ cursor: inout JSONCursor, depth: Int, _ scratch: JSONScratch
    ) throws(JSONFault) -> JSONValue {
        switch try cursor.token() {
        case UInt8(ascii: "{"): return .object(try members(&cursor, depth, scratch))
        case UInt8(ascii: "["): return .array(try elements(&cursor, depth, scratch))
        case UInt8(ascii: "\""): return .string(try cursor.text(try cursor.string(), in: scratch))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number(&cursor)
        case UInt8(ascii: "t"):
            try cursor.literal("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try cursor.literal("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try cursor.literal("null")
            return .null
        default: throw .malformed("expected a value", at: cursor.position)
        }
    }

    private static func members(
        _ cursor: inout JSONCursor, _ depth: Int, _ scratch: JSONScratch
    ) throws(JSONFault) -> [Member] {
        var members: [Member] = []
        guard try cursor.enter(closing: UInt8(ascii: "}"), depth: depth) else { return members }
        repeat {
            let name = try cursor.text(try cursor.key(), in: scratch)
            members.append(Member(name, try read(&cursor, depth: depth + 1, scratch)))
        } while try cursor.another(closing: UInt8(ascii: "}"))
        return members
    }

    private static func elements(
        _ cursor: inout JSONCursor, _ depth: Int, _ scratch: JSONScratch
    ) throws(JSONFault) -> [JSONValue] {
        var values: [JSONValue] = []
        guard try cursor.enter(closing: UInt8(ascii: "]"), depth: depth) else { return values }
        repeat {
            values.append(try read(&cursor, depth: depth + 1, scratch))
        } while try cursor.another(closing: UInt8(ascii: "]"))
        return values
    }

    private static func number(_ cursor: inout JSONCursor) throws(JSONFault) -> JSONValue {
        let span = cursor.digits()
        try cursor.checkNumber(span)
        if let text = cursor.source(span) {
            if let value = Int64(text) { return .integer(value) }
            if let value = UInt64(text) { return .unsigned(value) }
        }
        return .number(try cursor.double(span))
    }
}
