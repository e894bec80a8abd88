import Model
import Testing

@testable import Unpack

/// The attack classes of archives, each with the verdict it must get and what must be kept.
struct AttackTests {
    private func both(_ bytes: [UInt8], limits: UnpackLimits = UnpackLimits(), hashes: Bool = false) -> Unpacked {
        let first = unpack(bytes, limits: limits, hashes: hashes)
        #expect(unpack(bytes, backend: .zlib, limits: limits, hashes: hashes) == first)
        #expect(unpack(bytes, limits: limits, ownThread: true, hashes: hashes) == first)
        return first
    }

    /// An archive of one good entry, what `body` adds, another good entry and an end.
    private func archive(_ body: (inout TarBuilder) -> Void) -> [UInt8] {
        var tar = TarBuilder()
        tar.file("first", "1")
        body(&tar)
        tar.file("last", "2")
        tar.end()
        return gzip(tar.bytes)
    }

    // MARK: Not archives

    @Test("what is no archive is said to be none, with its head")
    func notArchives() {
        let json = Array(#"{"statusCode":404,"code":"not_found"}"#.utf8)
        let seen = both(json)
        #expect(seen.report.verdict == .notAnArchive)
        #expect(seen.report.head == json)
        #expect(both(gzip(json)).report.verdict == .notAnArchive)
        #expect(both(gzip(json)).report.head == json)
        #expect(both([]).report.verdict == .notAnArchive)
        #expect(both([]).report.flags == .empty)
        #expect(both([0x1f]).report.verdict == .notAnArchive)
        let page = Array((String(repeating: "<html>", count: 2000)).utf8)
        #expect(both(page).report.head == Array(page.prefix(4096)))
        let log = (0..<40_000).flatMap { Array("line \($0)\n".utf8) }
        #expect(both(gzip(log)).report.verdict == .notAnArchive)
        #expect(both(gzip(log)).report.head == Array(log.prefix(4096)))
        var broken = gzip(log)
        broken[broken.count / 2] ^= 0x10
        #expect(both(broken).report.verdict == .corrupt)
    }

    @Test("empty archives")
    func emptyArchives() {
        let none = both(gzip([]))
        #expect(none.report.verdict == .incomplete)
        #expect(none.report.flags.isSuperset(of: [.empty, .missingEnd]))
        #expect(both(gzip([UInt8](repeating: 0, count: 1024))).report.verdict == .ok)
        #expect(both([UInt8](repeating: 0, count: 10240)).report.verdict == .ok)
        #expect(both([UInt8](repeating: 0, count: 512)).report.verdict == .incomplete)
    }

    @Test("an archive from before there was a magic is recognised by its checksum")
    func seventhEdition() {
        var tar = TarBuilder()
        tar.add(.init(name: Array("old".utf8), size: TarBuilder.octal(3, width: 12), type: 0, magic: ""))
        tar.bytes += Array("old".utf8)
        tar.pad()
        tar.end()
        for bytes in [tar.bytes, gzip(tar.bytes)] {
            let seen = both(bytes)
            #expect(seen.report.verdict == .ok)
            #expect(seen.names == ["old"])
            #expect(seen.texts == ["old"])
        }
    }

    // MARK: The end

    @Test("gzip members, padding and rubbish behind them")
    func members() {
        let middle = sample.count / 2
        let two = gzip(Array(sample[..<middle])) + gzip(Array(sample[middle...]))
        #expect(both(two).report.verdict == .ok)
        #expect(both(two).report.flags == .severalMembers)
        #expect(both(two).entries == both(gzip(sample)).entries)
        let bytewise = sample.flatMap { gzip([$0]) }
        #expect(both(bytewise).report.members == UInt64(sample.count))
        #expect(both(bytewise).report.verdict == .ok)
        #expect(both(gzip(sample) + [0, 0, 0]).report.flags == [])
        #expect(both(gzip(sample) + Array("rubbish".utf8)).report.flags == .trailingData)
        #expect(both(gzip(sample) + [0, 0, 7]).report.flags == .trailingData)
        #expect(both(gzip(sample) + [0x1f]).report.verdict == .incomplete)
        #expect(both(gzip(sample) + [0x1f, 0x8b, 9]).report.verdict == .corrupt)
        #expect(both(gzip(sample) + gzip([])).report.flags == .severalMembers)
    }

    @Test("every field a gzip header may have is passed over, in pieces of any size")
    func gzipHeader() {
        let body = gzip(sample)[10...]
        for flags: UInt8 in 0..<32 {
            var header: [UInt8] = [0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255]
            if flags & 4 != 0 { header += [3, 0, 9, 9, 9] }
            if flags & 8 != 0 { header += Array("name\0".utf8) }
            if flags & 16 != 0 { header += [UInt8](repeating: 65, count: 300) + [0] }
            if flags & 2 != 0 { header += [0, 0] }
            #expect(both(header + body).report.verdict == .ok, "flags \(flags)")
            for size in [1, 2, 3, 7] {
                var parser = GzipHeaderParser()
                var used = 0
                var result = GzipHeaderParser.Result.more
                let bytes = header + body.prefix(20)
                while result == .more, used < bytes.count {
                    let piece = Array(bytes[used..<min(used + size, bytes.count)])
                    let step = piece.withUnsafeBytes { parser.take($0) }
                    used += step.used
                    result = step.result
                }
                #expect(result == .done && used == header.count, "flags \(flags), pieces of \(size)")
            }
        }
        #expect(both([0x1f, 0x8b, 8, 32, 0, 0, 0, 0, 0, 3] + body).report.flags.contains(.gzipDamaged))
    }

    @Test("a second archive behind the end is not invisible")
    func joined() {
        var second = TarBuilder()
        second.file("second", "hidden")
        second.end()
        for bytes in [gzip(sample + second.bytes), gzip(sample) + gzip(second.bytes)] {
            let seen = both(bytes)
            #expect(seen.report.verdict == .ok)
            #expect(seen.report.flags.contains(.dataAfterEnd))
            #expect(seen.names.last == "second")
            #expect(seen.entries.last?.header.flags == .afterEnd)
        }
        let cut = both(gzip(sample + second.bytes.prefix(1024)))
        #expect(cut.report.verdict == .incomplete)
        #expect(cut.names.last == "second")
        for rubbish in [1, 100, 512, 5000] {
            let seen = both(gzip(sample + (0..<rubbish).map { UInt8(truncatingIfNeeded: $0 &* 7 | 1) }))
            #expect(seen.report.verdict == .ok, "\(rubbish) bytes")
            #expect(seen.report.flags == .dataAfterEnd, "\(rubbish) bytes")
            #expect(seen.entries.count == 4)
        }
        var lone = TarBuilder()
        lone.file("a", "1")
        lone.end(blocks: 1)
        lone.file("b", "2")
        #expect(both(gzip(lone.bytes)).report.verdict == .incomplete)
        lone.end()
        #expect(both(gzip(lone.bytes)).names == ["a", "b"])
        #expect(both(gzip(lone.bytes)).report.flags.contains(.loneZeroBlock))
    }

    @Test("a long run of zeros behind the end costs no header budget")
    func paddedEnd() {
        var limits = UnpackLimits()
        limits.header = 1 << 20
        var tar = TarBuilder()
        tar.file("a", "1")
        let bytes = tar.bytes
        let padded = gzipPieces(9) { $0 == 0 ? bytes : [UInt8](repeating: 0, count: 1 << 20) }
        #expect(both(padded, limits: limits).report.verdict == .ok)
    }

    // MARK: Sizes

    @Test("sizes that are negative, huge or no number keep the entries before them")
    func sizes() {
        let base256 = [UInt8](repeating: 0xff, count: 12)
        let largest: [UInt8] = [0x80, 0, 0, 0, 0x7f] + [UInt8](repeating: 0xff, count: 7)
        let beyond: [UInt8] = [0x80, 0, 0, 0, 0xff] + [UInt8](repeating: 0xff, count: 7)
        let octal = Array("77777777777\0".utf8)
        let claim = Array("100000000000".utf8)
        let letters = Array("zzzzzzzzzzz\0".utf8)
        for (index, size) in [base256, largest, beyond, octal, claim, letters].enumerated() {
            let seen = both(
                archive { tar in
                    tar.add(.init(name: Array("evil".utf8), patches: [(124, size)]))
                    tar.bytes += [UInt8](repeating: 0x41, count: 512)
                })
            #expect(seen.names.first == "first", "case \(index)")
            #expect(seen.report.verdict != .ok, "case \(index): \(seen.report)")
            #expect(seen.texts.first == "1")
        }
        for text in ["-1", "9223372036854775808", "18446744073709551616", "1e9", ""] {
            let seen = both(
                archive { tar in
                    tar.pax(TarBuilder.record("size", Array(text.utf8)))
                    tar.file("evil", "evil")
                })
            #expect(seen.names.first == "first", "size=\(text)")
            #expect(seen.entries.allSatisfy { $0.gapless })
        }
    }

    @Test("a pax size wins over the header's, so that no entry hides in the content of another")
    func smuggledSize() {
        var hidden = TarBuilder()
        hidden.file("hidden", "you do not see me")
        let inner = hidden.bytes
        let seen = both(
            archive { tar in
                tar.pax(TarBuilder.record("size", Array(String(inner.count).utf8)))
                tar.add(.init(name: Array("outer".utf8)))
                tar.bytes += inner
            })
        #expect(seen.report.verdict == .ok)
        #expect(seen.names == ["first", "outer", "last"])
        #expect(seen.entries[1].content == inner)
    }

    @Test("owners, times and devices out of range do no harm")
    func strangeNumbers() {
        let negative: [UInt8] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0]
        let longAgo = [UInt8](repeating: 0xff, count: 11) + [0xfe]
        let large: [UInt8] = [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]
        let seen = both(
            archive { tar in
                tar.add(.init(name: [0x61], patches: [(108, negative), (116, large), (136, longAgo)]))
                tar.pax(
                    TarBuilder.record("mtime", Array("-9223372036854775808.999".utf8))
                        + TarBuilder.record("uid", Array("99999999999999999999".utf8)))
                tar.file("b", "")
            })
        #expect(seen.report.verdict == .ok)
        #expect(seen.entries[1].header.modifiedSeconds == -2)
        #expect(seen.entries[1].header.gid == 0xffff_ffff)
        #expect(seen.entries[2].header.modified == .min)
    }

