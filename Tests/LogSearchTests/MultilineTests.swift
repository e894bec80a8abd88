import Printers
import Synchronization
import Testing

@testable import LogSearch

/// Matches that span lines: what is searched, and what ripgrep prints.
@Suite struct MultilineTests {
    private static func text(
        _ pattern: String, _ content: String, blockSize: Int, _ configure: (inout TestOptions) -> Void = { _ in },
        reading: (inout PatternOptions) -> Void = { _ in }
    ) throws -> String {
        var source = MemorySource()
        source.add("a", Array(content.utf8), blockSize: blockSize)
        let found = try search(
            [pattern], in: [source],
            patternOptions: {
                $0.multiline = true
                reading(&$0)
            },
            options: { configure(&$0) })
        return String(decoding: found.text, as: UTF8.self)
    }

    private static let log = "begin request 7\nbody\n\nend of request 7\nquiet\nbegin request 8\nend of request 8\n"

    @Test(arguments: [4, 16, 20, 4096])
    func aMatchMaySpanBlocks(blockSize: Int) throws {
        let found = try Self.text("begin request 7\\n(?:.*\\n)+?end of request 7", Self.log, blockSize: blockSize)
        #expect(found == "S:a:1:begin request 7\nS:a:2:body\nS:a:3:\nS:a:4:end of request 7\n")
        // Its literals are in different blocks, and the filters of the memory source are exact.
        let far = try Self.text("(?s)request 7.*end of request 8", Self.log, blockSize: blockSize)
        #expect(far.split(separator: "\n").count == 7)
        let dots = try Self.text(
            "request 7.*end of request 8", Self.log, blockSize: blockSize, reading: { $0.dotAll = true })
        #expect(dots == far)
    }

    @Test func onlyOneLiteralIsRequiredOfABlock() throws {
        var reading = PatternOptions(["one literal\\s+another longer literal"])
        #expect(try SearchPattern(reading).query.literals.count == 2)
        reading.multiline = true
        let pattern = try SearchPattern(reading)
        #expect(pattern.spansLines && pattern.query == .literal(Array("another longer literal".utf8)))
        reading.patterns = ["alpha[\\n ]beta"]
        #expect(try SearchPattern(reading).query == .literal(Array("alpha".utf8)))
        reading.patterns = ["first\nsecond line"]
        reading.fixed = true
        #expect(try SearchPattern(reading).query == .literal(Array("second line".utf8)))
    }

