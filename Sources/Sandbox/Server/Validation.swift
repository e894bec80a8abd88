import JSON
import Text

/// What a text in a body may hold.
enum TextRule: Sendable {
    case any
    case notEmpty
    /// For values passed to a process, where NUL ends a text.
    case withoutNUL
    case notEmptyWithoutNUL

    /// Returns what is wrong with a text; nil when it is valid.
    func fault(of text: String) -> String? {
        switch self {
        case .any: nil
        case .notEmpty: text.isEmpty ? "must not be empty" : nil
        case .withoutNUL: text.utf8.contains(0) ? "must not contain NUL" : nil
        case .notEmptyWithoutNUL: TextRule.notEmpty.fault(of: text) ?? TextRule.withoutNUL.fault(of: text)
        }
    }
}

/// Reads an object field by field and collects all violations, not only the first.
struct BodyReader {
    private let members: [JSONValue.Member]
    private(set) var violations: [APIError.Violation] = []

    /// - Throws: `APIError` with status 422 when the bytes are not a JSON object.
    init(_ bytes: [UInt8], allowed: [String]) throws(APIError) {
        guard let value = try? JSONValue(parsing: bytes) else {
            throw APIError.invalid([.init(field: "body", description: "must be JSON")])
        }
        guard let members = value.members else {
            throw APIError.invalid([.init(field: "body", description: "must be an object")])
        }
        self.init(members)
        for name in strangers(to: allowed) { reject(name, "is not known") }
    }

    init(_ members: [JSONValue.Member]) {
        self.members = members
        for name in Self.repeated(members) { reject(name, "must be given once") }
    }

    /// Names of members that are not in `allowed`.
    func strangers(to allowed: [String]) -> [String] {
        members.map(\.name).filter { name in !allowed.contains { $0.hasSameBytes(as: name) } }
    }

    /// - Throws: `APIError` with all violations so far.
    func check() throws(APIError) {
        if !violations.isEmpty { throw APIError.invalid(violations) }
    }

    mutating func reject(_ field: String, _ description: String) {
        violations.append(.init(field: field, description: description))
    }

    mutating func text(_ name: String, required: Bool = false, _ rule: TextRule = .any) -> String? {
        guard let value = member(name) else {
            if required { reject(name, "must be given") }
            return nil
        }
        guard let text = value.string else {
            reject(name, "must be a string")
            return nil
        }
        if let fault = rule.fault(of: text) { reject(name, fault) }
        return text
    }

    mutating func flag(_ name: String) -> Bool? {
        guard let value = member(name) else { return nil }
        guard case .bool(let flag) = value else {
            reject(name, "must be true or false")
            return nil
        }
        return flag
    }

    mutating func integer(_ name: String) -> Int? {
        guard let value = member(name) else { return nil }
        switch value {
        case .integer(let number): return Int(number)
        case .number(let number):
            // 1.0 and 1e2 are integers in JSON.
            if let whole = Int(exactly: number) { return whole }
        default: break
        }
        reject(name, "must be a 64-bit integer")
        return nil
    }

    mutating func texts(_ name: String, required: Bool = false, _ rule: TextRule = .any) -> [String]? {
        guard let value = member(name) else {
            if required { reject(name, "must be given") }
            return nil
        }
        guard case .array(let values) = value else {
            reject(name, "must be an array of strings")
            return nil
        }
        var texts: [String] = []
        for (index, value) in values.enumerated() {
            guard let text = value.string else {
                reject("\(name)[\(index)]", "must be a string")
                continue
            }
            if let fault = rule.fault(of: text) { reject("\(name)[\(index)]", fault) }
            texts.append(text)
        }
        return texts
    }

    mutating func pairs(_ name: String, _ rule: TextRule = .any) -> [(String, String)] {
        guard let value = member(name) else { return [] }
        guard let members = value.members else {
            reject(name, "must be an object of strings")
            return []
        }
        for twice in Self.repeated(members) { reject("\(name).\(twice)", "must be given once") }
        var pairs: [(String, String)] = []
        for member in members {
            guard let text = member.value.string else {
                reject("\(name).\(member.name)", "must be a string")
                continue
            }
            if let fault = rule.fault(of: text) { reject("\(name).\(member.name)", fault) }
            pairs.append((member.name, text))
        }
        return pairs
    }

    /// Reads environment variables. `=` and NUL in a name are rejected: `NAME=VALUE` could not be split again.
    mutating func environment(_ name: String, _ rule: TextRule) -> [(String, String)] {
        let pairs = pairs(name, rule)
        for (variable, _) in pairs
        where variable.isEmpty || variable.utf8.contains(where: { $0 == UInt8(ascii: "=") || $0 == 0 }) {
            reject("\(name).\(variable)", "the name must not be empty or contain '=' or NUL")
        }
        return pairs
    }

    private func member(_ name: String) -> JSONValue? { members.first { $0.name.hasSameBytes(as: name) }?.value }

    private static func repeated(_ members: [JSONValue.Member]) -> [String] {
        var seen: ByteSet = []
        return members.map(\.name).filter { !seen.insert($0).inserted }
    }
}

extension RunRequest {
    /// The label that sets a session's own faults.
    static let faultsLabel = "sandbox.faults"

    init(body bytes: [UInt8]) throws(APIError) {
        var body = try BodyReader(
            bytes,
            allowed: [
                "id", "location", "image", "env", "args", "restart", "labels", "version", "ttl", "external_id",
            ])
        id = body.text("id", .notEmptyWithoutNUL)
        location = body.text("location", required: true, .notEmpty) ?? ""
        image = body.text("image", required: true, .notEmpty) ?? ""
        env = body.environment("env", .notEmptyWithoutNUL)
        args = body.texts("args", .notEmptyWithoutNUL) ?? []
        restart = body.flag("restart") ?? false
        labels = body.pairs("labels")
        version = body.text("version")
        if let text = body.text("ttl") {
            ttl = TimeToLive(text)
            if ttl == nil { body.reject("ttl", TimeToLive.rule) }
        }
        externalID = body.text("external_id")
        if let text = labels.first(where: { $0.0.hasSameBytes(as: Self.faultsLabel) })?.1 {
            do {
                faults = try Faults(json: text)
            } catch {
                body.reject("labels.\(Self.faultsLabel)", "\(error)")
            }
        }
        try body.check()
    }
}