    // MARK: Names

    @Test("names are kept byte for byte")
    func names() {
        let paths: [[UInt8]] = [
            Array("../../etc/passwd".utf8), Array("/etc/passwd".utf8), Array("C:\\x".utf8), Array("a\nb\u{1b}[2J".utf8),
            [0xff, 0xfe, 0x80], Array("evil\0.txt".utf8), Array("größe".utf8), Array("gro\u{308}ße".utf8),
            [UInt8](repeating: 0x61, count: 5000), Array((String(repeating: "d/", count: 300) + "d").utf8),
        ]
        for path in paths {
            let seen = both(
                archive { tar in
                    tar.pax(TarBuilder.record("path", path))
                    tar.file("short", "x")
                    tar.pax(TarBuilder.record("linkpath", path) + TarBuilder.record("path", [0x6c]))
                    tar.link("short", to: "y", type: "2")
                })
            #expect(seen.report.verdict == .ok, "\(path.prefix(20)) \(seen.report)")
            guard seen.entries.count == 4 else { continue }
            #expect(seen.entries[1].header.path == path)
            #expect(seen.entries[2].header.linkTarget == path)
            #expect(seen.entries[1].header.flags.contains(.nulInName) == path.contains(0))
            #expect(seen.entries[1].header.flags.contains(.deep) == (path.count == 601))
        }
        for raw in [[0xff, 0xfe], Array("größe".utf8)] as [[UInt8]] {
            let seen = both(
                archive { tar in
                    tar.add(.init(name: raw))
                    tar.file("././@LongLink", raw + [UInt8](repeating: 0x7a, count: 200) + [0], type: "L")
                    tar.add(.init(name: [0x78], magic: "ustar  \0"))
                })
            #expect(seen.entries.map(\.header.path).contains(raw))
            #expect(seen.entries.map(\.header.path).contains(raw + [UInt8](repeating: 0x7a, count: 200)))
        }
    }

