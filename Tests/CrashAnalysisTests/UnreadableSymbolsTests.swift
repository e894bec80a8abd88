import Foundation
import Glibc
import Model
import Testing

@testable import CrashAnalysis

/// Symbols that exist but cannot be read now are not taken for missing. A link that leads to itself stands for them:
/// not even root can open it.
@Suite struct UnreadableSymbolsTests {
    /// A symbol store, removed when the object is freed.
    private final class Stage {
        let path: String
        var store: SymbolStore { SymbolStore(root: path) }

        init() throws {
            path = NSTemporaryDirectory() + "salvage-unreadable-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path + "/.build-id", withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func loop(at place: String) throws {
            let url = URL(fileURLWithPath: place)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try #require(symlink(url.lastPathComponent, place) == 0)
        }
    }

    @Test func onlyTheSystemsWordMeansThatSymbolsAreMissing() throws {
        let stage = try Stage()
        let absent = try #require(stage.store.path(buildID: "ab12", kind: .executable))
        #expect(try stage.store.source(absent)?.size == nil)
        #expect(try !stage.store.has(buildID: "ab12"))
        #expect(try SymbolStore(root: "/nowhere/at/all").list().isEmpty)

        let path = try #require(stage.store.path(buildID: "abcd", kind: .executable))
        try stage.loop(at: path)
        let error = #expect(throws: CrashError.self) { try stage.store.source(path) }
        #expect(error?.errno == ELOOP && error?.isAbsence == false && error?.path == path)
        #expect(throws: CrashError.self) { try stage.store.has(buildID: "abcd") }
        #expect(try stage.store.list().isEmpty, "a link is not listed")

        try stage.loop(at: stage.path + "/.build-id/ef")
        #expect(throws: CrashError.self) { try stage.store.list() }
    }

    @Test func whatCannotBeListedHidesNothingElse() throws {
        let stage = try Stage()
        try FileManager.default.createDirectory(atPath: stage.path + "/.build-id/ab", withIntermediateDirectories: true)
        for name in ["/.build-id/ab/cd.debug", "/.build-id/ab/.cd.part", "/aliases.jsonl"] {
            try Data([1]).write(to: URL(fileURLWithPath: stage.path + name))
        }
        try stage.loop(at: stage.path + "/lost+found")
        try stage.loop(at: stage.path + "/.build-id/.x")
        let whole = stage.store.survey()
        #expect(whole.entries.map(\.identity) == ["abcd"] && whole.unread.isEmpty, "\(whole.unread)")
        #expect(try stage.store.list() == whole.entries)

        try stage.loop(at: stage.path + "/.build-id/ef")
        try #require(symlink("/nowhere/at/all", stage.path + "/foreign") == 0)
        let part = stage.store.survey()
        #expect(part.entries == whole.entries)
        #expect(part.unread.compactMap(\.path) == ["/.build-id/ef", "/foreign"].map { stage.path + $0 })
        #expect(throws: CrashError.self) { try stage.store.list() }

        var missing = MissingSymbols(stage.store)
        missing.add(["abcd": "kept", "ef01": "locked", "1234": "none"], build: "game:1")
        #expect(missing.entries.map(\.module) == ["none"])
        #expect(missing.unread.count == 3, "\(missing.unread)")
    }

    @Test func aNameThatIsNotUTF8IsNotAFileThatIsGone() throws {
        let stage = try Stage()
        let tree = stage.path + "/tree"
        try FileManager.default.createDirectory(atPath: tree, withIntermediateDirectories: true)
        let name = (Array(tree.utf8) + [0x2F, 0x61, 0xFF, 0]).map { CChar(bitPattern: $0) }
        let file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        close(file)
        let addition = try stage.store.add(path: tree)
        #expect(addition.unread.count == 1 && addition.added.isEmpty)
        #expect(addition.unread.first?.message.contains("a\u{FFFD} is not UTF-8") == true)
    }

    @Test func aRecordWithNamesOutlivesOneThatLacksThem() {
        func record(_ names: [String?], _ notes: [String] = []) -> CrashRecord {
            var record = CrashRecord(kind: "elf_core")
            for (index, name) in names.enumerated() {
                var frame = CrashFrame(index: index, trust: .cfi)
                frame.function = name
                record.frames.append(frame)
            }
            record.notes = notes
            record.signatureVersion = SignatureAlgorithm.version
            return record
        }
        let unread = "symbols could not be read: Too many open files (/s)"
        let refused = "the symbols were not applied: the reader died"
        var good = record(["weapon", "tick"], ["truncated"])
        func outlives(_ made: CrashRecord) -> Bool { good.outlives(made) }
        #expect(!outlives(record([nil, nil])), "nothing says that symbols are lacking")
        #expect(!outlives(record(["weapon", "tick"], [unread])))
        #expect(good.notes == ["truncated"])
        #expect(outlives(record(["weapon", nil], ["other", unread])))
        #expect(outlives(record([nil, nil], [unread])))
        #expect(good.notes == ["truncated", unread] && good.awaitsSymbols)
        good.notes = []
        #expect(outlives(record([nil, nil], [refused])))
        #expect(good.notes == [refused] && !good.awaitsSymbols, "another try would end in the same")
        // Earlier versions used these words for every reason.
        good.signatureVersion = 5
        #expect(good.awaitsSymbols)
    }

