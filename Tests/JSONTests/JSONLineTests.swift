import Foundation
import Testing
import Text

@testable import JSON

/// Objects written member by member.
@Suite struct JSONLineTests {
    private static func quoted(_ text: String) -> String {
        var out: [UInt8] = []
        JSONString.append(text, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test func escapes() {
        #expect(Self.quoted("") == "\"\"")
        #expect(Self.quoted("\u{8}\t\n\u{c}\r\"\\/") == #""\b\t\n\f\r\"\\/""#)
        #expect(Self.quoted("\0\u{1}\u{1b}\u{1f}\u{7f}") == #""\u0000\u0001\u001b\u001f\u007f""#)
        #expect(Self.quoted("\u{80}é\u{2028}😀") == "\"\u{80}é\u{2028}😀\"")
    }

    /// With every byte at every position of a word, so that none is mistaken for its neighbor.
    @Test func everyCharacterIsReadBackByFoundation() throws {
        for scalar in (0..<0x100).compactMap({ UnicodeScalar(UInt32($0)) }) {
            for place in 0..<9 {
                let text =
                    String(repeating: "a", count: place) + String(scalar) + String(repeating: "é", count: 9 - place)
                let data = Data(Self.quoted(text).utf8)
                let read = try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed) as? String
                #expect(read.map { Array($0.utf8) } == Array(text.utf8))
            }
        }
    }

    @Test func membersKeepTheirOrderAndNilsAreLeftOut() {
        var line = JSONLine()
        #expect(line.text == "{}")
        line.add("z", "1")
        line.add("none", String?.none)
        line.add("a", 2)
        line.add("none", Int?.none)
        line.add("f", 1.5)
        line.add("infinite", Double.infinity)
        line.add("b", false)
        line.add("big", UInt64.max)
        line.add("raw", json: Array("[null]".utf8))
        #expect(line.text == #"{"z":"1","a":2,"f":1.5,"b":false,"big":18446744073709551615,"raw":[null]}"#)
    }

    @Test func nestedObjectsAndArrays() {
        var inner = JSONLine()
        inner.add("x", 1)
        var line = JSONLine()
        line.add("texts", ["a", "\""])
        line.add("no texts", [String]())
        line.add("labels", ["b": "2", "a": "1"] as ByteDictionary<String>)
        line.add("object", inner)
        line.add("objects", [inner, JSONLine()])
        line.add("written") { object in
            object.add("y", 2)
            object.add("empty") { _ in }
            object.add("after", 3)
        }
        line.add("each", [1, 2]) { $0.add("n", $1) }
        line.add("none", [Int]()) { $0.add("n", $1) }
        line.add("end", true)
        #expect(
            line.text == #"{"texts":["a","\""],"no texts":[],"labels":{"a":"1","b":"2"},"object":{"x":1},"#
                + #""objects":[{"x":1},{}],"written":{"y":2,"empty":{},"after":3},"each":[{"n":1},{"n":2}],"none":[],"end":true}"#
        )
    }
}
