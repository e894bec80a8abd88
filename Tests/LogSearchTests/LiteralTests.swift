import Testing

@testable import LogSearch

@Suite struct LiteralTests {
    private func query(_ pattern: String, caseless: Bool = false) throws -> String {
        var reading = PatternOptions([pattern])
        reading.ignoreCase = caseless
        return try SearchPattern(reading).query.text
    }

    @Test(arguments: [
        ("Fatal error", #""fatal error""#),
        (#"player=[0-9a-f-]{36} .*rtt=29\d$"#, #"("player=" AND "rtt=29")"#),
        ("error|warning", #"("error" OR "warning")"#),
        ("error|x", "every block"),
        ("foo(bar|baz)qux", #"("foobarqux" OR "foobazqux")"#),
        ("colou?r", #"("colour" OR "color")"#),
        ("(abc)+", #""abc""#),
        ("(abcde)*", "every block"),
        ("ab+cdef", #""bcdef""#),
        (#"\d{3}\.\d{3}"#, "every block"),
        ("[Ee]rror", #""error""#),
        ("(?:abc){2}", #""abcabc""#),
        ("(?=needle)hay", #"("needle" AND "hay")"#),
        ("(?!needle)haystack", #""haystack""#),
        ("(?<=needle )hay", #"("needle " AND "hay")"#),
        (#"foo\.bar\x41"#, #""foo.bara""#),
        (#"\Qa.b*c\Eend"#, #""a.b*cend""#),
        (#"(\w+) \1 again"#, #"" again""#),
        ("(?x) a b c", "every block"),
        ("(a)?(?(1)abc|def)", "every block"),
        ("(*COMMIT)abcdef", "every block"),
        ("ab{2}cdef", #""abbcdef""#),
        ("a{,3}bcdef", "every block"),
        ("stra\u{DF}e", "\"stra\u{DF}e\""),
        ("", "every block"),
    ])
    func findsRequiredLiterals(pattern: String, expected: String) throws {
        #expect(try query(pattern) == expected)
    }

    @Test func caselessLiteralsKnowTheKelvinSignAndTheLongS() throws {
        #expect(try query("task", caseless: true).split(separator: "OR").count == 4)
        #expect(try query("fatal error", caseless: true) == #""fatal error""#)
        // Letters outside ASCII have two forms: the text around them is required.
        #expect(try query("gr\u{FC}ndlich", caseless: true) == #""ndlich""#)
        var source = MemorySource()
        source.add("a", Array("\u{212A}elvin ta\u{17F}k\nkelvin task\n".utf8), blockSize: 14)
        let (text, _) = try search(["KELVIN TASK"], in: [source], patternOptions: { $0.ignoreCase = true })
        #expect(String(decoding: text, as: UTF8.self).split(separator: "\n").count == 2)
    }

    @Test func refusesLineFeedsAndBadPatterns() {
        for pattern in ["a\\nb", "a\nb", "(", "a)(b", "[a", "*", "\\C"] {
            #expect(throws: LogSearchError.self, "\(pattern)") { try SearchPattern(PatternOptions([pattern])) }
        }
        // Each must be valid by itself.
        #expect(throws: LogSearchError.self) { try SearchPattern(PatternOptions(["a)", "(b"])) }
    }

    @Test func deepNestingAndLongPatternsEnd() throws {
        let deep = String(repeating: "(", count: 2000) + "abcdef" + String(repeating: ")", count: 2000)
        _ = try? SearchPattern(PatternOptions([deep]))
        let nested = String(repeating: "(?:", count: 60) + "abcdef" + String(repeating: ")+", count: 60)
        #expect(try SearchPattern(PatternOptions([nested])).query != .literal([]))
        let many = (0..<2000).map { "word\($0)" }
        #expect(try SearchPattern(PatternOptions(many)).query != .literal([]))
    }
}
