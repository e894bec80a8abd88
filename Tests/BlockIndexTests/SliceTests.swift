import Foundation
import Pack
import Testing

@testable import BlockIndex

/// Slices answer as the records do that they were made of, and never exclude a block that contains the text.
@Suite struct SliceTests {
    private static let folder = FileManager.default.temporaryDirectory.path

    /// Compacts objects into one.
    private static func compact(
        _ inputs: [FilterObject], _ level: FilterLevel, in objects: MemoryObjects, sizes: [String: UInt64],
        random: UInt32 = 7
    ) throws -> FilterCompaction.Outcome {
        let step = CompactionPlan.Step(inputs: inputs, level: level, day: inputs[0].day)
        return try FilterCompaction(objects, folder: folder).perform(
            step, now: 1_800_000_000_000, maker: "host", random: random
        ) { paths in sizes.filter { paths.contains($0.key) } }
    }

    /// The flags of the blocks that may match, by pack; nil for a pack that must be asked.
    private static func flags(_ findings: FilterFindings) -> [String: [Bool]] {
        Dictionary(findings.candidates.map { ($0.pack, $0.flags ?? []) }) { first, _ in first }
    }

    private static func expectNothingLost(
        _ corpus: FilterCorpus, _ found: [String: [Bool]], _ holds: ([UInt8]) -> Bool, _ comment: Comment
    ) {
        for pack in corpus.packs {
            for (index, block) in pack.blocks.enumerated() where !block.text.isEmpty && holds(block.text) {
                #expect(found[pack.path]?[index] == true, comment)
            }
        }
    }

    @Test(arguments: [1, 2] as [UInt64]) func slicesAnswerAsTheirRecords(seed: UInt64) throws {
        var corpus = FilterCorpus(seed: seed, packs: 150)
        let objects = MemoryObjects()
        let segments = [corpus.segment(0..<70, in: objects), corpus.segment(70..<150, in: objects)]
        let hours = try segments.enumerated().map { index, segment in
            let made = try Self.compact([segment], .hour, in: objects, sizes: corpus.sizes, random: UInt32(index))
            #expect(made.failures.isEmpty)
            return try #require(made.object)
        }
        let merged = try Self.compact(hours, .day, in: objects, sizes: corpus.sizes)
        let day = try #require(merged.object)
        #expect(merged.packs == 150)
        #expect(day.blocks == segments.reduce(0) { $0 + $1.blocks })
        let reader = FilterReader(objects)
        for number in 0..<40 {
            let (tree, holds) = corpus.query()
            if tree.isAll { continue }
            let rows = Self.flags(try reader.candidates(of: tree, in: segments, includesBinary: false))
            let small = Self.flags(try reader.candidates(of: tree, in: hours, includesBinary: false))
            let large = Self.flags(try reader.candidates(of: tree, in: [day], includesBinary: false))
            if tree.probes.allSatisfy({ $0.places.count <= RowChoice.most }) {
                #expect(rows == small, "query \(number)")
                #expect(small == large, "query \(number)")
            }
            for found in [small, large] {
                let more = found.reduce(0) { $0 + zip($1.value, rows[$1.key] ?? []).filter { $0.0 && !$0.1 }.count }
                #expect(more <= 5, "query \(number): blocks that only the other rows exclude")
                for (pack, flags) in rows {
                    let kept = try #require(found[pack])
                    #expect(zip(flags, kept).allSatisfy { !$0 || $1 }, "query \(number)")
                }
            }
            Self.expectNothingLost(corpus, large, holds, "query \(number)")
        }
    }

