import Testing

@testable import SalvageConfiguration

/// The reader of YAML beneath the configuration.
@Suite struct YAMLTests {
    private static func root(_ yaml: String) throws -> YAMLNode { try #require(try YAMLNode.document(yaml)) }

    private static func items(_ yaml: String) throws -> [YAMLNode] {
        guard case .sequence(let items) = try root(yaml).content else { return [] }
        return items
    }

    private static func entries(_ yaml: String) throws -> [YAMLNode.Entry] {
        guard case .mapping(let entries) = try root(yaml).content else { return [] }
        return entries
    }

    @Test(arguments: [
        ("- plain text", "plain text", true), ("- 'it''s'", "it's", false), ("- \"a\\tb\\0c\"", "a\tb\u{0}c", false),
        ("- |\n  a\n  b\n", "a\nb\n", false), ("- >-\n  a\n  b\n", "a b", false), ("- yes", "yes", true),
        ("- 'yes'", "yes", false), ("- 0x1F", "0x1F", true), ("- 1_000", "1_000", true), ("- 1.5e3", "1.5e3", true),
        ("- .inf", ".inf", true), ("- !!int '7'", "7", false), ("- !!binary x", "x", true),
        ("- \"\\u00e9\"", "é", false),
        ("- a # comment", "a", true), ("- https://a:1/#b", "https://a:1/#b", true), ("- é", "é", true),
    ])
    func aScalarIsItsText(_ yaml: String, _ text: String, _ isPlain: Bool) throws {
        let item = try #require(try Self.items(yaml).first)
        guard case .scalar(let found, let foundPlain) = item.content else {
            Issue.record("\(yaml) is no scalar")
            return
        }
        #expect(Array(found.utf8) == Array(text.utf8))
        #expect(foundPlain == isPlain)
    }

    @Test func onlyPlainNullsAreNull() throws {
        #expect(
            try Self.items("[~, null, '~', 'null', '', Null, none, [], {}]").map(\.isNull)
                == [true, true, false, false, false, false, false, false, false])
        #expect(try Self.items("-\n- !!str\n").map(\.isNull) == [true, true])
    }

    @Test(arguments: ["", "\n\n", "# only a comment\n", "\u{FEFF}"])
    func aTextWithoutADocumentIsNil(_ yaml: String) throws {
        #expect(try YAMLNode.document(yaml) == nil)
    }

    @Test func anEmptyDocumentIsNull() throws {
        #expect(try Self.root("---\n").isNull)
        #expect(try Self.root("---\n...\n").isNull)
    }

    @Test func aByteOrderMarkIsSkipped() throws {
        #expect(try Self.entries("\u{FEFF}key: value").first?.key.text == "key")
        let two = try Self.entries("\u{FEFF}a: 1\nb: 2\n")
        #expect(two.map(\.key.text) == ["a", "b"])
        #expect(two.map(\.key.column) == [1, 1])
        #expect(try Self.entries("\u{FEFF}---\na: 1\n").count == 1)
    }

    /// libyaml's time for them grows with the square of their number.
    @Test func manyTagDirectivesAreRefused() {
        let text = (0..<20_000).map { "%TAG !n\($0)! x\n" }.joined() + "--- a\n"
        #expect(throws: YAMLProblem.self) { try YAMLNode.document(text) }
    }

    @Test func everyValueKnowsItsPlace() throws {
        let entries = try Self.entries("é: 1\nb:\n  - x\n  - {c: \"y\"}\n")
        #expect(entries.map(\.key.line) == [1, 2])
        #expect(entries[0].value.column == 4, "columns count characters, not bytes")
        #expect([entries[1].value.line, entries[1].value.column] == [3, 3])
        guard case .sequence(let items) = entries[1].value.content, case .mapping(let inner) = items[1].content else {
            Issue.record("no list with a mapping")
            return
        }
        #expect([items[0].line, items[0].column, items[1].line, items[1].column] == [3, 5, 4, 5])
        #expect([inner[0].value.line, inner[0].value.column] == [4, 9])
    }

    @Test func anAliasIsReplacedByItsValue() throws {
        let items = try Self.items("- &a [x, y]\n- *a\n- &a z\n- *a\n")
        guard case .sequence(let copied) = items[1].content else {
            Issue.record("no list")
            return
        }
        #expect(copied.map(\.text) == ["x", "y"])
        #expect(items[1].line == 1, "a mistake in the value is where the value stands")
        #expect(items[3].text == "z", "the last anchor of a name counts")
    }

    @Test(arguments: [
        ("- *a\n- &a x\n", 1, 3), ("a: &b [*b]\n", 1, 8), ("x: 1\ny: *missing\n", 2, 4),
    ])
    func anAliasWithoutAValueIsAMistake(_ yaml: String, _ line: Int, _ column: Int) throws {
        let problem = try #require(throws: YAMLProblem.self) { try YAMLNode.document(yaml) }
        #expect(problem.line == line)
        #expect(problem.column == column)
        #expect(problem.message.contains("alias '*"))
    }

