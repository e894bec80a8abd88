import Foundation
import Testing

@testable import Sandbox

/// The sandbox's own OpenAPI description, read for tests.
struct Description: @unchecked Sendable {
    /// One operation of the description.
    struct Described {
        let method: String
        let path: String
        let id: String
        /// Those of its path and its own.
        let parameters: [[String: Any]]
        let body: [String: Any]?
        let responses: [String: [String: Any]]
        let scopes: [String]

        var statuses: Set<Int> { Set(responses.keys.compactMap { Int($0) }) }

        func names(in place: String) -> [String] {
            parameters.filter { $0["in"] as? String == place }.compactMap { $0["name"] as? String }
        }
    }

    /// The description that the program carries. Nothing changes it, so threads may share it.
    static let own: Description = {
        let read = try? JSONSerialization.jsonObject(with: Data(OpenAPIDescription.text(authority: nil)))
        return Description(root: read as? [String: Any] ?? [:])
    }()

    let root: [String: Any]
    let operations: [Described]

    init(root: [String: Any]) {
        self.root = root
        var operations: [Described] = []
        let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]
        for (path, item) in root["paths"] as? [String: [String: Any]] ?? [:] {
            let shared = item["parameters"] as? [Any] ?? []
            for method in methods {
                guard let operation = item[method] as? [String: Any] else { continue }
                let parameters = (shared + (operation["parameters"] as? [Any] ?? [])).map { Self.resolve($0, root) }
                let security = operation["security"] as? [[String: [String]]] ?? []
                operations.append(
                    Described(
                        method: method.uppercased(), path: path, id: operation["operationId"] as? String ?? "",
                        parameters: parameters,
                        body: operation["requestBody"].map { Self.resolve($0, root) },
                        responses: (operation["responses"] as? [String: Any] ?? [:]).mapValues {
                            Self.resolve($0, root)
                        },
                        scopes: security.flatMap(\.values).flatMap { $0 }))
            }
        }
        self.operations = operations
    }

    /// The value itself, or what its `$ref` names.
    func resolve(_ value: Any) -> [String: Any] { Self.resolve(value, root) }

    private static func resolve(_ value: Any, _ root: [String: Any]) -> [String: Any] {
        guard let object = value as? [String: Any] else { return [:] }
        guard let name = object["$ref"] as? String else { return object }
        var found: Any = root
        for part in name.split(separator: "/").dropFirst() { found = (found as? [String: Any])?[String(part)] ?? [:] }
        return resolve(found, root)
    }

    subscript(id: String) -> Described? { operations.first { $0.id == id } }

    /// The operation that a request is for; `known` says whether there is anything at its path.
    func operation(_ method: String, _ target: String) -> (known: Bool, operation: Described?) {
        let path = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let here = operations.filter { operation in
            let wanted = operation.path.split(separator: "/", omittingEmptySubsequences: false)
            return wanted.count == parts.count
                && zip(wanted, parts).allSatisfy { want, part in
                    want.hasPrefix("{") ? !part.isEmpty || operation.responses["400"] != nil : want == part
                }
        }
        return (!here.isEmpty, here.first { $0.method == (method == "HEAD" ? "GET" : method) })
    }

    /// The violations of a schema by a JSON value, each with its place.
    func faults(of value: Any, schema reference: Any, at place: String = "body") -> [String] {
        let schema = resolve(reference)
        var faults: [String] = []
        if let type = schema["type"] as? String, !Self.isOf(type, value) { return ["\(place) is no \(type): \(value)"] }
        if let allowed = schema["enum"] as? [String], let text = value as? String, !allowed.contains(text) {
            faults.append("\(place) is none of \(allowed): \(text)")
        }
        if let number = value as? NSNumber {
            if let least = schema["minimum"] as? Double, number.doubleValue < least {
                faults.append("\(place) < \(least)")
            }
            if let most = schema["maximum"] as? Double, number.doubleValue > most {
                faults.append("\(place) > \(most)")
            }
        }
        if let items = schema["items"], let list = value as? [Any] {
            for (index, item) in list.enumerated() {
                faults += self.faults(of: item, schema: items, at: "\(place)[\(index)]")
            }
        }
        if let object = value as? [String: Any] { faults += memberFaults(of: object, schema: schema, at: place) }
        return faults
    }

    private func memberFaults(of object: [String: Any], schema: [String: Any], at place: String) -> [String] {
        var faults: [String] = []
        for name in schema["required"] as? [String] ?? [] where object[name] == nil {
            faults.append("\(place).\(name) is missing")
        }
        let properties = schema["properties"] as? [String: Any] ?? [:]
        let patterns = schema["patternProperties"] as? [String: Any] ?? [:]
        for (name, member) in object {
            let place = "\(place).\(name)"
            if let known = properties[name] {
                faults += self.faults(of: member, schema: known, at: place)
            } else if let known = patterns.first(where: { name.range(of: $0.key, options: .regularExpression) != nil })
            {
                faults += self.faults(of: member, schema: known.value, at: place)
            } else if schema["additionalProperties"] as? Bool == false {
                faults.append("\(place) is not described")
            } else if let more = schema["additionalProperties"] as? [String: Any] {
                faults += self.faults(of: member, schema: more, at: place)
            }
        }
        return faults
    }

    private static func isOf(_ type: String, _ value: Any) -> Bool {
        switch type {
        case "object": return value is [String: Any]
        case "array": return value is [Any]
        case "string": return value is String
        default: break
        }
        guard let number = value as? NSNumber else { return false }
        let isBool = isBoolean(number)
        switch type {
        case "boolean": return isBool
        case "integer": return !isBool && number.doubleValue == number.doubleValue.rounded()
        case "number": return !isBool
        default: return false
        }
    }

    /// JSON's true and 1 are both `NSNumber`; only the kind of number tells them apart.
    private static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}

