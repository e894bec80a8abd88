import Foundation
import Model
import Testing

@testable import Pack

/// The member table while a pack is written, in memory and in a file.
struct MemberLogTests {
    /// Members of all kinds and lengths of row.
    private func member(_ number: Int) -> MemberHeader {
        var header = MemberHeader(
            artifact: UInt32(number % 3), path: Array("folder/\(number * 7919)/".utf8), kind: .binary,
            mtime: Int64(number))
        header.path += [UInt8](repeating: 0xfe, count: number % 700)
        if number % 5 == 0 {
            header.kind = .symlink
            header.linkTarget = Array("target-\(number)".utf8)
        }
        if number % 7 == 0 { header.kind = .log }
        return header
    }

    private func write(_ count: Int, tables: Int32?, to path: String) throws -> [Member] {
        let descriptor = try PackFile.create(path: path)
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor, options: PackOptions(workers: 1), tables: tables)
        var ended: [Member] = []
        for number in 0..<count {
            let header = member(number)
            try writer.beginMember(header)
            if header.kind != .symlink, number % 3 != 0 {
                let text = Array("one\ntwo \(number)".utf8)
                _ = try text.withUnsafeBytes { try writer.append($0) }
                if number % 11 == 0 { try writer.appendHole(5000) }
                _ = try text.withUnsafeBytes { try writer.append($0) }
            }
            ended.append(try writer.endMember())
        }
        // Members written long ago can be read back too.
        for number in stride(from: 0, to: count, by: 97) {
            let seen = try writer.member(number)
            #expect(seen.header == ended[number].header)
            #expect(seen.sha256 == ended[number].sha256 && seen.holes == ended[number].holes)
        }
        try writer.amend(member: 1, kind: .crashDump)
        try writer.amend(member: 7, kind: .crashDump)
        let summary = try writer.finish(session: SessionMetadata(session: "s", image: "i"), artifacts: [])
        #expect(summary.members == count)
        return ended
    }

    @Test func aTableInAFileIsTheTableInMemory() throws {
        let scratch = try Scratch()
        let count = 20_000
        let tables = try PackFile.create(path: scratch.file("tables"))
        defer { close(tables) }
        let ended = try write(count, tables: tables, to: scratch.file("a"))
        _ = try write(count, tables: nil, to: scratch.file("b"))
        #expect(try slurp(scratch.file("a")) == slurp(scratch.file("b")))
        #expect(try PackFile.size(tables) > 4 << 20, "the table was to wait in the file")
        let reader = try PackReader.open(path: scratch.file("a"))
        try #require(reader.members.count == count)
        for (index, member) in reader.members.enumerated() {
            var wanted = ended[index]
            if index == 1 { wanted.kind = .crashDump }
            wanted.stored = member.stored
            wanted.firstBlock = member.firstBlock
            wanted.blockOffset = member.blockOffset
            // Each text is appended twice: two lines, of which the last joins the first of the second, unless a hole is
            // between.
            wanted.lineCount = member.kind.isText && member.contentSize > 0 ? 3 : 0
            guard member != wanted else { continue }
            Issue.record("member \(index): \(member) instead of \(wanted)")
            return
        }
        #expect(PackReader.verify(try slurp(scratch.file("a"))).damage.isEmpty)
    }

    @Test func aFullDiskUnderTheTableIsSaid() throws {
        let scratch = try Scratch()
        // A file opened for reading stands in for one that cannot grow.
        close(try PackFile.create(path: scratch.file("tables")))
        let tables = open(scratch.file("tables"), O_RDONLY)
        defer { close(tables) }
        #expect(throws: PackError.self) { try write(20_000, tables: tables, to: scratch.file("a")) }
    }

    @Test func manyTinyPiecesDoNotFillABlock() throws {
        let scratch = try Scratch()
        let descriptor = try PackFile.create(path: scratch.file("p"))
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor, options: PackOptions(workers: 1))
        try writer.beginMember(MemberHeader(path: [0x61], kind: .log))
        var wanted: [UInt8] = []
        for number in 0..<20_000 {
            let byte = [number % 10 == 9 ? UInt8(ascii: "\n") : UInt8(ascii: "x")]
            _ = try byte.withUnsafeBytes { try writer.append($0) }
            try writer.appendHole(1)
            wanted += byte + [0]
        }
        _ = try writer.endMember()
        _ = try writer.finish(session: SessionMetadata(session: "s", image: "i"), artifacts: [])
        let bytes = try slurp(scratch.file("p"))
        let reader = try PackReader.parse(bytes)
        #expect(reader.blocks.count >= 4)
        #expect(reader.members[0].lineCount == 2000)
        var content = [UInt8](repeating: 1, count: wanted.count)
        _ = try content.withUnsafeMutableBytes { try reader.content(ofMember: 0).read(at: 0, into: $0) }
        #expect(content == wanted)
        #expect(PackReader.verify(bytes).damage.isEmpty)
    }
}
