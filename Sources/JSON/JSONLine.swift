public import Text

/// Writes one JSON object on one line. Members keep the order in which they are added; nil values are left out.
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

    /// A JSON array of objects as UTF-8.
    public static func array(_ objects: [JSONLine]) -> [UInt8] {
        var out: [UInt8] = [UInt8(ascii: "[")]
        for (index, object) in objects.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            out += object.utf8
        }
        out.append(UInt8(ascii: "]"))
        return out
    }

    // MARK: Single values

    /// Adds a text member unless `value` is nil.
    public mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        key(name)
        JSONString.append(value, to: &bytes)
    }

    /// Adds a whole number unless `value` is nil.
    public mutating func add(_ name: String, _ value: (some BinaryInteger)?) {
        guard let value else { return }
        key(name)
        bytes += String(value).utf8
    }

    /// Adds a fraction unless `value` is nil or not finite.
    public mutating func add(_ name: String, _ value: Double?) {
        guard let value, value.isFinite else { return }
        key(name)
        bytes += "\(value)".utf8
    }

    /// Adds `true` or `false` unless `value` is nil.
    public mutating func add(_ name: String, _ value: Bool?) {
        guard let value else { return }
        key(name)
        bytes += (value ? "true" : "false").utf8
    }

    /// Adds a member whose value is already JSON.
    public mutating func add(_ name: String, json: [UInt8]) {
        key(name)
        bytes += json
    }

    // MARK: Objects and arrays

    /// Adds an array of texts, even if it is empty.
    public mutating func add(_ name: String, _ values: [String]) {
        array(name, values) { JSONString.append($1, to: &$0.bytes) }
    }

    /// Adds an object of texts, sorted by key.
    public mutating func add(_ name: String, _ values: ByteDictionary<String>) {
        add(name) { object in
            for (key, value) in values.sortedByKey { object.add(key, value) }
        }
    }

    /// Adds a nested object unless it is nil.
    public mutating func add(_ name: String, _ object: JSONLine?) {
        guard let object else { return }
        add(name, json: object.utf8)
    }

    /// Adds an array of nested objects, even if it is empty.
    public mutating func add(_ name: String, _ objects: [JSONLine]) {
        add(name, json: Self.array(objects))
    }

    /// Adds a nested object, whose members `body` adds.
    public mutating func add(_ name: String, object body: (inout JSONLine) -> Void) {
        key(name)
        nested(body)
    }

    /// Adds an array with one object for each item, even if it is empty; `body` adds the object's members.
    public mutating func add<Item>(_ name: String, _ items: [Item], object body: (inout JSONLine, Item) -> Void) {
        array(name, items) { line, item in line.nested { body(&$0, item) } }
    }

    private mutating func array<Item>(_ name: String, _ items: [Item], _ write: (inout JSONLine, Item) -> Void) {
        key(name)
        bytes.append(UInt8(ascii: "["))
        for (index, item) in items.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            write(&self, item)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func nested(_ body: (inout JSONLine) -> Void) {
        bytes.append(UInt8(ascii: "{"))
        isEmpty = true
        body(&self)
        bytes.append(UInt8(ascii: "}"))
        isEmpty = false
    }

    private mutating func key(_ name: String) {
        if !isEmpty { bytes.append(UInt8(ascii: ",")) }
        isEmpty = false
        JSONString.append(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
    }
}
