import Catalog
import CrashAnalysis
import Files
import Foundation
import Ingest
import Model
import Pack
import Testing
import Text

@testable import Store

@Suite struct UpkeepTests {
    private func verify(_ store: Store) throws -> (StoreVerification, [StoreProblem]) {
        var problems: [StoreProblem] = []
        let result = try store.verify(quick: false, progress: { _ in }, found: { problems.append($0) })
        return (result, problems)
    }

    @Test func aGoodStoreHasNoProblems() throws {
        let stage = try RealStore()
        try stage.add("a", [.init("a.log", "x\n")])
        try stage.add("b", [.init("b.log", "y\n")])
        let (result, problems) = try verify(try stage.open())
        #expect(result.packs == 2 && result.problems == 0 && problems.isEmpty)
    }

    @Test func missingDamagedAndUnknownPacksAreProblems() throws {
        let stage = try RealStore()
        let gone = try stage.add("gone", [.init("a.log", "x\n")])
        let damaged = try stage.add("damaged", [.init("b.log", String(repeating: "y\n", count: 1000))])
        let unknown = try stage.add("unknown", [.init("c.log", "z\n")])
        try FileManager.default.removeItem(atPath: stage.path + "/" + gone)
        let file = try #require(FileHandle(forUpdatingAtPath: stage.path + "/" + damaged))
        try file.seek(toOffset: 12)
        try file.write(contentsOf: Data([0xFF, 0xFF, 0xFF]))
        try file.close()
        _ = try stage.catalog().remove(sessions: ["unknown"])
        let (result, problems) = try verify(try stage.open())
        #expect(result.problems == problems.count)
        func problem(_ path: String) -> StoreProblem? { problems.first { $0.file == path } }
        #expect(problem(gone)?.verdict == .missing)
        #expect(problem(gone)?.session == "gone")
        #expect(problem(damaged)?.verdict == .corrupt)
        #expect(problem(damaged)?.judgement?.isSound == false)
        #expect(problem(unknown)?.verdict == .unknown)
    }

