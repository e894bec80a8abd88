import Files
import Model
import Synchronization
import Testing

@testable import Pack

/// Packs read by ranges, as from an object store.
@Suite struct RangeReaderTests {
    /// Ranges of an array, at most `step` bytes per call; counts the calls.
    final class Ranges: RangeReader {
        let content: [UInt8]
        let step: Int
        let endsEarly: Int
        let calls = Atomic(0)
        var identity: PackIdentity? { PackIdentity(high: 1, low: 2) }

        init(_ content: [UInt8], step: Int = .max, endsEarly: Int = 0) {
            self.content = content
            self.step = step
            self.endsEarly = endsEarly
        }

        func end(_ count: Int) throws(PackError) -> (bytes: [UInt8], size: UInt64) {
            calls.add(1, ordering: .relaxed)
            return (Array(content.suffix(count).dropLast(endsEarly)), UInt64(content.count))
        }

        func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
            calls.add(1, ordering: .relaxed)
            let start = Int(offset)
            let count = min(step, buffer.count, content.count - endsEarly - start)
            guard count > 0 else { return 0 }
            content.withUnsafeBytes { raw in
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: raw[start..<start + count]))
            }
            return count
        }
    }

    private static func pack(_ drafts: [Draft]) throws -> [UInt8] {
        let scratch = try Scratch()
        try writePack(drafts, to: scratch.file("p"))
        let file = try PackBytes(path: scratch.file("p"))
        return try file.read(at: 0, count: Int(file.size))
    }

    @Test func aPackOpensWithOneRequestAndABlockIsOneMore() throws {
        let bytes = try Self.pack([Draft("a.log", logText(900_000)), Draft("b.log", logText(50_000, seed: 2))])
        try #require(bytes.count > 2 * PackBytes.endSize)
        let ranges = Ranges(bytes)
        let reader = try PackReader.open(PackBytes(ranges, path: "packs/a.pack"))
        #expect(try reader.session().session == "s-1")
        #expect(reader.members.count == 2 && reader.fileSize == UInt64(bytes.count))
        #expect(try reader.identity() == PackIdentity(high: 1, low: 2))
        #expect(ranges.calls.load(ordering: .relaxed) == 1)
        let decoder = try BlockDecoder()
        _ = try reader.decode(block: 0, using: decoder)
        #expect(ranges.calls.load(ordering: .relaxed) == 2)
    }

    @Test(arguments: [1, 7, 4096, 65_537]) func shortReadsAreCompleted(step: Int) throws {
        let bytes = try Self.pack([Draft("a.log", logText(step < 100 ? 150_000 : 700_000)), Draft("b", [1, 2, 3])])
        let reader = try PackReader.open(PackBytes(Ranges(bytes, step: step), path: nil))
        let parsed = try PackReader.parse(bytes)
        #expect(reader.verify().isSound)
        for member in reader.members.indices {
            #expect(try content(of: member, in: reader) == content(of: member, in: parsed))
        }
    }

    @Test func missingBytesAreErrors() throws {
        let bytes = try Self.pack([Draft("a.log", logText(900_000))])
        let error = #expect(throws: PackError.self) {
            try PackReader.open(PackBytes(Ranges(bytes, endsEarly: 1), path: "packs/a.pack"))
        }
        #expect(error?.isLocalFault == true && error?.path == "packs/a.pack")
        // Ends within the first block.
        let reader = try PackReader.open(PackBytes(CutRanges(bytes, at: 100), path: "packs/a.pack"))
        let decoder = try BlockDecoder()
        let short = #expect(throws: PackError.self) { try reader.decode(block: 0, using: decoder) }
        #expect(short?.code == .damagedBlock && short?.path == "packs/a.pack")
    }

    /// Ranges that end early, except for the pack's end.
    private final class CutRanges: RangeReader {
        let whole: Ranges
        let cut: UInt64
        var identity: PackIdentity? { nil }

        init(_ content: [UInt8], at cut: UInt64) {
            whole = Ranges(content)
            self.cut = cut
        }

        func end(_ count: Int) throws(PackError) -> (bytes: [UInt8], size: UInt64) { try whole.end(count) }

        func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(PackError) -> Int {
            guard offset < cut else { return 0 }
            let count = min(buffer.count, Int(cut - offset))
            return try whole.read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    @Test(arguments: [1, 1000, .max]) func severalRangesAreReadCompletely(step: Int) throws {
        let bytes = try Self.pack([Draft("a.log", logText(900_000))])
        try #require(bytes.count > 2 * PackBytes.endSize)
        let pack = try PackBytes(Ranges(bytes, step: step), path: "packs/a.pack")
        let kept = bytes.count - PackBytes.endSize
        let ranges = [
            5..<9, 0..<0, kept - 3..<kept + 3, 0..<1, bytes.count - 1..<bytes.count, kept..<kept + 100, 7..<12,
            bytes.count..<bytes.count, 3000..<9000,
        ]
        let wanted = ranges.map { Array(bytes[$0]) }
        let asked = ranges.map { UInt64($0.lowerBound)..<UInt64($0.upperBound) }
        #expect(try pack.read(asked) == wanted)
        #expect(try pack.ranges.read(asked) == wanted)
        #expect(try PackBytes(bytes).read(asked) == wanted)
        #expect(try PackBytes(bytes).ranges.read(asked) == wanted)
        #expect(try pack.ranges.end(10).bytes == Array(bytes.suffix(10)))
        #expect(try pack.ranges.end(bytes.count + 1).bytes == bytes)
        for end in [UInt64(bytes.count) + 1, .max] {
            let beyond = [0..<1, UInt64(bytes.count - 1)..<end]
            #expect(throws: PackError.self) { try pack.read(beyond) }
            #expect(throws: PackError.self) { try Ranges(bytes).read(beyond) }
        }
    }
}
