/// The literals that a block must contain for a pattern to match in it: an AND/OR tree, as in codesearch.
///
/// The literals are folded to ASCII lower case. A query may accept blocks that do not match, but never rejects one that
/// does.
public indirect enum LiteralQuery: Sendable, Equatable {
    /// Every block may match.
    case all
    /// The block must contain this string.
    case literal([UInt8])
    /// The block must meet all of them.
    case and([LiteralQuery])
    /// The block must meet at least one of them.
    case or([LiteralQuery])

    /// Evaluates the query.
    /// - Parameter holds: whether the block may contain a literal.
    public func mayMatch(_ holds: ([UInt8]) -> Bool) -> Bool {
        switch self {
        case .all: true
        case .literal(let bytes): holds(bytes)
        case .and(let parts): parts.allSatisfy { $0.mayMatch(holds) }
        case .or(let parts): parts.contains { $0.mayMatch(holds) }
        }
    }

    /// A weaker query, of which a match that is spread over several blocks still meets all in one of them: of the parts
    /// that are all required, only the longest.
    var strongestPart: LiteralQuery {
        switch self {
        case .all, .literal: self
        case .and(let parts): parts.map(\.strongestPart).max { $0.strength < $1.strength } ?? .all
        case .or(let parts): Self.either(parts.map(\.strongestPart))
        }
    }

    private var strength: Int {
        switch self {
        case .all: 0
        case .literal(let bytes): bytes.count
        case .and(let parts): parts.map(\.strength).max() ?? 0
        case .or(let parts): parts.map(\.strength).min() ?? 0
        }
    }

    /// The literals in order of appearance, without duplicates.
    public var literals: [[UInt8]] {
        var found: [[UInt8]] = []
        collect(into: &found)
        return found
    }

    private func collect(into found: inout [[UInt8]]) {
        switch self {
        case .all: break
        case .literal(let bytes): if !found.contains(bytes) { found.append(bytes) }
        case .and(let parts), .or(let parts): for part in parts { part.collect(into: &found) }
        }
    }

    /// Joins queries with AND and drops redundant parts.
    static func both(_ parts: [LiteralQuery]) -> LiteralQuery {
        var kept: [LiteralQuery] = []
        for part in parts {
            switch part {
            case .all: continue
            case .and(let inner): for query in inner where !kept.contains(query) { kept.append(query) }
            case .literal, .or: if !kept.contains(part) { kept.append(part) }
            }
        }
        // A literal contained in a longer one is redundant in an AND.
        kept = kept.filter { query in
            guard case .literal(let short) = query else { return true }
            return !kept.contains { other in
                guard case .literal(let long) = other, long.count > short.count else { return false }
                return long.containsRun(short)
            }
        }
        return kept.isEmpty ? .all : kept.count == 1 ? kept[0] : .and(kept)
    }

    /// Joins queries with OR. A branch that every block may match makes the whole match every block.
    static func either(_ parts: [LiteralQuery]) -> LiteralQuery {
        var kept: [LiteralQuery] = []
        for part in parts {
            switch part {
            case .all: return .all
            case .or(let inner): for query in inner where !kept.contains(query) { kept.append(query) }
            case .literal, .and: if !kept.contains(part) { kept.append(part) }
            }
        }
        guard !kept.isEmpty else { return .all }
        return kept.count == 1 ? kept[0] : .or(kept)
    }

    /// The query as text: literals quoted, `AND` and `OR` with parentheses.
    public var text: String {
        switch self {
        case .all: "every block"
        case .literal(let bytes): Self.quote(bytes)
        case .and(let parts): "(" + parts.map(\.text).joined(separator: " AND ") + ")"
        case .or(let parts): "(" + parts.map(\.text).joined(separator: " OR ") + ")"
        }
    }

    private static func quote(_ bytes: [UInt8]) -> String {
        var out = "\""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar {
            case "\"", "\\": out += "\\\(scalar)"
            case let control where control.properties.generalCategory == .control || control.properties.isBidiControl:
                out += "\\u{\(String(control.value, radix: 16))}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}

extension Array where Element == UInt8 {
    /// Whether the array contains `run`.
    func containsRun(_ run: [UInt8]) -> Bool {
        guard !run.isEmpty else { return true }
        guard run.count <= count else { return false }
        return (0...(count - run.count)).contains { self[$0..<$0 + run.count].elementsEqual(run) }
    }
}
