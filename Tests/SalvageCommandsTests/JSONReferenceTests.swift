import Foundation
import JSON
import Testing

@testable import SalvageCommands

/// docs/json.md and the declarations that it is made from.
@Suite struct JSONReferenceTests {
    @Test func thePageSaysWhatIsDeclared() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appendingPathComponent("docs/json.md"), encoding: .utf8)
        #expect(
            page.contains(JSONReference.markdown()),
            "docs/json.md differs from the declarations of the objects: run scripts/json-fields and commit the page")
    }

    @Test func everyObjectThatIsNamedIsDescribedOnce() {
        let names = JSONReference.objects.map(\.name)
        #expect(Set(names.map { $0.lowercased() }).count == names.count, "headings of the page are unique")
        for object in JSONReference.objects {
            for name in object.references { #expect(names.contains(name), "\(name), which \(object.name) contains") }
            let fields = object.fields.map(\.name)
            #expect(Set(fields).count == fields.count, "\(object.name)")
            #expect(
                fields.allSatisfy { $0.allSatisfy { $0.isLowercase || $0 == "_" || $0.isNumber } }, "\(object.name)")
        }
        for entry in JSONReference.entries {
            for name in entry.objects { #expect(names.contains(name), "\(name), which \(entry.command) prints") }
        }
    }

    /// Words with a bar would break the page's tables.
    @Test func noWordBreaksATable() {
        for object in JSONReference.objects {
            for field in object.fields {
                #expect(!field.help.contains("|") && !field.help.contains("\n"), "\(object.name).\(field.name)")
                #expect(field.help.first?.isUppercase != true || field.help.hasPrefix("SHA"), "\(field.help)")
            }
        }
    }
}
