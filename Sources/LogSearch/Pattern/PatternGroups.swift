import Bytes

extension PatternParser {
    /// Parses a group; nil for a comment or an option setting.
    mutating func group() throws(PatternObstacle) -> PatternNode? {
        at += 1
        if follows("*") { throw .unknown }
        let saved = (caseless, dotAll)
        guard accept("?") else { return try body(saved) }
        if accept("#") {
            while let byte = peek(), byte != UInt8(ascii: ")") {
                at += 1
                if byte == 0x0A { throw .unknown }
            }
            guard accept(")") else { throw .unknown }
            return nil
        }
        if accept(":") || accept(">") || accept("|") { return try body(saved) }
        if accept("=") || accept(text: "<=") { return .ahead(try body(saved)) }
        if accept("!") || accept(text: "<!") {
            // A negative look-around requires no literals.
            let literals = (hasUppercase, hasLiteral)
            _ = try body(saved)
            (hasUppercase, hasLiteral) = literals
            return .empty
        }
        if accept(text: "P<") || accept("<") { return try named(until: ">", saved) }
        if accept("'") { return try named(until: "'", saved) }
        if accept(text: "P=") {
            guard skipName(), accept(")") else { throw .unknown }
            ignoresEncoding = false
            return .anything
        }
        return try options(saved)
    }

    private mutating func body(_ saved: (Bool, Bool)) throws(PatternObstacle) -> PatternNode {
        let node = try alternation()
        guard accept(")") else { throw .unknown }
        (caseless, dotAll) = saved
        return node
    }

    private mutating func named(until end: Character, _ saved: (Bool, Bool)) throws(PatternObstacle) -> PatternNode {
        guard skipName(), accept(end) else { throw .unknown }
        return try body(saved)
    }

    mutating func skipName() -> Bool {
        let start = at
        while let byte = peek(), byte == 0x5F || byte &- 0x30 <= 9 || (byte | 0x20) &- 0x61 < 26 { at += 1 }
        return at > start
    }

    /// `(?i)`, `(?i-s)`, `(?s:…)`; any other option makes the pattern unknown.
    private mutating func options(_ saved: (Bool, Bool)) throws(PatternObstacle) -> PatternNode? {
        var value = true
        while let byte = peek() {
            at += 1
            switch byte {
            case UInt8(ascii: "i"): caseless = value
            case UInt8(ascii: "s"): dotAll = value
            case UInt8(ascii: "m"): if !value { lineSafe = false }
            case UInt8(ascii: "-"):
                guard value else { throw .unknown }
                value = false
            case UInt8(ascii: ")"): return nil
            case UInt8(ascii: ":"): return try body(saved)
            default: throw .unknown
            }
        }
        throw .unknown
    }

    // MARK: Escapes

    /// Parses an escape outside a class.
    mutating func escape() throws(PatternObstacle) -> PatternNode? {
        let start = at
        at += 1
        guard let byte = peek() else { throw .unknown }
        if byte < 0x80, byte &- 0x30 > 9, (byte | 0x20) &- 0x61 >= 26 {
            guard let scalar = takeScalar() else { throw .unknown }
            return try character(scalar, at: start)
        }
        at += 1
        switch byte {
        case UInt8(ascii: "d"), UInt8(ascii: "w"), UInt8(ascii: "h"), UInt8(ascii: "V"): return anyCharacter()
        case UInt8(ascii: "s"): return anyCharacter(from: start, as: "[^\\S\\n]")
        case UInt8(ascii: "S"): return anyCharacter()
        case UInt8(ascii: "D"): return anyCharacter(from: start, as: "[^\\d\\n]")
        case UInt8(ascii: "W"): return anyCharacter(from: start, as: "[^\\w\\n]")
        case UInt8(ascii: "H"): return anyCharacter(from: start, as: "[^\\h\\n]")
        case UInt8(ascii: "v"): return anyCharacter(from: start, as: "(?:(?!\\n)\\v)")
        case UInt8(ascii: "N"):
            if peek() == UInt8(ascii: "{") { throw .unknown }
            return anyCharacter()
        case UInt8(ascii: "b"), UInt8(ascii: "B"):
            ignoresEncoding = false
            return .empty
        case UInt8(ascii: "A"):
            anchor(from: start, as: "^")
            return .empty
        case UInt8(ascii: "z"), UInt8(ascii: "Z"):
            anchor(from: start, as: "$")
            return .empty
        case UInt8(ascii: "K"): return .empty
        case UInt8(ascii: "E"): return nil
        case UInt8(ascii: "Q"): return try quoted(from: start)
        case UInt8(ascii: "R"), UInt8(ascii: "X"):
            lineSafe = false
            ignoresEncoding = false
            mayMatchLineFeed = true
            return .anything
        case UInt8(ascii: "p"), UInt8(ascii: "P"): return try property(from: start)
        case UInt8(ascii: "n"): return try character("\n", at: start)
        case UInt8(ascii: "k"): return try namedReference()
        case UInt8(ascii: "1")...UInt8(ascii: "9"):
            // Two digits may be an octal code.
            if let next = peek(), next &- 0x30 <= 9 { throw .unknown }
            ignoresEncoding = false
            return .anything
        default:
            guard let scalar = try characterCode(byte) else { throw .unknown }
            return try character(scalar, at: start)
        }
    }

