import Model
import Testing

@testable import Unpack

/// Archives with a compression other than gzip, whatever their name.
struct OtherCompressionTests {
    private static let commands = ["zstd -q -c", "xz -c", "bzip2 -c", "lz4 -q -c"]

    private static func tar(_ files: Int = 3, _ content: [UInt8] = Array("line\n".utf8)) -> [UInt8] {
        var tar = TarBuilder()
        for index in 0..<files { tar.file("f\(index).log", content) }
        tar.end()
        return tar.bytes
    }

    @Test("they are read like gzip", arguments: commands)
    func read(_ command: String) throws {
        let plain = Self.tar(400, [UInt8](repeating: 0x61, count: 3000))
        guard let packed = try ExpanderTests.run(command, plain) else { return }
        let seen = unpack(packed)
        #expect(seen.report.verdict == .ok)
        #expect(seen.report.flags == .otherCompression)
        #expect(seen.report.inflatedBytes == UInt64(plain.count))
        #expect(seen.report.compressedBytes == UInt64(packed.count))
        #expect(seen.entries == unpack(gzip(plain)).entries)
        let two = unpack(packed + packed)
        #expect(two.report.flags.isSuperset(of: [.severalMembers, .dataAfterEnd]))
        #expect(unpack(packed + Array("rubbish".utf8)).report.flags.contains(.trailingData))
    }

    @Test("what is cut or damaged is judged as with gzip", arguments: commands)
    func damage(_ command: String) throws {
        let noise = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        guard var packed = try ExpanderTests.run(command, Self.tar(3, noise)) else { return }
        let cut = unpack(Array(packed.prefix(packed.count / 2)))
        #expect(cut.report.verdict == .incomplete)
        #expect(cut.report.flags.contains(.truncated))
        for place in (packed.count / 3)..<(packed.count / 3 + 8) { packed[place] ^= 0x55 }
        let damaged = unpack(packed)
        #expect(damaged.report.verdict == .corrupt)
        #expect(damaged.report.flags.contains(.gzipDamaged))
    }

    @Test("a bomb ends at the limit", arguments: commands)
    func bomb(_ command: String) throws {
        var tar = TarBuilder()
        tar.file("zeros", [UInt8](repeating: 0, count: 40 << 20))
        tar.end()
        guard let packed = try ExpanderTests.run(command, tar.bytes) else { return }
        var limits = UnpackLimits()
        limits.totalSize = 10 << 20
        let seen = unpack(packed, limits: limits, hashes: false)
        #expect(seen.report.limit == .totalSize)
        #expect(seen.report.inflatedBytes == 10 << 20)
    }

    @Test("what holds no tar is no archive", arguments: commands)
    func noArchive(_ command: String) throws {
        guard let packed = try ExpanderTests.run(command, Array("just a log\nof two lines\n".utf8)) else { return }
        #expect(unpack(packed).report.verdict == .notAnArchive)
    }

    @Test("an entry that shrank while it was archived is flagged")
    func zeroPadding() {
        var tar = TarBuilder()
        tar.file("shrank.log", Array("line\nline\n".utf8) + [UInt8](repeating: 0, count: 200))
        tar.file("short.log", Array("line\n".utf8) + [UInt8](repeating: 0, count: 20))
        tar.file("data.bin", [1, 0, 2] + [UInt8](repeating: 0, count: 500))
        tar.file("zeros", [UInt8](repeating: 0, count: 500))
        tar.file("whole.log", "line\n")
        tar.file("large.log", [UInt8](repeating: 0x61, count: 300_000) + [UInt8](repeating: 0, count: 700_000))
        tar.end()
        let seen = unpack(gzip(tar.bytes))
        #expect(seen.report.verdict == .ok)
        #expect(seen.report.flags == .zeroPadded)
        #expect(seen.entries.map { $0.outcome?.isZeroPadded } == [true, false, false, false, false, true])
        #expect(UnpackFlags([.otherCompression, .zeroPadded]).names == ["other_compression", "zero_padded"])
    }

    @Test("times before 1970 are kept, with their fractions")
    func earlyTimes() {
        var tar = TarBuilder()
        tar.pax(TarBuilder.record("mtime", Array("-1299407.25".utf8)))
        tar.file("neg.log", "x\n")
        tar.pax(TarBuilder.record("mtime", Array("-99999999999999999999".utf8)))
        tar.file("far.log", "x\n")
        tar.end()
        let seen = unpack(gzip(tar.bytes))
        #expect(seen.entries.count == 2)
        #expect(seen.entries[0].header.modifiedSeconds < 0)
    }
}
