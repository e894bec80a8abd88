import Pack
import Testing

@testable import BlockIndex

/// Records with places, segments of them, and the sizes of filters.
@Suite struct FilterRecordTests {
    @Test func aFilterHasOneOfFewSizes() {
        var sizes: Set<Int> = []
        var random = TestRandom(state: 3)
        for length in 1...120 {
            let text = (0..<(length * 211)).map { _ in UInt8(32 + random.below(90)) }
            let size = text.withUnsafeBytes { BlockFilter.build($0) }.count * 8
            #expect(size % 64 == 0)
            sizes.insert(size)
        }
        #expect(
            sizes.allSatisfy { size in
                size <= 512 || [5, 6, 7, 8].contains { size % $0 == 0 && (size / $0).nonzeroBitCount == 1 }
            })
        #expect(sizes.count < 30)
    }

    @Test func placesAreReadAsWritten() throws {
        let corpus = FilterCorpus(seed: 1, packs: 40)
        for pack in corpus.packs {
            pack.record.withUnsafeBytes { bytes in
                let row = FilterRow(bytes)
                #expect(row?.totalLength == bytes.count)
                #expect(row?.pathText == pack.path)
                #expect(row?.places?.blocks.map(\.isText) == pack.blocks.map { !$0.text.isEmpty })
                var filters: [[UInt8]] = []
                row?.forEachFilter { _, filter in filters.append(filter.map { Array($0) } ?? []) }
                #expect(filters == pack.blocks.map(\.filter))
            }
        }
        let far = BlockPlace(offset: 1 << 48 - 1, storedSize: 1 << 24 - 1, rawSize: 1 << 18, isText: false)
        let record = FilterRow.encode(
            path: "p", packBytes: 1 << 50, filters: [[]], format: BlockFilter.format,
            places: PackPlaces(footer: 1 << 49, blocks: [far]))
        record.withUnsafeBytes { #expect(FilterRow($0)?.places?.blocks == [far]) }
    }

    @Test func placesOutsideThePackAreNotUsed() {
        let outside = [
            PackPlaces(footer: 1001, blocks: []),
            PackPlaces(footer: 900, blocks: [BlockPlace(offset: 800, storedSize: 101, rawSize: 1, isText: true)]),
            PackPlaces(footer: 900, blocks: [BlockPlace(offset: 901, storedSize: 0, rawSize: 1, isText: true)]),
        ]
        for places in outside {
            let record = FilterRow.encode(
                path: "p", packBytes: 1000, filters: places.blocks.map { _ in [] }, format: BlockFilter.format,
                places: places)
            record.withUnsafeBytes { bytes in
                #expect(FilterRow(bytes) != nil)
                #expect(FilterRow(bytes)?.places == nil)
            }
        }
    }

    @Test func placesAreAddedToARecord() {
        let filter = Array("some text of a block\n".utf8).withUnsafeBytes { BlockFilter.build($0) }
        let record = FilterRow.encode(
            path: "packs/a.pack", packBytes: 1000, filters: [filter, []], format: BlockFilter.format)
        let blocks = (0..<2).map { BlockPlace(offset: $0 * 10, storedSize: 10, rawSize: 20, isText: $0 == 0) }
        let places = PackPlaces(footer: 900, blocks: blocks)
        record.withUnsafeBytes { bytes in
            #expect(FilterRow(bytes)?.places == nil)
            #expect(FilterRow(bytes)?.located(PackPlaces(footer: 900, blocks: [])) == nil)
            let placed = FilterRow(bytes)?.located(places)
            #expect(placed != nil)
            placed?.withUnsafeBytes { placed in
                #expect(FilterRow(placed)?.places == places)
                #expect(
                    FilterRow(placed)?.answer(.literal(Array("nowhere-to-be-seen".utf8))) == .blocks([false, true]))
            }
        }
    }

    @Test func everyChangedHeaderIsNoticed() {
        let record = FilterCorpus(seed: 2, packs: 3).packs[2].record
        let head = record.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: 4, as: UInt32.self)) }
        for index in 0..<head {
            var broken = record
            broken[index] ^= 0x10
            broken.withUnsafeBytes { bytes in
                let row = FilterRow(bytes)
                // Only the padding after the path may be another.
                #expect(row == nil || index < 0, "byte \(index)")
            }
        }
        for count in 0..<record.count where count % 3 == 0 {
            Array(record.prefix(count)).withUnsafeBytes { bytes in #expect(FilterRow(bytes) == nil) }
        }
    }

    @Test func aSegmentHasItsRecords() throws {
        let corpus = FilterCorpus(seed: 4, packs: 70)
        let made = FilterSegment.encode(corpus.packs.map(\.record) + [[1, 2, 3]])
        #expect(made.packs == 70)
        #expect(made.blocks == corpus.packs.reduce(0) { $0 + $1.blocks.count })
        let segment = try FilterSegment(made.bytes, key: "k")
        #expect(segment.isWhole)
        var paths: [String] = []
        segment.forEachRow { paths.append($0?.pathText ?? "") }
        #expect(paths == corpus.packs.map(\.path))
        for count in [0, 47, 48, made.bytes.count - 1] {
            #expect(throws: BlockIndexError.self) {
                try FilterSegment(Array(made.bytes.prefix(count)), key: "k")
            }
        }
    }

    @Test func aBatchIsDueWhenFullOrOld() throws {
        let corpus = FilterCorpus(seed: 5, packs: 64)
        var batch = FilterBatch()
        #expect(!batch.isDue(now: 1_000_000))
        for (number, pack) in corpus.packs.enumerated() {
            #expect(!batch.isDue(now: 1000 + 14_999))
            batch.add(pack.record, now: 1000 + Int64(number))
        }
        #expect(batch.isDue(now: 1100))
        let taken = batch.take(now: 1_795_000_000_123, harvester: "a b/c", random: 0xAB)
        let made = try #require(taken)
        #expect(made.record.key == "filters/segments/2026-11-18/110640123-a_b_c-000000ab.rows")
        #expect(made.record.day == 20_775)
        #expect(batch.count == 0 && batch.deadline == nil)
        batch.add(corpus.packs[0].record, now: 5000)
        #expect(!batch.isDue(now: 19_999) && batch.isDue(now: 20_000))
        #expect(batch.isDue(now: 4000), "a clock that was set back must not delay it")
    }
}
