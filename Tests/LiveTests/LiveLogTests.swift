import Glibc
import LogSearch
import Model
import Pack
import Printers
import Testing

@testable import Live

/// A folder of its own, removed at the end.
final class Folder {
    let path: String

    init() {
        var template = Array("/tmp/salvage-live-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp/salvage-live"
    }

    deinit {
        for name in names { unlink(path + "/" + name) }
        rmdir(path)
    }

    var names: [String] { ((try? LiveFile.names(in: path)) ?? []).sorted() }

    func copy() -> Folder {
        let other = Folder()
        for name in names {
            guard let from = try? LiveFile(path + "/" + name),
                let to = try? LiveFile(other.path + "/" + name, flags: O_RDWR | O_CREAT),
                let bytes = try? from.read(at: 0, count: Int(from.size))
            else { continue }
            _ = try? bytes.withUnsafeBytes { try to.append($0, at: 0) }
        }
        return other
    }
}

struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

@Suite struct LiveLogTests {
    let compressor: LiveLog.BlockCompressor

    init() throws { compressor = try LiveLog.BlockCompressor() }

    static func log(_ lines: Int, seed: UInt64 = 1) -> [UInt8] {
        var random = Random(state: seed)
        var bytes: [UInt8] = []
        for line in 0..<lines {
            let text =
                "[2025.11.20-21.\(10 + line / 60 % 50).\(10 + line % 50):000][\(line)]LogNet: \(random.next()) tick\n"
            bytes += text.utf8
        }
        return bytes
    }

    func give(_ log: LiveLog, _ bytes: some Collection<UInt8>, by size: Int = 3000) throws {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let whole = try rest.prefix(size).withUnsafeBytes { try log.take($0, compressor) }
            #expect(whole)
            rest = rest.dropFirst(size)
        }
    }

