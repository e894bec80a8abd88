@testable import LogSearch

/// Random text and random patterns made from it, so that they often match.
enum PatternDice {
    private static let words = [
        "error", "ERROR", "Kick", "task", "ſtop", "stra\u{DF}e", "\u{212A}elvin", "player=", "rtt=29", "0x7ffe12",
        "uuid",
        "LogNet:", "a", "  ", "\t", "é", "É", "日本", "10.0.0.7:27015", "STEAM_0:1:4411", "[12]", "(x)", "k", "s",
        "foo.bar", "-", "_",
    ]

    /// Text as engines log it. Large texts have long lines, and words across the boundaries of the filter's steps.
    static func block(_ dice: inout Dice, isLarge: Bool = false) -> [UInt8] {
        var out: [UInt8] = []
        for _ in 0..<(1 + dice.below(isLarge ? 40 : 12)) {
            for _ in 0..<dice.below(isLarge && dice.chance(20) ? 60 : 7) {
                let word = Array((dice.chance(40) ? token(&dice) : dice.pick(words)).utf8)
                if isLarge, dice.chance(30) { pad(&out, for: word, &dice) }
                out += word
                if dice.chance(50) { out.append(0x20) }
                if dice.chance(20) { out += String(dice.below(100_000)).utf8 }
            }
            // A sequence that is cut by the end of a line reads differently with and without the line feed behind it.
            if dice.chance(3) { out += [0xFF, 0xC3, 0x28] }
            out += dice.chance(10) ? [0x0D, 0x0A] : [0x0A]
        }
        if dice.chance(20) { out.removeLast() }
        return out
    }

    /// Pads so that a word crosses a boundary of the steps in which filters are built: 64 bytes, or 4096.
    private static func pad(_ out: inout [UInt8], for word: [UInt8], _ dice: inout Dice) {
        let step = dice.chance(15) ? 4096 : 64
        let before = dice.below(word.count + 2)
        let fill = (step - (out.count + before) % step) % step
        let filler = dice.pick([0x20, 0x2E, 0x37, 0x78, 0x2D] as [UInt8])
        for index in 0..<fill {
            // Long padding is broken into lines and words.
            let byte: UInt8 = fill > 64 ? [0x61, 0x20, 0x39, 0x3D, 0x0A][(index * 7 + index / 11) % 5] : filler
            out.append(byte)
        }
    }

    /// Addresses with and without port, versions, floats, ids, long numbers, names that end in numbers.
    private static func token(_ dice: inout Dice) -> String {
        func number(_ below: Int) -> String { String(dice.below(below)) }
        func hex(_ count: Int) -> String {
            let digits = String(dice.next(), radix: 16) + String(dice.next(), radix: 16)
            return String((digits + digits).prefix(count))
        }
        switch dice.below(12) {
        case 0: return "\(number(256)).\(number(256)).\(number(256)).\(number(256))"
        case 1: return "10.\(number(4)).\(number(256)).\(number(30)):\(27_000 + dice.below(40))"
        case 2: return "v\(number(3)).\(number(20)).\(number(1000))"
        case 3: return "\(number(1000)).\(number(100_000))"
        case 4: return "\(dice.pick(["x=", "-", ""]))\(number(10)).\(number(10))"
        case 5: return "\(hex(8))-\(hex(4))-\(hex(4))-\(hex(4))-\(hex(12))"
        case 6: return "7656119\(8_000_000_000 + dice.below(999_999_999))"
        case 7: return "[U:1:\(number(1_000_000_000))]"
        case 8: return String((number(.max) + number(.max) + number(.max)).prefix(5 + dice.below(40)))
        case 9: return dice.pick(["IronWolf", "ironwolf", "xX_Sniper", "Player", "B\u{F6}se"]) + number(1000)
        case 10: return dice.pick(["1.", ".5", "1..2", "...", "0.0.0.0", "::1", "1.2.3.4.5.6.7", "255.255"])
        default: return "0x\(hex(4 + dice.below(12)))"
        }
    }

