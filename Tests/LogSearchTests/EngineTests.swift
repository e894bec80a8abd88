import Model
import Printers
import Testing

@testable import LogSearch

@Suite struct EngineTests {
    private static func sources(_ count: Int, lines: Int = 400) -> [MemorySource] {
        (0..<count).map { number in
            var source = MemorySource(session: "s\(number)")
            var text = ""
            for line in 0..<lines { text += "line \(line) of session \(number) value=\(line * 7919 % 1000)\n" }
            source.add("Game.log", Array(text.utf8), blockSize: 512)
            return source
        }
    }

    @Test func orderDoesNotDependOnWorkers() throws {
        let sources = Self.sources(20)
        let one = try search(["value=7\\d\\b"], in: sources, options: { $0.workers = 1 })
        for workers in [2, 3, 8] {
            let more = try search(["value=7\\d\\b"], in: sources, options: { $0.workers = workers })
            #expect(more.text == one.text)
            #expect(more.report == one.report)
        }
        #expect(one.report.membersMatched == 20)
    }

    @Test func stopsEarlyWhereNobodyReadsOn() throws {
        let sources = Self.sources(200)
        var taken = 0
        let next: () -> MemorySource? = {
            defer { taken += 1 }
            return taken < sources.count ? sources[taken] : nil
        }
        let (text, report) = try printed(
            try SearchPattern(PatternOptions(["line"])), { _ in }, limit: 1000, nextSource: next)
        #expect(report.outputClosed && text.count >= 1000)
        #expect(taken < 100)
    }

    @Test func quietAndLimitsLeaveTheRestAlone() throws {
        let sources = Self.sources(100)
        let quiet = try search(["line 3 "], in: sources, options: { $0.mode = .quiet })
        #expect(quiet.text.isEmpty && quiet.report.exitCode(quiet: true) == 0 && quiet.report.decoded <= 2)
        let names = try search(["line"], in: sources, options: { $0.mode = .filesWith })
        #expect(names.text.count { $0 == 0x0A } == 100)
        #expect(names.report.decoded < names.report.blocks)
        let none = try search(["line"], in: sources, options: { $0.maxCount = 0 })
        #expect(none.text.isEmpty && none.report.exitCode() == 1)
    }

    @Test func limitCountsResultsOfTheWholeSearch() throws {
        let sources = Self.sources(50)
        let all = try search(["value=7\\d\\b"], in: sources)
        let lines = String(decoding: all.text, as: UTF8.self).split(separator: "\n")
        for limit in [1, 2, 7, 60] {
            let some = try search(["value=7\\d\\b"], in: sources, options: { $0.limit = limit })
            #expect(String(decoding: some.text, as: UTF8.self).split(separator: "\n") == Array(lines.prefix(limit)))
            #expect(some.report.lines == UInt64(limit))
        }
        let few = try search(["value=7\\d\\b"], in: sources, options: { $0.limit = 1 })
        #expect(few.report.decoded < all.report.decoded / 4)
        let names = try search(["line"], in: sources, options: { ($0.limit, $0.mode) = (3, .filesWith) })
        #expect(String(decoding: names.text, as: UTF8.self).split(separator: "\n").count == 3)
        let context = try search(["line 5 "], in: sources, options: { ($0.limit, $0.after) = (2, 1) })
        #expect(String(decoding: context.text, as: UTF8.self).split(separator: "\n").count == 5)
        let none = try search(["line"], in: sources, options: { $0.limit = 0 })
        #expect(none.text.isEmpty && none.report.exitCode() == 1)
    }

    @Test func namesCannotPassForLinesInAPipe() throws {
        var source = MemorySource(session: "s\u{1B}[2J")
        source.add("x\ny\t.log", Array("hit\n".utf8))
        let (text, _) = try search(["hit"], in: [source])
        #expect(String(decoding: text, as: UTF8.self) == "s\\x1b[2J:x\\ny\\t.log:1:hit\n")
    }

