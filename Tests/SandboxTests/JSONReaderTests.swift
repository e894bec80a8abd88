import Bytes
import Foundation
import Testing

@testable import Sandbox

/// JSON from callers.
@Suite struct JSONReaderTests {
    @Test func keepsOrderBytesAndRepetition() throws {
        let text = "{\"b\":1,\"a\":2,\"b\":3,\"\u{e9}\":4,\"e\u{301}\":5}"
        let members = try #require(JSONValue(parsing: Array(text.utf8))?.members)
        #expect(members.map { Array($0.name.utf8) } == ["b", "a", "b", "\u{e9}", "e\u{301}"].map { Array($0.utf8) })
        #expect(JSONValue(parsing: Array(text.utf8))?["e\u{301}"] == .integer(5))
        #expect(JSONValue(parsing: Array(text.utf8))?.bytes == Array(text.utf8))
    }

    @Test(arguments: [
        "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "[1 2]", "01", "-", "+1", "1.", ".5", "1e", "1e+",
        "0x1", "nul", "nulll", "True", "'a'", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"",
        "\"\\ud800\\u0041\"", "\"\n\"", "1 2", "{} {}", "NaN", "Infinity", "--1", "-01", "[", "\"\\",
        String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000),
    ])
    func refusesWhatIsNoJSON(text: String) {
        #expect(JSONValue(parsing: Array(text.utf8)) == nil)
    }

    @Test func readsWhatFoundationReads() throws {
        var dice = SplitMix64(seed: 3)
        func text(_ depth: Int) -> String {
            let space = ["", " ", "\n", "\t\r"].randomElement(using: &dice) ?? ""
            let scalars = [
                "null", "true", "false", "0", "12", "-7", "1.5", "2e3", "1E-2", "\"\"", "\"a\\u00e9\"",
                "\"\\ud83d\\ude00\\n\\/\\\\\"", "\"😀\"", "9223372036854775807", "-9223372036854775808",
            ]
            let kind = depth > 4 ? 0 : Int.random(in: 0..<3, using: &dice)
            switch kind {
            case 1:
                let values = (0..<Int.random(in: 0...3, using: &dice)).map { _ in text(depth + 1) }
                return space + "[" + values.joined(separator: ",") + (values.isEmpty ? space : "") + "]"
            case 2:
                let members = (0..<Int.random(in: 0...3, using: &dice)).map { "\"k\($0)\"\(space):" + text(depth + 1) }
                return "{" + members.joined(separator: ",") + space + "}" + space
            default: return space + (scalars.randomElement(using: &dice) ?? "0") + space
            }
        }
        for _ in 0..<500 {
            let json = text(0)
            let value = try #require(JSONValue(parsing: Array(json.utf8)), "\(json)")
            #expect(try Self.canonical(value.bytes) == Self.canonical(Array(json.utf8)), "\(json)")
        }
    }

    /// As Foundation reads and writes it again.
    private static func canonical(_ bytes: [UInt8]) throws -> Data {
        let value = try JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed])
        return try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])
    }

    @Test func bytesThatAreNotUTF8AreNotJSON() {
        #expect(JSONValue(parsing: [0x22, 0xff, 0x22]) == nil)
        #expect(JSONValue(parsing: [0x22, 0xed, 0xa0, 0x80, 0x22]) == nil)
    }

    @Test func anyBytesAreReadWithoutATrap() {
        var dice = SplitMix64(seed: 9)
        let pieces: [UInt8] = Array("{}[]\":,\\u0dbe19.-+truefalsn \u{e9}".utf8) + [0, 0xff]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &dice)).map { _ in pieces.randomElement(using: &dice) ?? 0 }
            if let value = JSONValue(parsing: bytes) { #expect(JSONValue(parsing: value.bytes) != nil) }
        }
    }
}