    /// The beginning and the end of the text are those of each line, unless a match may span lines.
    private mutating func anchor(from start: Int, as replacement: String) {
        guard !spansLines else { return }
        edit(from: start, to: replacement)
    }

    private mutating func anyCharacter(from start: Int? = nil, as replacement: String = "") -> PatternNode {
        ignoresEncoding = false
        if let start { edit(from: start, to: replacement) }
        return .anything
    }

    /// `\Q…\E`: everything between is literal.
    private mutating func quoted(from start: Int) throws(PatternObstacle) -> PatternNode {
        var items: [PatternNode] = []
        while !isAtEnd {
            if accept(text: "\\E") {
                // A quantifier would apply to the last character only.
                if let next = peek(), "*+?{".utf8.contains(next) { throw .unknown }
                return .concat(items)
            }
            let place = at
            guard let scalar = takeScalar() else { throw .unknown }
            items.append(try character(scalar, at: place))
        }
        return .concat(items)
    }

    private mutating func property(from start: Int) throws(PatternObstacle) -> PatternNode {
        guard skipProperty() else { throw .unknown }
        let text = String(decoding: pattern[start..<at], as: UTF8.self)
        return anyCharacter(from: start, as: "(?:(?!\\n)\(text))")
    }

    mutating func skipProperty() -> Bool {
        guard accept("{") else {
            guard let byte = peek(), (byte | 0x20) &- 0x61 < 26 else { return false }
            at += 1
            return true
        }
        while let byte = peek(), byte != UInt8(ascii: "}") {
            guard byte < 0x80, byte != 0x0A else { return false }
            at += 1
        }
        return accept("}")
    }

    private mutating func namedReference() throws(PatternObstacle) -> PatternNode {
        let closing: Character = accept("{") ? "}" : accept("<") ? ">" : accept("'") ? "'" : "\n"
        guard closing != "\n", skipName(), accept(closing) else { throw .unknown }
        ignoresEncoding = false
        return .anything
    }

    /// The character that an escape stands for, after its letter was consumed; nil for other escapes.
    mutating func characterCode(_ letter: UInt8) throws(PatternObstacle) -> Unicode.Scalar? {
        switch letter {
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "e"): return "\u{1B}"
        case UInt8(ascii: "a"): return "\u{07}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "x"): return hexCode()
        default: return nil
        }
    }

    private mutating func hexCode() -> Unicode.Scalar? {
        let braced = accept("{")
        var value: UInt32 = 0
        var digits = 0
        while digits < (braced ? 6 : 2), let byte = peek(), let digit = Hex.value(byte) {
            value = value * 16 + UInt32(digit)
            digits += 1
            at += 1
        }
        if braced {
            guard digits > 0, accept("}") else { return nil }
        } else if digits == 0 {
            return nil
        }
        if value >= 0x80 { ignoresEncoding = false }
        return Unicode.Scalar(value)
    }
}
