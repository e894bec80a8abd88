import Bytes
import Glibc
import Testing

@testable import Pack

@Suite struct DamageTests {
    static let drafts = [
        Draft("a.log", logText(900)),
        Draft("b.bin", kind: .binary, runs: [.bytes([UInt8](0..<200)), .hole(100), .bytes([1, 2, 3])]),
        Draft("c.log", logText(300, seed: 4)),
    ]

    static func smallPack() throws -> [UInt8] {
        let scratch = try Scratch()
        try writePack(drafts, to: scratch.file("a.pack"), options: PackOptions(workers: 0))
        return try slurp(scratch.file("a.pack"))
    }

    /// Whether everything that the pack returns is what was written.
    private func tellsTheTruth(_ bytes: [UInt8], like sound: PackReader) -> Bool {
        guard let reader = try? PackReader.parse(bytes), reader.members == sound.members,
            (try? reader.session()) == (try? sound.session()), (try? reader.artifacts()) == (try? sound.artifacts()),
            (try? reader.crashes()) == (try? sound.crashes())
        else { return false }
        return Self.drafts.indices.allSatisfy { (try? content(of: $0, in: reader)) == Self.drafts[$0].logical }
    }

    @Test func everyFlippedByteIsNoticedOrHarmless() throws {
        let bytes = try Self.smallPack()
        let sound = try PackReader.parse(bytes)
        #expect(PackReader.verify(bytes).isSound)
        var noticed = 0
        for index in bytes.indices {
            for flip: UInt8 in [1, 0x10, 0x80, 0xFF] {
                var broken = bytes
                broken[index] ^= flip
                if PackReader.verify(broken).isSound {
                    #expect(tellsTheTruth(broken, like: sound), "byte \(index) ^ \(flip)")
                } else {
                    noticed += 1
                }
            }
        }
        #expect(noticed > bytes.count * 4 * 95 / 100)
    }

    @Test func everyTruncationIsNoticed() throws {
        let bytes = try Self.smallPack()
        for count in 0..<bytes.count {
            let cut = Array(bytes[..<count])
            #expect(throws: PackError.self) { try PackReader.parse(cut) }
            let report = PackReader.verify(cut)
            #expect(!report.isSound)
        }
        let report = PackReader.verify(Array(bytes[..<(bytes.count - 1)]))
        // Both blocks can still be read, and the report says so.
        #expect(report.blocks == 2)
        #expect(report.soundBytes == 900 + 203 + 300)
        #expect(PackReader.verify(bytes + [0]).isSound == false)
    }

    @Test func bytesPutInBetweenAreNoticed() throws {
        let bytes = try Self.smallPack()
        #expect(!PackReader.verify([0, 0, 0, 0] + bytes).isSound)
    }

    @Test func aDamagedBlockNamesItsMembersAndSparesTheOthers() throws {
        var bytes = try Self.smallPack()
        let sound = try PackReader.parse(bytes)
        let block = Int(sound.members[0].firstBlock)
        bytes[Int(sound.blocks[block].offset) + 20] ^= 1
        let report = PackReader.verify(bytes)
        #expect(report.damagedBlocks == [block])
        #expect(report.damagedMembers == [0, 2])
        #expect(report.soundMembers == [1])
        #expect(report.session == "s-1")
        #expect(report.damage.first?.part == .block)
        #expect(report.damage.first?.members == [0, 2])
        let reader = try PackReader.parse(bytes)
        #expect(try content(of: 1, in: reader) == Self.drafts[1].logical)
        #expect(throws: PackError.self) { try content(of: 0, in: reader) }
    }

    @Test func aDamagedSectionLeavesTheRestReadable() throws {
        let bytes = try Self.smallPack()
        let sound = try PackReader.parse(bytes)
        for id in SectionID.allCases {
            let entry = try #require(try FooterBytes(PackBytes(bytes)).directory().first { $0.id == id.rawValue })
            guard entry.storedSize > 0 else { continue }
            var broken = bytes
            broken[Int(entry.offset)] ^= 1
            let report = PackReader.verify(broken)
            #expect(report.damage.contains { $0.part == .section })
            let reader = try PackReader.parse(broken, tolerant: true)
            if id != .session { #expect(try reader.session() == sound.session()) }
            if id == .members || id == .blocks {
                #expect(throws: PackError.self) { try PackReader.parse(broken) }
                #expect(reader.members.isEmpty)
                #expect(report.soundBytes == 900 + 203 + 300)
            } else {
                #expect(reader.members == sound.members)
            }
        }
    }

    @Test func laterVersionsAreRefusedByName() throws {
        var bytes = try Self.smallPack()
        let start = bytes.count - PackFormat.trailerSize
        bytes[start + 32] = 2
        let checksum = PackFormat.crc32c(Array(bytes[start..<start + 36]))
        withUnsafeBytes(of: checksum.littleEndian) { raw in
            for (step, byte) in raw.enumerated() { bytes[start + 36 + step] = byte }
        }
        #expect {
            try PackReader.parse(bytes)
        } throws: {
            ($0 as? PackError)?.code == .unsupportedVersion
        }
        #expect(PackReader.verify(bytes).damage.count == 1)
    }

