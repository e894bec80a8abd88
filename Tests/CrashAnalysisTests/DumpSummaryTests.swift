import Foundation
import Model
import Testing

@testable import CrashAnalysis

@Suite(.needsCorpora) struct DumpSummaryTests {
    static let coreSignals = [
        "casr-core.test_DivByZero": "SIGFPE", "casr-core.test_abort": "SIGABRT",
        "casr-core.test_badInstruction": "SIGILL", "casr-core.test_callAv": "SIGSEGV",
        "casr-core.test_canary": "SIGABRT", "casr-core.test_destAv": "SIGSEGV",
        "casr-core.test_heapError": "SIGABRT", "casr-core.test_returnAv": "SIGSEGV",
        "casr-core.test_segFaultOnPc": "SIGSEGV", "casr-core.test_sourceAv": "SIGSEGV",
    ]

    @Test(arguments: coreSignals.keys.sorted()) func coreGivesSignalThreadsModules(name: String) throws {
        let record = try #require(try Corpora.analyze("core/" + name).first)
        #expect(record.kind == "elf_core")
        #expect(record.signal == Self.coreSignals[name])
        #expect(record.threadCount == 1)
        #expect(record.thread == record.pid)
        #expect(record.executable?.hasSuffix(name.replacingOccurrences(of: "casr-core.", with: "")) == true)
        #expect(record.commandLine?.hasPrefix("./test_") == true)
        #expect(record.threads.first?.registers["rip"] != nil)
        #expect(record.modules.count >= 4)
        #expect(record.modules.allSatisfy { $0.buildID?.count == 40 })
        #expect(record.modules.contains { $0.name == "linux-vdso.so.1" })
    }

    @Test func truncatedCoreKeepsItsNotes() throws {
        let whole = try Corpora.bytes("core/casr-core.test_abort")
        for length in stride(from: 0, through: whole.count, by: 977) {
            let source = MemoryByteSource(Array(whole[..<length]))
            let records = CrashAnalyzer().analyze(source: source, name: "core")
            if length >= 64 { #expect(records.count == 1) }
            if length > 4096 { #expect(records.first?.signal == "SIGABRT") }
            if length > 64, length < whole.count { #expect(records.first?.notes.isEmpty == false) }
        }
    }

    static let minidumps: [(String, String?, String?, UInt64?, Int)] = [
        ("breakpad-ascii_read_av", nil, "EXCEPTION_ACCESS_VIOLATION_READ", 0x4141_4141, 4204),
        ("breakpad-ascii_write_av", nil, "EXCEPTION_ACCESS_VIOLATION_WRITE", 0x4141_4141, 1636),
        ("breakpad-exec_av_on_stack", nil, "EXCEPTION_ACCESS_VIOLATION_EXEC", 0x3d_f944, 6920),
        ("breakpad-linux_divide_by_zero", "SIGFPE", nil, 0x40_1f27, 20043),
        ("breakpad-linux_null_dereference", "SIGSEGV", nil, 0, 20520),
        // The address field has the sender: process 23526 of user 315716.
        ("breakpad-linux_raise_sigabrt", "SIGABRT", nil, nil, 23526),
        ("breakpad-linux_inline", "SIGILL", "ILL_ILLOPN", 0x21_61b6, 2_146_002),
        ("breakpad-minidump2", nil, "EXCEPTION_ACCESS_VIOLATION_WRITE", 0x45, 3060),
        ("breakpad-null_read_av", nil, "EXCEPTION_ACCESS_VIOLATION_READ", 0, 1192),
        ("rust-minidump-linux-mini", "SIGSEGV", nil, 0x45, 1304),
        ("rust-minidump-test", nil, "EXCEPTION_ACCESS_VIOLATION_WRITE", 0x45, 3060),
        ("rust-minidump-invalid-parameter", nil, "STATUS_INVALID_PARAMETER", 0, 5896),
        (
            "rust-minidump-pipeline-inlines-macos-segv", nil, "EXC_BAD_ACCESS / KERN_INVALID_ADDRESS",
            0xffff_ffff_8000_0042, 4611
        ),
    ]

    @Test(arguments: minidumps.indices) func minidumpGivesReason(index: Int) throws {
        let (name, signal, exception, address, thread) = Self.minidumps[index]
        let record = try #require(try Corpora.analyze("minidump/\(name).dmp").first)
        #expect(record.kind == "minidump")
        #expect(record.signal == signal)
        #expect(record.exception == exception)
        #expect(record.address == address.map(Address.init))
        #expect(record.thread == thread)
        #expect(!record.modules.isEmpty)
    }

    @Test(arguments: ["invalid-range", "invalid-record-count"]) func invalidMinidumpSaysSo(name: String) throws {
        let record = try #require(try Corpora.analyze("minidump/rust-minidump-\(name).dmp").first)
        #expect(record.notes.contains { $0.hasPrefix("unreadable: ") })
        #expect(record.frames.isEmpty)
    }

    @Test func jsonIsWhatCodableReads() throws {
        for name in ["core/casr-core.test_abort", "minidump/rust-minidump-test.dmp"] {
            let record = try #require(try Corpora.analyze(name).first)
            let decoded = try JSONDecoder().decode(CrashRecord.self, from: Data(record.json()))
            #expect(decoded == record)
            let encoded = try JSONEncoder().encode(record)
            let ours = try JSONSerialization.jsonObject(with: Data(record.json())) as? NSDictionary
            let theirs = try JSONSerialization.jsonObject(with: encoded) as? NSDictionary
            #expect(ours == theirs)
        }
    }
}
