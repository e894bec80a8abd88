/// What a pattern means, as far as finding its required literals needs to know.
///
/// Byte strings are folded to ASCII lower case, as the block filters are.
indirect enum PatternNode: Sendable, Equatable {
    /// Matches exactly one of these strings, at least one and few; the empty string is among the possible ones.
    case strings([[UInt8]])
    /// Matches text of which nothing is known, perhaps the empty string.
    case anything
    /// One after the other.
    case concat([PatternNode])
    /// One of them.
    case alternation([PatternNode])
    /// Between `min` and `max` times; no `max` means without bound.
    case repetition(PatternNode, min: Int, max: Int?)
    /// Must match here, and consumes nothing.
    case ahead(PatternNode)

    /// Matches the empty string and nothing else.
    static let empty = PatternNode.strings([[]])

    /// The empty string is among what it is known to match.
    var isNullable: Bool {
        switch self {
        case .strings(let strings): strings.contains([])
        case .anything: false
        case .concat(let items): items.allSatisfy(\.isNullable)
        case .alternation(let branches): branches.contains(where: \.isNullable)
        case .repetition(let item, let low, _): low == 0 || item.isNullable
        case .ahead: true
        }
    }
}

/// A piece of the pattern's text that must be replaced so that a match never spans lines.
struct PatternEdit: Equatable {
    var range: Range<Int>
    var replacement: [UInt8]
}

/// What the parser learned of one pattern.
struct ParsedPattern {
    /// The meaning, for the literals.
    var node: PatternNode
    /// Replacements in ascending order, not overlapping.
    var edits: [PatternEdit]
    /// With the edits made, a match over a whole block finds the same lines as a match over each line by itself.
    var isLineSafe: Bool
    /// Means the same read as bytes and as UTF-8, whatever the text is.
    var ignoresEncoding: Bool
    /// Some alternatives may match nothing: PCRE2 10.42's machine code then skips places where a match begins
    /// (`(?:player=|\w|).+r` does not find "player"), unless it is told not to look for starts.
    var hasEmptyAlternative: Bool
    /// Holds a literal letter in upper case, or a literal at all: what smart case asks for.
    var hasUppercase: Bool
    var hasLiteral: Bool

    /// The pattern's text with the edits made.
    func rewritten(_ pattern: [UInt8]) -> [UInt8] {
        guard !edits.isEmpty else { return pattern }
        var out: [UInt8] = []
        out.reserveCapacity(pattern.count + edits.count * 8)
        var at = 0
        for edit in edits {
            out += pattern[at..<edit.range.lowerBound]
            out += edit.replacement
            at = edit.range.upperBound
        }
        out += pattern[at...]
        return out
    }
}

/// Why a pattern could not be understood.
enum PatternObstacle: Error, Equatable {
    /// Valid perhaps, but beyond this parser: no literals are taken from it and it is matched line by line.
    case unknown
    /// It asks for a line feed, which no line holds.
    case lineFeed(at: Int)
}