    @Test("a GNU sparse name stands for the path")
    func sparseName() {
        let map = Array("1\n0\n4\n".utf8) + [UInt8](repeating: 0, count: 506)
        let seen = both(
            archive { tar in
                tar.pax(
                    TarBuilder.record("GNU.sparse.major", [0x31]) + TarBuilder.record("GNU.sparse.minor", [0x30])
                        + TarBuilder.record("GNU.sparse.name", Array("real\0name".utf8))
                        + TarBuilder.record("GNU.sparse.realsize", Array("1000".utf8)))
                tar.file("GNUSparseFile.0/real", map + Array("data".utf8))
            })
        #expect(seen.report.verdict == .ok)
        #expect(seen.entries[1].header.path == Array("real\0name".utf8))
        #expect(seen.entries[1].content == Array("data".utf8) + [UInt8](repeating: 0, count: 996))
        #expect(seen.entries[1].outcome == EntryOutcome(state: .complete, bytes: 4, holeBytes: 996))
    }

    @Test("links, devices and their like are rows, whatever size they claim")
    func specials() {
        for type in ["2", "3", "4", "5", "6", "1"] as [Character] {
            let seen = both(
                archive { tar in
                    tar.add(
                        .init(
                            name: [0x73], size: TarBuilder.octal(512, width: 12), type: type.asciiValue ?? 0,
                            link: Array("/etc/shadow".utf8), magic: "ustar  \0"))
                })
            #expect(seen.names == ["first", "s", "last"], "type \(type)")
            #expect(seen.entries[1].content.isEmpty)
            #expect(seen.report.verdict == .ok, "type \(type)")
        }
    }

