import Files
import Foundation
import Glibc
import Ingest
import Model
import Pack
import Testing

@testable import Harvest

/// The spool at the start of a run: no file with content may be lost.
@Suite struct SpoolSurveyTests {
    private let store = TemporaryStore()
    private var spool: Spool { Spool(store: store.path) }

    private func write(_ path: String, _ text: String) throws {
        let full = store.path + "/spool/" + path
        let folder = URL(fileURLWithPath: full).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: full))
    }

    private func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: store.path + "/spool/" + path).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func aLostOrDamagedManifestCostsNothing() throws {
        try Folders.make(spool.folder)
        for (number, manifest) in [nil, "", "{\"facts\":", "[]", String(repeating: "x", count: 5 << 20)].enumerated() {
            let key = "s-\(number)/é"
            let name = PackPath.escaped(key)
            try write("\(name)/logs.1.complete", "log")
            try write("\(name)/%2Fsaved.2.part", "half")
            if let manifest { try write("\(name)/session.json", manifest) }
            let survey = try spool.leftovers()
            let found = try #require(survey.leftovers.first { $0.manifest.facts.session == key })
            #expect(Set(found.files.map(\.artifact)) == ["logs", "/saved"])
            #expect(found.files.first { $0.artifact == "/saved" }?.complete == false)
            #expect(survey.notes.contains { $0.contains(name) })
        }
    }

    @Test func bytesThatBelongToNobodyAreSetAside() throws {
        try write("backup/precious.tar", "precious")
        let longID = String(repeating: "é", count: 200)
        let hashed = PackPath.escaped(longID)
        try write("\(hashed)/logs.1.complete", "log of a name that cannot be read back")
        try spool.prepare("a", Spool.Manifest(facts: SessionMetadata(session: "a"), artifacts: ["logs"]))
        try write("a/logs.1.complete", "log")
        try write("a/notes.txt", "what is this")
        try write("empty/session.json.part", "")
        try write("b/session.json", "{}")
        let survey = try spool.leftovers()
        #expect(survey.leftovers.map(\.manifest.facts.session) == ["a"])
        #expect(read(".aside/backup/precious.tar") == "precious")
        #expect(read(".aside/\(hashed)/logs.1.complete") == "log of a name that cannot be read back")
        #expect(read(".aside/a/notes.txt") == "what is this")
        #expect(survey.notes.count == 3)
        #expect(Set(TemporaryStore.names(spool.folder)).subtracting([".aside"]) == ["a"])
        // Another folder of the same name does not take the first one's place.
        try write("backup/precious.tar", "second")
        _ = try spool.leftovers()
        #expect(read(".aside/backup/precious.tar") == "precious" && read(".aside/backup.1/precious.tar") == "second")
    }

    @Test func linksAreNeitherFollowedNorRemoved() throws {
        try Folders.make(spool.folder)
        let victim = store.path + "/victim"
        try FileManager.default.createDirectory(atPath: victim + "/deep", withIntermediateDirectories: true)
        for name in ["precious", "logs.1.complete", "deep/x"] {
            try Data("precious".utf8).write(to: URL(fileURLWithPath: victim + "/" + name))
        }
        let before = try FileManager.default.subpathsOfDirectory(atPath: victim).sorted()
        for link in ["evil", "a"] { symlink(victim, spool.folder + "/" + link) }
        try spool.prepare("b", Spool.Manifest(facts: SessionMetadata(session: "b"), artifacts: ["logs"]))
        symlink(victim, spool.folder + "/b/logs.2.complete")
        symlink(victim + "/precious", spool.folder + "/b/logs.3.complete")
        try Folders.make(store.path + "/live")
        symlink(victim, store.path + "/live/a")
        let survey = try spool.leftovers()
        #expect(survey.leftovers.isEmpty && survey.notes.count { $0.contains("not a folder") } == 2)
        #expect(try spool.liveLeftovers().leftovers.isEmpty)
        for key in ["evil", "a", "b"] { _ = try? spool.drop(key) }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: victim).sorted() == before)
        for name in ["precious", "logs.1.complete", "deep/x"] {
            #expect(FileManager.default.contents(atPath: victim + "/" + name) == Data("precious".utf8))
        }
    }

    @Test func aCutDownloadWhoseNameIsTakenGetsAnother() throws {
        try spool.prepare("a", Spool.Manifest(facts: SessionMetadata(session: "a"), artifacts: ["logs"]))
        try write("a/logs.0.cut", "the whole copy")
        try write("a/logs.0.part", "the who")
        let files = try #require(try spool.leftovers().leftovers.first).files
        #expect(Set(files.map(\.bytes)) == [14, 7] && Set(files.map(\.path)).count == 2)
    }

    @Test func whatADropFindsThatIsInNoPackStays() throws {
        try spool.prepare("a", Spool.Manifest(facts: SessionMetadata(session: "a"), artifacts: ["logs"]))
        try write("a/logs.1.complete", "log")
        try write("a/logs.2.complete", "")
        #expect(try spool.drop("a") == [spool.folder + "/a/logs.1.complete"])
        #expect(read("a/logs.1.complete") == "log")
        #expect(try spool.leftovers().leftovers.first?.files.count == 2)
        // Fetched too early, and fetched once more: meant to go.
        try spool.prepare("a", Spool.Manifest(facts: SessionMetadata(session: "a"), artifacts: ["logs"]))
        try write("a/logs.3.complete", "log")
        #expect(try spool.drop("a", discarding: true).isEmpty)
        #expect(TemporaryStore.names(spool.folder).isEmpty)
    }

    @Test func aFolderThatSomebodyPacksIsLeftAlone() throws {
        try write("a/.ingest.1.0.tar", "a copy that is being read")
        try write("b/.ingest.999999999.0.tar", "a copy that nobody reads")
        let spool = spool
        let open = try OpenFolder(path: spool.folder + "/a")
        #expect(flock(open.descriptor, LOCK_EX | LOCK_NB) == 0)
        #expect(try spool.leftovers().leftovers.isEmpty)
        _ = try spool.drop("a")
        #expect(spool.unread["a"]?.contains("another process") == true)
        #expect(try spool.leftovers(of: "a") == nil)
        #expect(read("a/.ingest.1.0.tar") != nil)
        #expect(read("b/.ingest.999999999.0.tar") == nil)
    }
}
