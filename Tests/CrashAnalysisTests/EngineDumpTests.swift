import Foundation
import Model
import Testing

@testable import CrashAnalysis

/// Microdumps, Unreal uploads, compressed dumps, and one crash reported by several members.
@Suite struct EngineDumpTests {
    @Test(.needsCorpora, arguments: [("arm", "arm", 6), ("arm64", "arm64", 8), ("x86", "x86", 124)])
    func microdumps(name: String, arch: String, modules: Int) throws {
        let record = try #require(try Corpora.analyze("microdump/breakpad-microdump-\(name).dmp").first)
        #expect(record.kind == "microdump")
        #expect(record.arch == arch)
        #expect(record.os == "android")
        #expect(record.modules.count == modules)
        #expect(record.frames.first?.trust == .context)
        #expect(record.threads.first?.registers["pc"] != nil || record.threads.first?.registers["eip"] != nil)
    }

    /// Return addresses of `breakpad-microdump.stackwalk-arm64.out`, which had the symbols; here by frame pointers.
    @Test(.needsCorpora) func arm64FramesAreThoseOfStackwalk() throws {
        let record = try #require(try Corpora.analyze("microdump/breakpad-microdump-arm64.dmp").first)
        let text = try Corpora.text("microdump/breakpad-microdump.stackwalk-arm64.out")
        let wanted = text.split(separator: "\n").compactMap { line -> UInt64? in
            guard let range = line.range(of: " pc = 0x") else { return nil }
            return UInt64(line[range.upperBound...].prefix { $0.isHexDigit }, radix: 16)
        }
        let ours = record.frames.enumerated().compactMap {
            $0.offset == 0
                ? $0.element.address?.value
                : $0.element.address.map { $0.value + 1 }
        }
        #expect(wanted.count > 5)
        #expect(ours.prefix(wanted.count) == wanted.prefix(ours.count))
    }

    @Test(.needsCorpora) func microdumpInsideALogIsFound() throws {
        let noise = (0..<2000).map { "2026-11-20T21:00:00Z INFO tick \($0)\n" }.joined()
        let log = Array(noise.utf8) + (try Corpora.bytes("microdump/breakpad-microdump-arm64.dmp")) + Array(noise.utf8)
        let records = CrashAnalyzer().analyze(source: MemoryByteSource(log), name: "server.log")
        #expect(records.map(\.kind) == ["microdump"])
        #expect(records.first?.modules.count == 8)
        #expect((records.first?.memberOffset ?? 0) >= UInt64(noise.utf8.count))
    }

    @Test(.needsCorpora, arguments: ["x86_64", "x86_64.fp"]) func coresOfElfutils(name: String) throws {
        let folder = NSTemporaryDirectory() + "salvage-bz-\(getpid())-\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        OwnCores.run("bzip2 -dc '\(Corpora.root)/core/elfutils-backtrace.\(name).core.bz2' > core", in: folder)
        guard let source = try? FileByteSource(path: folder + "/core"), source.size > 0 else { return }
        let record = try #require(CrashAnalyzer().analyze(source: source, name: "core").first)
        #expect(record.signal == "SIGABRT")
        #expect(record.exception == "SI_TKILL")
        #expect(record.threadCount == 2)
        #expect(record.threads.allSatisfy { $0.registers["rip"] != nil && $0.registers["rsp"] != nil })
        #expect(!record.modules.isEmpty && record.modules.allSatisfy { $0.buildID != nil })
        #expect(record.frames.count > 1)
    }

    @Test(.needsCorpora) func unrealUploadIsOneCrash() throws {
        let bytes = try Corpora.bytes("unreal/symbolic-unreal_crash.bin")
        let container = try UnrealContainer(MemoryByteSource(bytes))
        #expect(container.files.count == 4)
        #expect(container.files.map(\.name).contains("CrashContext.runtime-xml"))
        let records = try Corpora.analyze("unreal/symbolic-unreal_crash.bin")
        #expect(records.filter(\.isCrash).count == 1)
        let record = try #require(records.first)
        #expect(record.message?.hasPrefix("false: ") == true)
        #expect(!record.frames.isEmpty)
        #expect(!record.modules.isEmpty)
        for length in stride(from: 0, to: bytes.count, by: 1511) {
            _ = CrashAnalyzer().analyze(source: MemoryByteSource(Array(bytes[..<length])), name: "cut")
        }
    }

