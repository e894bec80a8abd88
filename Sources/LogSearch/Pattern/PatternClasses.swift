/// The ASCII characters that a class may match, and whether it may match any others.
private struct ClassMembers {
    var ascii = [Bool](repeating: false, count: 128)
    var others = false
    /// Whether it has an item, such as `\w`, that depends on Unicode properties.
    var usesProperties = false
    /// Whether it has a line feed, and whether one of its sets may have it.
    var namesLineFeed = false
    var setsMayHaveLineFeed = false

    mutating func insert(_ low: UInt32, _ high: UInt32) {
        guard low <= high else { return }
        if high >= 0x80 { others = true }
        if low <= 0x0A, high >= 0x0A { namesLineFeed = true }
        guard low < 0x80 else { return }
        for code in low...min(high, 0x7F) { ascii[Int(code)] = true }
    }

    /// Inserts all characters for a set escape; including too many is safe here.
    /// - Parameter lineFeed: whether the set has a line feed; nil if that is not known.
    mutating func insertAnything(lineFeed: Bool?) {
        for code in ascii.indices { ascii[code] = true }
        others = true
        usesProperties = true
        switch lineFeed {
        case true?: namesLineFeed = true
        case nil: setsMayHaveLineFeed = true
        case false?: break
        }
    }

    var mayMatchLineFeed: Bool { ascii[0x0A] }
}

extension PatternParser {
    /// Parses a bracketed class.
    mutating func characterClass() throws(PatternObstacle) -> PatternNode {
        let start = at
        at += 1
        // `[[:<:]]` and `[[:>:]]` are word boundaries, not classes.
        if follows("[:<:]]") || follows("[:>:]]") { throw .unknown }
        let negated = accept("^")
        let bodyStart = at
        var members = ClassMembers()
        var isFirst = true
        while true {
            guard let byte = peek() else { throw .unknown }
            if byte == UInt8(ascii: "]"), !isFirst { break }
            isFirst = false
            try classItem(&members)
        }
        at += 1
        if members.others || members.usesProperties || negated { ignoresEncoding = false }
        if spansLines {
            if negated {
                if !members.namesLineFeed { mayMatchLineFeed = true }
                return .anything
            }
            if members.namesLineFeed || members.setsMayHaveLineFeed {
                mayMatchLineFeed = true
                return .anything
            }
            return node(of: members)
        }
        if negated {
            try excludeLineFeed(from: start, bodyStart: bodyStart)
            return .anything
        }
        if members.mayMatchLineFeed {
            let text = String(decoding: pattern[start..<at], as: UTF8.self)
            edit(from: start, to: "(?:(?!\\n)\(text))")
        }
        return node(of: members)
    }

    private mutating func excludeLineFeed(from start: Int, bodyStart: Int) throws(PatternObstacle) {
        if pattern[bodyStart] == UInt8(ascii: "]") {
            let text = String(decoding: pattern[start..<at], as: UTF8.self)
            edit(from: start, to: "(?:(?!\\n)\(text))")
        } else {
            edits.append(PatternEdit(range: bodyStart..<bodyStart, replacement: Array("\\n".utf8)))
        }
    }

    private mutating func node(of members: ClassMembers) -> PatternNode {
        hasLiteral = true
        if caseless { ignoresEncoding = ignoresEncoding && !members.ascii[0x6B] && !members.ascii[0x4B] }
        if caseless { ignoresEncoding = ignoresEncoding && !members.ascii[0x73] && !members.ascii[0x53] }
        guard !members.others else { return .anything }
        var strings: [[UInt8]] = []
        for code in 0..<128 where members.ascii[code] && code != 0x0A {
            let folded = asciiLower(UInt8(code))
            for variant in caseless ? Self.caselessVariants(of: folded) : [[folded]] where !strings.contains(variant) {
                strings.append(variant)
            }
        }
        return strings.isEmpty || strings.count > LiteralLimits.classSize ? .anything : .strings(strings)
    }

    /// The POSIX names of sets that have no line feed.
    private static var setsWithoutLineFeed: Set<String> {
        ["alpha", "digit", "alnum", "upper", "lower", "punct", "word", "xdigit", "graph", "print", "blank"]
    }

    private mutating func classItem(_ members: inout ClassMembers) throws(PatternObstacle) {
        if follows("[:") || follows("[.") || follows("[=") {
            // POSIX names are treated as any character, never as a literal.
            let rest = pattern[(at + 2)...]
            if let end = rest.firstIndex(of: UInt8(ascii: "]")), pattern[end - 1] == pattern[at + 1], end > at + 2 {
                let name = String(decoding: pattern[(at + 2)..<(end - 1)], as: UTF8.self)
                at = end + 1
                members.insertAnything(lineFeed: Self.setsWithoutLineFeed.contains(name) ? false : nil)
                if peek() == UInt8(ascii: "-"), peek(1) != UInt8(ascii: "]") { throw .unknown }
                return
            }
            // A bracket inside a class is a literal when no name follows, but PCRE2 has exceptions that are not handled
            // here.
            throw .unknown
        }
        guard let low = try classCharacter(&members) else {
            // A range cannot begin with a set: PCRE2 treats the dash as a literal, with exceptions.
            if peek() == UInt8(ascii: "-"), peek(1) != UInt8(ascii: "]") { throw .unknown }
            return
        }
        guard peek() == UInt8(ascii: "-"), let next = peek(1), next != UInt8(ascii: "]") else {
            members.insert(low.value, low.value)
            return
        }
        at += 1
        if follows("[:") || follows("[.") || follows("[=") { throw .unknown }
        guard let high = try classCharacter(&members) else { throw .unknown }
        members.insert(low.value, high.value)
    }

    /// Consumes one character of a class; nil for an escape that is a set, which is inserted here.
    private mutating func classCharacter(
        _ members: inout ClassMembers
    ) throws(PatternObstacle) -> Unicode.Scalar? {
        guard accept("\\") else {
            guard let scalar = takeScalar() else { throw .unknown }
            if scalar.properties.isUppercase { hasUppercase = true }
            return scalar
        }
        guard let byte = peek() else { throw .unknown }
        if byte < 0x80, byte &- 0x30 > 9, (byte | 0x20) &- 0x61 >= 26 {
            at += 1
            return Unicode.Scalar(byte)
        }
        at += 1
        switch byte {
        case UInt8(ascii: "d"):
            // It includes digits of other scripts.
            members.insert(0x30, 0x39)
            members.others = true
            members.usesProperties = true
            return nil
        case UInt8(ascii: "w"), UInt8(ascii: "h"), UInt8(ascii: "S"), UInt8(ascii: "V"):
            members.insertAnything(lineFeed: false)
            return nil
        case UInt8(ascii: "s"), UInt8(ascii: "W"), UInt8(ascii: "D"), UInt8(ascii: "H"), UInt8(ascii: "v"):
            members.insertAnything(lineFeed: true)
            return nil
        case UInt8(ascii: "p"), UInt8(ascii: "P"):
            guard skipProperty() else { throw .unknown }
            members.insertAnything(lineFeed: nil)
            return nil
        case UInt8(ascii: "b"): return "\u{08}"
        default:
            guard let scalar = try characterCode(byte) else { throw .unknown }
            return scalar
        }
    }
}
