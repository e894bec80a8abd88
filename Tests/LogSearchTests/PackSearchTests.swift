import BlockIndex
import Foundation
import LogTime
import Model
import Pack
import PackHome
import Printers
import Testing

@testable import LogSearch

/// Time ranges of blocks, as ingest computes them.
private struct TimeInspector: BlockInspector {
    let start: Int64

    func inspect(_ bytes: UnsafeRawBufferPointer, _ context: InspectionContext) -> BlockInspection {
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
    var facts = SessionMetadata(session: "s-1", image: "arena")
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
    _ pattern: String, in reader: PackReader, _ configure: (inout TestOptions) -> Void = { _ in }
) throws -> (text: String, report: SearchReport) {
    var source: PackSource? = try PackSource(reader)
    let (text, report) = try printed(try SearchPattern(PatternOptions([pattern])), configure) {
        defer { source = nil }
        return source
    }
    return (String(decoding: text, as: UTF8.self), report)
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
        // The small members have no time format: kept and counted, or left out on request.
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

    @Test func windowsRelativeToTheSession() throws {
        let reader = try makePack()
        let last = try run("", in: reader) {
            $0.relative = RelativeWindow(last: 1999)
            $0.strictTime = true
        }
        // The log ends at second 199, 991 ms.
        #expect(last.text.split(separator: "\n").count == 200)
        let first = try run("", in: reader) {
            $0.relative = RelativeWindow(sinceStart: 60_000, untilStart: 60_999)
            $0.strictTime = true
        }
        #expect(first.text.split(separator: "\n").count == 100)
        #expect(first.text.hasPrefix("s-1:Saved/Logs/big.log:6001:"))
        let never = try run("", in: reader) {
            $0.relative = RelativeWindow(sinceStart: .max)
            $0.strictTime = true
        }
        #expect(never.text.isEmpty)
    }

    @Test func filterIndexRulesOutPacksAndSurvivesDamage() throws {
        let store = FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: store) }
        var packs: [String] = []
        for number in 0..<20 {
            let pack = "packs/2025/11/\(number < 10 ? "20" : "21")/s\(number).pack"
            packs.append(pack)
            try writeSmallPack(store + "/" + pack, "s\(number)", "common line\nonly needle\(number)x here\n")
            try FilterLog.append(store: store, pack: pack, reader: PackReader.open(path: store + "/" + pack))
        }
        #expect(try Self.find("needle7x", store, packs) == "s7:a.log:2:only needle7x here\n")
        let index = FilterIndex(store: store)
        #expect(index.packs == 20)
        // A newer generation replaces the record; one that was not recorded is opened.
        try writeSmallPack(
            store + "/" + packs[3], "s3", "common line\nonly needle3x here\nand needle7x too, as it grew\n")
        #expect(try Self.find("needle7x", store, packs).split(separator: "\n").count == 2)
        try FilterLog.append(store: store, pack: packs[3], reader: PackReader.open(path: store + "/" + packs[3]))
        #expect(FilterIndex(store: store).packs == 20)
        #expect(try Self.find("needle7x", store, packs).split(separator: "\n").count == 2)
        // No single flipped byte changes the result.
        let file = store + "/filters/2025-11-20.rows"
        let sound = Array(try Data(contentsOf: URL(filePath: file)))
        var dice = Dice(seed: 5)
        for _ in 0..<300 {
            var bytes = sound
            if dice.chance(20) { bytes.removeLast(dice.below(bytes.count)) }
            if !bytes.isEmpty { bytes[dice.below(bytes.count)] ^= UInt8(1 << dice.below(8)) }
            try Data(bytes).write(to: URL(filePath: file))
            #expect(try Self.find("needle7x", store, packs).split(separator: "\n").count == 2)
        }
    }

    /// Published while a search runs: what the filters say is about the pack of the size that they were made for.
    @Test func filtersOfOneGenerationHideNothingOfAnother() throws {
        let store = FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: store) }
        let home = FolderPackHome(store: store)
        let pack = "packs/2025/11/20/s.pack"
        let filler = String(repeating: "common line\n", count: 30_000)
        try writeSmallPack(store + "/" + pack, "s", "needle7x first\n" + filler)
        try FilterLog.append(store: store, pack: pack, reader: home.reader(for: pack))
        let entry = PackFeed.Entry(pack: pack, bytes: try home.reader(for: pack).fileSize)
        let pattern = try SearchPattern(PatternOptions(["needle7x"]))
        let index = FilterIndex(store: store)
        let survey = index.survey(BlockQuery(pattern.query).probes)
        try #require(survey.candidates.first?.flags?.contains(false) == true)
        #expect(survey.candidates.first?.bytes == entry.bytes)
        let blocks = try home.reader(for: pack).blocks.count
        try writeSmallPack(store + "/" + pack, "s", filler + "needle7x last, in another block\n")
        try #require(try home.reader(for: pack).blocks.count == blocks)
        try #require(try home.reader(for: pack).fileSize != entry.bytes)
        let options = SearchOptions()
        for feed in [
            PackFeed(home: home, survey: survey, query: pattern.query, options: options),
            PackFeed(home: home, entries: [entry], index: index, query: pattern.query, options: options),
        ] {
            let (text, _) = try printed(pattern) { feed.next() }
            #expect(String(decoding: text, as: UTF8.self).hasSuffix("needle7x last, in another block\n"))
        }
    }

    /// A power cut may leave a file of filters at any length, odd ones included.
    @Test func filtersThatAreCutShortHideNothing() throws {
        let store = FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: store) }
        var packs: [String] = []
        for number in 0..<3 {
            let pack = "packs/2025/11/20/s\(number).pack"
            packs.append(pack)
            try writeSmallPack(store + "/" + pack, "s\(number)", "common line\nonly needle\(number)x here\n")
            try FilterLog.append(store: store, pack: pack, reader: PackReader.open(path: store + "/" + pack))
        }
        let file = store + "/filters/2025-11-20.rows"
        let sound = Array(try Data(contentsOf: URL(filePath: file)))
        let pattern = try SearchPattern(PatternOptions(["needle1x"]))
        for length in 0...sound.count {
            try Data(sound.prefix(length)).write(to: URL(filePath: file))
            let survey = FilterIndex(store: store).survey(BlockQuery(pattern.query).probes)
            #expect(survey.packs <= length * 3 / sound.count, "cut at \(length)")
            let found = try Self.find("needle1x", store, packs)
            #expect(found == "s1:a.log:2:only needle1x here\n", "cut at \(length)")
        }
        // A record appended after a cut one is found.
        for cut in 1...9 {
            try Data(sound.dropLast(cut)).write(to: URL(filePath: file))
            try FilterLog.append(store: store, pack: packs[2], reader: PackReader.open(path: store + "/" + packs[2]))
            let size = try size(store + "/" + packs[2])
            let answer = FilterIndex(store: store).answer(pack: packs[2], packBytes: size, to: .all)
            #expect(answer != nil, "\(cut) bytes short")
            #expect(try Self.find("needle2x", store, packs) == "s2:a.log:2:only needle2x here\n")
        }
    }

    private func size(_ path: String) throws -> UInt64 { try PackReader.open(path: path).fileSize }

    private func writeSmallPack(_ path: String, _ session: String, _ text: String) throws {
        try FileManager.default.createDirectory(
            at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        unlink(path)
        let descriptor = try PackFile.create(path: path)
        let writer = try PackWriter(descriptor: descriptor, options: PackOptions(workers: 0), inspector: nil)
        try writer.beginMember(MemberHeader(path: Array("a.log".utf8), kind: .log))
        try Array(text.utf8).withUnsafeBytes { try writer.append($0) }
        _ = try writer.endMember()
        _ = try writer.finish(session: SessionMetadata(session: session, image: "i"), artifacts: [])
        close(descriptor)
    }

    private static func find(_ pattern: String, _ store: String, _ packs: [String]) throws -> String {
        let compiled = try SearchPattern(PatternOptions([pattern]))
        let options = SearchOptions()
        let entries = try packs.map { pack in
            PackFeed.Entry(pack: pack, bytes: try PackReader.open(path: store + "/" + pack).fileSize)
        }
        let feed = PackFeed(
            home: FolderPackHome(store: store), entries: entries, index: FilterIndex(store: store),
            query: compiled.query, options: options)
        let (text, _) = try printed(compiled) { feed.next() }
        #expect(feed.problems.isEmpty)
        return String(decoding: text, as: UTF8.self)
    }

    /// When the catalog cannot be read, the search says so once and describes sessions as their packs do.
    @Test func aFailingLabelIsReportedOnce() throws {
        let store = FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: store) }
        let packs = ["packs/2026/11/20/a.pack", "packs/2026/11/20/b.pack"]
        for pack in packs { try writeSmallPack(store + "/" + pack, "session of \(pack)", "needle\n") }
        let compiled = try SearchPattern(PatternOptions(["needle"]))
        let entries = try packs.map { PackFeed.Entry(pack: $0, bytes: try size(store + "/" + $0)) }
        let feed = PackFeed(
            home: FolderPackHome(store: store), entries: entries, index: nil, query: compiled.query,
            options: SearchOptions())
        struct Unreadable: Error {}
        feed.label = { _ in throw Unreadable() }
        var sessions: [String] = []
        while let source = feed.next() { sessions.append(source.label.session) }
        #expect(sessions == packs.map { "session of \($0)" })
        #expect(feed.problems.count == 1)
        #expect(feed.problems.first?.contains("Unreadable") == true)
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

