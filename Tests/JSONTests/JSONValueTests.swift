import Foundation
import Testing

@testable import JSON

/// Documents read as a tree.
@Suite struct JSONValueTests {
    private static func read(_ text: String) throws -> JSONValue { try JSONValue(parsing: text.utf8) }

    @Test func keepsOrderBytesAndRepetition() throws {
        let text = "{\"b\":1,\"a\":2,\"b\":3,\"\u{e9}\":4,\"e\u{301}\":5}"
        let value = try Self.read(text)
        #expect(
            value.members?.map { Array($0.name.utf8) } == ["b", "a", "b", "\u{e9}", "e\u{301}"].map { Array($0.utf8) })
        #expect(value["b"]?.int64 == 1)
        #expect(value["e\u{301}"]?.int64 == 5)
        #expect(value.utf8 == Array(text.utf8))
    }

    @Test(arguments: [
        "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "[1 2]", "01", "-", "+1", "1.", ".5", "1e", "1e+",
        "0x1", "nul", "nulll", "True", "'a'", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"", "\"\n\"", "\"\0\"", "1 2", "{} {}", "NaN", "Infinity", "--1", "-01",
        "[", "\"\\", "{\"a\":\"\u{1}\"}", "{\"\\q\":1}", "1e400", "-1e400", "1e-400", "[1}", "{]", ",", ":", "//",
        "\u{FEFF}1",
        String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000),
        String(repeating: "[", count: 513) + String(repeating: "]", count: 513),
    ])
    func refusesHostileText(text: String) {
        #expect(throws: JSONFault.self) { try Self.read(text) }
    }

    @Test func refusesBytesThatAreNotUTF8() {
        for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] {
            #expect(throws: JSONFault.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
            #expect(throws: JSONFault.self) {
                try JSONValue(parsing: [0x7B, 0x22] + bytes + [0x22, 0x3A, 0x31, 0x7D])
            }
        }
    }

    /// A truncated document is distinguished from an invalid one.
    @Test func everyCutOfADocumentIsIncomplete() throws {
        let text = #" {"a":[1,{"b":"\u00e9\ud83d\ude00"}],"c":true,"d":null,"e":-1.5e3} "#
        let end = try #require(text.lastIndex(of: "}")?.utf16Offset(in: text))
        for length in 0..<end {
            let fault = #expect(throws: JSONFault.self) { try JSONValue(parsing: text.utf8.prefix(length)) }
            // A number that is cut is not a number.
            #expect(fault?.isIncomplete == true || fault?.reason.description == "malformed number", "\(length)")
        }
    }

    @Test(
        arguments: [
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9007199254740993", .integer(9_007_199_254_740_993)), ("9223372036854775808", .unsigned(1 << 63)),
            ("18446744073709551615", .unsigned(.max)), ("18446744073709551616", .number(18_446_744_073_709_551_616)),
            ("1.0", .number(1)), ("-0", .integer(0)), ("1e2", .number(100)), ("0e-999", .number(0)),
        ] as [(String, JSONValue)])
    func numbers(text: String, expected: JSONValue) throws {
        #expect(try Self.read(text) == expected)
    }

    @Test func wholeNumbersFitOrAreAbsent() throws {
        #expect(try Self.read("1e2").int64 == 100)
        #expect(try Self.read("1.5").int64 == nil)
        #expect(try Self.read("9223372036854775808").int64 == nil)
        #expect(try Self.read("9223372036854775808").uint64 == 1 << 63)
        #expect(try Self.read("-1").uint64 == nil)
        #expect(try Self.read("1e300").uint64 == nil)
    }

    @Test func equalTextsHaveEqualBytes() throws {
        #expect(try Self.read("\"\u{e9}\"") != Self.read("\"e\u{301}\""))
        #expect(try Self.read(#"{"a":"\u00e9"}"#) == Self.read("{ \"a\" : \"\u{e9}\" }"))
        #expect(try Self.read("1") != Self.read("1.0"))
    }

    @Test func readsWhatFoundationReads() throws {
        var dice = SplitMix(state: 3)
        for _ in 0..<500 {
            let json = Self.random(&dice, 0)
            let value = try #require(try? Self.read(json), "\(json)")
            #expect(try Self.canonical(value.utf8) == Self.canonical(Array(json.utf8)), "\(json)")
        }
    }

    private static func random(_ dice: inout SplitMix, _ depth: Int) -> String {
        let space = ["", " ", "\n", "\t\r"].randomElement(using: &dice) ?? ""
        let scalars = [
            "null", "true", "false", "0", "12", "-7", "1.5", "2e3", "1E-2", "\"\"", "\"a\\u00e9\"",
            "\"\\ud83d\\ude00\\n\\/\\\\\"", "\"😀\"", "9223372036854775807", "-9223372036854775808", "\"\u{7f}\\b\\f\"",
        ]
        switch depth > 4 ? 0 : Int.random(in: 0..<3, using: &dice) {
        case 1:
            let values = (0..<Int.random(in: 0...3, using: &dice)).map { _ in random(&dice, depth + 1) }
            return space + "[" + values.joined(separator: ",") + (values.isEmpty ? space : "") + "]"
        case 2:
            let members = (0..<Int.random(in: 0...3, using: &dice)).map { index in
                "\"k\(index)\"\(space):" + random(&dice, depth + 1)
            }
            return "{" + members.joined(separator: ",") + space + "}" + space
        default: return space + (scalars.randomElement(using: &dice) ?? "0") + space
        }
    }

    /// As Foundation reads and writes it.
    private static func canonical(_ bytes: [UInt8]) throws -> Data {
        let value = try JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])
        return try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
    }

    @Test func whatWasReadIsReadAgainTheSame() throws {
        var dice = SplitMix(state: 9)
        let pieces: [UInt8] = Array("{}[]\":,\\u0dbe19.-+truefalsn \u{e9}".utf8) + [0, 0xFF]
        var read = 0
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &dice)).map { _ in pieces.randomElement(using: &dice) ?? 0 }
            guard let value = try? JSONValue(parsing: bytes) else { continue }
            read += 1
            #expect(try JSONValue(parsing: value.utf8) == value)
        }
        #expect(read > 100)
    }
}

/// A small generator that gives the same sequence for the same seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