    @Test(.needsCorpora) func gzippedCoreIsRead() throws {
        let folder = NSTemporaryDirectory() + "salvage-gz-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        OwnCores.run("gzip -c '\(Corpora.root)/core/casr-core.test_abort' > core.gz", in: folder)
        let source = try FileByteSource(path: folder + "/core.gz")
        let record = try #require(CrashAnalyzer().analyze(source: source, name: "core.gz").first)
        #expect(record.signal == "SIGABRT")
        let cut = SliceByteSource(source, start: 0, size: source.size / 2)
        #expect(CrashAnalyzer().analyze(source: cut, name: "core.gz").first?.signal == "SIGABRT")
    }

    /// The tool that makes the input may be absent; then the test reads nothing.
    @Test(.needsCorpora) func zstdCoreIsRead() throws {
        let folder = NSTemporaryDirectory() + "salvage-zst-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        OwnCores.run("zstd -q -o core.zst '\(Corpora.root)/core/casr-core.test_heapError'", in: folder)
        guard let source = try? FileByteSource(path: folder + "/core.zst") else { return }
        let record = try #require(CrashAnalyzer().analyze(source: source, name: "core.zst").first)
        #expect(record.signal == "SIGABRT")
        #expect(record.notes.allSatisfy { !$0.contains("compressed dump") })
        let cut = SliceByteSource(source, start: 0, size: source.size / 2)
        for cutRecord in CrashAnalyzer().analyze(source: cut, name: "core.zst") {
            #expect(cutRecord.notes.contains { $0.contains("compressed dump") })
        }
    }

    @Test func dummyDumpIsNamed() throws {
        let bytes = [UInt8](repeating: 0, count: 64).enumerated().map {
            [0xef, 0xbe, 0xad, 0xde][$0.offset % 4] as UInt8
        }
        let record = try #require(
            CrashAnalyzer().analyze(source: MemoryByteSource(bytes), name: "UEMinidump.dmp").first)
        #expect(record.notes.first?.hasPrefix("dummy dump") == true)
    }

    @Test func contextXMLHasItsStack() throws {
        let xml = """
            <?xml version="1.0" encoding="UTF-8"?>
            <FGenericCrashContext>
            <RuntimeProperties>
            <CrashGUID>UE-1</CrashGUID><CrashType>Crash</CrashType><ProcessId>77</ProcessId>
            <ErrorMessage>Unhandled Exception: SIGSEGV: invalid attempt to read memory at address 0x0000000000000018</ErrorMessage>
            <CallStack>Srv!AGameMode::Tick(float) [/src/GM.cpp:12]
            Srv!UWorld::Tick(float) [/src/W.cpp:34]</CallStack>
            <PCallStack>Srv 0x0000000000200000 + 1234</PCallStack>
            <TimeOfCrash>637134219250000000</TimeOfCrash>
            </RuntimeProperties>
            </FGenericCrashContext>
            """
        let record = try #require(CrashAnalyzer().analyze(source: MemoryByteSource(Array(xml.utf8)), name: "x").first)
        #expect(record.kind == "unreal")
        #expect(record.signal == "SIGSEGV")
        #expect(record.address == Address(0x18))
        #expect(record.pid == 77)
        #expect(record.time == "2019-12-31T20:45:25.000Z")
        #expect(record.frames.map(\.function) == ["AGameMode::Tick(float)", "UWorld::Tick(float)"])
        #expect(record.signature == "AGameMode::Tick")
    }

    @Test func membersOfOneCrashAreMerged() throws {
        var core = CrashRecord(kind: "elf_core")
        core.signal = "SIGABRT"
        core.pid = 42
        core.member = "core.42"
        core.frames = [.printed(0, function: "World::tick()")]
        core.frames[0].trust = .context
        var assertion = CrashRecord(kind: "assert")
        assertion.signal = "SIGABRT"
        assertion.message = "x != 0"
        assertion.member = "server.log"
        var shell = CrashRecord(kind: "shell")
        shell.signal = "SIGABRT"
        shell.member = "stdout"
        var survived = CrashRecord(kind: "error")
        survived.detector = "python"
        let merged = CrashMerger.merge([shell, survived, assertion, core])
        #expect(merged.map(\.kind) == ["elf_core", "error"])
        #expect(merged.first?.message == "x != 0")
        #expect(merged.first?.alsoIn == ["server.log", "stdout"])
        var other = core
        other.pid = 43
        other.member = "core.43"
        #expect(CrashMerger.merge([core, other]).count == 2)
    }
}