    func content(_ folder: String, generation: Int = 0) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try LiveSnapshot(folder: folder, generation: generation).forEachPiece {
            bytes += $0
            return true
        }
        return bytes
    }

    @Test func blocksAreSealedAsTheyFill() throws {
        let folder = Folder()
        let whole = Self.log(20_000)
        let log = try LiveLog(folder: folder.path, limit: 1 << 30)
        try give(log, whole)
        #expect(try content(folder.path) == whole)
        let snapshot = try LiveSnapshot(folder: folder.path, generation: 0)
        #expect(snapshot.blocks.count >= 4)
        #expect(snapshot.tail.count < 256 << 10)
        #expect(snapshot.blocks.allSatisfy { !$0.endsMidLine && $0.filterSize > 0 && $0.timeFormat == 1 })
        #expect(folder.names.count == 2)
        // A legal zstd file: its frames are the sealed part of the log.
        let lines = snapshot.blocks.reduce(0) { $0 + Int($1.lines) }
        #expect(snapshot.tailLine == UInt64(lines + 1))
    }

    @Test func aReplayIsRecognisedHoweverItIsCut() throws {
        let folder = Folder()
        let whole = Self.log(9000)
        var random = Random(state: 3)
        var log = try LiveLog(folder: folder.path, limit: 1 << 30)
        var longest = 0
        for _ in 0..<40 {
            // Now and then salvage itself restarts.
            if Int.random(in: 0..<3, using: &random) == 0 { log = try LiveLog(folder: folder.path, limit: 1 << 30) }
            try log.reconnected(compressor)
            let end = Int.random(in: 0...whole.count, using: &random)
            try give(log, whole[..<end], by: Int.random(in: 1...20_000, using: &random))
            try log.endConnection(compressor)
            longest = max(longest, end)
            #expect(log.bytes == UInt64(longest))
        }
        try log.reconnected(compressor)
        try give(log, whole)
        #expect(try content(folder.path) == whole)
        #expect(log.generation == 0)
    }

    @Test(arguments: [3, 5000, 300_000, 600_000, 699_990])
    func aLogThatDiffersLosesNeither(_ place: Int) throws {
        let folder = Folder()
        let one = Array(Self.log(12_000).prefix(700_000))
        var other = one
        other[place] ^= 1
        let log = try LiveLog(folder: folder.path, limit: 1 << 30)
        try give(log, one)
        try log.reconnected(compressor)
        try give(log, other + Array("more\n".utf8), by: 1000)
        try log.endConnection(compressor)
        #expect(log.generation == 1)
        #expect(try content(folder.path, generation: 0) == one)
        #expect(try content(folder.path, generation: 1) == other + Array("more\n".utf8))
        // The next connection replays the newer one.
        try log.reconnected(compressor)
        try give(log, other + Array("more\nyet more\n".utf8))
        #expect(log.generation == 1)
        #expect(try content(folder.path, generation: 1) == other + Array("more\nyet more\n".utf8))
    }

    @Test func aDifferenceInTheLastBytesSentIsNotMissed() throws {
        let folder = Folder()
        let whole = Self.log(9000)
        let log = try LiveLog(folder: folder.path, limit: 1 << 30)
        try give(log, whole)
        try log.reconnected(compressor)
        var cut = Array(whole[..<10_000])
        cut[9999] ^= 1
        try give(log, cut)
        #expect(log.generation == 0)
        try log.endConnection(compressor)
        #expect(log.generation == 1)
        #expect(try content(folder.path, generation: 1) == cut)
        #expect(try content(folder.path, generation: 0) == whole)
    }

    @Test func everyStateThatAKillLeavesIsRecovered() throws {
        // The states between the steps of sealing, made by hand: block written or half written, tails old, new or both.
        let folder = Folder()
        let whole = Self.log(9000)
        let log = try LiveLog(folder: folder.path, limit: 1 << 30)
        try give(log, whole)
        let snapshot = try LiveSnapshot(folder: folder.path, generation: 0)
        let last = try #require(snapshot.blocks.last)
        let before = last.rawOffset
        for kind in 0..<5 {
            let copy = folder.copy()
            let blocks = copy.path + "/0.blocks"
            let old = try LiveFile(copy.path + "/0.\(before).tail", flags: O_RDWR | O_CREAT)
            try Array(whole[Int(before)...]).withUnsafeBytes { try old.append($0, at: 0) }
            let next = copy.path + "/0.\(snapshot.sealed).tail"
            switch kind {
            case 0: unlink(next)  // sealed, the new tail not begun
            case 1: truncate(next, 7)  // the new tail half written
            case 2:  // the block half written
                unlink(next)
                truncate(blocks, off_t(last.end) - 100)
            case 3:  // only its header written
                unlink(next)
                truncate(blocks, off_t(last.frameOffset) - 3)
            default: break  // everything written, the old tail not yet removed
            }
            #expect(try content(copy.path) == whole, "read \(kind)")
            let again = try LiveLog(folder: copy.path, limit: 1 << 30)
            #expect(again.bytes == UInt64(whole.count), "\(kind)")
            try again.reconnected(compressor)
            try give(again, whole + Array("more\n".utf8))
            #expect(try content(copy.path) == whole + Array("more\n".utf8), "\(kind)")
            #expect(again.generation == 0)
        }
    }

    @Test func theLimitHolds() throws {
        let folder = Folder()
        let log = try LiveLog(folder: folder.path, limit: 5)
        let fits = try Array("12345678".utf8).withUnsafeBytes { try log.take($0, compressor) }
        #expect(!fits)
        #expect(try content(folder.path) == Array("12345".utf8))
    }

    @Test func aLineLongerThanABlockIsKept() throws {
        let folder = Folder()
        let whole = [UInt8](repeating: 0x61, count: 700_000) + [0x0A] + Array("end\n".utf8)
        let log = try LiveLog(folder: folder.path, limit: 1 << 30)
        try give(log, whole)
        #expect(try content(folder.path) == whole)
        let blocks = try LiveSnapshot(folder: folder.path, generation: 0).blocks
        #expect(blocks.first?.endsMidLine == true && blocks.first?.filterSize == 0)
    }

    @Test func damageInASealedBlockIsSaid() throws {
        let folder = Folder()
        let log = try LiveLog(folder: folder.path, limit: 1 << 30)
        try give(log, Self.log(9000))
        let blocks = try LiveSnapshot(folder: folder.path, generation: 0).blocks
        let file = try LiveFile(folder.path + "/0.blocks", flags: O_RDWR)
        var byte = try file.read(at: blocks[0].frameOffset + 50, count: 1)
        byte[0] ^= 1
        try byte.withUnsafeBytes { try file.append($0, at: blocks[0].frameOffset + 50) }
        #expect(throws: PackError.self) { try content(folder.path) }
    }

    @Test func aSearchFindsWhatIsSealedAndWhatIsNot() throws {
        let folder = Folder()
        let log = try LiveLog(folder: folder.path, limit: 1 << 30)
        let first = Self.log(9000)
        try give(log, first + Array("needle-in-tail here\n".utf8))
        let wanted = String(decoding: first.split(separator: 0x0A)[17], as: UTF8.self)
        #expect(try search(folder, wanted, fixed: true) == ["s:live/console.log:18:\(wanted)"])
        #expect(try search(folder, "needle-in-[t]ail") == ["s:live/console.log:9001:needle-in-tail here"])
        #expect(try search(folder, "no such text").isEmpty)
    }

    private func search(_ folder: Folder, _ text: String, fixed: Bool = false) throws -> [String] {
        var reading = PatternOptions([text])
        reading.fixed = fixed
        var source: LiveSource? = LiveSource(
            try LiveSnapshot.all(folder: folder.path), label: SourceLabel(SessionIdentity(id: "s")))
        let next: () -> LiveSource? = {
            defer { source = nil }
            return source
        }
        let (_, output) = try PrintedSearch(SearchOptions(), PrintOptions()).run(
            try SearchPattern(reading), into: MemoryOutput(), nextSource: next)
        return String(decoding: output.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

private struct MemoryOutput: SearchOutput {
    var bytes: [UInt8] = []
    mutating func write(_ more: UnsafeRawBufferPointer) -> Bool {
        bytes += more
        return true
    }
    mutating func flush() -> Bool { true }
}