    @Test func otherFilesAreNoPacks() throws {
        for bytes in [[], [0], Array("SALVPACK".utf8), [UInt8](repeating: 0, count: 1000), logText(200_000)] {
            #expect {
                try PackReader.parse(bytes)
            } throws: {
                ($0 as? PackError)?.code == .notAPack
            }
        }
        #expect {
            try PackReader.open(path: "/nowhere/at all")
        } throws: {
            let error = $0 as? PackError
            return error?.code == .io && error?.errno == ENOENT && error?.path == "/nowhere/at all"
        }
    }

    /// Replaces sections of a pack and corrects all checksums, as an attacker would.
    static func forge(_ bytes: [UInt8], _ change: (SectionID, inout [UInt8]) -> Void) throws -> [UInt8] {
        let source = PackBytes(bytes)
        let footer = try FooterBytes(source)
        let scratch = try Scratch()
        let descriptor = try PackFile.create(path: scratch.file("forged"))
        defer { close(descriptor) }
        let sink = PackFileWriter(descriptor: descriptor, inspector: nil, filtersAside: false)
        try sink.append(Array(bytes[..<Int(footer.trailer.footerOffset)]))
        var sections: [(id: SectionID, bytes: [UInt8])] = []
        for entry in try footer.directory() {
            guard let id = SectionID(rawValue: entry.id) else { continue }
            var content = try footer.content(entry, "section")
            change(id, &content)
            sections.append((id, content))
        }
        var written = try FooterWriter(sink)
        for section in sections { try written.add(section.id, section.bytes) }
        try written.finish()
        return try slurp(scratch.file("forged"))
    }

    /// Calls everything that reads a pack; nothing may trap, and memory stays bounded.
    static func exercise(_ bytes: [UInt8]) {
        _ = PackReader.verify(bytes, quick: true)
        _ = PackReader.verify(bytes)
        guard let reader = try? PackReader.parse(bytes, tolerant: true), let decoder = try? BlockDecoder() else {
            return
        }
        _ = try? reader.session()
        _ = try? reader.artifacts()
        _ = try? reader.crashes()
        struct Enough: Error {}
        for index in reader.members.indices.prefix(10) {
            var total = 0
            try? reader.stream(member: index, using: decoder) {
                total += $0.count
                if total > 1 << 20 { throw Enough() }
            }
            var buffer = [UInt8](repeating: 0, count: 100)
            for offset in [0, reader.members[index].size / 2, reader.members[index].size &- 3] {
                _ = try? buffer.withUnsafeMutableBytes { try reader.read(member: index, at: offset, into: $0) }
            }
        }
        for index in reader.blocks.indices.prefix(100) {
            _ = reader.pieces(inBlock: index)
            _ = try? reader.decode(block: index, using: decoder)
        }
        let filters = try? reader.filters()
        _ = filters?.mayContain(block: 0, all: [FilterProbe(Array("absent".utf8))])
    }

    @Test func forgedTablesDoNoHarm() throws {
        let bytes = try Self.smallPack()
        var random = SplitMix64(seed: 2026)
        let extremes: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF]
        var opened = 0
        for round in 0..<3000 {
            let target: SectionID = [.members, .blocks, .crashes, .artifacts, .session][round % 5]
            let forged = try Self.forge(bytes) { id, content in
                guard id == target else { return }
                for _ in 0..<(1 + random.next() % 4) where !content.isEmpty {
                    let at = Int(random.next() % UInt64(content.count))
                    let width = Int(random.next() % 9)
                    let value = random.next() & 1 == 0 ? extremes[Int(random.next() % 5)] : UInt8(random.next() & 255)
                    for index in at..<min(at + width, content.count) { content[index] = value }
                }
                if random.next() % 8 == 0 { content.removeLast(min(content.count, Int(random.next() % 20))) }
            }
            if (try? PackReader.parse(forged)) != nil { opened += 1 }
            Self.exercise(forged)
        }
        // Some forgeries must pass, or only the first check would be tested.
        #expect(opened > 300)
    }

    @Test func randomDamageDoesNoHarm() throws {
        let bytes = try Self.smallPack()
        var random = SplitMix64(seed: 11)
        for _ in 0..<1500 {
            var broken = bytes
            for _ in 0..<(1 + random.next() % 6) {
                broken[Int(random.next() % UInt64(broken.count))] = UInt8(random.next() & 255)
            }
            Self.exercise(broken)
        }
    }

    @Test func unknownSectionsArePassedOver() throws {
        let scratch = try Scratch()
        let bytes = try Self.smallPack()
        let footer = try FooterBytes(PackBytes(bytes))
        // A section of a number that no version has used, put in by hand.
        var body = Array(bytes[Int(footer.trailer.footerOffset) + 8..<Int(footer.trailer.directoryOffset)])
        var directory = ByteWriter()
        for entry in try footer.directory() { entry.write(to: &directory) }
        let extra = Array("from the future".utf8)
        SectionEntry(
            id: 4711, flags: 0, offset: footer.trailer.directoryOffset, storedSize: UInt64(extra.count),
            rawSize: UInt64(extra.count), checksum: PackFormat.crc32c(extra)
        ).write(to: &directory)
        body += extra
        let content = body.count + directory.bytes.count + PackFormat.trailerSize
        let trailer = Trailer(
            footerOffset: footer.trailer.footerOffset, footerLength: UInt64(content + 8),
            directoryOffset: footer.trailer.directoryOffset + UInt64(extra.count),
            sectionCount: footer.trailer.sectionCount + 1, directoryChecksum: PackFormat.crc32c(directory.bytes))
        var header = ByteWriter()
        header.put(PackFormat.footerFrame)
        header.put(UInt32(content))
        let future =
            Array(bytes[..<Int(footer.trailer.footerOffset)]) + header.bytes + body + directory.bytes + trailer.bytes
        #expect(PackReader.verify(future).isSound)
        #expect(try PackReader.parse(future).members.count == Self.drafts.count)
        _ = scratch
    }
}
