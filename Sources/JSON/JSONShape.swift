/// The fields of one kind of JSON object, in the order in which they are written.
///
/// It is the only declaration of an object: the command line's and the server's output, `docs/json.md` and the server's
/// OpenAPI description are made from it.
public struct JSONShape<Value>: Sendable {
    /// The object's name in the documentation, such as `Session`.
    public let name: String
    /// What the object is, one sentence.
    public let help: String
    /// Its fields, in order.
    public let fields: [JSONField<Value>]

    /// Declares an object.
    public init(_ name: String, _ help: String, _ fields: [JSONField<Value>]) {
        self.name = name
        self.help = help
        self.fields = fields
    }

    /// The object of a value. Facts that the value does not have are left out.
    public func line(_ value: Value) -> JSONLine {
        var line = JSONLine()
        write(value, to: &line)
        return line
    }

    /// Adds the fields to an object that has others.
    public func write(_ value: Value, to line: inout JSONLine) {
        for field in fields { field.write(value, &line) }
    }

    /// The fields without their values, for documentation.
    public var descriptions: [JSONFieldDescription] { fields.map(\.description) }
}

/// What documentation says about a field.
public struct JSONFieldDescription: Sendable {
    /// The kind of a field's value.
    public indirect enum Kind: Sendable {
        /// A string.
        case text
        /// A whole number.
        case integer
        /// A number with a fraction.
        case number
        /// `true` or `false`.
        case boolean
        /// A point in time, ISO-8601 in UTC with milliseconds.
        case time
        /// One of these words.
        case word([String])
        /// An array.
        case list(Kind)
        /// An object whose names are data and whose values are of one kind.
        case map(Kind)
        /// An object of another shape, by its name.
        case object(String)
    }

    /// The field's name, `snake_case`.
    public let name: String
    /// The kind of its value.
    public let kind: Kind
    /// Whether every object has it.
    public let isAlways: Bool
    /// What it says, with its unit; a phrase.
    public let help: String
}

/// One field of a JSON object: its name, its kind, what it says, and how it is read from a value.
public struct JSONField<Value>: Sendable {
    /// What documentation says about it.
    public let description: JSONFieldDescription
    let write: @Sendable (Value, inout JSONLine) -> Void

    /// A field that `write` adds to the object.
    public init(
        _ name: String, _ kind: JSONFieldDescription.Kind, always: Bool, _ help: String,
        write: @escaping @Sendable (Value, inout JSONLine) -> Void
    ) {
        description = JSONFieldDescription(name: name, kind: kind, isAlways: always, help: help)
        self.write = write
    }

    /// A string that every object has.
    public static func text(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> String
    ) -> JSONField {
        JSONField(name, .text, always: true, help) { $1.add(name, read($0)) }
    }

    /// A string that an object may lack.
    public static func optionalText(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> String?
    ) -> JSONField {
        JSONField(name, .text, always: false, help) { $1.add(name, read($0)) }
    }

    /// One of a few words.
    public static func word(
        _ name: String, _ words: [String], _ help: String, _ read: @escaping @Sendable (Value) -> String
    ) -> JSONField {
        JSONField(name, .word(words), always: true, help) { $1.add(name, read($0)) }
    }

    /// An array of strings.
    public static func texts(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> [String]
    ) -> JSONField {
        JSONField(name, .list(.text), always: true, help) { $1.add(name, read($0)) }
    }

    /// A whole number that every object has.
    public static func integer(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> Int
    ) -> JSONField {
        JSONField(name, .integer, always: true, help) { $1.add(name, read($0)) }
    }

    /// A whole number that an object may lack.
    public static func optionalInteger(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> Int?
    ) -> JSONField {
        JSONField(name, .integer, always: false, help) { $1.add(name, read($0)) }
    }

    /// A number with a fraction; left out if it is nil or not finite.
    public static func number(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> Double?
    ) -> JSONField {
        JSONField(name, .number, always: false, help) { $1.add(name, read($0)) }
    }

    /// `true` or `false`; left out if nil.
    public static func boolean(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> Bool?
    ) -> JSONField {
        JSONField(name, .boolean, always: false, help) { $1.add(name, read($0)) }
    }

    /// A point in time, given in milliseconds since 1970; left out if nil.
    public static func time(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Value) -> Int64?
    ) -> JSONField {
        JSONField(name, .time, always: false, help) { $1.add(name, time: read($0)) }
    }

    /// An object of another shape; left out if nil.
    public static func object<Other>(
        _ name: String, _ shape: JSONShape<Other>, _ help: String, _ read: @escaping @Sendable (Value) -> Other?
    ) -> JSONField {
        JSONField(name, .object(shape.name), always: false, help) { $1.add(name, read($0).map { shape.line($0) }) }
    }

    /// An array of objects of another shape.
    public static func objects<Other>(
        _ name: String, _ shape: JSONShape<Other>, _ help: String, _ read: @escaping @Sendable (Value) -> [Other]
    ) -> JSONField {
        JSONField(name, .list(.object(shape.name)), always: true, help) { value, line in
            line.add(name, read(value)) { inner, item in shape.write(item, to: &inner) }
        }
    }
}
