import Model
import Testing

@testable import CrashAnalysis

/// Small minidumps whose record would be large: many items that refer to one string or one stack.
@Suite struct MinidumpBoundTests {
    private struct Bytes {
        var all: [UInt8] = []
        mutating func u16(_ value: UInt16) { for step in 0..<2 { all.append(UInt8(value >> (8 * step) & 255)) } }
        mutating func u32(_ value: UInt32) { for step in 0..<4 { all.append(UInt8(value >> (8 * step) & 255)) } }
        mutating func u64(_ value: UInt64) { for step in 0..<8 { all.append(UInt8(value >> (8 * step) & 255)) } }
        mutating func zeros(_ count: Int) { all += [UInt8](repeating: 0, count: count) }
        mutating func set(_ at: Int, _ value: UInt32) {
            for step in 0..<4 { all[at + step] = UInt8(value >> (8 * step) & 255) }
        }
    }

    private static let stackAt: UInt32 = 0x0010_0000
    private static let streams = 5

    /// A minidump of an x86 process: `modules` that share one name, `threads` that share one name, stack and context.
    private func dump(modules: Int, threads: Int, text: [UInt16]) -> [UInt8] {
        var out = Bytes()
        out.u32(MinidumpFile.signature)
        out.u32(0xa793)
        out.u32(UInt32(Self.streams))
        out.u32(32)
        out.zeros(16)
        out.zeros(Self.streams * 12)
        let textAt = UInt32(out.all.count)
        out.u32(UInt32(text.count * 2))
        for unit in text { out.u16(unit) }
        // Frames of eight bytes: the next frame's address, and a return address in the first module.
        let stack = UInt32(out.all.count)
        for index in UInt32(0)..<4096 {
            out.u32(Self.stackAt + (index + 1) * 8)
            out.u32(0x0040_0100)
        }
        let context = out.all.count
        out.zeros(716)
        out.set(context + 180, Self.stackAt)
        out.set(context + 196, Self.stackAt)
        out.set(context + 184, 0x0040_0200)
        var stream = 0
        func begin(_ type: UInt32) -> Int {
            out.set(32 + stream * 12, type)
            out.set(32 + stream * 12 + 8, UInt32(out.all.count))
            return out.all.count
        }
        func end(_ start: Int) {
            out.set(32 + stream * 12 + 4, UInt32(out.all.count - start))
            stream += 1
        }
        var start = begin(MinidumpFile.StreamType.system)
        out.zeros(20)
        out.u32(2)
        out.zeros(32)
        end(start)
        start = begin(MinidumpFile.StreamType.threads)
        out.u32(UInt32(threads))
        for index in 0..<UInt32(threads) {
            out.u32(index + 1)
            out.zeros(20)
            out.u64(UInt64(Self.stackAt))
            out.u32(4096 * 8)
            out.u32(stack)
            out.u32(716)
            out.u32(UInt32(context))
        }
        end(start)
        start = begin(MinidumpFile.StreamType.threadNames)
        out.u32(UInt32(threads))
        for index in 0..<UInt32(threads) {
            out.u32(index + 1)
            out.u64(UInt64(textAt))
        }
        end(start)
        start = begin(MinidumpFile.StreamType.modules)
        out.u32(UInt32(modules))
        for index in 0..<UInt32(modules) {
            out.u64(UInt64(0x0040_0000 + index * 0x1000))
            out.u32(0x1000)
            out.zeros(8)
            out.u32(textAt)
            out.zeros(84)
        }
        end(start)
        return out.all
    }

    private func record(_ bytes: [UInt8]) throws -> CrashRecord {
        try #require(CrashAnalyzer().analyze(source: MemoryByteSource(bytes), name: "small.dmp").first)
    }

    @Test func oneLongNameOfManyModulesIsNotKeptManyTimes() throws {
        let text = Array("/game/".utf16) + [UInt16](repeating: 0x61, count: 16_000)
        let bytes = dump(modules: 8000, threads: 1, text: text)
        let record = try record(bytes)
        #expect(bytes.count < 1 << 20)
        #expect(record.modules.count == 8000)
        #expect(record.modules.first?.name.count == NameAllowance.longestName)
        #expect(record.notes.contains { $0.hasPrefix("names beyond 4 MiB") })
        let size = record.json().count
        #expect(size < 16 << 20, "the record has \(size) bytes")
    }

    @Test func oneDeepStackOfManyThreadsIsNotKeptManyTimes() throws {
        let text = [UInt16](repeating: 0x62, count: 200)
        let bytes = dump(modules: 4, threads: 4000, text: text)
        let record = try record(bytes)
        #expect(bytes.count < 1 << 20)
        #expect(record.threadCount == 4000)
        #expect(record.threads.count == CrashAnalyzer.Options.mostThreads)
        #expect(record.threads.map(\.frames.count).max() ?? 0 <= 128)
        #expect(record.threads.last?.frames.count == CrashAnalyzer.Options.framesOfOthers)
        #expect(record.threads.last?.name?.count == 200)
        let size = record.json().count
        #expect(size < 24 << 20, "the record has \(size) bytes")
    }

    @Test func manyModulesAndThreadsAreMatchedWithoutComparingEachWithEach() throws {
        let bytes = dump(modules: 60_000, threads: 4000, text: Array("server".utf16))
        let record = try record(bytes)
        #expect(record.modules.count == 60_000)
        #expect(record.modules.first?.symbols == .missing)
        #expect(record.frames.first?.module == "server")
    }
}