    @Test("access control lists cost no more than other records, and names that look like them stay whole")
    func accessControlLists() {
        let list = (0..<50_000).flatMap { Array("user:a\($0):rwx,".utf8) }
        let disguise = Array("x\n22 SCHILY.acl.access=y".utf8)
        let seen = both(
            archive { tar in
                // Too long for libarchive to finish in the lifetime of this test, were it to see them.
                for _ in 0..<20 {
                    tar.pax(
                        TarBuilder.record("SCHILY.acl.access", list) + TarBuilder.record("path", disguise))
                    tar.file("x", "content")
                }
                tar.file("Solaris", list, type: "A")
                tar.file("y", "content")
            })
        #expect(seen.report.verdict == .ok)
        #expect(seen.report.flags.isEmpty)
        #expect(seen.entries.count == 23)
        #expect(seen.entries[1...20].allSatisfy { $0.header.path == disguise && $0.text == "content" })
    }

    @Test("records are hidden wherever a piece of the stream ends")
    func hiddenAcrossPieces() {
        let key = Array("SCHILY.acl.access".utf8)
        var tar = TarBuilder()
        tar.pax(TarBuilder.record("comment", Array("c".utf8)) + TarBuilder.record("SCHILY.acl.access", [0x76]))
        tar.file("x", key)
        for cut in 1..<tar.bytes.count {
            var bytes = tar.bytes
            var chain = HeaderChain(from: 0)
            bytes.withUnsafeMutableBytes { all in
                // Pieces are whole blocks in reality; the chain itself cares only within a body.
                guard cut > 1024 && cut < 1536 else { return }
                chain.hide(in: UnsafeMutableRawBufferPointer(rebasing: all[..<cut]), at: 0)
                chain.hide(in: UnsafeMutableRawBufferPointer(rebasing: all[cut...]), at: UInt64(cut))
            }
            guard cut > 1024 && cut < 1536 else { continue }
            let changed = bytes.indices.filter { bytes[$0] != tar.bytes[$0] }
            #expect(changed.count == 1, "cut at \(cut)")
            bytes.withUnsafeMutableBytes { chain.restore($0, at: 0) }
            #expect(bytes == tar.bytes, "cut at \(cut)")
        }
    }
}
