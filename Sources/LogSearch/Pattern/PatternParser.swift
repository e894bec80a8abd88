/// A recursive-descent parser for as much of PCRE2's syntax as is needed to find required literals.
///
/// It need not validate patterns: PCRE2 does. Any syntax it does not know makes the whole pattern `unknown`, and then
/// every block is searched, line by line. A wrong guess would hide lines.
struct PatternParser {
    let pattern: [UInt8]
    var at = 0
    var depth = 0
    var caseless: Bool
    var dotAll = false
    let crlf: Bool
    /// Whether a match may span lines: then nothing is replaced to keep it from doing so.
    let spansLines: Bool
    var mayMatchLineFeed = false
    var edits: [PatternEdit] = []
    var lineSafe = true
    var ignoresEncoding = true
    var hasEmptyAlternative = false
    var hasUppercase = false
    var hasLiteral = false

    /// Deeper nesting is treated as unknown, to bound the stack.
    static let maxDepth = 100

    init(_ pattern: [UInt8], caseless: Bool, crlf: Bool, spansLines: Bool = false, dotAll: Bool = false) {
        self.pattern = pattern
        self.caseless = caseless
        self.crlf = crlf
        self.spansLines = spansLines
        self.dotAll = dotAll
    }

    /// Parses a whole pattern.
    static func parse(
        _ pattern: [UInt8], caseless: Bool = false, crlf: Bool = false, spansLines: Bool = false, dotAll: Bool = false
    ) throws(PatternObstacle) -> ParsedPattern {
        var parser = PatternParser(
            pattern, caseless: caseless, crlf: crlf, spansLines: spansLines, dotAll: dotAll)
        let node = try parser.alternation()
        // PCRE2 reports an unmatched closing parenthesis.
        guard parser.at == pattern.count else { throw .unknown }
        return ParsedPattern(
            node: node, edits: parser.edits, isLineSafe: parser.lineSafe, ignoresEncoding: parser.ignoresEncoding,
            hasEmptyAlternative: parser.hasEmptyAlternative, hasUppercase: parser.hasUppercase,
            hasLiteral: parser.hasLiteral, mayMatchLineFeed: parser.mayMatchLineFeed)
    }

    /// The parsed form of a literal string.
    static func fixed(_ string: [UInt8], caseless: Bool) -> ParsedPattern {
        var parser = PatternParser(string, caseless: caseless, crlf: false)
        var items: [PatternNode] = []
        while let scalar = parser.takeScalar() { items.append(scalar == "\n" ? .anything : parser.literal(scalar)) }
        if parser.at < string.count {
            items = [caseless ? .anything : .strings([string.map(asciiLower)])]
            parser.hasLiteral = true
        }
        return ParsedPattern(
            node: .concat(items), edits: [], isLineSafe: true, ignoresEncoding: parser.ignoresEncoding,
            hasEmptyAlternative: parser.hasEmptyAlternative, hasUppercase: parser.hasUppercase,
            hasLiteral: parser.hasLiteral, mayMatchLineFeed: string.contains(0x0A))
    }

    // MARK: Cursor

    var isAtEnd: Bool { at >= pattern.count }

    func peek(_ ahead: Int = 0) -> UInt8? {
        at + ahead < pattern.count ? pattern[at + ahead] : nil
    }

    mutating func accept(_ byte: Character) -> Bool {
        guard let wanted = byte.asciiValue, peek() == wanted else { return false }
        at += 1
        return true
    }

    func follows(_ text: String) -> Bool { pattern[at...].starts(with: text.utf8) }

    mutating func accept(text: String) -> Bool {
        guard follows(text) else { return false }
        at += text.utf8.count
        return true
    }

    /// Replaces what was read since `start` by what does not match a line feed.
    mutating func edit(from start: Int, to text: String) {
        mayMatchLineFeed = true
        guard !spansLines else { return }
        edits.append(PatternEdit(range: start..<at, replacement: Array(text.utf8)))
    }

