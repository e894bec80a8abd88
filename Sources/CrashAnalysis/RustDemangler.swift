/// Rust's symbol names: the legacy form, which is C++'s with a hash at its end, and v0 (RFC 2603) by its paths.
struct RustDemangler {
    /// A legacy name after C++ demangling, without hash and escapes; nil when it is not one.
    static func legacy(_ text: String) -> String? {
        guard let hash = text.findLast("::h"), text[hash.upperBound...].utf8.count == 16,
            text[hash.upperBound...].allSatisfy({ $0.isHexDigit })
        else { return nil }
        var name = String(text[..<hash.lowerBound])
        let escapes = [
            "$LT$": "<", "$GT$": ">", "$RF$": "&", "$BP$": "*", "$C$": ",", "$LP$": "(", "$RP$": ")", "$SP$": "@",
            "$u20$": " ", "$u27$": "'", "$u5b$": "[", "$u5d$": "]", "$u7b$": "{", "$u7d$": "}", "$u7e$": "~",
            "..": "::",
        ]
        for (from, to) in escapes.sorted(by: { $0.key > $1.key }) { name = replace(name, from, to) }
        return name.hasPrefix("_<") ? String(name.dropFirst()) : name
    }

    private static func replace(_ text: String, _ from: String, _ to: String) -> String {
        var result = ""
        var rest = text
        while let found = rest.find(from) {
            result += rest[..<found.lowerBound] + to
            rest = String(rest[found.upperBound...])
        }
        return result + rest
    }

    private let bytes: [UInt8]
    private var at = 2
    private var depth = 0
    private var steps = 0

    /// A v0 name; nil when it is broken or uses what is not understood.
    static func demangle(_ name: String) -> String? {
        var parser = RustDemangler(bytes: Array((name.before(".") ?? name).utf8))
        return parser.path()
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func next() -> UInt8? {
        guard at < bytes.count else { return nil }
        at += 1
        return bytes[at - 1]
    }

    private mutating func take(_ letter: Character) -> Bool {
        guard at < bytes.count, bytes[at] == letter.asciiValue else { return false }
        at += 1
        return true
    }

    private mutating func base62() -> Int? {
        if take("_") { return 0 }
        var value = 0
        while let digit = next() {
            if digit == UInt8(ascii: "_") { return value &+ 1 }
            let number: UInt8
            switch digit {
            case 0x30...0x39: number = digit - 0x30
            case 0x61...0x7a: number = digit - 0x61 + 10
            case 0x41...0x5a: number = digit - 0x41 + 36
            default: return nil
            }
            value = value &* 62 &+ Int(number)
        }
        return nil
    }

    private mutating func identifier() -> String? {
        if take("s") { guard base62() != nil else { return nil } }
        _ = take("u")
        var length = 0
        guard at < bytes.count, (0x30...0x39).contains(bytes[at]) else { return nil }
        if bytes[at] == 0x30 {
            at += 1
        } else {
            while at < bytes.count, (0x30...0x39).contains(bytes[at]), length < 4096 {
                length = length * 10 + Int(bytes[at] - 0x30)
                at += 1
            }
        }
        _ = take("_")
        guard length <= bytes.count - at else { return nil }
        at += length
        return String(decoding: bytes[at - length..<at], as: UTF8.self)
    }

    private mutating func enter() -> Bool {
        depth += 1
        steps += 1
        return depth < 64 && steps < 2000
    }

    private mutating func path() -> String? {
        guard enter() else { return nil }
        defer { depth -= 1 }
        switch next() {
        case UInt8(ascii: "C"): return identifier()
        case UInt8(ascii: "N"):
            guard let space = next(), let parent = path() else { return nil }
            guard let name = identifier() else { return nil }
            if space == UInt8(ascii: "C") { return parent + "::{closure}" }
            return name.isEmpty ? parent : parent + "::" + name
        case UInt8(ascii: "M"), UInt8(ascii: "X"):
            let isTrait = bytes[at - 1] == UInt8(ascii: "X")
            if take("s") { guard base62() != nil else { return nil } }
            guard path() != nil, let type = type() else { return nil }
            if !isTrait { return "<" + type + ">" }
            guard let name = path() else { return nil }
            return "<" + type + " as " + name + ">"
        case UInt8(ascii: "Y"):
            guard let type = type(), let name = path() else { return nil }
            return "<" + type + " as " + name + ">"
        case UInt8(ascii: "I"):
            guard let base = path() else { return nil }
            var arguments: [String] = []
            while at < bytes.count, !take("E") {
                if take("L") {
                    guard base62() != nil else { return nil }
                } else if take("K") {
                    arguments.append("_")
                    while at < bytes.count, !take("_") { at += 1 }
                } else {
                    guard let argument = type() else { return nil }
                    arguments.append(argument)
                }
                guard arguments.count < 64 else { return nil }
            }
            return base + "<" + arguments.joined(separator: ", ") + ">"
        case UInt8(ascii: "B"): return back { $0.path() }
        default: return nil
        }
    }

    private mutating func back(_ parse: (inout RustDemangler) -> String?) -> String? {
        let here = at - 1
        guard let target = base62(), target >= 0, target + 2 < here, steps < 2000 else { return nil }
        let resume = at
        at = target + 2
        defer { at = resume }
        return parse(&self)
    }

    private static let basic: [UInt8: String] = {
        let names = [
            "a": "i8", "b": "bool", "c": "char", "d": "f64", "e": "str", "f": "f32", "h": "u8", "i": "isize",
            "j": "usize", "l": "i32", "m": "u32", "n": "i128", "o": "u128", "s": "i16", "t": "u16", "u": "()",
            "v": "...", "x": "i64", "y": "u64", "z": "!", "p": "_",
        ]
        return Dictionary(uniqueKeysWithValues: names.compactMap { key, value in key.utf8.first.map { ($0, value) } })
    }()

    private mutating func type() -> String? {
        guard enter(), let code = next() else { return nil }
        defer { depth -= 1 }
        if let name = Self.basic[code] { return name }
        switch code {
        case UInt8(ascii: "R"), UInt8(ascii: "Q"):
            if take("L") { guard base62() != nil else { return nil } }
            return type().map { (code == UInt8(ascii: "Q") ? "&mut " : "&") + $0 }
        case UInt8(ascii: "P"): return type().map { "*const " + $0 }
        case UInt8(ascii: "O"): return type().map { "*mut " + $0 }
        case UInt8(ascii: "S"): return type().map { "[" + $0 + "]" }
        case UInt8(ascii: "A"):
            guard let element = type() else { return nil }
            while at < bytes.count, !take("_") { at += 1 }
            return "[" + element + "; _]"
        case UInt8(ascii: "T"):
            var parts: [String] = []
            while at < bytes.count, !take("E") {
                guard parts.count < 64, let part = type() else { return nil }
                parts.append(part)
            }
            return "(" + parts.joined(separator: ", ") + ")"
        case UInt8(ascii: "B"): return back { $0.type() }
        case UInt8(ascii: "F"), UInt8(ascii: "D"): return nil
        default:
            at -= 1
            return path()
        }
    }
}
