import Glibc
import Model
import Testing

@testable import Pack

@Suite struct CopyTests {
    private func copied(
        _ reader: PackReader, to path: String, before: [Draft] = [], after: [Draft] = [],
        where keep: (Member) -> Bool = { _ in true }
    ) throws -> (PackReader, [Int?]) {
        let descriptor = try PackFile.create(path: path)
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor, options: PackOptions(workers: 2))
        for draft in before { try writer.write(draft) }
        let places = try writer.copyAll(from: reader, artifact: { $0 + 5 }, where: keep)
        for draft in after { try writer.write(draft) }
        _ = try writer.finish(session: SessionMetadata(session: "s"), artifacts: [])
        return (try PackReader.open(path: path), places)
    }

    @Test func aNewGenerationHoldsTheOld() throws {
        let scratch = try Scratch()
        let drafts = RoundTripTests.shapes()
        try writePack(drafts, to: scratch.file("old.pack"))
        let old = try PackReader.open(path: scratch.file("old.pack"))
        let before = [Draft("x", logText(10)), Draft("y", logText(600_000))]
        let after = [Draft("z", logText(300_000, seed: 9))]
        let (new, places) = try copied(old, to: scratch.file("new.pack"), before: before, after: after)
        #expect(new.verify().isSound)
        #expect(new.members.count == drafts.count + 3)
        for (index, draft) in drafts.enumerated() {
            let place = try #require(places[index])
            #expect(try content(of: place, in: new) == draft.logical)
            var expected = old.members[index]
            expected.artifact = 5
            expected.firstBlock = new.members[place].firstBlock
            #expect(new.members[place] == expected)
        }
        // Frames, lines, times and filters are those of the old pack.
        let copies = new.blocks.filter { block in
            old.blocks.contains { $0.rawSize == block.rawSize && $0.filter?.checksum == block.filter?.checksum }
        }
        #expect(copies.count >= old.blocks.count)
        let probe = FilterProbe(Array("certainly absent".utf8))
        #expect(
            try !new.filters().mayContain(block: new.pieces(ofMember: try #require(places[4]))[0].block, all: [probe]))
    }

    @Test func membersAreLeftOut() throws {
        let scratch = try Scratch()
        let drafts = RoundTripTests.shapes()
        try writePack(drafts, to: scratch.file("old.pack"))
        let old = try PackReader.open(path: scratch.file("old.pack"))
        let (new, places) = try copied(old, to: scratch.file("new.pack")) {
            $0.path != Array("small.log".utf8) && $0.path != Array("big.log".utf8)
        }
        #expect(new.verify().isSound)
        #expect(new.members.count == drafts.count - 2)
        for (index, draft) in drafts.enumerated() {
            guard let place = places[index] else {
                #expect(draft.path == "small.log" || draft.path == "big.log")
                continue
            }
            #expect(try content(of: place, in: new) == draft.logical)
            #expect(new.members[place].sha256 == old.members[index].sha256)
            #expect(new.members[place].lineCount == old.members[index].lineCount)
        }
        #expect(new.fileSize < old.fileSize)
        // What was left out is nowhere in the file.
        #expect(new.blocks.reduce(0) { $0 + UInt64($1.rawSize) } == new.members.reduce(0) { $0 + $1.contentSize })
    }

    @Test func damageStaysVisible() throws {
        let scratch = try Scratch()
        try writePack([Draft("a.log", logText(900_000))], to: scratch.file("old.pack"))
        var bytes = try slurp(scratch.file("old.pack"))
        let sound = try PackReader.parse(bytes)
        bytes[Int(sound.blocks[1].offset) + 100] ^= 1
        bytes[Int(try #require(sound.blocks[2].filter).offset)] ^= 1
        let (new, _) = try copied(try PackReader.parse(bytes), to: scratch.file("new.pack"))
        let report = new.verify()
        #expect(report.damagedBlocks == [1])
        #expect(report.damagedMembers == [0])
        // A damaged filter is not copied but built from the text.
        let (before, after) = (try sound.filters(), try new.filters())
        for block in [0, 2] {
            let kept = after.withFilter(block: block) { bytes, format in [Array(bytes), [UInt8(format)]] }
            let wanted = before.withFilter(block: block) { bytes, format in [Array(bytes), [UInt8(format)]] }
            #expect(kept != nil && kept == wanted)
        }
    }

    @Test func filtersAreHandedBackInsteadOfWritten() throws {
        let scratch = try Scratch()
        let text = logText(900_000)
        var options = PackOptions(workers: 2)
        options.filtersAside = true
        let summary = try writePack(
            [Draft("a.log", text), Draft("b.bin", kind: .binary, text)], to: scratch.file("a.pack"), options: options)
        let filters = try #require(summary.filtersAside)
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        #expect(reader.fileSize == summary.fileSize && filters.count == reader.blocks.count)
        #expect(reader.blocks.allSatisfy { $0.filter == nil })
        let again = try FilterSource(reader)
        for (index, block) in reader.blocks.enumerated() {
            #expect(filters[index].isEmpty != block.flags.contains(.text))
            #expect(again.filter(of: index) == filters[index])
        }
    }
}