/// Checks every response of a test against the description.
enum Conformity {
    /// True while a fault that contradicts the description on purpose is set.
    @TaskLocal static var isBent = false

    /// Records an issue for each way in which the answer is not as described.
    static func check(_ method: String, _ path: String, _ answer: WireClient.Answer) {
        guard !isBent, path != "/_sandbox", !path.hasPrefix("/_sandbox/") else { return }
        for fault in faults(method, path, answer) {
            Issue.record("\(method) \(path) answered \(answer.status), which is not as described: \(fault)")
        }
    }

    static func faults(_ method: String, _ path: String, _ answer: WireClient.Answer) -> [String] {
        let own = Description.own
        let (known, operation) = own.operation(method, path)
        let json: [String: Any] = ["application/json": ["schema": ["$ref": "#/components/schemas/ErrorResponse"]]]
        guard let operation else {
            let status = known ? 405 : 404
            guard answer.status == status else { return ["expected \(status)"] }
            if known, answer.headers["allow"] == nil { return ["the header Allow is missing"] }
            return bodyFaults(answer, content: json, method: method)
        }
        guard let response = operation.responses[String(answer.status)] else { return ["the status is not listed"] }
        return bodyFaults(answer, content: response["content"] as? [String: Any] ?? [:], method: method)
    }

    private static func bodyFaults(
        _ answer: WireClient.Answer, content: [String: Any], method: String
    ) -> [String] {
        if content.isEmpty { return answer.body.isEmpty ? [] : ["a body came"] }
        let type = answer.headers["content-type"]?.split(separator: ";").first.map(String.init) ?? "none"
        guard let described = content[type] as? [String: Any] else { return ["the content type is \(type)"] }
        guard type == "application/json", method != "HEAD", answer.ending == .complete else { return [] }
        guard let value = try? JSONSerialization.jsonObject(with: Data(answer.body), options: .fragmentsAllowed) else {
            return ["the body is not JSON: \(answer.text.prefix(200))"]
        }
        return Description.own.faults(of: value, schema: described["schema"] ?? [:])
    }
}
