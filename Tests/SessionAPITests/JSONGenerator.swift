/// A small generator of random numbers that gives the same sequence for the same seed.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }

    mutating func chance(_ one: Int, in all: Int) -> Bool { Int(next() >> 33) % all < one }
    mutating func below(_ bound: Int) -> Int { Int(next() >> 33) % bound }
    mutating func pick<Element>(_ all: [Element]) -> Element { all[below(all.count)] }
}

/// Writes random JSON: session lists with every oddity that is valid JSON, and some that is not.
struct JSONGenerator {
    var random: Seeded
    var bytes: [UInt8] = []

    init(seed: UInt64) { random = Seeded(seed) }

    mutating func list() -> [UInt8] {
        bytes = []
        if random.chance(1, in: 20) { bytes += [0xEF, 0xBB, 0xBF] }
        space()
        object(fields: topFields())
        space()
        return bytes
    }

    private mutating func topFields() -> [(inout JSONGenerator) -> Void] {
        var fields: [(inout JSONGenerator) -> Void] = []
        let sessions: (inout JSONGenerator) -> Void = { generator in
            generator.key("sessions")
            if generator.random.chance(1, in: 25) { return generator.value(depth: 2) }
            generator.array(count: generator.random.below(5)) { $0.entry() }
        }
        if random.chance(1, in: 3) { fields.append { $0.member() } }
        if !random.chance(1, in: 25) { fields.append(sessions) }
        if random.chance(1, in: 3) { fields.append { $0.member() } }
        if random.chance(1, in: 10) { fields.append(sessions) }
        return fields
    }

    private mutating func entry() {
        if random.chance(1, in: 15) { return value(depth: 2) }
        var fields: [(inout JSONGenerator) -> Void] = []
        if !random.chance(1, in: 15) { fields.append { $0.field("id") { $0.string() } } }
        let names = ["image", "tag", "location", "host", "status"]
        for name in names where random.chance(3, in: 4) { fields.append { $0.field(name) { $0.string() } } }
        for name in ["created", "playerCount"] where random.chance(3, in: 4) {
            fields.append { $0.field(name) { $0.number() } }
        }
        if random.chance(1, in: 2) { fields.append { $0.field("port") { $0.map { $0.number() } } } }
        if random.chance(2, in: 3) { fields.append { $0.field("labels") { $0.labels() } } }
        if random.chance(1, in: 3) { fields.append { $0.member() } }
        if random.chance(1, in: 8) { fields.append { $0.field("id") { $0.value(depth: 2) } } }
        if random.chance(1, in: 8) { fields.append { $0.field("tag") { $0.value(depth: 2) } } }
        fields.shuffle(using: &random)
        object(fields: fields)
    }

    private mutating func field(_ name: String, _ usual: (inout JSONGenerator) -> Void) {
        key(name)
        if random.chance(1, in: 12) { value(depth: 2) } else { usual(&self) }
    }

    private mutating func labels() {
        var fields: [(inout JSONGenerator) -> Void] = []
        for name in ["env", "tags", "gameye"] where random.chance(2, in: 3) {
            fields.append { generator in
                generator.key(name)
                if generator.random.chance(1, in: 10) { return generator.value(depth: 2) }
                generator.quoted(generator.labelText())
            }
        }
        for _ in 0..<random.below(3) {
            fields.append { generator in
                generator.key(generator.word())
                generator.string()
            }
        }
        fields.shuffle(using: &random)
        object(fields: fields)
    }

    /// JSON text as it stands inside a label; sometimes not JSON.
    private mutating func labelText() -> String {
        if random.chance(1, in: 8) { return word() }
        var inner = JSONGenerator(seed: random.next())
        let names = ["GAMEYE_SESSION_ID", "mode", "region", "tag", "image", "map"]
        inner.object(
            fields: (0..<inner.random.below(5)).map { _ in
                { generator in
                    generator.key(generator.random.pick(names))
                    if generator.random.chance(1, in: 4) { generator.value(depth: 2) } else { generator.string() }
                }
            })
        return String(decoding: inner.bytes, as: UTF8.self)
    }

    // MARK: Values

    private mutating func member() {
        key(word())
        value(depth: 0)
    }

    private mutating func value(depth: Int) {
        switch random.below(depth > 5 ? 6 : 9) {
        case 0: put("null")
        case 1: put("true")
        case 2: put("false")
        case 3: number()
        case 4, 5: string()
        case 6: array(count: random.below(4)) { $0.value(depth: depth + 1) }
        case 7: map { $0.value(depth: depth + 1) }
        default: nest(random.below(20))
        }
    }

    private mutating func nest(_ depth: Int) {
        for _ in 0..<depth { put("[") }
        put("0")
        for _ in 0..<depth { put("]") }
    }

    private mutating func map(_ value: (inout JSONGenerator) -> Void) {
        let count = random.below(4)
        put("{")
        for index in 0..<count {
            if index > 0 { put(",") }
            space()
            key(word())
            value(&self)
            space()
        }
        put("}")
    }