    /// A list of `count - 1` items, which is `count` values, and `uses` aliases of it.
    private static func aliases(of count: Int, uses: Int) -> String {
        "- &a [" + repeatElement("x", count: count - 1).joined(separator: ",") + "]\n"
            + String(repeating: "- *a\n", count: uses)
    }

    @Test func aliasesStandForALimitedNumberOfValues() throws {
        #expect(try Self.items(Self.aliases(of: 100, uses: 100)).count == 101)
        let problem = try #require(throws: YAMLProblem.self) {
            try YAMLNode.document(Self.aliases(of: 100, uses: 101))
        }
        #expect(problem.line == 102)
        #expect(problem.message == "uses aliases that stand for more than 10000 values")
    }

    @Test func aliasesOfAliasesAreCounted() throws {
        var yaml = "- &l0 [x, x]\n"
        for level in 1...60 { yaml += "- &l\(level) [*l\(level - 1), *l\(level - 1)]\n" }
        let problem = try #require(throws: YAMLProblem.self) { try YAMLNode.document(yaml) }
        #expect(problem.line == 12)
        #expect(problem.message.contains("10000"))
        // As keys, too: comparing them must not take forever.
        #expect(throws: YAMLProblem.self) { try YAMLNode.document(yaml + "- ? *l60\n  : x\n") }
    }

    @Test(
        arguments: [
            { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) },
            { (depth: Int) in String(repeating: "{a: ", count: depth) + String(repeating: "}", count: depth) },
            { (depth: Int) in String(repeating: "- ", count: depth) + "x" },
            { (depth: Int) in (0..<depth).map { String(repeating: " ", count: $0) + "a:\n" }.joined() },
            // Half of the levels come through an alias.
            { (depth: Int) in
                let (half, rest) = (depth / 2, depth - 1 - depth / 2)
                return "- &a " + String(repeating: "[", count: half) + String(repeating: "]", count: half) + "\n- "
                    + String(repeating: "[", count: rest) + "*a" + String(repeating: "]", count: rest) + "\n"
            },
        ] as [@Sendable (Int) -> String])
    func nestingIsLimited(_ nested: @Sendable (Int) -> String) throws {
        #expect(try YAMLNode.document(nested(64)) != nil)
        for depth in [65, 66, 1000] {
            let problem = try #require(throws: YAMLProblem.self) { try YAMLNode.document(nested(depth)) }
            #expect(problem.message == "is nested more than 64 levels deep")
        }
    }

    @Test func aKeyIsSetOnce() throws {
        let problem = try #require(throws: YAMLProblem.self) {
            try YAMLNode.document("a:\n  b: 1\n  c: 2\n  'b': 3\n  c: 4\n  b: 5\n")
        }
        #expect(
            problem == YAMLProblem(line: 4, message: "sets 'b', 'c' more than once in one mapping", fix: problem.fix))
        #expect(try Self.entries("{\"\\u00e9\": 1, \"e\\u0301\": 2, B: 3, b: 4}").count == 4, "keys are bytes")
        #expect(try Self.entries("{a: {b: 1}, b: {b: 2}}").count == 2)
    }

    @Test func aKeyMayBeAList() throws {
        #expect(try Self.entries("? [x, y]\n: z\n").first?.key.text == nil)
    }

    @Test(
        arguments: [
            ("a: b: c", 1, 5, "mapping values are not allowed in this context (column 5)"),
            ("a:\n\t- b", 2, 1, "found character that cannot start any token (column 1)"),
            ("a: 1\nb: 'c\nd", 3, nil, "(at the end), while scanning a quoted scalar that begins on line 2"),
            ("a: [\n", 1, nil, "(at the end)"),
            ("a: [1, 2\nb: 3\n", 2, 2, "while parsing a flow sequence that begins on line 1"),
            ("a: é\u{1}", 1, 5, "control characters are not allowed (column 5)"),
            ("é: 1\nb: \u{7F}", 2, 4, "control characters are not allowed (column 4)"),
            ("a: \"\\ud800\"", 1, nil, "found invalid Unicode character escape code"),
            ("a: 1\n b: 2\n", 2, nil, "mapping"),
            ("a: @b", 1, 4, "found character that cannot start any token"),
            ("a: 1\n---\nb: 2\n", 2, nil, "second YAML document"),
            ("a: 1\n...\n---\nb: 2\n", 3, nil, "second YAML document"),
        ] as [(String, Int, Int?, String)])
    func aMistakeHasAPlace(_ yaml: String, _ line: Int, _ column: Int?, _ words: String) throws {
        let problem = try #require(throws: YAMLProblem.self) { try YAMLNode.document(yaml) }
        #expect(problem.line == line, "\(problem)")
        if let column { #expect(problem.column == column, "\(problem)") }
        #expect(problem.message.contains(words), "\(problem)")
        #expect(!problem.fix.isEmpty)
    }
}
