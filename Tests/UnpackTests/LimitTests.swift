import Model
import Testing

@testable import Unpack

/// Every limit stops what it is there to stop, keeps what came before, and is named in the report.
struct LimitTests {
    private func see(_ bytes: [UInt8], _ change: (inout UnpackLimits) -> Void = { _ in }) -> Unpacked {
        var limits = UnpackLimits()
        change(&limits)
        var seen = unpack(bytes, limits: limits, hashes: false)
        var other = unpack(bytes, backend: .zlib, limits: limits, ownThread: true, hashes: false)
        if seen.report.limit != nil {
            // Where inflating stops half-way, the backends have buffered different numbers of bits.
            seen.report.compressedBytes = 0
            other.report.compressedBytes = 0
        }
        #expect(other == seen)
        return seen
    }

    private func expectLimit(_ seen: Unpacked, _ limit: UnpackLimit, entries: Int? = nil) {
        #expect(seen.report.limit == limit)
        #expect(seen.report.flags.contains(.limit))
        #expect(seen.report.verdict == .incomplete)
        if let entries { #expect(seen.entries.count == entries) }
    }

    @Test("entries")
    func entries() {
        var tar = TarBuilder()
        for index in 0..<10 { tar.file("f\(index)", "x") }
        tar.end()
        expectLimit(see(gzip(tar.bytes)) { $0.entries = 4 }, .entries, entries: 4)
        #expect(see(gzip(tar.bytes)) { $0.entries = 10 }.report.verdict == .ok)
    }

    @Test("total bytes: a gzip bomb ends at the limit")
    func bomb() {
        var head = TarBuilder()
        head.add(.init(name: [0x62], size: TarBuilder.octal(256 << 20, width: 12)))
        let first = head.bytes
        let bomb = gzipPieces(257) { $0 == 0 ? first : [UInt8](repeating: 0, count: 1 << 20) }
        #expect(bomb.count < 2 << 20)
        let seen = see(bomb) { $0.totalSize = 10 << 20 }
        expectLimit(seen, .totalSize, entries: 1)
        #expect(seen.entries[0].outcome?.state == .truncated)
        #expect(seen.report.bytes == (10 << 20) - 512)
        #expect(seen.report.inflatedBytes == 10 << 20)
    }

    @Test("entry bytes: one entry is cut, the others are whole")
    func entrySize() {
        var tar = TarBuilder()
        tar.file("large", [UInt8](repeating: 7, count: 3_000_000))
        tar.file("small", "whole")
        tar.end()
        let seen = see(gzip(tar.bytes)) { $0.entrySize = 1_000_000 }
        expectLimit(seen, .entrySize, entries: 2)
        #expect(seen.entries[0].outcome == EntryOutcome(state: .limited, bytes: 1_000_000, holeBytes: 0))
        #expect(seen.texts[1] == "whole")
        #expect(seen.report.cutEntries == 1)
    }

    @Test("hole bytes: a petabyte of nothing is not delivered")
    func holes() {
        var tar = TarBuilder()
        tar.pax(sparse("1000000000000000"))
        tar.file("x", Array("0\n".utf8) + [UInt8](repeating: 0, count: 510))
        tar.file("small", "whole")
        tar.end()
        let seen = see(gzip(tar.bytes)) { $0.holeBytes = 1 << 20 }
        expectLimit(seen, .holeBytes, entries: 2)
        #expect(seen.entries[0].outcome?.state == .limited)
        #expect(seen.report.holeBytes == 1 << 20)
        #expect(seen.texts[1] == "whole")
    }

    private func sparse(_ size: String) -> [UInt8] {
        TarBuilder.record("GNU.sparse.major", [0x31]) + TarBuilder.record("GNU.sparse.minor", [0x30])
            + TarBuilder.record("GNU.sparse.name", Array("sparse".utf8))
            + TarBuilder.record("GNU.sparse.realsize", Array(size.utf8))
    }

    /// An archive with one sparse file of `count` extents, one byte each, with its map in the file's data (pax 1.0).
    private func manyExtents(_ count: Int) -> [UInt8] {
        var map = Array("\(count)\n".utf8)
        for index in 0..<count { map += Array("\(index * 2)\n1\n".utf8) }
        map += [UInt8](repeating: 0, count: (512 - map.count % 512) % 512)
        var tar = TarBuilder()
        tar.file("first", "1")
        tar.pax(sparse(String(count * 2)))
        tar.file("x", map + [UInt8](repeating: 0x41, count: count))
        tar.file("last", "2")
        tar.end()
        return gzip(tar.bytes, level: 1)
    }

    @Test("extents")
    func extents() {
        let seen = see(manyExtents(2000)) { $0.sparseExtents = 1000 }
        expectLimit(seen, .sparseExtents, entries: 3)
        #expect(seen.names == ["first", "sparse", "last"])
        #expect(seen.entries[1].outcome?.state == .limited)
        let allowed = see(manyExtents(2000))
        #expect(allowed.report.verdict == .ok)
        #expect(allowed.entries[1].outcome == EntryOutcome(state: .complete, bytes: 2000, holeBytes: 2000))
    }

    @Test("a map of two million extents is refused before it takes the memory")
    func millionExtents() {
        let seen = see(manyExtents(2_000_000))
        #expect(seen.report.flags.contains(.limit))
        #expect(seen.report.limit == .sparseExtents || seen.report.limit == .header)
        #expect(seen.report.verdict == .incomplete)
        #expect(seen.names.first == "first")
        #expect(seen.names.last == "last")
    }

    /// Extents of the old GNU format: four in the header, 21 in each block behind it.
    private func oldGnu(_ extents: [(Int, Int)], size: Int, data: Int) -> [UInt8] {
        func pair(_ extent: (Int, Int)) -> [UInt8] {
            Array(TarBuilder.octal(extent.0, width: 12).utf8) + Array(TarBuilder.octal(extent.1, width: 12).utf8)
        }
        var tar = TarBuilder()
        var patches: [(Int, [UInt8])] = [(483, Array(TarBuilder.octal(size, width: 12).utf8))]
        for (index, extent) in extents.prefix(4).enumerated() { patches.append((386 + index * 24, pair(extent))) }
        if extents.count > 4 { patches.append((482, [1])) }
        tar.add(
            .init(
                name: Array("old".utf8), size: TarBuilder.octal(data, width: 12), type: UInt8(ascii: "S"),
                magic: "ustar  \0", patches: patches))
        var rest = Array(extents.dropFirst(4))
        while !rest.isEmpty {
            var block = rest.prefix(21).flatMap(pair)
            block += [UInt8](repeating: 0, count: 504 - block.count)
            rest = Array(rest.dropFirst(21))
            block += [rest.isEmpty ? 0 : 1] + [UInt8](repeating: 0, count: 7)
            tar.bytes += block
        }
        tar.bytes += (0..<data).map { UInt8(truncatingIfNeeded: $0) }
        tar.pad()
        tar.file("last", "2")
        tar.end()
        return gzip(tar.bytes)
    }

    @Test("maps that overlap, go backwards or leave the file are damage, not content")
    func contradictoryMaps() {
        let good = see(oldGnu([(0, 512), (1024, 512)], size: 1536, data: 1024))
        #expect(good.report.verdict == .ok)
        #expect(good.entries[0].outcome == EntryOutcome(state: .complete, bytes: 1024, holeBytes: 512))
        for map in [[(1024, 512), (0, 512)], [(0, 512), (256, 512)], [(0, 512), (5000, 512)]] {
            let seen = see(oldGnu(map, size: 1536, data: 1024))
            #expect(seen.report.verdict == .corrupt, "\(map)")
            #expect(seen.names == ["old", "last"], "\(map)")
            #expect(seen.entries.allSatisfy { $0.gapless })
        }
        let many = (0..<3000).map { ($0 * 1024, 512) }
        let seen = see(oldGnu(many, size: 3000 * 1024, data: 3000 * 512))
        #expect(seen.report.verdict == .ok)
        #expect(seen.report.bytes == 3000 * 512 + 1)
    }

    @Test("headers: bombs of special headers cost their budget and no more")
    func headerBombs() {
        var large = TarBuilder()
        large.file("first", "1")
        large.file("x", [UInt8](repeating: 0x61, count: 64 << 20), type: "L")
        large.file("last", "2")
        large.end()
        let seen = see(gzip(large.bytes, level: 1))
        #expect(seen.report.verdict != .ok)
        #expect(seen.names == ["first", "last"])

        var records = TarBuilder()
        records.file("first", "1")
        records.pax((0..<100_000).flatMap { _ in Array("6 a=b\n".utf8) })
        records.file("second", "2")
        records.end()
        #expect(see(gzip(records.bytes)).names == ["first", "second"])

        var globals = TarBuilder()
        globals.file("first", "1")
        for _ in 0..<20_000 { globals.pax(Array("9 a=b123\n".utf8), type: "g") }
        globals.file("last", "2")
        globals.end()
        let many = see(gzip(globals.bytes))
        #expect(many.names.first == "first")
        #expect(many.report.entries <= 2)
        #expect(many.report.verdict == .ok ? many.names == ["first", "last"] : true)

        let tight = see(gzip(records.bytes)) { $0.header = 64 << 10 }
        #expect(tight.names.first == "first")
    }

    @Test("names: long ones are cut and flagged, their sum is bounded")
    func names() {
        var tar = TarBuilder()
        tar.pax(TarBuilder.record("path", [UInt8](repeating: 0x61, count: 100_000)))
        tar.file("x", "1")
        tar.file("y", "2")
        tar.end()
        let seen = see(gzip(tar.bytes))
        expectLimit(seen, .nameBytes, entries: 2)
        #expect(seen.entries[0].header.path.count == 64 << 10)
        #expect(seen.entries[0].header.flags == .nameCut)
        #expect(seen.texts == ["1", "2"])
        var few = TarBuilder()
        for index in 0..<5 { few.file("name\(index)", "x") }
        few.end()
        expectLimit(see(gzip(few.bytes)) { $0.allNamesBytes = 12 }, .allNamesBytes, entries: 2)
    }

    @Test("damage: the search for a good header ends")
    func damage() {
        var tar = TarBuilder()
        tar.file("first", "1")
        tar.bytes += (0..<512 * 50).map { UInt8(truncatingIfNeeded: $0 &* 13 | 1) }
        tar.file("last", "2")
        tar.end()
        let found = see(gzip(tar.bytes))
        #expect(found.report.verdict == .corrupt)
        #expect(found.names == ["first", "last"])
        let given = see(gzip(tar.bytes)) { $0.damagedBlocks = 10 }
        #expect(given.report.verdict == .corrupt)
        #expect(given.report.limit == .damage)
        #expect(given.names == ["first"])
    }

    @Test("a sink that refuses stops the walk and its error comes out", arguments: [false, true])
    func refusal(_ ownThread: Bool) {
        var unpacker = Unpacker()
        unpacker.inflatesOnOwnThread = ownThread
        var sink = RecordingSink()
        sink.refuseAfter = 2
        let archive = gzip(sample)
        #expect(throws: RecordingSink.Refusal.self) {
            _ = try archive.withUnsafeBytes { (bytes) throws(RecordingSink.Refusal) in
                try unpacker.unpack(bytes: bytes, into: &sink)
            }
        }
        #expect(sink.entries.count == 2)
    }
}
