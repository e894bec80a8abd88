/// What documentation says about one kind of JSON object: a shape without its values.
public struct JSONObjectDescription: Sendable {
    /// The object's name, such as `Session`.
    public let name: String
    /// What the object is, one sentence.
    public let help: String
    /// Its fields, in order.
    public let fields: [JSONFieldDescription]

    /// Takes the description of a shape.
    public init<Value>(_ shape: JSONShape<Value>) {
        name = shape.name
        help = shape.help
        fields = shape.descriptions
    }

    /// The names of the objects that its fields refer to, in order, each once.
    public var references: [String] {
        var names: [String] = []
        for field in fields {
            guard let name = field.kind.reference, !names.contains(name) else { continue }
            names.append(name)
        }
        return names
    }
}

extension JSONFieldDescription.Kind {
    /// The object that a value of this kind is or contains; nil if it is none.
    public var reference: String? {
        switch self {
        case .object(let name): name
        case .list(let kind), .map(let kind): kind.reference
        case .text, .integer, .number, .boolean, .time, .word: nil
        }
    }

    /// The kind in words for people, such as `array of Frame`.
    public var words: String {
        switch self {
        case .text: "string"
        case .integer: "integer"
        case .number: "number"
        case .boolean: "true or false"
        case .time: "time"
        case .word(let words): words.map { "`\($0)`" }.joined(separator: " ")
        case .list(let kind): "array of \(kind.plural)"
        case .map(let kind): "object of \(kind.plural)"
        case .object(let name): "`\(name)`"
        }
    }

    private var plural: String {
        switch self {
        case .text, .word: "strings"
        case .integer: "integers"
        case .number: "numbers"
        case .boolean: "truth values"
        case .time: "times"
        case .list, .map: words
        case .object(let name): "`\(name)`"
        }
    }
}

/// Describes objects by JSON Schema 2020-12, which OpenAPI 3.1 uses.
///
/// Objects may have more fields than described: later versions add some.
public enum JSONSchema {
    /// Where OpenAPI keeps the schemas that others refer to.
    public static let components = "#/components/schemas/"

    /// The schema of an object.
    ///
    /// - Parameters:
    ///   - description: the object.
    ///   - place: what comes before the name in a reference to another object.
    public static func object(_ description: JSONObjectDescription, at place: String = components) -> JSONLine {
        var line = JSONLine()
        line.add("type", "object")
        line.add("description", description.help)
        line.add("properties") { properties in
            for field in description.fields {
                properties.add(field.name) { property in
                    write(field.kind, at: place, to: &property)
                    property.add("description", field.help)
                }
            }
        }
        let required = description.fields.filter(\.isAlways).map(\.name)
        if !required.isEmpty { line.add("required", required) }
        return line
    }

    /// The schemas of several objects, by name: the content of OpenAPI's `components.schemas`.
    public static func schemas(_ descriptions: [JSONObjectDescription], at place: String = components) -> JSONLine {
        var line = JSONLine()
        for description in descriptions { line.add(description.name, object(description, at: place)) }
        return line
    }

    /// Adds the keywords for a kind of value to its schema.
    public static func write(_ kind: JSONFieldDescription.Kind, at place: String = components, to line: inout JSONLine)
    {
        switch kind {
        case .text: line.add("type", "string")
        case .integer:
            line.add("type", "integer")
            line.add("format", "int64")
        case .number: line.add("type", "number")
        case .boolean: line.add("type", "boolean")
        case .time:
            line.add("type", "string")
            line.add("format", "date-time")
        case .word(let words):
            line.add("type", "string")
            line.add("enum", words)
        case .list(let element):
            line.add("type", "array")
            line.add("items") { write(element, at: place, to: &$0) }
        case .map(let value):
            line.add("type", "object")
            line.add("additionalProperties") { write(value, at: place, to: &$0) }
        case .object(let name): line.add("$ref", place + name)
        }
    }
}