    /// Consumes the next Unicode scalar of the pattern; nil at the end and at invalid UTF-8.
    mutating func takeScalar() -> Unicode.Scalar? {
        guard let first = peek() else { return nil }
        let length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0
        guard length > 0, at + length <= pattern.count else { return nil }
        var decoder = UTF8()
        var bytes = pattern[at..<at + length].makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&bytes) else { return nil }
        at += length
        return scalar
    }

    // MARK: Grammar

    mutating func alternation() throws(PatternObstacle) -> PatternNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maxDepth else { throw .unknown }
        var branches = [try sequence()]
        while accept("|") { branches.append(try sequence()) }
        guard branches.count > 1 else { return branches[0] }
        if branches.contains(where: \.isNullable) { hasEmptyAlternative = true }
        return .alternation(branches)
    }

    private mutating func sequence() throws(PatternObstacle) -> PatternNode {
        var items: [PatternNode] = []
        while let byte = peek(), byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            let start = at
            guard let item = try atom() else {
                // A quantifier after a comment or `\E` applies to the item before it.
                if let next = peek(), "*+?{".utf8.contains(next) { throw .unknown }
                continue
            }
            items.append(try quantified(item, from: start))
        }
        return items.count == 1 ? items[0] : .concat(items)
    }

    /// Parses one item without its quantifier; nil for text that matches nothing itself, such as a comment or an
    /// option.
    private mutating func atom() throws(PatternObstacle) -> PatternNode? {
        let start = at
        switch peek() {
        case UInt8(ascii: "\\"): return try escape()
        case UInt8(ascii: "["): return try characterClass()
        case UInt8(ascii: "("): return try group()
        case UInt8(ascii: "."):
            at += 1
            ignoresEncoding = false
            if dotAll { edit(from: start, to: "\\N") }
            return .anything
        case UInt8(ascii: "^"):
            at += 1
            return .empty
        case UInt8(ascii: "$"):
            at += 1
            if crlf { edits.append(PatternEdit(range: start..<at, replacement: Array("(?=\\r?$)".utf8))) }
            return .empty
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"):
            // Nothing to repeat: PCRE2 reports it.
            throw .unknown
        default:
            guard let scalar = takeScalar() else { throw .unknown }
            return try character(scalar, at: start)
        }
    }

    private mutating func quantified(
        _ item: PatternNode, from start: Int
    ) throws(PatternObstacle) -> PatternNode {
        var node = item
        var rounds = 0
        while let (low, high) = try quantifier() {
            rounds += 1
            // `a{2}{3}` is legal and rare.
            guard rounds == 1 else { throw .unknown }
            // As bytes, a non-ASCII letter is several bytes, and the quantifier would apply to the last one only.
            if pattern[start] >= 0x80 { ignoresEncoding = false }
            _ = accept("?") || accept("+")
            node = .repetition(node, min: low, max: high)
        }
        return node
    }

    /// Consumes a quantifier and returns its bounds; nil when none follows. Any other brace is a literal.
    private mutating func quantifier() throws(PatternObstacle) -> (Int, Int?)? {
        switch peek() {
        case UInt8(ascii: "*"):
            at += 1
            return (0, nil)
        case UInt8(ascii: "+"):
            at += 1
            return (1, nil)
        case UInt8(ascii: "?"):
            at += 1
            return (0, 1)
        case UInt8(ascii: "{"):
            let before = at
            at += 1
            if let low = number() {
                if accept("}") { return (low, low) }
                if accept(",") {
                    if accept("}") { return (low, nil) }
                    if let high = number(), accept("}") { return (low, max(low, high)) }
                }
            }
            at = before
            // Since PCRE2 10.43, `{,3}` and blanks inside braces are quantifiers too; neither reading is safe.
            if let next = peek(1), next == 0x2C || next == 0x20 || next == 0x09 || next &- 0x30 <= 9 { throw .unknown }
            return nil
        default: return nil
        }
    }

    mutating func number() -> Int? {
        var value: Int?
        while let byte = peek(), byte >= 0x30, byte <= 0x39 {
            value = min((value ?? 0) * 10 + Int(byte - 0x30), 1_000_000)
            at += 1
        }
        return value
    }

    // MARK: Literals

    /// The node of one literal character, which may be a line feed.
    mutating func character(_ scalar: Unicode.Scalar, at start: Int) throws(PatternObstacle) -> PatternNode {
        guard scalar == "\n" else { return literal(scalar) }
        guard spansLines else { throw .lineFeed(at: start) }
        mayMatchLineFeed = true
        // Blocks are cut after line feeds, so a literal that contains one may be in none of them.
        return .anything
    }

    /// The node of one literal character, with the current case sensitivity.
    mutating func literal(_ scalar: Unicode.Scalar) -> PatternNode {
        hasLiteral = true
        if scalar.properties.isUppercase { hasUppercase = true }
        let bytes = Array(String(Character(scalar)).utf8)
        guard caseless else { return .strings([bytes.map(asciiLower)]) }
        guard scalar.isASCII else {
            ignoresEncoding = false
            return .anything
        }
        let variants = Self.caselessVariants(of: asciiLower(bytes[0]))
        if variants.count > 1 { ignoresEncoding = false }
        return .strings(variants)
    }

    /// The strings that a folded ASCII letter matches case-insensitively: k matches the Kelvin sign, s the long s.
    static func caselessVariants(of byte: UInt8) -> [[UInt8]] {
        switch byte {
        case UInt8(ascii: "k"): [[byte], [0xE2, 0x84, 0xAA]]
        case UInt8(ascii: "s"): [[byte], [0xC5, 0xBF]]
        default: [[byte]]
        }
    }
}

/// Lower-cases an ASCII letter; returns other bytes unchanged.
@inline(__always)
func asciiLower(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}