    @Test func aProblemThatThrowsEndsTheCheck() throws {
        struct Enough: Error {}
        let stage = try RealStore()
        for name in ["a", "b"] {
            let pack = try stage.add(name, [.init("a.log", "x\n")])
            try FileManager.default.removeItem(atPath: stage.path + "/" + pack)
        }
        var count = 0
        #expect(throws: Enough.self) {
            try stage.open().verify(
                quick: true, progress: { _ in },
                found: { _ in
                    count += 1
                    throw Enough()
                })
        }
        #expect(count == 1)
    }

    @Test func pinnedSessionsAreListedAndKept() throws {
        let stage = try RealStore()
        let packs = try ["a", "b", "c"].map { try stage.add($0, [.init("x.log", $0)]) }
        let store = try Store(stage.path, readOnly: false)
        var done: [String] = []
        try store.setPinned(["b"], true) { done.append($0) }
        #expect(done == ["b"])
        func pinned() throws -> [String] {
            var names: [String] = []
            try store.forEachPinnedSession { names.append($0.session) }
            return names
        }
        #expect(try pinned() == ["b"])
        #expect(throws: CatalogError.self) { try store.setPinned(["a", "nobody"], true) { _ in } }
        #expect(try pinned() == ["b"], "nothing changes if one does not exist")
        func prune(dryRun: Bool) throws -> (PruneSummary, [String]) {
            var removed: [String] = []
            let plan = PrunePlan(sessions: try store.sessions(), rules: RetentionRules(olderThan: 0))
            let summary = try store.prune(
                [plan], history: .max / 4, of: nil, dryRun: dryRun, now: RealStore.hour(20), progress: { _ in },
                event: { event in
                    if case .removed(let removal, _) = event { removed.append(removal.session) }
                })
            return (summary, removed.sorted())
        }
        let dry = try prune(dryRun: true)
        #expect(dry.1 == ["a", "c"] && dry.0.packs == 2 && dry.0.pinned == 1)
        #expect(packs.allSatisfy { FileManager.default.fileExists(atPath: stage.path + "/" + $0) })
        let real = try prune(dryRun: false)
        #expect(real.0 == dry.0)
        #expect(packs.map { FileManager.default.fileExists(atPath: stage.path + "/" + $0) } == [false, true, false])
        #expect(try store.session(named: "a").isPruned)
        try store.setPinned(["b"], false) { _ in }
        #expect(try pinned().isEmpty)
    }

    /// The disk of the pins may not be mounted: their sessions must not be pruned.
    @Test func pinsThatCannotBeReadAreNotNone() throws {
        let stage = try RealStore()
        let pack = try stage.add("a", [.init("x.log", "x")])
        let store = try Store(stage.path, readOnly: false)
        let plan = PrunePlan(sessions: try store.sessions(), rules: RetentionRules(olderThan: 0))
        for target in ["/nowhere/pins", "pins"] {
            try FileManager.default.createSymbolicLink(
                atPath: stage.path + "/pins", withDestinationPath: target)
            #expect(throws: FileFailure.self, "\(target)") { try store.forEachPinnedSession { _ in } }
            #expect(throws: FileFailure.self, "\(target)") {
                try store.prune(
                    [plan], history: .max / 4, of: nil, dryRun: false, now: RealStore.hour(20), progress: { _ in },
                    event: { _ in })
            }
            #expect(FileManager.default.fileExists(atPath: stage.path + "/" + pack))
            try FileManager.default.removeItem(atPath: stage.path + "/pins")
        }
    }

    @Test func aReadOnlyStoreIsNotPruned() throws {
        let stage = try RealStore()
        let pack = try stage.add("a", [.init("x.log", "x")])
        let store = try stage.open()
        let plan = PrunePlan(sessions: try store.sessions(), rules: RetentionRules(olderThan: 0))
        #expect(throws: CatalogError.self) {
            try store.prune(
                [plan], history: .max / 4, of: nil, dryRun: false, now: RealStore.hour(20), progress: { _ in },
                event: { _ in })
        }
        #expect(FileManager.default.fileExists(atPath: stage.path + "/" + pack))
    }

    @Test func reindexBringsALostCatalogBack() throws {
        let stage = try RealStore()
        try stage.add("a", [.init("a.log", "x\n")], crashes: [RealStore.crash("A", id: "c-1")])
        for name in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: stage.path + "/" + Catalog.fileName + name)
        }
        let store = try stage.open()
        let report = try store.reindex(rules: SignatureRules(), allowMissing: [], progress: { _ in })
        #expect(report.indexed == 1 && report.isWhole)
        #expect(try store.session(named: "a").crashes == 1)
    }

    @Test func anExportHasTheMembersAndTheirMetadata() throws {
        let stage = try RealStore()
        try stage.add(
            "s", [.init("a/one.log", "1\n"), .init("../two.log", "2\n"), .init("three.txt", kind: .text, "3")])
        let folder = stage.path + "/out"
        var logs = BundleOptions()
        logs.globs = [MemberGlob(MemberPath("*.log"))]
        let report = try stage.open().export("s", to: folder, logs, progress: { _ in })
        #expect(report.files == 2 && report.damaged.isEmpty && report.leftOut == 0)
        #expect(try String(contentsOfFile: folder + "/a/one.log", encoding: .utf8) == "1\n")
        #expect(try String(contentsOfFile: folder + "/%2E%2E/two.log", encoding: .utf8) == "2\n")
        #expect(FileManager.default.fileExists(atPath: folder + "/salvage-metadata.json"))
        #expect(!FileManager.default.fileExists(atPath: folder + "/three.txt"))
        let again = try #require(throws: StoreError.self) {
            try stage.open().export("s", to: folder, progress: { _ in })
        }
        #expect(again.code == .notEmpty)
        let nothing = try #require(throws: StoreError.self) {
            var dumps = BundleOptions()
            dumps.globs = [MemberGlob(MemberPath("*.dmp"))]
            _ = try stage.open().export("s", to: folder + "2", dumps) { _ in }
        }
        #expect(nothing.code == .nothingMatches && nothing.kind == .notFound)
    }

    @Test func aBackupIsVerifiedAndRestored() throws {
        let stage = try RealStore()
        try stage.add("s", [.init("a.log", "x\n")])
        let outside = try RealStore()
        let folder = outside.path + "/backups"
        let report = try stage.open().backUp(to: folder, keep: nil, full: false, now: RealStore.hour(20)) { _ in }
        #expect(report.backup.gaps.isEmpty && report.notes.isEmpty && report.removed.isEmpty)
        let checked = try Store.verifyBackup(in: folder) { _ in }
        #expect(checked.damaged.isEmpty && checked.backup.files == report.backup.files)
        let inside = try #require(throws: StoreError.self) {
            try stage.open().backUp(to: stage.path + "/b", keep: nil, full: false, now: 0) { _ in }
        }
        #expect(inside.kind == .invalid)
        let copy = try Store(outside.path + "/copy", readOnly: false)
        let restored = try copy.restore(from: folder, dryRun: false, progress: { _ in }, notice: { _ in })
        #expect(restored.damaged.isEmpty)
        #expect(try copy.session(named: "s").members == 1)
        let full = try #require(throws: StoreError.self) {
            try copy.restore(from: folder, dryRun: false, progress: { _ in }, notice: { _ in })
        }
        #expect(full.code == .storeNotEmpty)
    }
}
