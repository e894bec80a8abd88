/// The parameters after the question mark, in order, and what was wrong with them.
struct Query: Sendable {
    var pairs: [(name: String, value: String)] = []
    var violations: [APIError.Violation] = []

    init(_ text: Substring) {
        for part in text.split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Percent.decode(halves[0], plusIsSpace: true),
                let value = Percent.decode(halves.count > 1 ? halves[1] : "", plusIsSpace: true)
            else {
                violations.append(.init(field: "query", description: "must be percent-encoded UTF-8"))
                continue
            }
            pairs.append((name, value))
        }
    }

    mutating func text(_ name: String) -> String? {
        let values = pairs.filter { $0.name == name }
        if values.count > 1 { violations.append(.init(field: name, description: "must be given once")) }
        return values.first?.value
    }

    /// A text that must be there and not be empty.
    mutating func required(_ name: String) -> String {
        let value = text(name) ?? ""
        if value.isEmpty { violations.append(.init(field: name, description: "must be given and not be empty")) }
        return value
    }

    /// The API documents no other answer than 404 for operations that find a session by a parameter.
    /// - Throws: `APIError` with status 404 when something is wrong so far.
    func refuseAsNotFound() throws(APIError) {
        guard !violations.isEmpty else { return }
        var error = APIError.notFound("The session does not exist.", details: "The request names none.")
        error.violations = violations
        throw error
    }

    mutating func flag(_ name: String) -> Bool {
        switch text(name) {
        case nil, "false": return false
        case "true": return true
        case .some:
            violations.append(.init(field: name, description: "must be true or false"))
            return false
        }
    }

    /// `name[key]=value`.
    mutating func members(_ name: String) -> [(key: String, value: String)] {
        if pairs.contains(where: { $0.name == name }) {
            violations.append(.init(field: name, description: "must be given as \(name)[key]=value"))
        }
        return pairs.compactMap { pair in
            guard pair.name.hasPrefix(name + "["), pair.name.hasSuffix("]") else { return nil }
            return (String(pair.name.dropFirst(name.count + 1).dropLast()), pair.value)
        }
    }
}

/// The escapes of URLs.
enum Percent {
    /// Nil when an escape is incomplete or the bytes are not UTF-8.
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            } else if byte == UInt8(ascii: "+"), plusIsSpace {
                bytes.append(UInt8(ascii: " "))
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
