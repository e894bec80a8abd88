import BlockIndex
import Foundation
import Model
import Pack
import PackHome
import Testing

@testable import LogSearch

/// Damaged filters cost time, never a result.
@Suite struct FilterDamageTests {
    private static let lines = 3000
    private static let patterns = ["needle2-1777", "frame 10\\.0\\.2\\.77", "common|nothing", "absent-from-all"]

    /// Packs of one day, each of one log of a few blocks.
    private final class Store {
        let path = FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString)").path
        var packs: [PackFeed.Entry] = []

        init(filtersInPack: Bool) throws {
            for number in 0..<3 {
                let pack = "packs/2025/11/20/s\(number).pack"
                let file = path + "/" + pack
                try FileManager.default.createDirectory(
                    at: URL(filePath: file).deletingLastPathComponent(), withIntermediateDirectories: true)
                let descriptor = try PackFile.create(path: file)
                let writer = try PackWriter(
                    descriptor: descriptor, options: PackOptions(workers: 0), inspector: nil)
                try writer.beginMember(MemberHeader(path: Array("a.log".utf8), kind: .log))
                for line in 0..<lines {
                    let text =
                        "frame 10.0.\(number).\(line % 256):\(27_000 + line % 7) needle\(number)-\(line) "
                        + String(line &* 7_919_777, radix: 36) + " and a line's end that is longer\n"
                    try Array(text.utf8).withUnsafeBytes { try writer.append($0) }
                }
                _ = try writer.endMember()
                _ = try writer.finish(session: SessionMetadata(session: "s\(number)", image: "i"), artifacts: [])
                close(descriptor)
                let reader = try PackReader.open(path: file)
                if !filtersInPack { try FilterLog.append(store: path, pack: pack, reader: reader) }
                packs.append(PackFeed.Entry(pack: pack, bytes: reader.fileSize))
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        /// Searches as the command does: the filters side by side are used only if they have as many packs, of the same total
        /// size, as the catalog.
        func find(_ pattern: String) throws -> (text: [UInt8], report: SearchReport) {
            let compiled = try SearchPattern(PatternOptions([pattern]))
            let options = SearchOptions()
            let index = FilterIndex(store: path)
            let home = FolderPackHome(store: path)
            let total = packs.reduce(0) { $0 + $1.bytes }
            let feed: PackFeed
            if let survey = PackFeed.survey(index, compiled.query, options: options, meanwhile: {}),
                survey.packs == packs.count, survey.packBytes == total
            {
                feed = PackFeed(home: home, survey: survey, query: compiled.query, options: options)
            } else {
                feed = PackFeed(home: home, entries: packs, index: index, query: compiled.query, options: options)
            }
            return try printed(compiled) { feed.next() }
        }

        func answers() throws -> [[UInt8]] { try FilterDamageTests.patterns.map { try find($0).text } }
    }

    /// Every byte of headers and tables, and some of each filter, with one bit flipped, all bits flipped, or zeroed.
    @Test func harmedRecordsGiveTheSameAnswer() throws {
        let store = try Store(filtersInPack: false)
        let sound = try store.answers()
        #expect(sound.map { $0.count { $0 == 0x0A } } == [1, 12, 0, 0])
        #expect(try store.find(Self.patterns[0]).report.decoded == 1)
        #expect(try store.find(Self.patterns[3]).report.decoded == 0)
        let file = URL(filePath: store.path + "/filters/2025-11-20.rows")
        let bytes = Array(try Data(contentsOf: file))
        var dice = Dice(seed: 8)
        // The second record's header, path and table, then filters anywhere.
        let second = (0..<8).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
        #expect(bytes[second..<second + 4] == bytes[0..<4])
        let head = Int(bytes[second + 4]) | Int(bytes[second + 5]) << 8
        let places = Array(0..<48) + Array(second..<second + head) + (0..<150).map { _ in dice.below(bytes.count) }
        for at in places {
            for harm in [UInt8(1) << UInt8(dice.below(8)), 0xFF, bytes[at]] where harm != 0 {
                var harmed = bytes
                harmed[at] ^= harm
                try Data(harmed).write(to: file)
                let answers = try store.answers()
                let isSame = answers == sound
                #expect(isSame, "byte \(at) of \(bytes.count), record at \(second), \(harm)")
            }
        }
        // Zeroed filters, a sector at a time and whole: they rule out what is there, and only the checksums reveal it.
        var record = 0
        while record < bytes.count {
            let head = record + (Int(bytes[record + 4]) | Int(bytes[record + 5]) << 8)
            let end = record + (0..<8).reduce(0) { $0 | Int(bytes[record + 8 + $1]) << (8 * $1) }
            let sectors = stride(from: head, to: end, by: 512).map { $0..<min($0 + 512, end) }
            for part in sectors + [head..<end] {
                var harmed = bytes
                harmed.replaceSubrange(part, with: repeatElement(0, count: part.count))
                try Data(harmed).write(to: file)
                let answers = try store.answers()
                let isSame = answers == sound
                #expect(isSame, "bytes \(part) zeroed, filters from \(head) to \(end)")
            }
            record = end
        }
        // Whole ranges: cut off, zeroed as by a power cut, exchanged, written twice, or not filters at all.
        let stretch = (bytes.count / 4)..<(bytes.count / 2)
        var zeroed = bytes
        zeroed.replaceSubrange(stretch, with: repeatElement(0, count: stretch.count))
        var full = bytes
        full.replaceSubrange(stretch, with: repeatElement(0xFF, count: stretch.count))
        var torn = bytes
        torn.removeSubrange(stretch)
        let noise = (0..<bytes.count).map { _ in UInt8(dice.below(256)) }
        for harmed in [zeroed, full, torn, bytes + bytes, Array(bytes.dropFirst(3)), noise, [1, 2, 3]] {
            try Data(harmed).write(to: file)
            let answers = try store.answers()
            let isSame = answers == sound
            #expect(isSame, "\(harmed.count) bytes")
        }
        try FileManager.default.removeItem(at: file)
        let without = try store.answers()
        #expect(without == sound)
        try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
        let folder = try store.answers()
        #expect(folder == sound)
    }

    /// The filters inside a pack, in their frames.
    @Test func harmedFramesGiveTheSameAnswer() throws {
        let store = try Store(filtersInPack: true)
        let sound = try store.answers()
        #expect(sound.map { $0.count { $0 == 0x0A } } == [1, 12, 0, 0])
        let path = URL(filePath: store.path + "/" + store.packs[2].pack)
        let bytes = Array(try Data(contentsOf: path))
        let filters = try PackReader.parse(bytes).blocks.compactMap(\.filter)
        try #require(!filters.isEmpty)
        var dice = Dice(seed: 9)
        for filter in filters {
            let start = Int(filter.offset)
            // The frame's own header lies before them.
            let places = Array(start - 8..<start + 16) + (0..<40).map { _ in start + dice.below(Int(filter.length)) }
            for at in places {
                for harm in [UInt8(1) << UInt8(dice.below(8)), 0xFF, bytes[at]] where harm != 0 {
                    var harmed = bytes
                    harmed[at] ^= harm
                    try Data(harmed).write(to: path)
                    let answers = try store.answers()
                    let isSame = answers == sound
                    #expect(isSame, "byte \(at - start) of a filter of \(filter.length), \(harm)")
                }
            }
            var zeroed = bytes
            zeroed.replaceSubrange(
                start..<start + Int(filter.length), with: repeatElement(0, count: Int(filter.length)))
            try Data(zeroed).write(to: path)
            let answers = try store.answers()
            #expect(answers == sound)
        }
    }
}
