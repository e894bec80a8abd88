import JSON

/// A JSON schema in the OpenAPI document.
struct APISchema: Sendable {
    /// The schema as JSON.
    let json: [UInt8]

    private init(_ build: (inout JSONLine) -> Void) {
        var line = JSONLine()
        build(&line)
        json = line.utf8
    }

    /// A schema that is written elsewhere as JSON.
    init(json: [UInt8]) { self.json = json }

    /// Any text.
    static let text = APISchema { $0.add("type", "string") }

    /// A text that is not empty.
    static let name = APISchema {
        $0.add("type", "string")
        $0.add("minLength", 1)
    }

    /// A text of a pattern.
    static func text(matching pattern: String) -> APISchema {
        APISchema {
            $0.add("type", "string")
            $0.add("pattern", pattern)
        }
    }

    /// A text of at most that many characters.
    static func text(atMost length: Int) -> APISchema {
        APISchema {
            $0.add("type", "string")
            $0.add("maxLength", length)
        }
    }

    /// A time as requests write it.
    static let time = text(
        matching: "^(now|today|yesterday|[0-9]{1,4}[smhdw]|@[0-9]{1,10}"
            + "|20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
            + "(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{3})?)?Z)?)$")

    /// A span such as `5s`.
    static let span = text(matching: "^[0-9]{1,4}(ms|s|m|h)$")

    /// A whole number.
    static func integer(_ range: ClosedRange<Int>) -> APISchema {
        APISchema {
            $0.add("type", "integer")
            $0.add("minimum", range.lowerBound)
            $0.add("maximum", range.upperBound)
        }
    }

    /// `true` or `false`.
    static let boolean = APISchema { $0.add("type", "boolean") }

    /// One of a few words.
    static func word(_ words: [String]) -> APISchema {
        APISchema {
            $0.add("type", "string")
            $0.add("enum", words)
        }
    }

    /// An array.
    static func list(_ item: APISchema) -> APISchema {
        APISchema {
            $0.add("type", "array")
            $0.add("items", json: item.json)
        }
    }

    /// The same, or null.
    var orNull: APISchema {
        let own = json
        return APISchema { line in
            line.add("anyOf", json: Array("[".utf8) + own + Array(",{\"type\":\"null\"}]".utf8))
        }
    }

    /// An object whose shape the document describes.
    static func object(_ shape: String) -> APISchema {
        APISchema { $0.add("$ref", "#/components/schemas/\(shape)") }
    }

    /// A page of a list.
    static func page(of shape: String) -> APISchema {
        fields(
            [
                ("items", list(object(shape)), "the items"),
                ("next", text, "the cursor of the next page; absent on the last"),
            ], required: ["items"])
    }

    /// An object with these fields.
    static func fields(
        _ fields: [(name: String, schema: APISchema, help: String)], required: [String], isClosed: Bool = false
    ) -> APISchema {
        APISchema { line in
            line.add("type", "object")
            line.add("properties") { properties in
                for field in fields { properties.add(field.name, json: field.schema.described(field.help).json) }
            }
            if !required.isEmpty { line.add("required", required) }
            if isClosed { line.add("additionalProperties", false) }
        }
    }

    /// The schema with a description. One that refers to another keeps its reference beside it, as OpenAPI 3.1 allows.
    func described(_ help: String) -> APISchema {
        guard json.count > 2 else { return self }
        var line = JSONLine()
        line.add("description", help)
        return APISchema(json: Array(line.utf8.dropLast()) + [UInt8(ascii: ",")] + json.dropFirst())
    }
}
