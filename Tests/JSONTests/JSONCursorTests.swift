import Testing

@testable import JSON

/// The cursor and its position.
@Suite struct JSONCursorTests {
    private func cursor<Result>(
        _ text: String, trailingComma: Bool = false, _ body: (inout JSONCursor) throws(JSONFault) -> Result
    ) throws -> Result {
        try Array(text.utf8).withUnsafeBytes { bytes in
            var cursor = JSONCursor(bytes, acceptsTrailingComma: trailingComma)
            return try body(&cursor)
        }
    }

    @Test(arguments: ["[1,]", "{\"a\":1,}", "[[],]", "[1 , ]"])
    func aTrailingCommaIsAcceptedOnRequest(text: String) throws {
        #expect(throws: JSONFault.self) {
            try cursor(text + " ") { cursor throws(JSONFault) in try cursor.skipValue(depth: 0) }
        }
        let end = try cursor(text + " ", trailingComma: true) { cursor throws(JSONFault) in
            try cursor.skipValue(depth: 0)
            return cursor.position
        }
        #expect(end == text.utf8.count)
    }

    @Test func depthIsBounded() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        try cursor(nested(512)) { cursor throws(JSONFault) in try cursor.skipValue(depth: 0) }
        let fault = #expect(throws: JSONFault.self) {
            try cursor(nested(513)) { cursor throws(JSONFault) in try cursor.skipValue(depth: 0) }
        }
        #expect(fault?.kind == .malformed)
        #expect(fault?.offset == 512)
        _ = try JSONValue(parsing: nested(512).utf8)
    }

    /// In a stream, digits may follow.
    @Test func aNumberAtTheEndIsIncomplete() throws {
        let fault = #expect(throws: JSONFault.self) {
            try cursor("12") { cursor throws(JSONFault) in try cursor.number() }
        }
        #expect(fault?.isIncomplete == true)
        #expect(try cursor("12 ") { cursor throws(JSONFault) in try cursor.number() } == 0..<2)
    }

    /// Every length, so that words and single bytes are both scanned, with the escape at every position.
    @Test func stringsOfEveryLength() throws {
        for length in 0..<40 {
            let plain = String(repeating: "x", count: length)
            #expect(try JSONValue(parsing: "\"\(plain)\"".utf8).string == plain)
            for place in 0...length {
                var text = plain
                text.insert("\n", at: plain.index(plain.startIndex, offsetBy: place))
                #expect(try JSONValue(parsing: JSONValue.string(text).utf8).string == text)
                var raw = Array("\"\(plain)\"".utf8)
                raw.insert(0x1F, at: place + 1)
                #expect(throws: JSONFault.self) { try JSONValue(parsing: raw) }
            }
        }
    }

    @Test func keysAreComparedAfterTheirEscapes() throws {
        try cursor(#""\u0069d""#) { cursor throws(JSONFault) in
            let span = try cursor.string()
            #expect(cursor.matches(span, "id", in: JSONScratch()))
            #expect(!cursor.matches(span, "ix", in: JSONScratch()))
            #expect(!cursor.matches(span, "ids", in: JSONScratch()))
        }
    }
}