    @Test func aFileOfWhichAPartCannotBeReadSaysSo() throws {
        let stage = try Stage()
        let path = stage.path + "/file"
        try Data([1, 2, 3, 4]).write(to: URL(fileURLWithPath: path))
        // Open, but not for reading.
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let source = try #require(FileByteSource(descriptor: descriptor, path: path))
        #expect(source.failure == nil)
        #expect(source.bytes(at: 0, count: 4).isEmpty)
        #expect(source.failure?.errno == EBADF && source.failure?.path == path)
        let whole = try FileByteSource(path: path)
        #expect(whole.bytes(at: 0, count: 4) == [1, 2, 3, 4] && whole.failure == nil)
        #expect(whole.bytes(at: 4, count: 4).isEmpty && whole.failure == nil, "the end is no failure")
    }

    @Test(.enabled(if: OwnCores.possible, "no compiler, or core dumps go elsewhere on this machine"))
    func aCrashWhoseSymbolsCannotBeReadSaysSo() throws {
        let core = try #require(OwnCores.core("game", "null", filter: "0x37"))
        let plain = try OwnCores.analyze(core, nil)
        #expect(!plain.awaitsSymbols)
        let identity = try #require(plain.modules.first { $0.name == "game" }?.buildID)
        let stage = try Stage()
        var paths: [String] = []
        for kind in [SymbolStore.Entry.Kind.executable, .debug] {
            let path = try #require(stage.store.path(buildID: identity, kind: kind))
            try stage.loop(at: path)
            paths.append(path)
        }
        #expect(stage.store.files(for: plain) == paths)

        let record = try OwnCores.analyze(core, stage.store)
        #expect(record.awaitsSymbols)
        for path in paths {
            let note = "symbols could not be read: Too many levels of symbolic links (\(path))"
            #expect(record.notes.filter { $0 == note }.count == 1, "\(record.notes)")
        }
        #expect(record.modules.first { $0.name == "game" }?.symbols == .unreadable)
        // What the dump alone tells is kept.
        #expect(record.signature == plain.signature && record.signatureQuality == plain.signatureQuality)
        #expect(record.frames.count == plain.frames.count)

        var named = plain
        #expect(CrashAnalyzer(symbols: stage.store).resymbolicate(&named))
        #expect(named.awaitsSymbols && named.signature == plain.signature)

        // A confined process is told why it did not get a file.
        let held = SymbolStore(root: stage.path, held: [:], unread: [paths[0]: "Too many open files"])
        let confined = try OwnCores.analyze(core, held)
        #expect(confined.notes.contains("symbols could not be read: Too many open files (\(paths[0]))"))
        #expect(confined.modules.first { $0.name == "game" }?.symbols == .unreadable)

        // Once they can be read, nothing of that is left.
        for path in paths { unlink(path) }
        _ = try stage.store.add(path: OwnCores.folder + "/game")
        let mended = try OwnCores.analyze(core, stage.store)
        #expect(!mended.awaitsSymbols && mended.signatureQuality == .symbol)
        #expect(mended.modules.first { $0.name == "game" }?.symbols == .found)
    }

    @Test(.enabled(if: OwnCores.possible, "no compiler, or core dumps go elsewhere on this machine"))
    func compressedProgramsAreUnpackedInMemory() throws {
        let program = [UInt8](try Data(contentsOf: URL(fileURLWithPath: OwnCores.folder + "/game")))
        for tool in ["xz", "gzip", "bzip2"] {
            guard !OwnCores.run("command -v \(tool)").isEmpty else { continue }
            let file = OwnCores.folder + "/game.packed-by-\(tool)"
            OwnCores.run("\(tool) -c game > \(file); \(tool) -c game.cc > \(file).source")
            let packed = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
            #expect(CompressedELF.unpack(packed) == program, "\(tool)")
            #expect(CompressedELF.unpack(Array(packed.dropLast(packed.count / 3))) == nil, "\(tool): cut off")
            let source = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file + ".source")))
            #expect(CompressedELF.unpack(source) == nil, "\(tool): not a program")
        }
        if !OwnCores.run("command -v xz").isEmpty {
            // Its window has 64 MiB.
            let file = OwnCores.folder + "/game.packed-large"
            OwnCores.run("xz -9 -c game > \(file)")
            let packed = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
            var reasons: [String] = []
            let plain = CompressedELF.unpack(packed) { reasons.append($0) }
            #expect(plain == nil && reasons == ["needs a window of more than 32 MiB to be unpacked"])
        }
        #expect(CompressedELF.unpack(program) == nil, "not compressed")
        #expect(CompressedELF.unpack([]) == nil)
    }
}
