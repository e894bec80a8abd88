import Foundation
import Model
import Testing

@testable import CrashAnalysis

@Suite(.enabled(if: OwnCores.possible, "no compiler, or the kernel keeps cores elsewhere"), .serialized)
struct CoreUnwindTests {
    static let modes = ["null", "abort", "throw", "assert", "call", "fpe", "free", "handler"]

    /// The bare name, as gdb prints it: no parameters, no leading underscores of C aliases.
    private func bare(_ name: String?) -> String {
        var text = SignatureNames.normalise(name ?? "??")
        if let cut = text.firstIndex(of: "<"), text.first != "<" { text = String(text[..<cut]) }
        for lead in ["__GI_", "__"] where text.hasPrefix(lead) { text = String(text.dropFirst(lead.count)) }
        // glibc has two names for a function with a version at one address, pthread_create and pthread_create_2_1.
        if let version = text.firstMatch(of: /_[0-9]+_[0-9]+$/) { text.removeSubrange(version.range) }
        return text
    }

    /// gdb infers frames for tail calls, which leave nothing on the stack.
    private func withoutTailCalls(_ frames: [(address: UInt64?, function: String)]) -> [(UInt64?, String)] {
        frames.filter { $0.function != "__pthread_kill_internal" }.map { ($0.address, $0.function) }
    }

    @Test(.enabled(if: OwnCores.hasDebugger, "gdb is not installed"), arguments: modes)
    func framesAreThoseOfTheDebugger(mode: String) throws {
        let core = try #require(OwnCores.core("game", mode))
        let record = try OwnCores.analyze(core, try OwnCores.store("game"))
        let wanted = withoutTailCalls(OwnCores.gdb("game", core))
        #expect(record.frames.map { bare($0.function) } == wanted.map { bare($0.1) })
        for (ours, theirs) in zip(record.frames, wanted) {
            guard let address = theirs.0, ours.trust != .inline else { continue }
            #expect(ours.address?.value == address || ours.address?.value == address &- 1)
        }
        #expect(record.frames.allSatisfy { $0.trust != .scan || mode == "call" })
    }

    @Test(.enabled(if: OwnCores.hasDebugger, "gdb is not installed"), arguments: modes)
    func modulesAreThoseOfTheDebugger(mode: String) throws {
        for program in ["game", "stripped", "gamefp"] {
            let core = try #require(OwnCores.core(program, mode))
            let record = try OwnCores.analyze(core, try OwnCores.store(program))
            let mappings = OwnCores.gdbMappings(program, core)
            try #require(mappings.count > 5)
            var compared = 0
            for frame in record.frames where frame.trust != .inline {
                guard let address = frame.address?.value else { continue }
                let file = mappings.first { $0.range.contains(address) }?.file
                // The vdso is not a file.
                if frame.module?.hasPrefix("linux-vdso") == true { continue }
                #expect(frame.module == file, "\(program) \(mode) \(frame)")
                compared += 1
            }
            #expect(compared > 3 || mode == "call")
        }
    }

    /// Symbols that the dynamic linker needs are still there in a stripped program.
    @Test(.enabled(if: OwnCores.hasDebugger, "gdb is not installed"), arguments: modes)
    func strippedFramesHaveTheSameNames(mode: String) throws {
        let core = try #require(OwnCores.core("stripped", mode))
        let record = try OwnCores.analyze(core, try OwnCores.store("stripped"))
        let ours = Dictionary(record.frames.compactMap { frame in frame.address.map { ($0.value, frame) } }) { a, _ in a
        }
        var compared = 0
        for (address, function) in withoutTailCalls(OwnCores.gdb("stripped", core)) where function != "??" {
            guard let address, let frame = ours[address] ?? ours[address &- 1] else { continue }
            #expect(bare(frame.function) == bare(function), "\(mode)")
            compared += 1
        }
        #expect(compared > 0 || record.frames.allSatisfy { $0.function == nil })
    }

