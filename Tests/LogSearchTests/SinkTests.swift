import Model
import Testing

@testable import LogSearch

/// A sink that takes results as values, as a web page would.
@Suite struct SinkTests {
    /// Keeps a description of every call.
    private struct Recorder: SearchSink {
        struct Renderer: BlockRenderer {
            let needsNumbers = true
            let needsMatches = true

            func makeBlock(_ member: SearchedMember, isWhole: Bool) -> [String] { [] }

            func add(_ lines: FoundLines, to block: inout [String]) {
                for (index, line) in lines.lines.enumerated() {
                    let text = String(decoding: lines.bytes(of: line), as: UTF8.self)
                    let matches = lines.matches(at: index).map { "\($0.lowerBound)-\($0.upperBound)" }
                    let place = lines.offset + UInt64(lines.range(of: line).lowerBound)
                    block.append(
                        "\(line.isSelected ? "match" : "context") \(line.number)@\(place) \(text) \(matches)"
                            + (lines.hasFeed(line) ? "" : " unended"))
                }
            }
        }

        let renderer = Renderer()
        let isClosed = false
        var calls: [String] = []

        mutating func begin(_ member: SearchedMember) { calls.append("begin \(member.label.tag ?? "") \(member.name)") }
        mutating func take(_ block: [String], _ lines: Range<Int>) { calls += block[lines] }
        mutating func gap() { calls.append("gap") }
        mutating func end(_ member: SearchedMember, _ result: MemberResult) {
            calls.append("end \(member.name) \(result.lines) \(result.matches)")
        }
        mutating func finish(_ report: SearchReport) { calls.append("summary \(report.lines) in \(report.members)") }
        mutating func flush() {}
    }

    private static func calls(
        _ pattern: String, blockSize: Int, _ configure: (inout SearchOptions) -> Void = { _ in }
    ) throws -> [String] {
        var source = MemorySource(session: "s")
        source.label.tag = "1.4"
        source.add("a.log", Array("one hit\ntwo\nthree\nfour\nhit hit".utf8), blockSize: blockSize)
        source.add("b.log", Array("nothing\n".utf8), blockSize: blockSize)
        var options = SearchOptions()
        configure(&options)
        var queue = [source].makeIterator()
        let engine = SearchEngine<MemorySource>(
            pattern: try SearchPattern(PatternOptions([pattern])), options: options)
        return try engine.run(into: Recorder()) { queue.next() }.sink.calls
    }

    @Test(arguments: [8, 16, 4096])
    func linesArriveAsValues(blockSize: Int) throws {
        #expect(
            try Self.calls("hit", blockSize: blockSize) == [
                "begin 1.4 s:a.log", "match 1@0 one hit [\"4-7\"]", "match 5@23 hit hit [\"0-3\", \"4-7\"] unended",
                "end s:a.log 2 3", "summary 2 in 2",
            ])
    }

    @Test(arguments: [8, 16, 4096])
    func contextComesOnceWithItsGaps(blockSize: Int) throws {
        #expect(
            try Self.calls("hit", blockSize: blockSize) { ($0.before, $0.after) = (1, 1) } == [
                "begin 1.4 s:a.log", "match 1@0 one hit [\"4-7\"]", "context 2@8 two []", "gap", "context 4@18 four []",
                "match 5@23 hit hit [\"0-3\", \"4-7\"] unended", "end s:a.log 2 3", "summary 2 in 2",
            ])
        // Without the summary: whether another member was begun before the limit was reached depends on the batches.
        #expect(
            try Self.calls("hit", blockSize: blockSize) { $0.limit = 1 }.dropLast() == [
                "begin 1.4 s:a.log", "match 1@0 one hit [\"4-7\"]", "end s:a.log 1 1",
            ])
    }

    @Test func countsNeedNoLines() throws {
        func counts(_ wanted: SearchTarget, _ members: MemberChoice = .matching) throws -> [String] {
            try Self.calls("hit", blockSize: 8) { ($0.wanted, $0.members) = (wanted, members) }.dropLast()
        }
        #expect(try counts(.counts) == ["end s:a.log 2 0"])
        #expect(try counts(.matchCounts) == ["end s:a.log 2 3"])
        #expect(try counts(.counts, .all) == ["end s:a.log 2 0", "end s:b.log 0 0"])
        #expect(try counts(.presence, .without) == ["end s:b.log 0 0"])
        #expect(try counts(.firstHit) == ["end s:a.log 1 0"])
    }
}
