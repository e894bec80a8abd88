public import Text

/// Builds one JSON object on one line. Members keep the order in which they are added; nil values are left out.
///
/// It exists because field order and absence are part of the documented output, and because a query prints many
/// thousands of these: no intermediate values, no encoder state.
public struct JSONLine: Sendable {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]
    private var isEmpty = true

    /// An object without members.
    public init() {}

    /// The finished object as UTF-8, without a newline.
    public var utf8: [UInt8] { bytes + [UInt8(ascii: "}")] }

    /// The finished object as text, without a newline.
    public var text: String { String(decoding: utf8, as: UTF8.self) }

    /// Adds a text member unless `value` is nil.
    public mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        key(name)
        Self.quote(value.utf8, into: &bytes)
    }

    /// Adds a whole number unless `value` is nil.
    public mutating func add(_ name: String, _ value: (some BinaryInteger)?) {
        guard let value else { return }
        key(name)
        bytes.append(contentsOf: String(value).utf8)
    }

    /// Adds a fraction unless `value` is nil or not finite.
    public mutating func add(_ name: String, _ value: Double?) {
        guard let value, value.isFinite else { return }
        key(name)
        bytes.append(contentsOf: "\(value)".utf8)
    }

    /// Adds `true` or `false` unless `value` is nil.
    public mutating func add(_ name: String, _ value: Bool?) {
        guard let value else { return }
        key(name)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    /// Adds an instant, given in milliseconds since 1970, as ISO-8601 in UTC unless it is nil.
    public mutating func add(_ name: String, time milliseconds: Int64?) {
        add(name, milliseconds.map { TimeText.iso8601($0) })
    }

    /// Adds an array of texts, even if it is empty.
    public mutating func add(_ name: String, _ values: [String]) {
        key(name)
        bytes.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            Self.quote(value.utf8, into: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Adds an object of texts, sorted by key.
    public mutating func add(_ name: String, _ values: ByteDictionary<String>) {
        var object = JSONLine()
        for (key, value) in values.sortedByKey { object.add(key, value) }
        add(name, object)
    }

    /// Adds a nested object.
    public mutating func add(_ name: String, _ object: JSONLine?) {
        guard let object else { return }
        key(name)
        bytes.append(contentsOf: object.utf8)
    }

    /// Adds an array of nested objects, even if it is empty.
    public mutating func add(_ name: String, _ objects: [JSONLine]) {
        key(name)
        bytes.append(UInt8(ascii: "["))
        for (index, object) in objects.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: object.utf8)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// Adds a member whose value is already JSON.
    public mutating func add(_ name: String, json: [UInt8]) {
        key(name)
        bytes.append(contentsOf: json)
    }

    private mutating func key(_ name: String) {
        if !isEmpty { bytes.append(UInt8(ascii: ",")) }
        isEmpty = false
        Self.quote(name.utf8, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }

    /// Appends `text`, which must be UTF-8, as a JSON string. Source: RFC 8259, section 7.
    public static func quote(_ text: some Sequence<UInt8>, into out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                out.append(UInt8(ascii: "\\"))
                out.append(byte)
            case 0x0A: out.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
            case 0x0D: out.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
            case 0x09: out.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
            case 0..<0x20, 0x7F:
                out.append(contentsOf: "\\u00".utf8)
                out.append(hexDigit(byte >> 4))
                out.append(hexDigit(byte & 15))
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