    @Test(.enabled(if: OwnCores.hasDebugger, "gdb is not installed"), arguments: ["null", "throw", "handler"])
    func everyThreadIsThatOfTheDebugger(mode: String) throws {
        let core = try #require(OwnCores.core("game", mode))
        let record = try OwnCores.analyze(core, try OwnCores.store("game"))
        let wanted = OwnCores.gdbThreads("game", core)
        try #require(wanted.count == 5)
        for thread in record.threads {
            // gdb ends at main; we report inlined calls for the crashed thread only.
            var ours = thread.frames.map { bare($0.function) }
            if let main = ours.firstIndex(of: "main") { ours = Array(ours[...main]) }
            var rest = try #require(wanted[thread.thread]).map { bare($0) }[...]
            #expect(ours.last == rest.last, "thread \(thread.thread)")
            for name in ours {
                let place = rest.firstIndex(of: name)
                #expect(place != nil, "thread \(thread.thread): \(name) is not among \(rest)")
                if let place { rest = rest[(place + 1)...] }
            }
        }
    }

    @Test(.enabled(if: OwnCores.hasDebugger, "gdb is not installed"), arguments: modes)
    func strippedFramesHaveTheSameAddresses(mode: String) throws {
        let core = try #require(OwnCores.core("stripped", mode))
        let record = try OwnCores.analyze(core, try OwnCores.store("stripped"))
        let wanted = withoutTailCalls(OwnCores.gdb("stripped", core)).compactMap(\.0)
        let ours = record.frames.compactMap { $0.address?.value }
        #expect(wanted.count > 3)
        #expect(wanted.allSatisfy { ours.contains($0) || ours.contains($0 &- 1) })
    }

