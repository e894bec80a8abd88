import Printers
import Testing

@testable import LogSearch

/// Members with the same bytes, and limits of a session.
@Suite struct CopyTests {
    private static let content = Array("one hit\ntwo\nthree hit\n".utf8)

    /// Three members of which two have the same bytes.
    private static func source(_ session: String = "S") -> MemorySource {
        var source = MemorySource(session: session)
        for path in ["Logs/game.log", "console.log"] { source.add(path, content) }
        source.add("Logs/other.log", Array("a hit too\n".utf8))
        for index in source.members.indices {
            source.members[index].content = ContentIdentity(sha256: [index == 2 ? 2 : 1], size: 22)
        }
        return source
    }

    private static func text(_ configure: (inout TestOptions) -> Void) throws -> String {
        String(decoding: try search(["hit"], in: [source()], options: { configure(&$0) }).text, as: UTF8.self)
    }

    @Test func copiesAreSearchedOnceUnderTheFirstName() throws {
        let (text, report) = try search(["hit"], in: [Self.source()], options: { $0.mergesCopies = true })
        #expect(
            String(decoding: text, as: UTF8.self)
                == "S:Logs/game.log:1:one hit\nS:Logs/game.log:3:three hit\nS:Logs/other.log:1:a hit too\n")
        #expect(report.lines == 3 && report.members == 2 && report.copies == 1)
        let (all, every) = try search(["hit"], in: [Self.source()])
        #expect(all.count { $0 == 0x0A } == 5 && every.copies == 0)
    }

    @Test func namesCountsAndHeadingsSayIt() throws {
        let names = try Self.text { ($0.mergesCopies, $0.mode) = (true, .filesWith) }
        #expect(names == "S:Logs/game.log\nS:console.log\nS:Logs/other.log\n")
        let one = try Self.text { ($0.mergesCopies, $0.mode, $0.limit) = (true, .filesWith, 1) }
        #expect(one == "S:Logs/game.log\n")
        let counts = try Self.text { ($0.mergesCopies, $0.mode) = (true, .count) }
        #expect(counts == "S:Logs/game.log:2\nS:Logs/other.log:1\n")
        let heading = try Self.text { ($0.mergesCopies, $0.heading) = (true, true) }
        #expect(heading.hasPrefix("S:Logs/game.log (also: console.log)\n1:one hit\n"))
        let json = try Self.text { ($0.mergesCopies, $0.mode) = (true, .json) }
        let lines = json.split(separator: "\n")
        #expect(lines.first?.contains(#","also":["console.log"]}}"#) == true)
        #expect(lines.count { $0.contains("also") } == 1)
    }

    @Test func aCopyThatIsNotSearchedIsNoCopy() throws {
        let (text, _) = try search(
            ["hit"], in: [Self.source()],
            options: {
                ($0.mergesCopies, $0.paths) = (true, ["console.log"])
            })
        #expect(String(decoding: text, as: UTF8.self) == "S:console.log:1:one hit\nS:console.log:3:three hit\n")
    }

    @Test(arguments: [1, 4])
    func aSessionHasAtMostSoManyLines(workers: Int) throws {
        let sources = ["A", "B", "C"].map { Self.source($0) }
        func lines(_ limit: Int, _ configure: (inout TestOptions) -> Void = { _ in }) throws -> [String] {
            let found = try search(
                ["hit"], in: sources,
                options: {
                    ($0.perSession, $0.workers) = (limit, workers)
                    configure(&$0)
                })
            return String(decoding: found.text, as: UTF8.self).split(separator: "\n").map(String.init)
        }
        #expect(try lines(1) == ["A", "B", "C"].map { "\($0):Logs/game.log:1:one hit" })
        #expect(try lines(3).count == 9)
        #expect(try lines(3).filter { $0.hasPrefix("B:") }.last == "B:console.log:1:one hit")
        #expect(try lines(100).count == 15)
        #expect(try lines(0).isEmpty)
        // -m is of each member, and both hold.
        #expect(try lines(3) { $0.maxCount = 1 }.count == 9)
        #expect(try lines(2) { $0.maxCount = 1 }.count == 6)
        #expect(
            try lines(3) { $0.mode = .count }.filter { $0.hasPrefix("A:") } == ["A:Logs/game.log:2", "A:console.log:1"])
        #expect(try lines(1) { $0.mode = .filesWith } == ["A", "B", "C"].map { "\($0):Logs/game.log" })
        #expect(
            try lines(1) { $0.after = 1 }.filter { $0.hasPrefix("A:") } == [
                "A:Logs/game.log:1:one hit", "A:Logs/game.log-2-two",
            ])
        #expect(try lines(2) { $0.limit = 3 }.count == 3)
    }

    @Test func whatASessionNeedsNoLongerIsNotDecoded() throws {
        var source = MemorySource(session: "A")
        for name in ["a.log", "b.log", "c.log"] {
            source.add(name, Array(String(repeating: "a hit in a line\n", count: 2000).utf8), blockSize: 512)
        }
        let (text, report) = try search(["hit"], in: [source], options: { ($0.perSession, $0.workers) = (2, 1) })
        #expect(text.count { $0 == 0x0A } == 2)
        #expect(report.decoded <= 3 && report.blocks > 30)
    }

    @Test func aCancelledSearchEnds() throws {
        var source = MemorySource(session: "A")
        source.add("a.log", Array(String(repeating: "a hit in a line\n", count: 2000).utf8), blockSize: 512)
        var queue = [source].makeIterator()
        let engine = SearchEngine<MemorySource>(
            pattern: try SearchPattern(PatternOptions(["hit"])), options: SearchOptions(), threads: SearchThreads(0),
            isCancelled: { true })
        let printer = TextPrinter(Collected(), PrintOptions(), inverts: false, hasContext: false)
        let report = try engine.run(into: printer) { queue.next() }.report
        #expect(report.isCancelled && report.decoded == 0)
    }

    @Test func searchesShareThreads() {
        let threads = SearchThreads(3)
        #expect(threads.take(atMost: 2) == 2 && threads.take(atMost: 2) == 1 && threads.take(atMost: 2) == 0)
        threads.giveBack(3)
        #expect(threads.take(atMost: 8) == 3)
    }
}