    @Test func hyperscanChangesNothing() throws {
        guard PrefilterPattern.isAvailable else {
            print("Hyperscan is not installed: nothing to compare")
            return
        }
        let sources = Self.sources(40)
        for pattern in ["\\d{4} of", "[0-9]9 of s\\w+ [13]\\d", "=\\d\\d$", "^l.*[24]8$", "[q-z]{9}"] {
            let asked = try search([pattern], in: sources, options: { $0.prefilterStartsAfter = 0 })
            let alone = try search([pattern], in: sources, options: { $0.usesPrefilter = false })
            #expect(asked.text == alone.text && asked.report == alone.report)
        }
        #expect(try SearchPattern(PatternOptions(["[0-9a-f]{40}"])).isPrefiltered)
        #expect(try !SearchPattern(PatternOptions(["error [0-9]{40}"])).isPrefiltered)
        #expect(try !SearchPattern(PatternOptions(["x*"])).isPrefiltered)
    }

    @Test func linesBeyondTheMatchLimitAreNamedAndOthersFound() throws {
        var source = MemorySource()
        let evil = String(repeating: "a", count: 40) + "!"
        source.add("x.log", Array("first aab\n\(evil)\nlast aab\n".utf8))
        let (text, report) = try search(["^(a+)+b|(a+)+b$|^(a|aa)+$"], in: [source])
        #expect(report.problems.count == 1)
        #expect(report.problems.first?.hasPrefix("S:x.log:2: the match limit was reached") == true)
        #expect(report.exitCode() == 2)
        #expect(String(decoding: text, as: UTF8.self) == "S:x.log:1:first aab\nS:x.log:3:last aab\n")
    }

    @Test func longLinesAreJoinedAndSplitOnlyBeyondTheirLimit() throws {
        var source = MemorySource()
        let long = [UInt8](repeating: 0x78, count: 300_000)
        source.add("x.log", Array("a\nbegin ".utf8) + long + Array(" end\nnext\n".utf8), blockSize: 4096)
        let (text, report) = try search(["begin x+ end"], in: [source], options: { $0.mode = .onlyMatching })
        #expect(text.count == "S:x.log:2:begin ".utf8.count + 300_000 + 5)
        #expect(report.problemCount == 0)
    }

    @Test func terminalTextIsEscapedAndColoured() throws {
        var source = MemorySource(session: "s\u{1B}[2J")
        source.add(
            "x\n.log", Array("a\u{1B}]0;evil\u{7} hit \u{202E}x \u{FC}\r\n".utf8) + [0x68, 0x69, 0x74, 0xFF, 0x0A])
        let (text, _) = try search(["hit"], in: [source], options: { $0.escape = true })
        #expect(
            String(decoding: text, as: UTF8.self)
                == "s\\x1b[2J:x\\n.log:1:a\\x1b]0;evil\\x07 hit \\u{202e}x \u{FC}\ns\\x1b[2J:x\\n.log:2:hit\\xff\n")
        let (colored, _) = try search(
            ["hit"], in: [source],
            options: {
                $0.escape = true
                $0.color = true
                $0.showName = false
            })
        #expect(String(decoding: colored, as: UTF8.self).contains(" \u{1B}[1;31mhit\u{1B}[0m "))
    }

    @Test func aBlockThatCannotBeReadIsNamedAndTheRestSearched() throws {
        var source = BrokenSource()
        source.label.session = "s"
        var queue = [source].makeIterator()
        let (text, report) = try printed(try SearchPattern(PatternOptions(["line"]))) { queue.next() }
        #expect(String(decoding: text, as: UTF8.self) == "s:a:1:line one\ns:a:3:line three\n")
        #expect(report.problemCount == 1 && report.exitCode() == 2)
        #expect(report.problems.first?.contains("a block that starts at line 2 cannot be read") == true)
    }
}

/// Three blocks, of which the second is damaged.
private struct BrokenSource: SearchSource {
    struct Damage: Error {}

    var label = SourceLabel(SessionIdentity(id: "s"))
    let members = [
        SearchMember(
            path: Array("a".utf8),
            pieces: [
                SearchPiece(block: 0, count: 9, firstLine: 1), SearchPiece(block: 1, count: 9, firstLine: 2),
                SearchPiece(block: 2, count: 11, firstLine: 3),
            ])
    ]

    func mayContain(_ query: BlockQuery, block: Int) -> Bool { true }
    static func makeDecoder() -> Int { 0 }
    func rawSize(ofBlock block: Int) -> Int { block == 2 ? 11 : 9 }

    func decode(block: Int, with decoder: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if block == 1 { throw Damage() }
        let text = Array((block == 0 ? "line one\n" : "line three\n").utf8)
        buffer.copyBytes(from: text)
        return text.count
    }
}
