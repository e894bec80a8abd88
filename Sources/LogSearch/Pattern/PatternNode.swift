/// The meaning of a pattern, as far as needed to find its required literals.
///
/// Byte strings are folded to ASCII lower case, as the block filters are.
indirect enum PatternNode: Sendable, Equatable {
    /// Matches exactly one of these few strings. The list is never empty; it may contain the empty string.
    case strings([[UInt8]])
    /// Matches unknown text, possibly empty.
    case anything
    /// Matches the items in sequence.
    case concat([PatternNode])
    /// Matches one of the branches.
    case alternation([PatternNode])
    /// Matches the node `min` to `max` times; nil means no upper bound.
    case repetition(PatternNode, min: Int, max: Int?)
    /// Must match here, but consumes nothing.
    case ahead(PatternNode)

    /// Matches the empty string and nothing else.
    static let empty = PatternNode.strings([[]])

    /// Whether it is known to match the empty string.
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

/// A replacement in the pattern's text that keeps matches from spanning lines.
struct PatternEdit: Equatable {
    var range: Range<Int>
    var replacement: [UInt8]
}

/// The result of parsing one pattern.
struct ParsedPattern {
    /// The meaning, for literal extraction.
    var node: PatternNode
    /// Replacements in ascending order, without overlap.
    var edits: [PatternEdit]
    /// Whether, after the edits, matching over a whole block finds the same lines as matching each line.
    var isLineSafe: Bool
    /// Whether the pattern means the same for bytes and UTF-8, whatever the text.
    var ignoresEncoding: Bool
    /// Whether an alternative may match the empty string. PCRE2 10.42's JIT code then misses matches
    /// (`(?:player=|\w|).+r` does not find "player") unless its start optimization is off.
    var hasEmptyAlternative: Bool
    /// Whether it has an upper-case literal letter, and whether it has any literal; for smart case.
    var hasUppercase: Bool
    var hasLiteral: Bool
    /// Whether a match may contain a line feed; only known of a pattern that is parsed for it.
    var mayMatchLineFeed = false

    /// The pattern's text with the edits applied.
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

/// Why a pattern could not be parsed.
enum PatternObstacle: Error, Equatable {
    /// Perhaps valid, but beyond this parser: it has no known literals and is matched line by line.
    case unknown
    /// It requires a line feed, which no line contains.
    case lineFeed(at: Int)
}
