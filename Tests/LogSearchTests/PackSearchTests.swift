import Foundation
import Pack
import Testing

@testable import LogSearch

/// Time ranges of blocks, as ingest computes them.
private struct TimeInspector: BlockInspector {
    let start: Int64

    func inspect(_ bytes: UnsafeRawBufferPointer, _ context: InspectionContext) -> BlockFacts {
        TimeReader(
            format: TimeFormat(rawValue: context.timeFormat) ?? .none, context: TimeContext(sessionStart: start)
        ).facts(of: bytes)
    }
}

private let start: Int64 = 1_763_673_360_000  // 2025-11-20T21:16:00Z

/// A pack of one long Unreal log, a batch of small members and a binary one.
private func makePack(lines: Int = 20_000, damageFilters: Bool = false) throws -> PackReader {
    let path = FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString).pack").path
    let descriptor = try PackFile.create(path: path)
    let writer = try PackWriter(descriptor: descriptor, options: PackOptions(), inspector: TimeInspector(start: start))
    try writer.beginMember(MemberHeader(path: Array("Saved/Logs/big.log".utf8), kind: .log, timeFormat: 1))
    var dice = Dice(seed: 3)
    for line in 0..<lines {
        let second = line / 100
        var text = ""
        if line % 10 != 9 {
            text =
                "[2025.11.20-21.\(16 + second / 60).\(second % 60 < 10 ? "0" : "")\(second % 60):\(100 + line % 100 * 9)]"
        } else {
            text = "    at Trace.Frame\(line)"
        }
        text += " player=\(String(dice.next(), radix: 16))-\(String(dice.next(), radix: 16)) value\n"
        try Array(text.utf8).withUnsafeBytes { try writer.append($0) }
    }
    _ = try writer.endMember()
    for index in 0..<50 {
        try writer.beginMember(MemberHeader(path: Array("small/\(index).txt".utf8), kind: .text))
        try Array("small file\nneedle\(index) in it\n".utf8).withUnsafeBytes { try writer.append($0) }
        _ = try writer.endMember()
    }
    try writer.beginMember(MemberHeader(path: Array("core".utf8), kind: .binary))
    try Array("\u{0}\u{1}needle7\u{0}".utf8).withUnsafeBytes { try writer.append($0) }
    _ = try writer.endMember()
    var facts = SessionFacts(session: "s-1", image: "arena")
    facts.created = start
    facts.exited = start + Int64(lines / 100) * 1000
    _ = try writer.finish(session: facts, artifacts: [])
    close(descriptor)
    var bytes = Array(try Data(contentsOf: URL(filePath: path)))
    try FileManager.default.removeItem(atPath: path)
    if damageFilters {
        for block in try PackReader.parse(bytes).blocks {
            guard let filter = block.filter else { continue }
            for at in Int(filter.offset)..<Int(filter.offset) + Int(filter.length) { bytes[at] = 0 }
        }
    }
    return try PackReader.parse(bytes)
}

private func run(
    _ pattern: String, in reader: PackReader, _ configure: (inout SearchOptions) -> Void = { _ in }
) throws -> (text: String, report: SearchReport) {
    var options = SearchOptions()
    configure(&options)
    var source: PackSource? = try PackSource(reader)
    let engine = SearchEngine<PackSource>(pattern: try SearchPattern(PatternOptions([pattern])), options: options)
    let (report, output) = try engine.run(into: Collected()) {
        defer { source = nil }
        return source
    }
    return (output.text, report)
}

@Suite struct PackSearchTests {
    @Test func selectiveSearchDecodesFewBlocks() throws {
        let reader = try makePack()
        let (line, _) = try run("Frame12349 player", in: reader)
        #expect(line.hasPrefix("s-1:Saved/Logs/big.log:12350:    at Trace.Frame12349 player="))
        let id = try #require(line.split(separator: "=").last).dropLast(7)
        let (text, report) = try run(String(id), in: reader)
        #expect(text == line)
        #expect(report.probed == report.blocks && report.passed >= 1 && report.passed <= 2 && report.decoded <= 2)
        let (without, all) = try run(String(id), in: reader) { $0.usesFilters = false }
        #expect(without == line && all.decoded >= reader.blocks.count - 1)
    }

    @Test func damagedFiltersGiveTheSameAnswer() throws {
        let sound = try run("needle\\d+ in|Frame123\\d9", in: makePack())
        let damaged = try run("needle\\d+ in|Frame123\\d9", in: makePack(damageFilters: true))
        #expect(sound.text == damaged.text)
        #expect(sound.report.lines == 60)
    }

    @Test func smallMembersShareABlockDecodedOnce() throws {
        let (text, report) = try run("needle7", in: makePack(lines: 10))
        #expect(text == "s-1:small/7.txt:2:needle7 in it\n")
        #expect(report.decoded <= 2)
        let (binary, _) = try run("needle7", in: makePack(lines: 10)) { $0.searchBinary = true }
        #expect(binary == text + "s-1:core: binary file matches (found \"\\0\" byte around offset 0)\n")
        let (glob, _) = try run("needle", in: makePack(lines: 10)) { $0.paths = ["small/*[05].txt"] }
        #expect(glob.split(separator: "\n").count == 10)
    }

    @Test func timeWindowPrunesBlocksAndKeepsTraceLines() throws {
        let reader = try makePack()
        let window = (start + 60_000)...(start + 60_999)
        let (text, report) = try run("", in: reader) { $0.window = window }
        let lines = text.split(separator: "\n").filter { $0.contains("big.log") }
        #expect(lines.count == 100)
        #expect(lines.allSatisfy { $0.contains("[2025.11.20-21.17.00:") || $0.contains("    at Trace.") })
        #expect(lines.first?.contains(":6001:") == true && lines.last?.contains(":6100:    at Trace") == true)
        #expect(report.prunedByTime > 0)
        // The small members have no format: kept, and counted; left out when asked.
        #expect(report.membersWithoutTime == 50)
        let strict = try run("", in: reader) {
            $0.window = window
            $0.strictTime = true
        }
        #expect(strict.text.split(separator: "\n").count == 100)
        let nothing = try run("", in: reader) {
            $0.window = 0...1
            $0.strictTime = true
        }
        #expect(nothing.text.isEmpty && nothing.report.decoded == 0 && nothing.report.exitCode() == 1)
    }

    @Test func everyWindowAgreesWithTheLines() throws {
        let reader = try makePack(lines: 9000)
        let all = try run("", in: reader).text.split(separator: "\n").filter { $0.contains("big.log") }
        var dice = Dice(seed: 11)
        for _ in 0..<30 {
            let low = start + Int64(dice.below(90_000))
            let window = low...(low + Int64(dice.below(5000)))
            var expected: [Substring] = []
            var time = start
            for line in all {
                let content = String(line.split(separator: ":", maxSplits: 3)[3 - 0])
                var bytes = Array(content.utf8)
                if let stamp = bytes.withUnsafeMutableBytes({
                    TimeReader(format: .unreal, context: TimeContext()).stamp(of: UnsafeRawBufferPointer($0))
                }) {
                    time = stamp
                }
                if window.contains(time) { expected.append(line) }
            }
            let found = try run("", in: reader) {
                $0.window = window
                $0.strictTime = true
            }
            #expect(found.text.split(separator: "\n") == expected, "\(window)")
        }
    }
}
