import Foundation
import Model
import Testing

@testable import CrashAnalysis

/// The cores of `corpora/field/binary`, from programs built in unusual ways, as in the field.
@Suite(.needsCorpora, .serialized)
struct FieldDumpTests {
    private static let folder = "field/binary/"
    private static let library = "/lib/x86_64-linux-gnu/"

    /// A store with the files of a case and of the system, removed at the end.
    private static func withStore<Result>(
        _ files: [String], system: [String] = [], _ body: (SymbolStore) throws -> Result
    ) throws -> Result {
        let root = NSTemporaryDirectory() + "salvage-field-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        let store = SymbolStore(root: root)
        for file in files { _ = try store.add(path: Corpora.root + "/" + folder + file) }
        for file in system { _ = try store.add(path: library + file) }
        return try body(store)
    }

    private static func record(_ name: String, _ store: SymbolStore? = nil) throws -> CrashRecord {
        try #require(Corpora.analyze(folder + name + "/core.gz", symbols: store).first)
    }

    private static func record(
        _ name: String, _ files: [String], system: [String] = []
    ) throws -> CrashRecord {
        try withStore(files.map { name + "/" + $0 }, system: system) { try record(name, $0) }
    }

    /// True where the system's library is the one that the cores were made with.
    private static let hasLibrary: Bool = {
        let source = try? FileByteSource(path: library + "libc.so.6")
        return source.flatMap { SymbolFile($0)?.buildID } == "93ac61ec5a8eb1396f9fbd350e3169a558528a40"
    }()

    private func names(_ record: CrashRecord) -> [String] { record.frames.compactMap(\.function) }

    @Test func handlerThatAborts() throws {
        let record = try Self.record("handler_abort", ["altabort"])
        #expect(record.signature == "fire_weapon")
        #expect(record.signal == "SIGSEGV")
        #expect(record.exception == "SEGV_MAPERR")
        #expect(record.address == Address(0x10))
        #expect(names(record).prefix(3) == ["fire_weapon", "tick", "main"])
        #expect(record.notes.contains { $0.contains("SIGABRT") })
    }

