/// Reads request bodies field by field, so that every fault of a body is named and not only the first.
struct BodyReader {
    private let members: [JSONValue.Member]
    private(set) var violations: [APIError.Violation] = []

    /// - Throws: `APIError` with status 422 when the bytes are not a JSON object.
    init(_ bytes: [UInt8], allowed: [String]) throws(APIError) {
        guard let value = JSONValue(parsing: bytes) else {
            throw APIError.invalid([.init(field: "body", description: "must be JSON")])
        }
        guard let members = value.members else {
            throw APIError.invalid([.init(field: "body", description: "must be an object")])
        }
        self.members = members
        for member in members where !allowed.contains(member.name) {
            violations.append(.init(field: member.name, description: "is not known"))
        }
    }

    /// - Throws: `APIError` with every violation met so far.
    func check() throws(APIError) {
        if !violations.isEmpty { throw APIError.invalid(violations) }
    }

    mutating func text(_ name: String, required: Bool = false, notEmpty: Bool = false) -> String? {
        guard let value = member(name) else {
            if required { reject(name, "must be given") }
            return nil
        }
        guard let text = value.text else {
            reject(name, "must be a string")
            return nil
        }
        if notEmpty, text.isEmpty { reject(name, "must not be empty") }
        return text
    }

    mutating func flag(_ name: String) -> Bool {
        guard let value = member(name) else { return false }
        guard case .bool(let flag) = value else {
            reject(name, "must be true or false")
            return false
        }
        return flag
    }

    mutating func texts(_ name: String, required: Bool = false, notEmpty: Bool = false) -> [String] {
        guard let value = member(name) else {
            if required { reject(name, "must be given") }
            return []
        }
        guard case .array(let values) = value else {
            reject(name, "must be an array of strings")
            return []
        }
        var texts: [String] = []
        for (index, value) in values.enumerated() {
            guard let text = value.text, !(notEmpty && text.isEmpty) else {
                reject("\(name)[\(index)]", notEmpty ? "must be a string that is not empty" : "must be a string")
                continue
            }
            texts.append(text)
        }
        return texts
    }

    mutating func pairs(_ name: String, notEmpty: Bool = false) -> [(String, String)] {
        guard let value = member(name) else { return [] }
        guard let members = value.members else {
            reject(name, "must be an object of strings")
            return []
        }
        var pairs: [(String, String)] = []
        for member in members {
            guard let text = member.value.text, !(notEmpty && text.isEmpty) else {
                reject("\(name).\(member.name)", notEmpty ? "must be a string that is not empty" : "must be a string")
                continue
            }
            pairs.append((member.name, text))
        }
        return pairs
    }

    private func member(_ name: String) -> JSONValue? { members.first { $0.name == name }?.value }

    private mutating func reject(_ field: String, _ description: String) {
        violations.append(.init(field: field, description: description))
    }
}

extension RunRequest {
    init(body bytes: [UInt8]) throws(APIError) {
        var body = try BodyReader(
            bytes,
            allowed: [
                "id", "location", "image", "env", "args", "restart", "labels", "version", "ttl", "external_id",
            ])
        id = body.text("id", notEmpty: true)
        location = body.text("location", required: true, notEmpty: true) ?? ""
        image = body.text("image", required: true, notEmpty: true) ?? ""
        env = body.pairs("env", notEmpty: true)
        args = body.texts("args", notEmpty: true)
        restart = body.flag("restart")
        labels = body.pairs("labels")
        version = body.text("version")
        ttl = body.text("ttl")
        externalID = body.text("external_id")
        try body.check()
    }

    /// The `ttl` in minutes: `2h30m`, `90m`, `1h`; at least one.
    /// - Returns: nil when the text is none.
    static func minutes(ttl: String) -> Int? {
        var minutes = 0
        var digits = ""
        var lastUnit = 0
        guard !ttl.isEmpty, ttl.utf8.count <= 16 else { return nil }
        for character in ttl {
            if character.isASCII, character.isNumber {
                digits.append(character)
                continue
            }
            let unit = character == "h" ? 1 : character == "m" ? 2 : 0
            guard unit > lastUnit, digits.count <= 6, let number = Int(digits) else { return nil }
            minutes += unit == 1 ? number * 60 : number
            lastUnit = unit
            digits = ""
        }
        return digits.isEmpty ? max(1, minutes) : nil
    }
}
