import Foundation
import Model
import Testing

@testable import CrashAnalysis

/// Frame-for-frame agreement with rust-minidump's snapshots.
@Suite(.needsCorpora) struct MinidumpSnapshotTests {
    private struct Expected: Decodable {
        struct Frame: Decodable {
            var module: String?
            var moduleOffset: String?
            var offset: String
            var trust: String
            var function: String?
            var line: Int?
        }
        struct Thread: Decodable {
            var threadId: Int
            var frames: [Frame]
        }
        struct Module: Decodable {
            var filename: String
            var debugId: String
            var baseAddr: String
            var version: String?
        }
        var threads: [Thread]
        var modules: [Module]
    }

    private func snapshot(_ name: String) throws -> Expected {
        let text = try Corpora.text("minidump/expected/rust-minidump-\(name).snap")
        let start = try #require(text.range(of: "\n{"))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Expected.self, from: Data(text[start.lowerBound...].utf8))
    }

    private func number(_ text: String?) -> UInt64? { text.flatMap { UInt64($0.dropFirst(2), radix: 16) } }

    @Test(arguments: [
        ("json-pretty", "rust-minidump-test.dmp", false), ("json-pretty-symbols", "rust-minidump-test.dmp", true),
        ("linux_json_pretty", "rust-minidump-linux-mini.dmp", false),
    ]) func framesAndTrustAgree(name: String, dump: String, symbols: Bool) throws {
        let expected = try snapshot(name)
        let store = symbols ? SymbolStore(root: Corpora.root + "/minidump/symbols") : nil
        let record = try #require(try Corpora.analyze("minidump/" + dump, symbols: store).first)
        #expect(record.threads.count == expected.threads.count)
        for wanted in expected.threads {
            let thread = try #require(record.threads.first { $0.thread == wanted.threadId })
            #expect(thread.frames.map { $0.address?.value } == wanted.frames.map { number($0.offset) })
            #expect(thread.frames.map(\.trust.rawValue) == wanted.frames.map(\.trust))
            #expect(thread.frames.map(\.module) == wanted.frames.map(\.module))
            #expect(thread.frames.map { $0.offset?.value } == wanted.frames.map { number($0.moduleOffset) })
            #expect(thread.frames.map(\.function) == wanted.frames.map(\.function))
            #expect(thread.frames.map(\.line) == wanted.frames.map(\.line))
        }
    }

    @Test(arguments: [
        ("json-pretty", "rust-minidump-test.dmp"), ("linux_json_pretty", "rust-minidump-linux-mini.dmp"),
        ("macos_inlines_json_pretty", "rust-minidump-pipeline-inlines-macos-segv.dmp"),
    ]) func modulesAgree(name: String, dump: String) throws {
        let expected = try snapshot(name)
        let record = try #require(try Corpora.analyze("minidump/" + dump).first)
        let wanted = expected.modules.sorted { number($0.baseAddr) ?? 0 < number($1.baseAddr) ?? 0 }
        #expect(record.modules.map { $0.base.value } == wanted.map { number($0.baseAddr) })
        #expect(record.modules.map(\.name) == wanted.map(\.filename))
        #expect(record.modules.map { $0.debugID ?? "" } == wanted.map(\.debugId))
    }

    @Test func inlinedCallsOfBreakpadSymbols() throws {
        let store = SymbolStore(root: Corpora.root + "/minidump/symbols")
        let record = try #require(
            try Corpora.analyze("minidump/breakpad-linux_inline.dmp", symbols: store).first)
        #expect(record.frames.prefix(4).map(\.function) == ["func()", "bar()", "foo()", "main"])
        #expect(record.frames.prefix(4).map(\.line) == [27, 32, 39, 42])
        #expect(record.frames.prefix(4).map(\.trust) == [.inline, .inline, .inline, .context])
    }

    /// Some tools write mangled names into Breakpad files: those of FUNC, INLINE_ORIGIN and PUBLIC are demangled.
    @Test(arguments: [true, false]) func mangledNamesOfBreakpadSymbols(_ hasFunctions: Bool) throws {
        let place = "linux_inline/BBA6FA10B8AAB33D00000000000000000"
        var text = String(
            decoding: try Corpora.bytes("minidump/symbols/\(place)/linux_inline.sym"), as: UTF8.self)
        for (name, mangled) in [("func()", "_Z4funcv"), ("bar()", "_Z3barv"), ("foo()", "_Z3foov")] {
            text = text.replacingOccurrences(of: " \(name)\n", with: " \(mangled)\n")
        }
        text = text.replacingOccurrences(of: " main\n", with: " _ZN4game4mainEi\n")
        if !hasFunctions {
            let head = text.prefix { $0 != "\n" }
            text = head + "\nPUBLIC 0 0 _ZN4game4mainEi\n"
        }
        let root = FileManager.default.temporaryDirectory.path + "/salvage-breakpad-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createDirectory(atPath: "\(root)/\(place)", withIntermediateDirectories: true)
        try text.write(toFile: "\(root)/\(place)/linux_inline.sym", atomically: true, encoding: .utf8)
        let record = try #require(
            try Corpora.analyze("minidump/breakpad-linux_inline.dmp", symbols: SymbolStore(root: root)).first)
        let names = record.frames.prefix(hasFunctions ? 4 : 1).map(\.function)
        #expect(names == (hasFunctions ? ["func()", "bar()", "foo()"] : []) + ["game::main(int)"])
    }
}
