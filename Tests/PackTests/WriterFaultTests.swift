import Bytes
import Glibc
import Model
import Testing

@testable import Pack

@Suite struct WriterFaultTests {
    @Test func aFullFileSystemIsReported() throws {
        let scratch = try Scratch()
        let folder = scratch.file("full")
        mkdir(folder, 0o700)
        defer { rmdir(folder) }
        guard mount("tmpfs", folder, "tmpfs", 0, "size=256k") == 0 else {
            print("skipped: this user cannot mount a tmpfs")
            return
        }
        defer { umount2(folder, Int32(MNT_DETACH)) }
        var random = SplitMix64(seed: 3)
        let noise = (0..<3_000_000).map { _ in UInt8(random.next() & 255) }
        for workers in [0, 2] {
            let path = folder + "/a\(workers).pack"
            #expect {
                try writePack([Draft("a", kind: .binary, noise)], to: path, options: PackOptions(workers: workers))
            } throws: {
                let error = $0 as? PackError
                return error?.code == .noSpace && error?.errno == ENOSPC && error?.hint != nil
            }
            unlink(path)
            // So little that it is still in the buffer when the pack is finished.
            #expect {
                try writePack(
                    [Draft("a", kind: .binary, Array(noise[..<400_000]))], to: path,
                    options: PackOptions(workers: workers))
            } throws: {
                ($0 as? PackError)?.code == .noSpace
            }
            unlink(path)
        }
    }

    @Test(arguments: [0, 1, 2])
    func anUnwritableFileIsReported(workers: Int) throws {
        let scratch = try Scratch()
        close(try PackFile.create(path: scratch.file("a")))
        let descriptor = open(scratch.file("a"), O_RDONLY)
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor, options: PackOptions(workers: workers))
        #expect {
            for index in 0..<40 { try writer.write(Draft("\(index)", logText(500_000))) }
            _ = try writer.finish(session: SessionMetadata(session: "s"), artifacts: [])
        } throws: {
            ($0 as? PackError)?.errno == EBADF
        }
    }

    @Test func aWriterCanBeDroppedAtAnyPoint() throws {
        let scratch = try Scratch()
        for count in 0..<12 {
            let descriptor = try PackFile.create(path: scratch.file("a\(count)"))
            defer { close(descriptor) }
            let writer = try PackWriter(descriptor: descriptor, options: PackOptions(workers: 2))
            for index in 0..<count { try writer.write(Draft("\(index)", logText(400_000))) }
            if count % 2 == 0 { writer.abort() }
        }
    }

    @Test func aNewPackIsItsOwnersAndReplacesNothing() throws {
        let scratch = try Scratch()
        try writePack([Draft("a", [1])], to: scratch.file("a.pack"))
        #expect(throws: PackError.self) { try PackFile.create(path: scratch.file("a.pack")) }
        var info = stat()
        #expect(stat(scratch.file("a.pack"), &info) == 0 && info.st_mode & 0o777 == 0o600)
    }

    /// Gives each piece the times that a log search would, from lines that begin with `<number>`.
    struct NumberInspector: BlockInspector {
        func inspect(_ bytes: UnsafeRawBufferPointer, _ context: InspectionContext) -> BlockInspection {
            var facts = BlockInspection()
            guard context.kind == .log else { return facts }
            var first = true
            for line in bytes.split(separator: 10) {
                if let number = Int64(String(decoding: line.prefix(9), as: UTF8.self)) {
                    facts.minTime = min(facts.minTime ?? number, number)
                    facts.maxTime = max(facts.maxTime ?? number, number)
                    facts.lastTime = number
                } else {
                    if first { facts.startsUntimed = true }
                    facts.anchors.append(BlockAnchor(offset: UInt32(line.startIndex), id: 7))
                }
                first = false
            }
            return facts
        }
    }

    @Test func inspectorsGiveTimesAndAnchors() throws {
        let scratch = try Scratch()
        var text: [UInt8] = []
        var places: [UInt64] = []
        for number in 100_000_000..<100_040_000 {
            text += Array("\(number) some text of a line\n".utf8)
            if number % 9000 == 0 {
                places.append(UInt64(text.count))
                text += Array("no number\n".utf8)
            }
        }
        let descriptor = try PackFile.create(path: scratch.file("a.pack"))
        defer { close(descriptor) }
        let writer = try PackWriter(
            descriptor: descriptor, options: PackOptions(workers: 2), inspector: NumberInspector())
        try writer.write(Draft("a.log", text))
        try writer.write(Draft("untimed.log", Array("nothing\n".utf8)))
        try writer.write(Draft("timed.log", Array("000000005 x\n".utf8)))
        try writer.write(
            Draft("h.log", runs: [.bytes(Array("000000001 a\n".utf8)), .hole(50), .bytes(Array("odd\n".utf8))]))
        let found = try writer.takeAnchors()
        #expect(found.anchors.filter { $0.member == 0 }.map(\.offset) == places)
        #expect(found.anchors.first { $0.member == 3 }?.offset == 62)
        #expect(!found.dropped)
        #expect(try writer.takeAnchors().anchors.isEmpty)
        _ = try writer.finish(session: SessionMetadata(session: "s"), artifacts: [])
        let reader = try PackReader.open(path: scratch.file("a.pack"))
        let blocks = reader.pieces(ofMember: 0).map { reader.blocks[$0.block] }
        #expect(blocks.count > 3)
        #expect(blocks.first?.minTime == 100_000_000)
        #expect(blocks.last?.maxTime == 100_039_999)
        for (left, right) in zip(blocks, blocks.dropFirst()) {
            #expect((left.maxTime ?? 0) + 1 >= (right.minTime ?? 0))
        }
        // A batch with lines of unknown time has no time range.
        #expect(reader.blocks[Int(reader.members[1].firstBlock)].minTime == nil)
    }

    @Test func linesWithoutTimeInheritIt() {
        struct Plain: BlockInspector {
            func inspect(_ bytes: UnsafeRawBufferPointer, _ context: InspectionContext) -> BlockInspection {
                BlockInspection()
            }
        }
        let context = InspectionContext(
            member: 0, kind: .log, timeFormat: 0, mtime: 0, contentOffset: 0, memberOffset: 0)
        let before = BlockInspection(minTime: 5, maxTime: 9, lastTime: 7)
        let none = Plain().settle(BlockInspection(), after: before, context)
        #expect(none.minTime == 7 && none.maxTime == 7 && none.lastTime == 7)
        let timed = Plain().settle(BlockInspection(minTime: 8, maxTime: 8, lastTime: 8), after: before, context)
        #expect(timed.minTime == 8 && timed.lastTime == 8)
        let late = BlockInspection(minTime: 8, maxTime: 8, lastTime: 8, startsUntimed: true)
        #expect(Plain().settle(late, after: before, context).minTime == 7)
        #expect(Plain().settle(late, after: nil, context).minTime == 8)
    }
}