    @Test(
        arguments: [
            ("foo", false), ("foo\\n", true), ("\\s", true), ("[^a]", true), ("[^a\\n]", false), ("[^\\s]", false),
            ("\\w+ \\d", false), ("\\W", true), (".", false), ("(?s).", true), ("[[:alpha:]]", false),
            ("[[:space:]]", true), ("a$", false), ("\\x0a", true), ("\\p{L}", true), ("[ -~]", false),
        ])
    func aPatternThatCannotMatchALineFeedIsMatchedByLine(_ pattern: String, _ spans: Bool) throws {
        var reading = PatternOptions([pattern])
        reading.multiline = true
        #expect(try SearchPattern(reading).spansLines == spans)
        reading.multiline = false
        if pattern != "foo\\n", pattern != "\\x0a" { #expect(try !SearchPattern(reading).spansLines) }
    }

    @Test func withoutTheFlagALineFeedIsAMistake() {
        let error = #expect(throws: LogSearchError.self) { try SearchPattern(PatternOptions(["a\\nb"])) }
        #expect(error?.hint?.contains("-U") == true)
    }

    @Test func aTextOnWhichThePatternIsTooHardIsLeftOut() throws {
        var source = MemorySource()
        source.add("a", Array(String(repeating: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", count: 3000).utf8))
        let found = try search(["(?:a+\\n?)+[bd]"], in: [source], patternOptions: { $0.multiline = true })
        #expect(found.text.isEmpty)
        // One for each line, and one for the rest.
        #expect(found.report.problemCount == 101, "\(found.report.problems.prefix(3))")
    }

    @Test func aSearchThatSpansLinesEndsWhenItIsCancelled() throws {
        var source = MemorySource()
        source.add("a", Array(String(repeating: "a line\n", count: 200_000).utf8))
        var queue = [source].makeIterator()
        var reading = PatternOptions(["(?:.*\\n)+?nothing \\d"])
        reading.multiline = true
        let asked = Atomic(0)
        var options = SearchOptions()
        options.usesFilters = false
        let engine = SearchEngine<MemorySource>(
            pattern: try SearchPattern(reading), options: options, threads: SearchThreads(0),
            isCancelled: { asked.add(1, ordering: .relaxed).newValue > 4 })
        let printer = TextPrinter(Collected(), PrintOptions(), inverts: false, hasContext: false)
        #expect(try engine.run(into: printer) { queue.next() }.report.isCancelled)
        // It is over long before each of the 340 steps of the text is made.
        #expect(asked.load(ordering: .relaxed) < 40)
    }

    @Test func aLineBeginsAfterTheLastLineFeed() throws {
        #expect(try Self.text("body\\s+^", "one\nbody\n", blockSize: 4096) == "S:a:2:body\n")
    }

    @Test func aLargeMemberIsSearchedInPartsThatOverlap() throws {
        // Long lines, so that there are few of them: parts of 16 MiB, and a match over the end of the first.
        let fill = String(repeating: "x", count: 65_535) + "\n"
        let before = String(repeating: fill, count: 255)
        let content = Array((before + fill + "begin\nend\n" + fill + "begin\nend\n").utf8)
        var source = MemorySource()
        source.add("a", content, blockSize: 65_536)
        let found = try search(
            ["begin\\nend"], in: [source], patternOptions: { $0.multiline = true }, options: { $0.usesFilters = false })
        #expect(String(decoding: found.text, as: UTF8.self).split(separator: "\n").count == 4)
        #expect(found.report.membersInParts == 1 && found.report.problemCount == 0)
        let over = before + String(repeating: "x", count: 65_529) + "\nbegin\nend\n" + fill
        var other = MemorySource()
        other.add("a", Array(over.utf8), blockSize: 65_536)
        let across = try search(["begin\\nend"], in: [other], patternOptions: { $0.multiline = true })
        #expect(String(decoding: across.text, as: UTF8.self) == "S:a:257:begin\nS:a:258:end\n")
    }
}

extension RipgrepEqualityTests {
    static let multilineFlags: [Case] = [
        Case(arguments: ["-U"]),
        Case(arguments: ["-U", "-c"], options: { $0.mode = .count }),
        Case(arguments: ["-U", "--count-matches"], options: { $0.mode = .countMatches }),
        Case(arguments: ["-U", "-l"], options: { $0.mode = .filesWith }),
        Case(arguments: ["-U", "-o"], options: { $0.mode = .onlyMatching }),
        Case(arguments: ["-U", "-N"], options: { $0.lineNumbers = false }),
        Case(arguments: ["-U", "--column"], options: { $0.column = true }),
        Case(
            arguments: ["-U", "-o", "--column"],
            options: {
                $0.mode = .onlyMatching
                $0.column = true
            }),
        Case(
            arguments: ["-U", "--vimgrep"],
            options: {
                $0.column = true
                $0.perMatch = true
            }),
        Case(arguments: ["-U", "-v"], options: { $0.invert = true }),
        Case(arguments: ["-U", "-A2"], options: { $0.after = 2 }),
        Case(
            arguments: ["-U", "-C1"],
            options: {
                $0.before = 1
                $0.after = 1
            }),
        Case(arguments: ["-U", "-m2"], options: { $0.maxCount = 2 }),
        Case(arguments: ["-U", "-i"], pattern: { $0.ignoreCase = true }),
        Case(arguments: ["-U", "--multiline-dotall"], pattern: { $0.dotAll = true }),
    ]

    static let multilinePatterns = [
        "foo", "foo\\s+\\[2025", "error.*\\n.*player", "foo\\n", "Kick[^a]+tick", "(?s)warning.{1,80}Error", "\\n\\n",
        "at Foo\\.Bar\\(\\)\\t\\(\\d+\\)\\n\\[2025", "zzz\\nfoo", "(?m)^.*foo$\\n^.*$",
    ]

    /// Files of valid text, without the open ends at which ripgrep 13 has faults of its own.
    private static var plainFiles: [(name: String, content: [UInt8])] {
        files.filter { ["a.log", "c.long"].contains($0.name) }
    }

    @Test(arguments: multilineFlags) func spansAreThoseOfRipgrep(_ flags: Case) throws {
        for pattern in Self.multilinePatterns {
            for blockSize in [1 << 18, 700] {
                var source = MemorySource()
                for file in Self.plainFiles { source.add(file.name, file.content, blockSize: blockSize) }
                let expected = try Self.rg(flags.arguments + ["-e", pattern], Self.plainFiles)
                let (text, report) = try search(
                    [pattern], in: [source],
                    patternOptions: {
                        $0.multiline = true
                        flags.pattern(&$0)
                    },
                    options: { flags.options(&$0) })
                let what = "\(flags.arguments) -e \(pattern), blocks of \(blockSize)"
                #expect(Self.difference(text, expected.text) == nil, "\(what)")
                #expect(report.exitCode() == expected.code, "\(what)")
            }
        }
    }

    @Test func columnsAndLinesPerMatchAreThoseOfRipgrep() throws {
        let sets: [(flags: [String], set: (inout TestOptions) -> Void)] = [
            (["--column"], { $0.column = true }),
            (["--column", "-A1"], { ($0.column, $0.after) = (true, 1) }),
            (["--column", "-v"], { ($0.column, $0.invert) = (true, true) }),
            (["--column", "-o"], { ($0.column, $0.mode) = (true, .onlyMatching) }),
            (["--column", "-m2"], { ($0.column, $0.maxCount) = (true, 2) }),
            (["--vimgrep"], { ($0.column, $0.perMatch) = (true, true) }),
            (["--vimgrep", "-o"], { ($0.column, $0.perMatch, $0.mode) = (true, true, .onlyMatching) }),
        ]
        for pattern in ["foo", "error", "o", "\\w+=\\d{2,3}", "foo|player", "über"] {
            for (flags, set) in sets {
                var source = MemorySource()
                for file in Self.plainFiles { source.add(file.name, file.content, blockSize: 700) }
                let expected = try Self.rg(flags + ["-e", pattern], Self.plainFiles)
                let (text, _) = try search([pattern], in: [source], options: { set(&$0) })
                #expect(Self.difference(text, expected.text) == nil, "\(flags) -e \(pattern)")
            }
        }
    }
}