    @Test func factsOfANullDereference() throws {
        let record = try OwnCores.analyze(try #require(OwnCores.core("game", "null")), try OwnCores.store("game"))
        #expect(record.signal == "SIGSEGV")
        #expect(record.exception == "SEGV_MAPERR")
        #expect(record.address == Address(0))
        #expect(record.threadCount == 5)
        #expect(record.signature == "Entity::hit")
        #expect(record.signatureQuality == .symbol)
        #expect(record.frames.first?.file?.hasSuffix("game.cc") == true)
        #expect(record.frames.first?.line == 12)
        #expect(record.threads.allSatisfy { !$0.frames.isEmpty })
        #expect(record.modules.first { $0.name == "game" }?.symbols == .found)
    }

    @Test(arguments: [
        ("abort", "abort | tick<T>"), ("throw", "terminate | tick<T>"), ("assert", "assert | tick<T>"),
        ("fpe", "tick<T>"), ("free", "abort | bad"), ("recurse", "stack overflow | recurse"),
    ]) func signatures(mode: String, signature: String) throws {
        let record = try OwnCores.analyze(try #require(OwnCores.core("game", mode)), try OwnCores.store("game"))
        #expect(record.signature == signature)
    }

    @Test func twoBuildsOfOneBugShareASignature() throws {
        let first = try OwnCores.analyze(try #require(OwnCores.core("game", "null")), try OwnCores.store("game"))
        let second = try OwnCores.analyze(try #require(OwnCores.core("gamefp", "null")), try OwnCores.store("gamefp"))
        #expect(first.signature == second.signature)
        #expect(first.frames.first?.buildID != second.frames.first?.buildID)
    }

    /// With code pages in the core (filter 0x37) and no file at all.
    @Test func coreAloneWithCodePages() throws {
        let core = try #require(OwnCores.core("game", "null", filter: "0x37"))
        let truth = try OwnCores.analyze(core, try OwnCores.store("game"))
        let record = try OwnCores.analyze(core, nil)
        let wanted = truth.threads.flatMap { $0.frames }.filter { $0.trust != .inline }.compactMap(\.address)
        let ours = Set(record.threads.flatMap { $0.frames }.compactMap(\.address))
        #expect(wanted.filter { ours.contains($0) }.count * 100 >= wanted.count * 90)
        #expect(record.frames.dropFirst().prefix(5).allSatisfy { $0.trust == .cfi })
        #expect(record.frames.contains { $0.module?.hasPrefix("libc.so") == true })
    }

    @Test func coreAloneIsScanned() throws {
        let core = try #require(OwnCores.core("game", "null"))
        let truth = try OwnCores.analyze(core, try OwnCores.store("game"))
        let record = try OwnCores.analyze(core, nil)
        let ours = Set(record.frames.compactMap(\.address))
        #expect(truth.frames.filter { $0.trust != .inline }.allSatisfy { $0.address.map(ours.contains) ?? false })
        #expect(record.frames.dropFirst().allSatisfy { $0.trust == .scan })
        #expect(record.signatureQuality == .offset)
    }

    @Test func framePointersAreFollowedWithoutTables() throws {
        let core = try #require(OwnCores.core("gamefp", "null"))
        let record = try OwnCores.analyze(core, nil)
        #expect(record.frames.dropFirst().prefix(6).contains { $0.trust == .framePointer })
    }

    @Test func truncationAnywhereIsSurvived() throws {
        let core = try #require(OwnCores.core("game", "throw"))
        let source = try FileByteSource(path: core)
        let store = try OwnCores.store("game")
        for step in 0..<60 {
            let length = step < 30 ? UInt64(step * 331) : source.size * UInt64(step) / 60
            let cut = SliceByteSource(source, start: 0, size: length)
            let records = CrashAnalyzer(symbols: store).analyze(source: cut, name: "core")
            if length > 65536 {
                #expect(records.first?.signal == "SIGABRT")
                #expect(records.first?.threads.first?.registers["rip"] != nil)
                #expect(records.first?.notes.contains { $0.hasPrefix("truncated") } == true)
            }
        }
    }

    /// A pipe under every path that the core names would hang a reader that opens one.
    @Test func noPathOfTheDumpIsOpened() throws {
        let core = try #require(OwnCores.core("stripped", "null"))
        OwnCores.run("mv stripped stripped.kept && mkfifo stripped")
        defer { OwnCores.run("rm stripped && mv stripped.kept stripped") }
        let record = try OwnCores.analyze(core, SymbolStore(root: OwnCores.folder + "/empty"))
        #expect(record.executable?.hasSuffix("/stripped") == true)
        #expect(record.frames.count > 1)
    }

    @Test func summaryReadsLittle() throws {
        let core = try #require(OwnCores.core("game", "null"))
        let counting = CountingSource(try FileByteSource(path: core))
        let record = try #require(CrashAnalyzer().analyze(source: counting, name: "core").first)
        #expect(record.frames.count > 1)
        #expect(counting.bytesRead < 2 << 20)
    }

    @Test func symbolsThatComeLaterNameTheFrames() throws {
        let core = try #require(OwnCores.core("game", "null", filter: "0x37"))
        var record = try OwnCores.analyze(core, nil)
        #expect(record.signatureQuality == .offset || record.signature != "Entity::damage")
        let analyzer = CrashAnalyzer(symbols: try OwnCores.store("game"))
        #expect(analyzer.resymbolicate(&record))
        #expect(record.signatureQuality == .symbol)
        #expect(record.frames.first?.function?.hasPrefix("apply") == true)
        #expect(record.frames.dropFirst().first?.function == "Entity::damage(int)")
        #expect(record.frames.dropFirst().first?.line != nil)
        #expect(!analyzer.resymbolicate(&record))
    }

    @Test func overflownStackIsScannedWithoutTables() throws {
        let record = try OwnCores.analyze(try #require(OwnCores.core("stripped", "recurse")), nil)
        #expect(record.frames.count > 64)
        #expect(record.message == "stack overflow")
    }

    @Test func storeKeepsListsAndMisses() throws {
        let store = try OwnCores.store("game")
        let entries = try store.list()
        #expect(entries.contains { $0.kind == .executable } && entries.contains { $0.kind == .debug })
        let again = try store.add(path: OwnCores.folder + "/game")
        #expect(again.added.isEmpty && again.known == 1)
        let record = try OwnCores.analyze(try #require(OwnCores.core("stripped", "null")), nil)
        let empty = SymbolStore(root: OwnCores.folder + "/none")
        var missing = MissingSymbols(empty)
        let unnamed = record.frames.filter { $0.function == nil && $0.buildID != nil }
        let waiting = Dictionary(unnamed.map { ($0.buildID ?? "", $0.module ?? "") }) { first, _ in first }
        for _ in 0..<2 { missing.add(waiting, build: "game:1") }
        #expect(missing.entries.first { $0.module == "stripped" }?.crashes == 2)
        #expect(missing.entries.first?.builds == ["game:1"])
        var none = MissingSymbols(try OwnCores.store("stripped"))
        none.add(waiting, build: "")
        #expect(none.entries.isEmpty)
        #expect(store.path(buildID: "../../etc", kind: .executable) == nil)
        #expect(store.breakpadPath(debugFile: "..", debugID: "0123456789") == nil)
    }
}