    @Test(arguments: [("static_abort_A", "a_bug"), ("static_abort_B", "b_bug")])
    func staticProgram(name: String, bug: String) throws {
        let record = try Self.record(name, ["sabrt"])
        #expect(record.signature == "abort | " + bug)
        #expect(record.frames.dropFirst().allSatisfy { $0.trust == .cfi })
        #expect(
            names(record).prefix(5).map { $0.prefix { $0 != "." } } == [
                "__pthread_kill_implementation", "raise", "abort", bug[...], "main",
            ])
    }

    @Test func bareCoreOf32Bits() throws {
        let record = try Self.record("assert_32bit_bare")
        #expect(record.frames.contains { $0.module == "assert32" && $0.function == nil })
        #expect(record.signature.hasPrefix("abort | assert32+0x"))
    }

    @Test(.enabled(if: hasLibrary, "another C library")) func terminateWithoutTheRuntime() throws {
        let record = try Self.record("terminate_libc_symbols_only", ["term"], system: ["libc.so.6"])
        #expect(names(record).contains("load_map(int)"))
        #expect(["terminate | load_map", "abort | load_map"].contains(record.signature))
    }

    @Test func symbolWithoutSize() throws {
        let record = try Self.record("init_symbol")
        #expect(record.frames.first?.function == nil)
        #expect(record.signature.hasPrefix("init_plug.so+0x10f9"))
        #expect(record.signatureQuality == .offset)
    }

    /// The file's sections give the same result as the core alone.
    @Test func symbolWithoutSizeOfAnotherSection() throws {
        let record = try Self.record("init_symbol", ["init_plug.so"])
        #expect(record.frames.first?.function != "_init_old")
        #expect(record.frames.first?.offset == Address(0x10f9))
    }

    @Test(.enabled(if: hasLibrary, "another C library")) func codeMadeAtRunTime() throws {
        let record = try Self.record(
            "jit_fp_chain", ["jitbig"], system: ["libc.so.6", "ld-linux-x86-64.so.2"])
        #expect(record.signature == "run_script")
        #expect(names(record).prefix(2) == ["run_script", "main"])
        #expect(record.frames.dropFirst().prefix(4).allSatisfy { $0.trust == .framePointer })
    }

    @Test func programWithoutBuildID() throws {
        let bare = try Self.record("musl_no_build_id")
        #expect(bare.notes.contains { $0.hasPrefix("assert_musl has no build id") })
        let record = try Self.record("musl_no_build_id", ["assert_musl"])
        #expect(
            names(record).prefix(7).dropFirst() == [
                "raise", "abort", "__assert_fail", "inventory_add", "apply_item", "main",
            ])
        #expect(record.signature == "assert | inventory_add")
        #expect(record.modules.first { $0.name == "assert_musl" }?.symbols == .found)
    }

    /// `--exe` names a program with another name.
    @Test func programUnderAnotherName() throws {
        try Self.withStore([]) { store in
            let program = Corpora.root + "/" + Self.folder + "musl_no_build_id/assert_musl"
            let renamed = store.root + "-server"
            try FileManager.default.copyItem(atPath: program, toPath: renamed)
            defer { try? FileManager.default.removeItem(atPath: renamed) }
            _ = try store.add(path: renamed)
            #expect(!names(try Self.record("musl_no_build_id", store)).contains("inventory_add"))
            _ = try store.add(program: renamed, as: "assert_musl")
            #expect(names(try Self.record("musl_no_build_id", store)).contains("inventory_add"))
        }
    }

    @Test func anotherProgramOfTheSameName() throws {
        try Self.withStore([]) { store in
            var bytes = try Corpora.bytes(Self.folder + "musl_no_build_id/assert_musl")
            bytes[0x1000 - 1] ^= 1
            let path = store.root + "/given/assert_musl"
            try FileManager.default.createDirectory(
                atPath: store.root + "/given", withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            #expect(try store.add(path: path).added.count == 1)
            #expect(!names(try Self.record("musl_no_build_id", store)).contains("inventory_add"))
        }
    }

    @Test func goCoreWithoutMemory() throws {
        let record = try Self.record("go_core_and_log")
        #expect(record.signal == "SIGABRT")
        #expect(record.address == nil)
        #expect(record.pid == 21190)
        #expect(record.executable?.hasSuffix("/gosrv") == true)
        #expect(record.threadCount == 4)
        #expect(record.notes.contains { $0.hasPrefix("gosrv has no build id") })
        #expect(record.notes.contains("the core does not hold the stack of the crashed thread"))
    }

    @Test func panicThatAborts() throws {
        let packed = MemoryByteSource(try Corpora.bytes(Self.folder + "rust_panic_abort/rsx.gz"))
        let plain = MemoryScratch(limit: 64 << 20)
        #expect(Inflate.unpack(packed, into: plain))
        try Self.withStore([]) { store in
            let path = store.root + "-rsx"
            try Data(plain.bytes(at: 0, count: Int(plain.size))).write(to: URL(fileURLWithPath: path))
            defer { try? FileManager.default.removeItem(atPath: path) }
            _ = try store.add(path: path)
            let record = try Self.record("rust_panic_abort", store)
            let stack = names(record)
            let machinery = ["std::sys::pal::unix::abort_internal", "std::process::abort", "__rustc::__rust_abort"]
            #expect(stack.prefix(3) == machinery[...])
            #expect(stack.contains("rs::take"))
            #expect(["panic | take", "panic | rs::take"].contains(record.signature))
            #expect(record.frames.drop { $0.module != "rsx" }.dropFirst().prefix(10).allSatisfy { $0.trust != .scan })
        }
    }

    @Test func imageOfAHealthyProcess() throws {
        let record = try Self.record("gcore_is_no_crash")
        #expect(!record.isCrash)
        #expect(record.kind == CrashRecord.snapshot)
        #expect(record.detector == "elf_core")
    }

    @Test func smallModuleIsOne() throws {
        let record = try Self.record("lld_small_module", ["lld_pie"])
        let modules = record.modules.filter { $0.name == "lld_pie" }
        #expect(modules.map(\.base) == [Address(0x5628_6af7_2000)])
        let frames = record.frames.filter { $0.module == "lld_pie" }.prefix(3)
        #expect(frames.compactMap(\.function) == ["inventory_add", "apply_item", "main"])
        #expect(frames.map(\.offset) == [Address(0x17b5), Address(0x17c5), Address(0x17d8)])
        #expect(frames.dropFirst().allSatisfy { $0.trust == .cfi })
    }
}
