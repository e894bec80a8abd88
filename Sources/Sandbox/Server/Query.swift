import Text

/// The query parameters in order, and their violations.
///
/// Every operation follows one rule. It first looks up its session or image; without one the response is 404. Then
/// `close` rejects, with status 422, every unknown parameter and invalid value.
struct Query: Sendable {
    private(set) var pairs: [(name: String, value: String)] = []
    private(set) var violations: [APIError.Violation] = []
    /// Indices of the pairs that the operation has read.
    private var taken: Set<Int> = []

    init(_ text: Substring) {
        for part in text.utf8.split(separator: UInt8(ascii: "&")) {
            let halves = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Percent.decode(Substring(halves[0]), plusIsSpace: true),
                let value = Percent.decode(halves.count > 1 ? Substring(halves[1]) : "", plusIsSpace: true)
            else {
                violations.append(.init(field: "query", description: "must be percent-encoded UTF-8"))
                continue
            }
            pairs.append((name, value))
        }
    }

    mutating func reject(_ field: String, _ description: String) {
        violations.append(.init(field: field, description: description))
    }

    /// Reads a parameter with one value; nil when it is not given.
    mutating func text(_ name: String) -> String? {
        let found = pairs.indices.filter { pairs[$0].name.hasSameBytes(as: name) }
        taken.formUnion(found)
        if found.count > 1 { reject(name, "must be given once") }
        return found.first.map { pairs[$0].value }
    }

    /// Reads the id of a session; nil when it is not given, empty or given twice.
    mutating func identifier(_ name: String) -> String? {
        let before = violations.count
        guard let value = text(name), !value.isEmpty, violations.count == before else { return nil }
        return value
    }

    /// Reads a parameter that must be given and not be empty.
    mutating func required(_ name: String) -> String {
        guard let value = text(name), !value.isEmpty else {
            reject(name, "must be given and not be empty")
            return ""
        }
        return value
    }

    mutating func flag(_ name: String) -> Bool {
        guard let value = text(name) else { return false }
        if value.hasSameBytes(as: "true") { return true }
        if !value.hasSameBytes(as: "false") { reject(name, "must be true or false") }
        return false
    }

    /// Reads all `name[key]=value`, and `name=value` with a nil key.
    mutating func members(_ name: String) -> [(key: String?, value: String)] {
        var members: [(key: String?, value: String)] = []
        for (index, pair) in pairs.enumerated() {
            let key = Self.key(pair.name, of: name)
            guard key != nil || pair.name.hasSameBytes(as: name) else { continue }
            taken.insert(index)
            members.append((key, pair.value))
        }
        return members
    }

    /// Ends reading. Call it after the operation has read all parameters that it knows.
    /// - Throws: `APIError` with status 422 that names every violation and every unknown parameter.
    mutating func close() throws(APIError) {
        for (index, pair) in pairs.enumerated() where !taken.contains(index) {
            reject(pair.name, "is not a parameter of this operation")
        }
        if !violations.isEmpty { throw APIError.invalid(violations) }
    }

    /// The part of `name[…]` in brackets.
    private static func key(_ text: String, of name: String) -> String? {
        let (bytes, length) = (text.utf8, name.utf8.count)
        guard bytes.count >= length + 2, text.hasBytePrefix(name + "["), bytes.last == UInt8(ascii: "]") else {
            return nil
        }
        return String(Substring(bytes.dropFirst(length + 1).dropLast()))
    }
}
