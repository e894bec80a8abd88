import Model
import Testing

@testable import Unpack

/// A small archive with the features of a real one.
let sample: [UInt8] = {
    var tar = TarBuilder()
    tar.file("logs/server.log", (0..<60).map { "line \($0 &* 7919 % 1009) of the log\n" }.joined())
    tar.link("logs/latest", to: "server.log", type: "2")
    tar.pax(TarBuilder.record("path", Array("dumps/größer.dmp".utf8)))
    tar.file("dumps/x", (0..<700).map { UInt8(truncatingIfNeeded: $0 &* $0 &* 31) })
    tar.file("empty", [UInt8]())
    tar.end()
    return tar.bytes
}()

struct DamageTests {
    /// Whether the kept entries are a prefix of the original ones, with only the last one cut.
    private func isPrefix(_ seen: Unpacked, of whole: Unpacked) -> Bool {
        guard seen.entries.count <= whole.entries.count else { return false }
        for (index, entry) in seen.entries.enumerated() {
            let truth = whole.entries[index]
            if entry.header.path != truth.header.path || entry.header.linkTarget != truth.header.linkTarget {
                return false
            }
            if entry.outcome?.state == .complete, entry.content != truth.content { return false }
            if !truth.content.starts(with: entry.content) { return false }
            if entry.outcome?.state != .complete, index != seen.entries.count - 1 { return false }
        }
        return true
    }

    @Test("an archive cut at any byte is never ok and keeps what came before", arguments: InflateBackend.allCases)
    func cutAnywhere(_ backend: InflateBackend) {
        let whole = unpack(sample)
        let archive = gzip(sample)
        #expect(unpack(archive, backend: backend).report.verdict == .ok)
        for length in 0..<archive.count {
            let seen = unpack(Array(archive[..<length]), backend: backend)
            let wanted: ArchiveVerdict = length < 2 ? .notAnArchive : .incomplete
            #expect(seen.report.verdict == wanted, "cut at \(length)")
            #expect(isPrefix(seen, of: whole), "cut at \(length)")
        }
        // A cut in the trailer loses only the checksum.
        let unproven = unpack(Array(archive[..<(archive.count - 1)]), backend: backend)
        #expect(unproven.entries.map(\.content) == whole.entries.map(\.content))
        #expect(unproven.report.flags.contains(.truncated))
    }

    @Test("a plain tar cut at any byte is never ok and keeps what came before")
    func cutPlainAnywhere() {
        let whole = unpack(sample)
        #expect(whole.report.verdict == .ok)
        for length in 0..<sample.count {
            let seen = unpack(Array(sample[..<length]))
            #expect(seen.report.verdict == (length < 262 ? .notAnArchive : .incomplete), "cut at \(length)")
            #expect(isPrefix(seen, of: whole), "cut at \(length)")
        }
    }

    @Test("an archive whose tar was cut before it was compressed is incomplete", arguments: [0, 1])
    func cutInsideGzip(_ zeroBlocks: Int) {
        var tar = TarBuilder()
        tar.file("a", "content")
        let entry = tar.bytes
        for length in 0...entry.count {
            let seen = unpack(gzip(Array(entry[..<length])))
            // Less than what could be recognised as a header is no tar.
            let wanted: ArchiveVerdict = 1..<262 ~= length ? .notAnArchive : .incomplete
            #expect(seen.report.verdict == wanted, "cut at \(length)")
        }
        let last = unpack(gzip(entry + [UInt8](repeating: 0, count: 512 * zeroBlocks)))
        #expect(last.names == ["a"])
        #expect(last.report.flags.contains(.missingEnd))
        #expect(last.report.flags.contains(.loneZeroBlock) == (zeroBlocks == 1))
    }

    @Test("a flipped bit is never ok unless the content is the same", arguments: InflateBackend.allCases)
    func flipEveryBit(_ backend: InflateBackend) {
        for level: Int32 in [0, 6] {
            let archive = gzip(sample, level: level)
            let whole = unpack(sample)
            var flipped = archive
            var kept = 0
            for bit in 0..<(archive.count * 8) {
                flipped[bit / 8] ^= 1 << (bit % 8)
                let seen = unpack(flipped, backend: backend)
                flipped[bit / 8] = archive[bit / 8]
                if seen.report.verdict == .ok {
                    #expect(seen.entries == whole.entries, "bit \(bit) at level \(level)")
                }
                kept += seen.entries.count { $0.outcome?.state == .complete }
            }
            // Most of what precedes the damage survives.
            #expect(kept > archive.count * 8)
        }
    }

    @Test("all backends judge a flipped bit alike")
    func backendsAgreeOnFlips() {
        let archive = gzip(sample)
        var flipped = archive
        for bit in 0..<(archive.count * 8) {
            flipped[bit / 8] ^= 1 << (bit % 8)
            let first = unpack(flipped, backend: .isal).report
            let second = unpack(flipped, backend: .zlib).report
            flipped[bit / 8] = archive[bit / 8]
            #expect(first.verdict == second.verdict, "bit \(bit): \(first) \(second)")
        }
    }

    @Test("a flipped bit in a plain tar's headers is noticed and entries behind it are found again")
    func flipPlainHeaders() {
        let whole = unpack(sample)
        var flipped = sample
        for bit in 0..<(512 * 8) {
            flipped[bit / 8] ^= 1 << (bit % 8)
            let seen = unpack(flipped)
            flipped[bit / 8] = sample[bit / 8]
            // The checksum's own padding may change without changing its value.
            if seen.report.verdict == .ok {
                #expect(seen.entries.map(\.content) == whole.entries.map(\.content), "bit \(bit)")
                continue
            }
            #expect(seen.report.verdict == .corrupt, "bit \(bit)")
            #expect(seen.report.flags.contains(.resynchronised), "bit \(bit)")
            #expect(seen.names == ["logs/latest", "dumps/größer.dmp", "empty"], "bit \(bit)")
        }
    }

    @Test("a damaged header in the middle costs one entry", arguments: [false, true])
    func damagedHeader(_ compressed: Bool) {
        var tar = TarBuilder()
        tar.file("before", "1")
        let damaged = tar.bytes.count
        tar.file("lost", String(repeating: "x", count: 3000))
        tar.file("behind", "3")
        tar.end()
        tar.bytes[damaged + 5] ^= 0xff
        let seen = unpack(compressed ? gzip(tar.bytes) : tar.bytes)
        #expect(seen.report.verdict == .corrupt)
        #expect(seen.report.flags.isSuperset(of: [.tarDamaged, .resynchronised]))
        #expect(seen.report.firstError?.offset == UInt64(damaged))
        #expect(seen.names == ["before", "behind"])
        #expect(seen.entries.map { $0.header.flags.contains(.afterDamage) } == [false, true])
    }

    @Test("wrong CRC-32 and wrong length are corrupt, entries kept", arguments: InflateBackend.allCases)
    func trailer(_ backend: InflateBackend) {
        let archive = gzip(sample)
        for offset in 1...8 {
            var wrong = archive
            wrong[wrong.count - offset] ^= 0x40
            let seen = unpack(wrong, backend: backend)
            #expect(seen.report.verdict == .corrupt)
            #expect(seen.report.flags == .checksumMismatch)
            #expect(seen.entries.count == 4)
            #expect(seen.report.firstError?.layer == .gzip)
        }
    }
}
