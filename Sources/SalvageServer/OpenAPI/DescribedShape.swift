import JSON

/// A shape without the type of its values, for the document.
struct DescribedShape: Sendable {
    let name: String
    let help: String
    let fields: [JSONFieldDescription]

    init<Value>(_ shape: JSONShape<Value>) {
        name = shape.name
        help = shape.help
        fields = shape.descriptions
    }

    /// Its schema. Later versions may add fields, so others are allowed.
    func schema(known: Set<String>) -> APISchema {
        APISchema.fields(
            fields.map { ($0.name, APISchema.of($0.kind, known: known), $0.help) },
            required: fields.filter(\.isAlways).map(\.name)
        ).described(help)
    }
}
