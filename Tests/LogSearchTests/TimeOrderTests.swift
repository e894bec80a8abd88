import LogTime
import Printers
import Testing

@testable import LogSearch

/// Lines of several sessions in the order of their own time.
@Suite struct TimeOrderTests {
    private static func log(_ name: String, _ seconds: [Int]) -> [UInt8] {
        var text = ""
        for second in seconds {
            text += "[2026.11.20-21.\(10 + second / 60).\(10 + second % 60):000] \(name) at \(second)\n"
            if second % 3 == 0 { text += "    \(name) continues\n" }
        }
        return Array(text.utf8)
    }

    private static func sources() -> [MemorySource] {
        [("A", [0, 3, 5, 9, 12]), ("B", [1, 3, 4, 11]), ("C", [2, 6])].map { name, seconds in
            var source = MemorySource(session: name)
            source.add("a.log", log(name, seconds), blockSize: 120, format: .unreal)
            return source
        }
    }

    private static func lines(
        _ pattern: String = "", _ order: TimeOrder = TimeOrder(), _ configure: (inout TestOptions) -> Void = { _ in }
    ) throws -> [String] {
        let (text, _) = try search(
            [pattern], in: sources(),
            options: {
                ($0.timeOrder, $0.lineNumbers, $0.showName) = (order, false, false)
                configure(&$0)
            })
        return String(decoding: text, as: UTF8.self).split(separator: "\n")
            .map { String($0.split(separator: "] ").last ?? "") }
    }

    private static let merged = [
        "A at 0", "    A continues", "B at 1", "C at 2", "A at 3", "    A continues", "B at 3", "    B continues",
        "B at 4", "A at 5", "C at 6", "    C continues", "A at 9", "    A continues", "B at 11", "A at 12",
        "    A continues",
    ]

    @Test func linesWithoutATimeStayWithTheLineBefore() throws {
        #expect(try Self.lines() == Self.merged)
        #expect(try Self.lines { $0.workers = 4 } == Self.merged)
        #expect(try Self.lines("continues").count == 6)
    }

    @Test func theSameLinesComeThroughAFile() throws {
        // Room for a few lines only, so that there are several runs.
        #expect(try Self.lines("", TimeOrder(memory: 64)) == Self.merged)
        #expect(throws: LogSearchError.self) { try Self.lines("", TimeOrder(memory: 64, disk: 100)) }
    }

    @Test(arguments: [64, 1 << 20])
    func aLimitKeepsTheFirstInTime(memory: Int) throws {
        let order = TimeOrder(memory: memory)
        #expect(try Self.lines("at", order) { $0.limit = 4 } == ["A at 0", "B at 1", "C at 2", "A at 3"])
        let last = TimeOrder(isReversed: true, memory: memory)
        #expect(try Self.lines(" at ", last) { $0.limit = 2 } == ["A at 12", "B at 11"])
        #expect(try Self.lines("at", order) { $0.limit = 0 } == [])
    }

    @Test func contextHasItsOwnTimes() throws {
        #expect(
            try Self.lines("B at 4|A at 5") { ($0.before, $0.after) = (1, 1) } == [
                "    A continues", "    B continues", "B at 4", "A at 5", "A at 9", "B at 11",
            ])
    }

    @Test func jsonMessagesSayTheTime() throws {
        let (text, _) = try search(
            ["at 3"], in: Self.sources(), options: { ($0.timeOrder, $0.mode) = (TimeOrder(), .json) })
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 3 && lines.last?.contains(#""type":"summary""#) == true)
        #expect(lines.dropLast().allSatisfy { $0.contains(#""time":"2026-11-20T21:10:13.000Z"}}"#) })
    }

    @Test func eachSessionHasOneColor() throws {
        let (text, _) = try search(
            [""], in: Self.sources(),
            options: {
                ($0.timeOrder, $0.colorsSessions, $0.color) = (TimeOrder(), true, true)
            })
        var colors: [String: Set<String>] = [:]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            guard let name = line.firstIndex(of: "m") else { continue }
            colors[String(line[line.index(after: name)...].prefix(1)), default: []].insert(String(line[..<name]))
        }
        #expect(colors.count == 3 && colors.values.allSatisfy { $0.count == 1 }, "\(colors)")
    }
}
