import Bytes
import Digest
import Glibc
import Model
import Testing
import Text

@testable import Pack

@Suite struct RoundTripTests {
    /// Members of every shape that the writer treats differently.
    static func shapes() -> [Draft] {
        var random = SplitMix64(seed: 7)
        let noise = (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        let block = PackFormat.blockSize
        return [
            Draft("empty", []),
            Draft("one", Array("x".utf8)),
            Draft("small.log", logText(5000)),
            Draft("blob", kind: .binary, noise),
            Draft("big.log", logText(3_000_000, seed: 3)),
            Draft("exact", kind: .binary, [UInt8](repeating: 9, count: block)),
            Draft("exact2", kind: .binary, [UInt8](repeating: 9, count: 2 * block)),
            Draft("just over", kind: .binary, [UInt8](repeating: 9, count: block + 1)),
            Draft("newline at the cut", [UInt8](repeating: 66, count: block - 1) + Array("\nnext\n".utf8)),
            Draft("newline behind the cut", [UInt8](repeating: 66, count: block) + Array("\nnext\n".utf8)),
            Draft("long line", [UInt8](repeating: 65, count: 700_000) + Array("\nend\n".utf8)),
            Draft("tail", logText(200_000, seed: 5)),
            Draft("all hole", kind: .binary, runs: [.hole(1_000_000)]),
            Draft(
                "sparse", kind: .crashDump,
                runs: [
                    .hole(4096), .bytes(noise), .hole(1), .hole(2), .bytes(logText(400_000)), .hole(300_000),
                    .bytes(Array("end".utf8)),
                ]),
            Draft("sparse text", runs: [.bytes(logText(1000)), .hole(5000), .bytes(logText(300_000, seed: 8))]),
            Draft("last", Array("no newline at the end".utf8)),
        ]
    }

    @Test(arguments: [0, 1, 2, 5], [1000, 70_001, 1 << 20])
    func shapes(workers: Int, step: Int) throws {
        let scratch = try Scratch()
        let drafts = Self.shapes()
        let path = scratch.file("a.pack")
        let summary = try writePack(drafts, to: path, options: PackOptions(workers: workers), step: step)
        let reader = try PackReader.open(path: path)
        #expect(reader.members.count == summary.members)
        #expect(reader.fileSize == summary.fileSize)
        #expect(try reader.session().session == "s-1")
        #expect(try reader.artifacts().map(\.artifact) == ["/logs"])
        #expect(try reader.crashes().isEmpty)
        for (index, draft) in drafts.enumerated() {
            let logical = draft.logical
            #expect(try content(of: index, in: reader) == logical, "\(draft.path)")
            let member = reader.members[index]
            #expect(member.path == Array(draft.path.utf8))
            #expect(member.size == UInt64(logical.count))
            #expect(member.contentSize == UInt64(draft.stored.count))
            #expect(member.sha256 == SHA256.digest(logical))
            if draft.kind.isText {
                let lines = draft.stored.split(separator: 10, omittingEmptySubsequences: false)
                #expect(member.lineCount == UInt64(lines.last?.isEmpty == true ? lines.count - 1 : lines.count))
            }
        }
        let report = reader.verify()
        #expect(report.isSound, "\(report.damage)")
        #expect(report.soundMembers == Array(drafts.indices))
    }

    @Test func blocksAreCutAfterNewlinesAndCountLines() throws {
        let scratch = try Scratch()
        let text = logText(2_000_000)
        try writePack([Draft("a.log", text)], to: scratch.file("a.pack"))
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        let decoder = try BlockDecoder()
        var line: UInt64 = 1
        for (index, block) in reader.blocks.enumerated() {
            let raw = try reader.decode(block: index, using: decoder)
            #expect(block.firstLine == line)
            #expect(index == reader.blocks.count - 1 || raw.last == 10)
            #expect(block.flags == .text)
            line += UInt64(raw.count { $0 == 10 })
        }
        #expect(reader.blocks.count >= 8)
    }

    @Test func longLinesAreMarkedAndNeverFiltered() throws {
        let scratch = try Scratch()
        let long = [UInt8](repeating: 65, count: 700_000) + Array("\nend\n".utf8)
        try writePack([Draft("a.log", long)], to: scratch.file("a.pack"))
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        #expect(reader.blocks.map { $0.flags.contains(.endsMidLine) } == [true, true, false])
        #expect(reader.blocks.map { $0.flags.contains(.startsMidLine) } == [false, true, true])
        #expect(reader.blocks.allSatisfy { $0.filter == nil })
        #expect(reader.members[0].lineCount == 2)
    }

    @Test func twentyThousandSmallMembersShareBlocks() throws {
        let scratch = try Scratch()
        let drafts = (0..<20_000).map { index in
            Draft("d/\(index)", kind: index % 3 == 0 ? .binary : .log, logText(index % 700, seed: UInt64(index)))
        }
        let summary = try writePack(drafts, to: scratch.file("a.pack"))
        let total = drafts.reduce(0) { $0 + $1.logical.count }
        #expect(summary.blocks <= total / PackFormat.blockSize * 5 / 4 + 4)
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        for index in stride(from: 0, to: drafts.count, by: 97) {
            #expect(try content(of: index, in: reader) == drafts[index].logical)
        }
        #expect(reader.verify().isSound)
        // Every piece is found from its block as well as from its member.
        let fromMembers = drafts.indices.flatMap { reader.pieces(ofMember: $0) }
        let fromBlocks = reader.blocks.indices.flatMap { reader.pieces(inBlock: $0) }
        #expect(Set(fromMembers) == Set(fromBlocks))
        #expect(fromMembers.count == fromBlocks.count)
    }

    @Test func zstdPrintsTheMembers() throws {
        guard run("zstd", ["--version"])?.status == 0 else {
            print("skipped: no zstd program here")
            return
        }
        let scratch = try Scratch()
        let drafts = Self.shapes()
        try writePack(drafts, to: scratch.file("a.pack"))
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        let printed = try #require(run("zstd", ["-dc", scratch.file("a.pack")]))
        #expect(printed.status == 0)
        #expect(printed.output == storedInOrder(drafts, reader))
        #expect(run("zstd", ["-qt", scratch.file("a.pack")])?.status == 0)
    }

    @Test func fiftyMegabytesWithHoles() throws {
        let scratch = try Scratch()
        var runs: [Draft.Run] = []
        for index in 0..<50 {
            runs.append(.bytes(logText(700_000 + index * 1013, seed: UInt64(index))))
            runs.append(.hole(300_000 + index * 4096))
        }
        let draft = Draft("core", kind: .crashDump, runs: runs)
        let logical = draft.logical
        #expect(logical.count > 50_000_000)
        try writePack([draft], to: scratch.file("a.pack"))
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        #expect(reader.members[0].holes.count == 50)
        #expect(reader.members[0].sha256 == SHA256.digest(logical))
        #expect(try content(of: 0, in: reader) == logical)
        try expectReads(try reader.content(ofMember: 0), logical)
    }

    @Test func manyReadsAtRandomPlaces() throws {
        let scratch = try Scratch()
        let drafts = Self.shapes()
        try writePack(drafts, to: scratch.file("a.pack"))
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        for (index, draft) in drafts.enumerated() {
            try expectReads(try reader.content(ofMember: index), draft.logical)
        }
    }

    @Test func membersAreReadBackBeforeTheEnd() throws {
        let scratch = try Scratch()
        let descriptor = try PackFile.create(path: scratch.file("a.pack"))
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor, options: PackOptions(workers: 2))
        let drafts = Self.shapes()
        for (index, draft) in drafts.enumerated() {
            try writer.write(draft)
            if index % 2 == 0 { try expectReads(try writer.readBack(member: index), draft.logical) }
            if index > 0 { try expectReads(try writer.readBack(member: index - 1), drafts[index - 1].logical) }
        }
        #expect(throws: PackError.self) { try writer.readBack(member: drafts.count) }
        _ = try writer.finish(session: SessionMetadata(session: "s"), artifacts: [])
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        for (index, draft) in drafts.enumerated() { #expect(try content(of: index, in: reader) == draft.logical) }
        #expect(reader.verify().isSound)
    }

    private func expectReads(_ source: MemberContent, _ logical: [UInt8]) throws {
        #expect(source.size == UInt64(logical.count))
        var random = SplitMix64(seed: UInt64(logical.count))
        var buffer = [UInt8](repeating: 1, count: 600_000)
        for round in 0..<24 {
            let offset = Int(random.next() % UInt64(logical.count + 10))
            let wanted = round == 0 ? buffer.count : Int(random.next() % 5000)
            let got = try buffer.withUnsafeMutableBytes {
                try source.read(at: UInt64(offset), into: UnsafeMutableRawBufferPointer(rebasing: $0[..<wanted]))
            }
            let expected = logical.dropFirst(offset).prefix(wanted)
            #expect(got == expected.count)
            #expect(buffer[..<got].elementsEqual(expected))
        }
    }

    @Test func tablesKeepWhatTheyAreGiven() throws {
        let scratch = try Scratch()
        let descriptor = try PackFile.create(path: scratch.file("a.pack"))
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor)
        let header = MemberHeader(
            artifact: 3, path: [0xFF, 0, 0x2F, 0x2E, 0x2E], kind: .symlink, mode: 0o120777, mtime: -5,
            uid: .max, gid: 7, linkTarget: [0x80, 10], timeFormat: 9)
        try writer.beginMember(header)
        let member = try writer.endMember(flags: [.unsafePath, MemberFlags(rawValue: 1 << 20)])
        writer.addCrash(json: Array("{\"crash\":1}".utf8))
        writer.addCrash(json: [])
        var facts = SessionMetadata(session: "id \"quoted\" \u{1F4A5}\n\\", image: "game")
        facts.labels = ["a": "1", "b\u{0}": "\t"]
        facts.created = 1_763_672_400_000
        facts.deadline = -1
        facts.reason = "gone"
        var entry = ArtifactEntry(artifact: "/a", state: .incomplete, reason: "cut", status: 200, tries: 3)
        entry.bytes = .max
        entry.flags = ["trailing_data"]
        entry.sha256 = "ab"
        entry.lastTry = 9
        _ = try writer.finish(session: facts, artifacts: [entry])
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        #expect(reader.members == [member])
        #expect(reader.members[0].header == header)
        #expect(try reader.session() == facts)
        #expect(try reader.artifacts() == [entry])
        #expect(try reader.crashes() == [Array("{\"crash\":1}".utf8), []])
    }

