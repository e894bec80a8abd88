import JSON
import Testing

@Suite struct JSONSchemaTests {
    private struct Boat: Sendable {
        var name = "Otter"
        var length: UInt64 = .max
        var crew: [String]?
        var berth: Berth?
    }

    private struct Berth: Sendable {
        var number = 4
    }

    private static let berth = JSONShape<Berth>(
        "Berth", "Where it lies.", [.integer("number", "its number") { $0.number }])

    private static let boat = JSONShape<Boat>(
        "Boat", "A boat.",
        [
            .text("name", "its name") { $0.name }, .unsigned("length", "its length") { $0.length },
            .optionalTexts("crew", "who sails it") { $0.crew }, .object("berth", berth, "its berth") { $0.berth },
            .counts("cargo", "what it carries") { _ in [("tea", 3), ("coal", 0)] }, .mark("afloat", "true"),
            .optionalObjects("earlier", berth, "earlier berths") { _ in nil },
            .word("kind", ["sloop", "brig"], "its kind") { _ in "brig" },
        ])

    @Test func anObjectHasItsFieldsInOrder() {
        #expect(
            Self.boat.line(Boat()).text
                == #"{"name":"Otter","length":18446744073709551615,"cargo":{"tea":3,"coal":0},"afloat":true,"kind":"brig"}"#
        )
        #expect(
            Self.boat.line(Boat(crew: [], berth: Berth())).text.contains(#""crew":[],"berth":{"number":4},"cargo""#))
    }

    @Test func aFieldOfAPartIsOneOfTheWhole() {
        struct Fleet: Sendable { var flagship: Boat? }
        let fleet = JSONShape<Fleet>("Fleet", "Boats.", Self.boat.fields.map { $0.of { $0.flagship } })
        #expect(fleet.line(Fleet()).text == "{}")
        #expect(fleet.line(Fleet(flagship: Boat())).text == Self.boat.line(Boat()).text)
    }

    @Test func theSchemaSaysWhatEveryObjectHas() {
        let schema = JSONSchema.object(JSONObjectDescription(Self.boat)).text
        #expect(schema.hasPrefix(#"{"type":"object","description":"A boat.","properties":{"name":{"type":"string""#))
        #expect(schema.contains(##""berth":{"$ref":"#/components/schemas/Berth","description":"its berth"}"##))
        #expect(schema.contains(##""items":{"$ref":"#/components/schemas/Berth"}"##))
        #expect(
            schema.contains(#""cargo":{"type":"object","additionalProperties":{"type":"integer","format":"int64"}"#))
        #expect(schema.contains(#""enum":["sloop","brig"]"#))
        #expect(schema.hasSuffix(#""required":["name","length","cargo","afloat","kind"]}"#))
        #expect(JSONObjectDescription(Self.boat).references == ["Berth"])
        let both = JSONSchema.schemas([JSONObjectDescription(Self.boat), JSONObjectDescription(Self.berth)], at: "#/")
        #expect(both.text.contains(##""$ref":"#/Berth""##) && both.text.contains(#""Berth":{"type":"object""#))
    }
}
