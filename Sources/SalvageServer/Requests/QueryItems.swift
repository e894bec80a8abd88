import HTTPTypes
import Hummingbird
import Text

/// The names and values of an address's query, or of a form, in order.
struct QueryItems: Sendable {
    let pairs: [(name: String, value: String)]

    /// Names and values that were read already.
    init(pairs: [(name: String, value: String)]) { self.pairs = pairs }

    /// Reads the part of an address after `?`, or the body of a form.
    ///
    /// - Throws: ``ServerFailure`` with status 400 for an invalid escape.
    init(_ text: String) throws {
        var pairs: [(name: String, value: String)] = []
        for part in text.utf8.split(separator: UInt8(ascii: "&")) {
            let halves = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard pairs.count < 1000, let name = Percent.decode(Substring(halves[0]), plusIsSpace: true),
                let value = Percent.decode(halves.count > 1 ? Substring(halves[1]) : "", plusIsSpace: true)
            else {
                throw ServerFailure(
                    .badRequest, "bad_query", "the query is not percent-encoded UTF-8, or has over 1000 parts",
                    hint: "encode each name and value")
            }
            pairs.append((name, value))
        }
        self.pairs = pairs
    }

    /// Reads the query of a request.
    init(_ request: Request) throws {
        let target = request.head.path ?? ""
        // Bytes, not characters: a combining mark may follow the question mark.
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else {
            self.init(pairs: [])
            return
        }
        try self.init(String(Substring(target.utf8[target.utf8.index(after: mark)...])))
    }

    /// All values of a name. An empty value counts as none, because forms send their empty fields.
    func all(_ name: String) -> [String] {
        pairs.filter { $0.name.hasSameBytes(as: name) && !$0.value.isEmpty }.map(\.value)
    }

    /// The only value of a name; nil when there is none.
    ///
    /// - Throws: ``ServerFailure`` with status 400 for two values.
    func one(_ name: String) throws -> String? {
        let values = all(name)
        guard values.count < 2 else {
            throw ServerFailure(.badRequest, "bad_\(name)", "'\(name)' is given twice", hint: "keep one of the values")
        }
        return values.first
    }

    /// A whole number in a range; nil when it is not given.
    func number(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = try one(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw ServerFailure(
                .badRequest, "bad_\(name)", "invalid value '\(text)' for '\(name)'",
                hint: "write a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// `true` or `1`, or `false` or `0`, or nothing.
    func flag(_ name: String) throws -> Bool {
        switch try one(name) {
        case nil, "0", "false": return false
        case "1", "true", "on": return true
        case let text?:
            throw ServerFailure(
                .badRequest, "bad_\(name)", "invalid value '\(text)' for '\(name)'", hint: "write true or false")
        }
    }

    /// Checks that each name but these has a value, so that a script whose variable is empty does not select everything.
    func checkValues(except free: String) throws {
        for (name, value) in pairs where value.isEmpty && !name.hasSameBytes(as: free) {
            throw ServerFailure(
                .badRequest, "empty_parameter", "'\(name)' has no value", hint: "leave it out, or give it a value")
        }
    }

    /// Checks that there are no names but these, so that a misspelled filter does not select everything.
    func check(only known: [String]) throws {
        for (name, _) in pairs where !known.contains(where: { $0.hasSameBytes(as: name) }) {
            throw ServerFailure(
                .badRequest, "unknown_parameter", "'\(name)' is not a parameter of this address",
                hint: "it takes: \(known.isEmpty ? "none" : known.joined(separator: ", "))")
        }
    }
}