/// Hard links and byte order marks in a search.
@Suite struct LinkSearchTests {
    private func makePack(names: Int) throws -> PackReader {
        let path = FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString).pack").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let descriptor = try PackFile.create(path: path)
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor)
        for index in 0..<names {
            try writer.beginMember(
                MemberHeader(path: Array("l\(index).log".utf8), kind: .hardlink, linkTarget: Array("a.log".utf8)))
            try writer.endMember()
        }
        try writer.beginMember(MemberHeader(path: Array("a.log".utf8), kind: .log))
        try Array("\u{FEFF}needle one\nno needle\n".utf8).withUnsafeBytes { try writer.append($0) }
        try writer.endMember()
        _ = try writer.finish(session: SessionMetadata(session: "s"), artifacts: [ArtifactEntry(artifact: "/x")])
        return try PackReader.parse(Array(try Data(contentsOf: URL(filePath: path))))
    }

    @Test func eachNameHasTheLinesOfItsContent() throws {
        let (text, report) = try run("^needle", in: try makePack(names: 2))
        #expect(report.lines == 3)
        #expect(text == "s:l0.log:1:needle one\ns:l1.log:1:needle one\ns:a.log:1:needle one\n")
    }

    @Test func aMillionNamesOfOneContentAreNotAllSearched() throws {
        let source = try PackSource(try makePack(names: 500))
        #expect(source.members.count == PackSource.mostLinks + 1)
        #expect(source.members.last?.path == Array("a.log".utf8))
        #expect(source.members.allSatisfy { $0.pieces == source.members[0].pieces })
    }
}