    @Test func enormousHolesAreRecordedAndNotHashed() throws {
        let scratch = try Scratch()
        let descriptor = try PackFile.create(path: scratch.file("a.pack"))
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor)
        try writer.beginMember(MemberHeader(path: [65], kind: .binary))
        try writer.appendHole(1 << 62)
        try writer.appendHole(1 << 62)
        #expect(throws: PackError.self) { try writer.appendHole(.max) }
        try [UInt8]("end".utf8).withUnsafeBytes { try writer.append($0) }
        let member = try writer.endMember()
        #expect(member.size == UInt64(1) << 63 + 3)
        #expect(member.flags.contains(.hashOmitsHoles))
        #expect(member.sha256 == SHA256.digest("end".utf8))
        _ = try writer.finish(session: SessionMetadata(session: "s"), artifacts: [])
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        #expect(reader.verify().isSound)
        var buffer = [UInt8](repeating: 1, count: 8)
        let got = try buffer.withUnsafeMutableBytes { try reader.read(member: 0, at: UInt64(1) << 63 - 2, into: $0) }
        #expect(Array(buffer[..<got]) == [0, 0] + Array("end".utf8))
    }

    @Test func manySparseMembersShareABudget() throws {
        let scratch = try Scratch()
        var options = PackOptions(workers: 0)
        options.hashedHoleBudget = 1000
        let runs: [Draft.Run] = [.hole(300), .bytes([1]), .hole(300)]
        let drafts = (0..<4).map { Draft("\($0)", kind: .binary, runs: runs) } + [Draft("plain", [5])]
        try writePack(drafts, to: scratch.file("a.pack"), options: options)
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        // The member in which the budget runs out is still hashed whole.
        let whole = SHA256.digest(drafts[0].logical)
        #expect(reader.members.map { $0.flags.contains(.hashOmitsAllHoles) } == [false, false, true, true, false])
        #expect(reader.members.map { $0.sha256 == whole } == [true, true, false, false, false])
        #expect(reader.members[2].sha256 == SHA256.digest([1]))
        #expect(reader.verify().isSound)
    }

    @Test func callsOutOfOrderAreRefused() throws {
        let scratch = try Scratch()
        let descriptor = try PackFile.create(path: scratch.file("a.pack"))
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor)
        #expect(throws: PackError.self) { try writer.endMember() }
        #expect(throws: PackError.self) { try writer.appendHole(1) }
        try writer.beginMember(MemberHeader(path: [], kind: .log))
        #expect(throws: PackError.self) { try writer.beginMember(MemberHeader(path: [], kind: .log)) }
        #expect(throws: PackError.self) { try writer.finish(session: SessionMetadata(session: "s"), artifacts: []) }
        try writer.endMember()
        #expect(throws: PackError.self) {
            try writer.beginMember(MemberHeader(path: [UInt8](repeating: 65, count: 2 << 20), kind: .log))
        }
        _ = try writer.finish(session: SessionMetadata(session: "s"), artifacts: [])
        #expect(throws: PackError.self) { try writer.finish(session: SessionMetadata(session: "s"), artifacts: []) }
        writer.abort()
    }
}
