import Foundation
import Testing

/// `verify` on packs that changed on the disk.
@Suite struct VerifyCommandTests {
    @Test func aFlippedBitIsNamedWithAllThatItTouchesAndWhatIsGood() throws {
        let scratch = try Scratch()
        try FileManager.default.createDirectory(atPath: scratch.path("Saved"), withIntermediateDirectories: true)
        // Small ones share one block; the large one has blocks of its own.
        for number in 0..<30 {
            try Data("setting \(number)\n".utf8).write(to: scratch.url.appendingPathComponent("Saved/\(number).ini"))
        }
        let log = (0..<40_000).map { "line \($0) of a log \(UUID())\n" }.joined()
        try Data(log.utf8).write(to: scratch.url.appendingPathComponent("Saved/z.log"))
        try shell("cd \(scratch.url.path) && tar czf a.tar.gz --sort=name Saved")
        let store = scratch.path("store")
        #expect(try Program.run(["ingest", "--store", store, "--session", "s", scratch.path("a.tar.gz")]).status == 0)
        let pack = try shell("find \(store)/packs -name '*.pack'").out.trimmingCharacters(in: .whitespacesAndNewlines)
        let sound = try Data(contentsOf: URL(fileURLWithPath: pack))

        func verify(flipping place: Int, _ more: String...) throws -> Program.Outcome {
            var bytes = sound
            bytes[place] ^= 1
            try bytes.write(to: URL(fileURLWithPath: pack))
            return try Program.run(["verify", "--store", store] + more)
        }
        // The large one comes last, so its first block is full before the small ones' is written.
        let large = try verify(flipping: 2000)
        #expect(large.status == 3)
        #expect(large.out.contains("block 0 at byte 0"), "\(large.out)")
        #expect(large.out.contains("affects Saved/z.log\n"), "\(large.out)")
        // The folder is a member as well.
        #expect(large.out.contains("31 of 32 members are good, "), "\(large.out)")
        let blocks = try #require(large.out.firstMatch(of: /members are good, (\d+) of (\d+) blocks (?:is|are) good/))
        #expect(Int(blocks.1) == (Int(blocks.2) ?? 0) - 1)

        // One of the frames is the block of the thirty, of which twenty are named and the others counted.
        let frames = sound.indices.dropLast(40).filter { sound[$0...].starts(with: [0x28, 0xb5, 0x2f, 0xfd]) }
        let place = try #require(
            try frames.reversed().map { $0 + 30 }.first { try verify(flipping: $0).out.contains("Saved/0.ini") })
        let small = try verify(flipping: place)
        #expect(small.status == 3)
        #expect(small.out.contains("affects 10 more; --json names them all"), "\(small.out)")
        #expect(small.out.contains("2 of 32 members are good"), "\(small.out)")
        let named = try verify(flipping: place, "--json").objects.first?["members"] as? [String]
        #expect(named?.count == 30, "\(named ?? [])")
    }

    /// A single failing read of a pack, whichever it is, says nothing about the pack's content.
    @Test func aReadThatFailsOnceIsNoDamage() throws {
        guard try shell("command -v strace && strace -o /dev/null true").status == 0 else {
            print("skipped: strace cannot be used here")
            return
        }
        let scratch = try Scratch()
        let log = (0..<40_000).map { "line \($0) of a log\n" }.joined()
        try Data(log.utf8).write(to: scratch.url.appendingPathComponent("a.log"))
        let store = scratch.path("store")
        try #require(
            try Program.run(["ingest", "--store", store, "--session", "s", scratch.path("a.log")]).status == 0)
        let pack = try shell("find \(store)/packs -name '*.pack'").out.trimmingCharacters(in: .whitespacesAndNewlines)
        let calls = scratch.path("calls")
        for command in ["--store \(store)", "--store \(store) --quick"] {
            func run(_ more: String) throws -> (status: Int32, out: String) {
                try shell(
                    "strace -f -o \(calls) -P \(pack) -e trace=pread64 \(more) \(Program.salvage.path) verify --json "
                        + command)
            }
            try #require(try run("").status == 0)
            let count = try #require(Int(try shell("grep -c pread64 \(calls)").out.prefix { $0.isNumber }))
            #expect(count > 3)
            for number in 1...max(1, count) {
                let outcome = try run("-e inject=pread64:error=EIO:when=\(number)")
                #expect(outcome.status != 0, "call \(number) of \(command)")
                #expect(!outcome.out.contains("corrupt") && !outcome.out.contains("differs"), "\(outcome.out)")
                #expect(outcome.status != 3 || outcome.out.contains(#""verdict":"unreadable""#), "\(outcome.out)")
            }
        }
        #expect(try Program.run(["verify", "--store", store]).status == 0)
    }
}
