import Model
import Testing
import Unpack

@testable import CrashAnalysis

/// A dump and a log that report one death become one crash, and the more detailed report leads.
@Suite struct FieldMergeTests {
    private func record(_ detector: String, member: String, _ change: (inout CrashRecord) -> Void = { _ in })
        -> CrashRecord
    {
        var record = CrashRecord(kind: detector)
        record.member = member
        change(&record)
        SignatureAlgorithm.sign(&record)
        return record
    }

    private func named(_ names: [String], trust: FrameTrust = .text) -> [CrashFrame] {
        names.enumerated().map { index, name in
            var frame = CrashFrame(index: index, trust: trust)
            frame.function = name
            return frame
        }
    }

    @Test(.needsCorpora) func goCoreAndItsPanicAreOneCrash() throws {
        let merged = CrashMerger.merge(
            try Corpora.analyze("field/binary/go_core_and_log/core.gz")
                + Corpora.analyze("field/binary/go_core_and_log/server.log"))
        #expect(merged.count == 1)
        let crash = try #require(merged.first)
        #expect(crash.signature == "panic | main.damage")
        #expect(crash.alsoIn == ["field/binary/go_core_and_log/core.gz"])
        #expect(crash.signal == "SIGSEGV")
    }

    @Test(.needsCorpora) func theJavaReportLeadsItsCore() throws {
        let packed = try Corpora.bytes("field/binary/java_core_and_hs_err/hs_err.log.gz")
        let expander = StreamExpander(.gzip, limits: ExpansionLimits(bytes: 1 << 24, ratio: .max))
        var plain: [UInt8] = []
        packed.withUnsafeBytes { expander.push($0) { plain += Array($0) } }
        let report = CrashAnalyzer().analyze(source: MemoryByteSource(plain), name: "hs_err.log")
        let core = record("elf_core", member: "core") { record in
            record.signal = "SIGABRT"
            record.pid = 11864
            record.frames = named(
                ["__pthread_kill_implementation", "raise", "abort", "os::abort", "VMError::report_and_die"], trust: .cfi
            )
        }
        let merged = CrashMerger.merge(report + [core])
        #expect(merged.count == 1)
        let crash = try #require(merged.first)
        #expect(crash.detector == "java_fatal")
        #expect(crash.signal == "SIGSEGV")
        #expect(crash.alsoIn == ["core"])
        #expect(crash.signature.contains("Unsafe_PutLong") || crash.signature.contains("C.boom"))
    }

    @Test(.needsCorpora) func rustCoreAndItsPanicAreOneCrash() throws {
        let merged = CrashMerger.merge(
            try Corpora.analyze("field/binary/rust_panic_abort/core.gz")
                + Corpora.analyze("field/binary/rust_panic_abort/server.log"))
        #expect(merged.count == 1)
    }

    /// A log of three deaths and one core: the core is merged with one of them.
    @Test func aCoreTakesUpOneReportOfALog() {
        let reports = (0..<3).map { step in
            record("unity", member: "server.log") { record in
                record.signal = "SIGSEGV"
                record.time = "2026-11-20T21:0\(step):00.000Z"
                record.timeSource = "log"
                record.frames = named(["Fire\(step)"])
            }
        }
        let core = record("elf_core", member: "core") { record in
            record.signal = "SIGSEGV"
            record.time = "2026-11-20T21:01:01.000Z"
            record.timeSource = "file"
            record.frames = named(["Fire1"], trust: .cfi)
        }
        let merged = CrashMerger.merge(reports + [core])
        #expect(merged.count == 3)
        #expect(merged.filter { !$0.alsoIn.isEmpty }.map(\.detector) == ["elf_core"])
        #expect(Set(merged.map(\.signature)) == ["Fire0", "Fire1", "Fire2"])
    }

    @Test func wordsWithoutFramesNeverLead() {
        let strong = record("unreal", member: "server.log") { record in
            record.signal = "SIGSEGV"
            record.frames = named(["AMossTurret::FireAt"])
        }
        let weak = record("glibc", member: "stdout") { record in
            record.signal = "SIGABRT"
            record.message = "free(): invalid pointer"
        }
        let merged = CrashMerger.merge([weak, strong])
        #expect(merged.map(\.signature) == ["AMossTurret::FireAt"])
    }

    /// The same signal in two logs is two crashes if the pids differ.
    @Test func pidsKeepProcessesApart() {
        let first = record("asan", member: "a.log") { $0.pid = 1 }
        let second = record("asan", member: "b.log") { $0.pid = 2 }
        #expect(CrashMerger.merge([first, second]).count == 2)
    }
}