    @Test func binaryBlocksAreCandidatesOnRequest() throws {
        var corpus = FilterCorpus(seed: 9, packs: 80)
        let objects = MemoryObjects()
        let segment = corpus.segment(0..<80, in: objects)
        let hour = try #require(
            try Self.compact([segment], .hour, in: objects, sizes: corpus.sizes).object)
        let (tree, _) = corpus.query()
        let reader = FilterReader(objects)
        for object in [segment, hour] {
            let found = Self.flags(try reader.candidates(of: tree, in: [object], includesBinary: true))
            for pack in corpus.packs {
                for (index, block) in pack.blocks.enumerated() where block.text.isEmpty {
                    #expect(found[pack.path]?[index] == true)
                }
            }
        }
    }

    @Test func filtersOfEarlierSizesLoseNothing() throws {
        var corpus = FilterCorpus(seed: 11, packs: 40, oldSizes: true)
        let objects = MemoryObjects()
        let segment = corpus.segment(0..<40, in: objects)
        let hour = try #require(
            try Self.compact([segment], .hour, in: objects, sizes: corpus.sizes).object)
        for number in 0..<40 {
            let (tree, holds) = corpus.query()
            if tree.isAll { continue }
            let found = Self.flags(
                try FilterReader(objects).candidates(of: tree, in: [hour], includesBinary: false))
            Self.expectNothingLost(corpus, found, holds, "query \(number)")
        }
    }

    @Test func placesComeWithCandidates() throws {
        let corpus = FilterCorpus(seed: 12, packs: 30)
        let objects = MemoryObjects()
        let segment = corpus.segment(0..<30, in: objects)
        let hour = try #require(
            try Self.compact([segment], .hour, in: objects, sizes: corpus.sizes).object)
        let listed = try FilterReader(objects).packs(in: [hour])
        #expect(listed.candidates.map(\.pack) == corpus.packs.map(\.path))
        #expect(listed.candidates.map(\.bytes) == corpus.packs.map(\.bytes))
        for (candidate, pack) in zip(listed.candidates, corpus.packs) {
            let places = try #require(candidate.places)
            #expect(places.blocks.count == pack.blocks.count)
            #expect(places.footer == pack.bytes - 900)
            #expect(candidate.ranges?.last == places.footer..<pack.bytes)
        }
    }

    @Test func packsThatAreNoLongerCurrentAreDropped() throws {
        var corpus = FilterCorpus(seed: 13, packs: 100)
        let objects = MemoryObjects()
        let segment = corpus.segment(0..<100, in: objects)
        let hour = try #require(
            try Self.compact([segment], .hour, in: objects, sizes: corpus.sizes).object)
        var sizes = corpus.sizes
        for (number, pack) in corpus.packs.enumerated() where number % 3 == 0 { sizes[pack.path] = nil }
        sizes[corpus.packs[1].path] = 1
        let day = try #require(try Self.compact([hour], .day, in: objects, sizes: sizes).object)
        let kept = corpus.packs.filter { sizes[$0.path] == $0.bytes }
        let reader = FilterReader(objects)
        #expect(try reader.packs(in: [day]).candidates.map(\.pack) == kept.map(\.path))
        for _ in 0..<30 {
            let (tree, _) = corpus.query()
            if tree.isAll { continue }
            let before = Self.flags(try reader.candidates(of: tree, in: [hour], includesBinary: false))
            let after = Self.flags(try reader.candidates(of: tree, in: [day], includesBinary: false))
            #expect(after == before.filter { sizes[$0.key] == corpus.sizes[$0.key] })
        }
        let nothing = try Self.compact([hour], .day, in: objects, sizes: [:], random: 8)
        #expect(nothing.object == nil)
        #expect(nothing.replaced == [hour])
    }

    /// Damage makes blocks candidates, or is reported: it never hides a block.
    @Test(arguments: [FilterLevel.segment, .hour]) func damageHidesNothing(level: FilterLevel) throws {
        var corpus = FilterCorpus(seed: 14, packs: 60)
        let objects = MemoryObjects()
        let segment = corpus.segment(0..<60, in: objects)
        let sound: FilterObject
        if level == .segment {
            sound = segment
        } else {
            sound = try #require(try Self.compact([segment], .hour, in: objects, sizes: corpus.sizes).object)
        }
        let content = objects[sound.key]
        var random = TestRandom(state: 5)
        for round in 0..<80 {
            var broken = content
            for _ in 0...random.below(4) {
                switch random.below(3) {
                case 0: broken[random.below(broken.count)] ^= UInt8(1 << random.below(8))
                case 1:
                    let start = random.below(broken.count)
                    for index in start..<min(start + 200, broken.count) { broken[index] = 0 }
                default:
                    // The end, where the tables are.
                    broken[broken.count - 1 - random.below(min(broken.count, 3000))] ^= 0xFF
                }
            }
            objects[sound.key] = broken
            let (tree, holds) = corpus.query()
            if tree.isAll { continue }
            let findings = try FilterReader(objects).candidates(of: tree, in: [sound], includesBinary: false)
            guard findings.failures.isEmpty else { continue }
            Self.expectNothingLost(corpus, Self.flags(findings), holds, "round \(round)")
        }
        for count in [0, 1, 47, 48, 100, content.count / 2, content.count - 1] {
            objects[sound.key] = Array(content.prefix(count))
            let (tree, _) = corpus.query()
            let findings = try FilterReader(objects).candidates(of: tree, in: [sound], includesBinary: false)
            #expect(findings.failures.map(\.object) == [sound])
        }
        objects[sound.key] = content
        objects.lose(sound.key)
        let lost = try FilterReader(objects).candidates(
            of: ProbeTree.literal(corpus.words[0]), in: [sound], includesBinary: false)
        #expect(lost.failures.count == 1)
    }

    @Test func aDamagedInputStaysWhereItIs() throws {
        let corpus = FilterCorpus(seed: 15, packs: 60)
        let objects = MemoryObjects()
        let segments = [corpus.segment(0..<30, in: objects), corpus.segment(30..<60, in: objects)]
        objects[segments[0].key][60] ^= 1
        let made = try Self.compact(segments, .hour, in: objects, sizes: corpus.sizes)
        #expect(made.replaced == [segments[1]])
        #expect(made.failures.map(\.object) == [segments[0]])
        #expect(made.packs == 30)
    }

    @Test func aQueryReadsLittle() throws {
        let corpus = FilterCorpus(seed: 16, packs: 600)
        let objects = MemoryObjects()
        let segment = corpus.segment(0..<600, in: objects)
        let hour = try #require(
            try Self.compact([segment], .hour, in: objects, sizes: corpus.sizes).object)
        objects.forget()
        let tree = ProbeTree.literal(Array("zeta-reticuli-9b2e77aa".utf8))
        let findings = try FilterReader(objects).candidates(of: tree, in: [hour], includesBinary: false)
        #expect(findings.failures.isEmpty)
        #expect(objects.bytesRead * 4 < Int(segment.bytes), "\(objects.bytesRead) of \(segment.bytes)")
    }
}