    private mutating func object(fields: [(inout JSONGenerator) -> Void]) {
        put("{")
        for (index, field) in fields.enumerated() {
            if index > 0 { put(",") }
            space()
            field(&self)
            space()
        }
        if !fields.isEmpty, random.chance(1, in: 60) { put(",") }
        put("}")
    }

    private mutating func array(count: Int, _ element: (inout JSONGenerator) -> Void) {
        put("[")
        for index in 0..<count {
            if index > 0 { put(",") }
            space()
            element(&self)
            space()
        }
        if count > 0, random.chance(1, in: 60) { put(",") }
        put("]")
    }

    private mutating func number() {
        let forms = [
            "0", "-0", "7", "20001", "65535", "65536", "-1", "1648472895000", "1648472895123.0", "1648472895",
            "1.648472895e12", "1.5E+3", "2e-3", "1e-310", "0e-400", "-0.0e999", "123456789012345678901234567890", "0.1",
            "1e15",
            "999999999999999", "1000000000000000", "9007199254740993", "1E2", "10.0", "3.00000000000000000001",
            "253402300800000", "99999999999", "100000000000", "0e0", "4.9e-324",
        ]
        put(random.pick(forms))
        if random.chance(1, in: 200) {
            put(random.pick(["1e400", "-1e400", "1e-400", "01", "-", "1.", ".5", "1e", "1.e5", "--1", "1-1", "0x1"]))
        }
    }

    private mutating func key(_ name: String) {
        quoted(name)
        space()
        put(":")
        space()
    }

    private mutating func word() -> String {
        random.pick([
            "maintainer", "id", "tag", "é", "e\u{301}", "", "日本語のラベル", "enableMetrics", "a b", "sessions", "\u{1F600}",
            "org.opencontainers.image.source", "tags", "x",
        ])
    }

    private mutating func string() {
        if random.chance(1, in: 150) { return put(random.pick(Self.brokenStrings)) }
        quoted(
            random.pick([
                "", "europe", "frankfurt", "running", "c595bc6f-8522-4a62-95cd-8742136643ea", "1.2.3", "a\"b\\c/d",
                "line\nbreak\ttab\r\u{8}\u{c}", "\u{1F680}\u{10FFFF}", "ümläut", "\u{0}\u{1f}\u{7f}", "..", "a/b/../c",
                "a-very-long-image-name-that-does-not-fit-into-a-small-string", "\u{2028}\u{2029}\u{FEFF}", "e\u{301}",
            ]))
    }

    private static let brokenStrings = [
        "\"\\uD800\"", "\"\\uD800x\"", "\"\\uDC00\"", "\"\\uD800\\uD800\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\x\"",
        "\"a\u{1}b\"", "\"tab\tinside\"", "\"\\uD83D\\n\"", "\"\\uD83D\\uDE0\"", "\"\\",
    ]

    /// A string in quotes with escapes chosen at random among the ways it can be written.
    private mutating func quoted(_ text: String) {
        put("\"")
        let escapesAll = random.chance(1, in: 12)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": put("\\\"")
            case "\\": put("\\\\")
            case "\n": put("\\n")
            case "\t": put("\\t")
            case "\r": put("\\r")
            case "\u{8}": put("\\b")
            case "\u{c}": put("\\f")
            case "/": put(random.chance(1, in: 2) ? "/" : "\\/")
            case _ where scalar.value < 0x20 || escapesAll:
                for unit in String(Character(scalar)).utf16 {
                    let digits = String(unit, radix: 16, uppercase: random.chance(1, in: 2))
                    put("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
                }
            default: put(String(Character(scalar)))
            }
        }
        put("\"")
    }

    private mutating func space() {
        guard random.chance(1, in: 6) else { return }
        for _ in 0..<random.below(4) { put(random.pick([" ", "\n", "\t", "\r"])) }
    }

    private mutating func put(_ text: String) { bytes += Array(text.utf8) }

    // MARK: Damage

    /// A few bytes changed, removed, doubled or cut off.
    mutating func damage(_ original: [UInt8]) -> [UInt8] {
        var bytes = original
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let position = random.below(bytes.count)
            switch random.below(7) {
            case 0: bytes[position] = UInt8(truncatingIfNeeded: random.next() >> 40)
            case 1: bytes.remove(at: position)
            case 2: bytes.insert(random.pick(Array("{}[],:\"\\0-eEu".utf8)), at: position)
            case 3: bytes.removeLast(bytes.count - position)
            case 4: bytes.insert(contentsOf: [0xC3, 0x28], at: position)
            case 5: bytes[position] = random.pick(Array("{}[],:\"\\ \n01a".utf8))
            default:
                let end = min(bytes.count, position + random.below(20))
                bytes.insert(contentsOf: bytes[position..<end], at: position)
            }
        }
        return bytes
    }
}