    static func substring(of block: [UInt8], _ dice: inout Dice, escaped: Bool) -> String {
        let lines = block.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D || $0 == 0xFF || $0 == 0xC3 })
        guard let line = lines.isEmpty ? nil : dice.pick(lines) else { return "x" }
        let scalars = Array(String(decoding: line, as: UTF8.self).unicodeScalars)
        guard !scalars.isEmpty else { return "x" }
        let start = dice.below(scalars.count)
        let end = min(scalars.count, start + 1 + dice.below(dice.chance(25) ? 60 : 14))
        var text = ""
        for scalar in scalars[start..<end] where scalar.value != 0xFFFD {
            text += escaped ? quoted(scalar) : String(scalar)
        }
        return text
    }

    private static func quoted(_ scalar: Unicode.Scalar) -> String {
        "\\^$.[]|()?*+{}".unicodeScalars.contains(scalar) ? "\\\(scalar)" : String(scalar)
    }

    /// A substring whose characters were replaced by things that match them, and some that do not.
    static func pattern(from block: [UInt8], _ dice: inout Dice) -> String {
        let text = substring(of: block, &dice, escaped: false)
        var items: [String] = []
        // Some keep long literals, some hardly any.
        let kept = dice.pick([70, 90, 97])
        for scalar in text.unicodeScalars { items.append(dice.chance(kept) ? quoted(scalar) : item(scalar, &dice)) }
        if dice.chance(20) {
            items.insert(dice.pick(["^", "\\b", "\\B", "(?=.)", "(?!zq)", "(?<=.)", "(?i)", "(?s)", "\\A"]), at: 0)
        }
        if dice.chance(15) { items.append(dice.pick(["$", "\\b", "\\z", "\\Z", ".*", "(?=\\s)", "(?!\\s)"])) }
        // Wraps random stretches into groups, alternatives and repetitions.
        for _ in 0..<dice.below(3) where items.count > 1 {
            let from = dice.below(items.count)
            let to = from + 1 + dice.below(items.count - from)
            let inner = items[from..<to].joined()
            let other = dice.pick(words).unicodeScalars.map(quoted).joined()
            let group = dice.pick([
                "(\(inner))", "(?:\(inner))", "(?:\(inner)|\(other))", "(?:\(other)|\(inner)|)", "(?>\(inner))",
                "(?i:\(inner))",
                "(?-i:\(inner))", "(?:\(inner)){1,2}", "(?:\(inner))+", "(?:\(inner))?", "(?:\(inner)|\(other))*",
                "(?:\(inner)){2}",
                "(?|\(inner)|\(other))", "(?<n\(dice.below(1_000_000))>\(inner))", "(?:\(inner))(?#note)",
                "(?=\(inner))\(inner)",
                "(?:\(inner))++", "(?:\(inner))+?", "(?:.*\(inner)|\(other))",
            ])
            items.replaceSubrange(from..<to, with: [group])
        }
        return items.joined()
    }

    private static func item(_ scalar: Unicode.Scalar, _ dice: inout Dice) -> String {
        let own = quoted(scalar)
        let inClass = "\\]^-[".unicodeScalars.contains(scalar) ? "\\\(scalar)" : String(scalar)
        return dice.pick([
            ".", "\(own)?", "\(own)+", "\(own)*", "\(own){1,3}", "[\(inClass)]", "[\(inClass)xyz]", "[^q]",
            "[^\(inClass)]", "\\w", "\\S",
            "\\s", "\\W", "\\D", "[\\s\(inClass)]", "[\(inClass)-\(inClass)]", "[[:alnum:]\(inClass)]",
            "\\x{\(String(scalar.value, radix: 16))}",
            "(\(own)|zz)", "\(own)??", ".?", ".+", "[^\\d]", "[\\W\(inClass)]", "\\h?", "\\V", "\\N", "\\p{L}",
            "\\P{Lu}", "[\\x00-\\x7F]",
            "(?:)", "\\Q\(scalar)\\E", "\(own){0,1}", "\(own){2}", "[A-Z]", "[a-f0-9]", "[^]\(inClass)]",
        ])
    }

    /// The original pattern with its flags inline, for one line at a time; nil if PCRE2 rejects it.
    static func oracle(_ reading: PatternOptions, machineCode: Bool = false) -> PatternProgram? {
        var text = reading.patterns[0]
        if reading.fixed { text = text.unicodeScalars.map(quoted).joined() }
        if reading.line { text = "^(?:\(text))$" } else if reading.word { text = "(?<!\\w)(?:\(text))(?!\\w)" }
        return try? PatternProgram(Array(text.utf8), caseless: reading.ignoreCase, utf: true, machineCode: machineCode)
    }
}
