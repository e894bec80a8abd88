import Foundation
import Model
import Testing

@testable import CrashAnalysis

/// Changed, cut and joined inputs: every reader must return, none may trap. Seeded, so a failure can be repeated.
@Suite struct MutationTests {
    private struct Random {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(1, limit))) }
    }

    private static let rounds = Int(ProcessInfo.processInfo.environment["SALVAGE_MUTATIONS"] ?? "") ?? 60

    private func mutate(_ bytes: [UInt8], _ random: inout Random) -> [UInt8] {
        var bytes = bytes
        guard !bytes.isEmpty else { return bytes }
        for _ in 0..<(1 + random.below(12)) {
            let at = random.below(2) == 0 ? random.below(min(bytes.count, 2048)) : random.below(bytes.count)
            switch random.below(6) {
            case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[at] ^= 1 << UInt8(random.below(8))
            case 2:
                let wild: [UInt64] = [0, 1, .max, 1 << 63, 0x7fff_ffff, 0xffff_ffff, 0x8000_0000, UInt64(bytes.count)]
                var value = wild[random.below(wild.count)]
                for step in 0..<8 where at + step < bytes.count {
                    bytes[at + step] = UInt8(truncatingIfNeeded: value)
                    value >>= 8
                }
            case 3: bytes = Array(bytes[..<max(1, at)])
            case 4:
                let from = random.below(bytes.count)
                let count = min(64, bytes.count - max(at, from))
                for step in 0..<max(0, count) { bytes[at + step] = bytes[from + step] }
            default:
                let entry = TextReportFormats.anchors[random.below(TextReportFormats.anchors.count)]
                bytes.replaceSubrange(at..<at, with: entry.literal.utf8)
            }
        }
        return bytes
    }

    private func torture(_ paths: [String], seed: UInt64, symbols: SymbolStore? = nil) throws {
        var random = Random(state: seed)
        let analyzer = CrashAnalyzer(symbols: symbols)
        for path in paths {
            let original = try Corpora.bytes(path)
            for _ in 0..<Self.rounds {
                let records = analyzer.analyze(source: MemoryByteSource(mutate(original, &random)), name: path)
                #expect(records.count <= TextAnalyzer.recordLimit + 1)
                for record in records { #expect(record.frames.count <= 4096) }
            }
        }
    }

    @Test(.needsCorpora) func cores() throws {
        try torture(DumpSummaryTests.coreSignals.keys.sorted().map { "core/" + $0 }, seed: 1)
    }

    @Test(.needsCorpora) func minidumps() throws {
        let names = Corpora.names("minidump").map { "minidump/" + $0 }
        try torture(names, seed: 2, symbols: SymbolStore(root: Corpora.root + "/minidump/symbols"))
    }

    @Test(.needsCorpora) func texts() throws {
        try torture(Corpora.names("text").filter { $0.hasSuffix(".txt") }.map { "text/" + $0 }, seed: 3)
    }

    @Test(.needsCorpora) func microdumpsAndUploads() throws {
        try torture(
            [
                "microdump/breakpad-microdump-arm64.dmp", "microdump/breakpad-microdump-arm.dmp",
                "unreal/symbolic-unreal_crash.bin",
            ], seed: 4)
    }

    @Test(.needsCorpora) func symbolFiles() throws {
        var random = Random(state: 5)
        let names = ["linux_inline/BBA6FA10B8AAB33D00000000000000000/linux_inline.sym"]
        for name in names {
            let original = try Corpora.bytes("minidump/symbols/" + name)
            for _ in 0..<Self.rounds {
                guard let symbols = BreakpadSymbols(MemoryByteSource(mutate(original, &random))) else { continue }
                for offset in stride(from: UInt64(0x15b00), to: 0x16200, by: 37) {
                    _ = symbols.calls(at: offset)
                    _ = symbols.frameRules(at: offset)
                    _ = symbols.windowsFrame(at: offset)
                }
            }
        }
    }

    @Test func programsOfUnwindTables() {
        var random = Random(state: 6)
        let memory = PieceMemory([(0x1000, [UInt8](repeating: 7, count: 256))])
        var registers = Registers(.amd64)
        registers.sp = 0x1010
        registers.fp = 0x1020
        registers.pc = 0x400
        for _ in 0..<Self.rounds * 200 {
            let program = (0..<random.below(40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let common = CFICommon(
                codeAlign: random.next(), dataAlign: Int64(bitPattern: random.next()), returnRegister: random.below(40),
                encoding: 0, augmented: false, signalFrame: random.below(2) == 0,
                program: [0x0c, 7, 8, 0x90, 1])
            let entry = CFIEntry(common: common, start: 0x400, length: 64, program: program)
            if let row = CFIProgram.row(entry, for: 0x410, wordSize: 8) {
                _ = StackStep.apply(row, to: registers, memory: memory)
            }
            _ = CFIExpression.evaluate(program, pushing: 1, registers: registers, memory: memory)
        }
    }

    @Test func namesToDemangle() {
        var random = Random(state: 7)
        let letters = Array("_RNvCMXYIBTsSF0123456789abcdefghijklEZ$<>(): ,&*".utf8)
        for _ in 0..<Self.rounds * 200 {
            let name =
                "_R"
                + String(
                    decoding: (0..<random.below(40)).map { _ in letters[random.below(letters.count)] }, as: UTF8.self)
            _ = Demangler.demangle(name)
            _ = SignatureNames.normalise(name)
            _ = SignatureMessages.normalise(name)
        }
    }
}
