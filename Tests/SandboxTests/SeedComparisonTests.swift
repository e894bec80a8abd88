import Foundation
import SalvageConfiguration
import Testing

/// The sandbox's description lacks nothing that the API's own document has. That document is not part of the project:
/// SALVAGE_SEED names it, or it is in ../shared.
@Suite struct SeedComparisonTests {
    private static let seed: Description? = {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
        let named = ProcessInfo.processInfo.environment["SALVAGE_SEED"].map { URL(fileURLWithPath: $0) }
        let file = named ?? package.standardizedFileURL.appendingPathComponent("../shared/session-api/seed.yaml")
        guard let text = try? String(contentsOf: file.standardizedFileURL, encoding: .utf8) else { return nil }
        return (try? YAMLNode.document(text)).flatMap { Self.value($0) as? [String: Any] }.map { Description(root: $0) }
    }()

    /// A value as JSON would give it: text without quotes is a truth value or a number where it reads as one.
    private static func value(_ node: YAMLNode) -> Any {
        switch node.content {
        case .scalar(let text, let isPlain):
            if isPlain, let truth = Bool(text) { return truth }
            if isPlain, let number = Int(text) { return number }
            return text
        case .sequence(let items): return items.map(Self.value)
        case .mapping(let entries):
            return Dictionary(entries.map { ($0.key.text ?? "", Self.value($0.value)) }, uniquingKeysWith: { $1 })
        }
    }

    private let own = Description.own

    @Test func nothingOfTheSeedIsMissing() throws {
        guard let seed = Self.seed else {
            print("skipped: no seed document in ../shared/session-api (SALVAGE_SEED names one)")
            return
        }
        #expect(seed.operations.count == 10)
        for wanted in seed.operations {
            let ours = try #require(own.operation(wanted.method, wanted.path).operation, "\(wanted.id)")
            #expect(ours.id == wanted.id)
            #expect(ours.path == wanted.path)
            for parameter in wanted.parameters { compareParameter(parameter, of: ours) }
            #expect((ours.body?["required"] as? Bool) == (wanted.body?["required"] as? Bool), "\(ours.id)")
            if let body = wanted.body {
                compareContent(body, ours.body ?? [:], from: seed, isRequest: true, at: "\(ours.id) request")
            }
            #expect(wanted.statuses.subtracting(ours.statuses) == [], "\(ours.id)")
            for (status, response) in wanted.responses {
                let place = "\(ours.id) \(status)"
                compareContent(response, ours.responses[status] ?? [:], from: seed, isRequest: false, at: place)
            }
        }
    }

    @Test func aMissingPieceIsFound() throws {
        guard let seed = Self.seed else {
            print("skipped: no seed document in ../shared/session-api (SALVAGE_SEED names one)")
            return
        }
        var found = 0
        for name in ["SessionRun", "SessionRunOk", "DescribedSession", "ErrorResponse"] {
            let whole = seed.resolve(["$ref": "#/components/schemas/\(name)"])
            var less = whole
            less["required"] = []
            less["properties"] = [String: Any]()
            found +=
                Self.differences(whole, less, from: seed, isRequest: name == "SessionRun", own: seed, at: name).count
            #expect(Self.differences(whole, whole, from: seed, isRequest: false, own: seed, at: name) == [])
        }
        #expect(found > 20)
    }

    private func compareParameter(_ wanted: [String: Any], of ours: Description.Described) {
        let name = wanted["name"] as? String ?? ""
        let place = wanted["in"] as? String ?? ""
        let match = ours.parameters.first { $0["name"] as? String == name && $0["in"] as? String == place }
        #expect(match != nil, "\(ours.id) lacks the parameter \(name) in \(place)")
        #expect(match?["required"] as? Bool == wanted["required"] as? Bool, "\(ours.id) \(name)")
        #expect(match?["style"] as? String == wanted["style"] as? String, "\(ours.id) \(name)")
        let (one, other) = (wanted["schema"] as? [String: Any], match?["schema"] as? [String: Any])
        #expect(one?["type"] as? String == other?["type"] as? String, "\(ours.id) \(name)")
        if let least = one?["minLength"] as? Int { #expect(other?["minLength"] as? Int == least, "\(ours.id) \(name)") }
    }

    private func compareContent(
        _ wanted: [String: Any], _ ours: [String: Any], from seed: Description, isRequest: Bool, at place: String
    ) {
        let content = ours["content"] as? [String: [String: Any]] ?? [:]
        for (type, media) in wanted["content"] as? [String: [String: Any]] ?? [:] {
            #expect(content[type] != nil, "\(place) lacks \(type)")
            guard let schema = media["schema"] else { continue }
            let found = Self.differences(
                schema, content[type]?["schema"] ?? [:], from: seed, isRequest: isRequest, own: own, at: place)
            #expect(found == [])
        }
    }

    /// What one schema has and the other lacks.
    private static func differences(
        _ wanted: Any, _ ours: Any, from seed: Description, isRequest: Bool, own: Description, at place: String
    ) -> [String] {
        let (wanted, ours) = (seed.resolve(wanted), own.resolve(ours))
        func deeper(_ one: Any, _ other: Any?, _ part: String) -> [String] {
            guard let other else { return ["\(place)\(part) is missing"] }
            return differences(one, other, from: seed, isRequest: isRequest, own: own, at: place + part)
        }
        var found: [String] = []
        let types = (wanted["type"] as? String ?? "", ours["type"] as? String ?? "")
        if types.0 != types.1, types != ("number", "integer") { found.append("\(place) is \(types.1), not \(types.0)") }
        let required = (Set(wanted["required"] as? [String] ?? []), Set(ours["required"] as? [String] ?? []))
        // A caller may rely on what the document requires and nothing else; a response may contain more.
        if isRequest ? required.0 != required.1 : !required.0.isSubset(of: required.1) {
            found.append("\(place) requires \(required.1.sorted()), not \(required.0.sorted())")
        }
        let values = (Set(wanted["enum"] as? [String] ?? []), Set(ours["enum"] as? [String] ?? []))
        if values.0 != values.1 { found.append("\(place) is one of \(values.1.sorted()), not of \(values.0.sorted())") }
        let properties = ours["properties"] as? [String: Any] ?? [:]
        for (name, schema) in wanted["properties"] as? [String: Any] ?? [:] {
            found += deeper(schema, properties[name], ".\(name)")
        }
        if let items = wanted["items"] { found += deeper(items, ours["items"], "[]") }
        if let more = wanted["additionalProperties"] as? [String: Any] {
            let patterned = (ours["patternProperties"] as? [String: Any])?.values.first
            found += deeper(more, patterned ?? ours["additionalProperties"], ".*")
        }
        return found
    }
}
