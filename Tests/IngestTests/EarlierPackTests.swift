import Foundation
import Glibc
import Ingest
import Model
import Pack
import PackHome
import Testing
import Text

/// A session's earlier pack survives every fault that occurs when more of the session arrives.
@Suite(.serialized) struct EarlierPackTests {
    private let stage: Stage
    private let old = (0..<20).map { "old line \($0) of the log\n" }.joined()

    init() throws {
        stage = try Stage()
        try FileManager.default.createDirectory(atPath: stage.store, withIntermediateDirectories: true)
        try write("old.log", old)
        try write("new.log", "new line\n")
    }

    private func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: stage.folder + "/" + name))
    }

    /// Packs one plain file as the artifact `/<name>`.
    private func pack(
        _ name: String, session: SessionMetadata = SessionMetadata(session: "s"), earlier: String? = nil,
        executable: String = ConfinementProbeTests.salvage
    ) throws -> PackedSession {
        let ingest = StoreIngest(store: stage.store, home: stage.home, process: IngestProcess(executable: executable))
        let input = IngestJob.Input(artifact: 0, form: .file, name: Array(name.utf8))
        return try ingest.pack(
            session: session, artifacts: [ArtifactEntry(artifact: "/" + name)],
            files: [IngestFile(path: stage.folder + "/" + name, input: input)], earlier: earlier)
    }

    private func names(_ reader: PackReader) -> Set<String> {
        Set(reader.members.map { String(decoding: $0.path, as: UTF8.self) })
    }

    private func text(_ name: String, in reader: PackReader) throws -> String? {
        guard let index = reader.members(path: Array(name.utf8)).last else { return nil }
        let content = try reader.content(ofMember: index)
        var bytes = [UInt8](repeating: 0, count: Int(content.size))
        let count = try bytes.withUnsafeMutableBytes { try content.read(at: 0, into: $0) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// The files beside a pack that were set aside.
    private func aside(_ pack: String) throws -> [String] {
        let folder = URL(fileURLWithPath: stage.store + "/" + pack).deletingLastPathComponent().path
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains(".pack.damaged-") }
            .map { folder + "/" + $0 }
    }

    @Test func whateverBitOfAnEarlierPackFlipsItsMembersAreThereOrTheFileLiesAside() throws {
        let packed = try pack("old.log")
        let path = stage.store + "/" + packed.pack
        let sound = try Data(contentsOf: URL(fileURLWithPath: path))
        var kept = 0
        var setAside = 0
        var visible = 0
        for place in stride(from: 0, to: sound.count, by: 3) {
            for file in try aside(packed.pack) { try FileManager.default.removeItem(atPath: file) }
            var bytes = sound
            bytes[place] ^= 1 << UInt8(place % 8)
            try bytes.write(to: URL(fileURLWithPath: path))
            let second = try pack("new.log", earlier: packed.pack)
            try #require(second.pack == packed.pack)
            #expect(try text("new.log", in: second.reader) == "new line\n", "byte \(place)")
            let lies = try aside(packed.pack).filter { try Data(contentsOf: URL(fileURLWithPath: $0)) == bytes }
            if !lies.isEmpty {
                setAside += 1
                #expect(stage.home.list().aside.count == 1)
                #expect(!second.earlierDamage.isEmpty, "byte \(place)")
                #expect(PackReader.verify(path: path).isSound, "byte \(place)")
            } else if (try? text("old.log", in: second.reader)) == old {
                kept += 1
            } else {
                // The damaged frame was copied unchanged: verify names the member, and the ledger does not call it whole.
                visible += 1
                let report = PackReader.verify(path: path)
                #expect(!report.damagedMembers.isEmpty, "byte \(place) is lost")
                let row = try #require(second.artifacts.first { $0.artifact == "/old.log" })
                #expect(row.state != .collected && row.flags.contains(EarlierDamage.flag))
                #expect(!second.earlierDamage.isEmpty, "byte \(place)")
            }
        }
        #expect(setAside > 15 && visible > 5, "\(kept) kept, \(setAside) set aside, \(visible) visible")
    }

    @Test func aPackThatTheCatalogDoesNotKnowIsTheEarlierOne() throws {
        let facts = SessionMetadata(
            session: "s", image: "game", tag: "1.2", labels: ["a": "b"], created: 1_795_132_800_000, source: "harvest")
        let first = try pack("old.log", session: facts)
        // The catalog is lost, and the day with it: only the name is known.
        let second = try pack("new.log", session: SessionMetadata(session: "s", firstSeenExited: 1_800_000_000_000))
        #expect(second.pack == first.pack)
        #expect(names(second.reader) == ["old.log", "new.log"])
        let known = try second.reader.session()
        #expect(known.image == "game" && known.tag == "1.2" && known.created == facts.created)
        #expect(known.labels == ["a": "b"] && known.source == "harvest")
        #expect(stage.home.list().packs.count == 1)
    }

    @Test func twoEarlierPacksBecomeOne() throws {
        let day = SessionMetadata(session: "s", created: 1_795_132_800_000)
        let first = try pack("old.log", session: day)
        let moved = stage.store + "/packs/2026/11/25/s.pack"
        try FileManager.default.createDirectory(
            atPath: stage.store + "/packs/2026/11/25", withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: stage.store + "/" + first.pack, toPath: moved)
        try write("other.log", "other\n")
        _ = try pack("other.log", session: SessionMetadata(session: "x", created: 1_795_132_800_000))
        try FileManager.default.moveItem(
            atPath: stage.store + "/" + first.pack.dropLast("s.pack".count) + "x.pack",
            toPath: stage.folder + "/x.pack")
        // The catalog names one; the other is in the folder of its creation day.
        let second = try pack("new.log", session: day, earlier: nil)
        #expect(second.pack == "packs/2026/11/25/s.pack")
        try FileManager.default.copyItem(atPath: moved, toPath: stage.store + "/" + first.pack)
        try write("third.log", "third\n")
        let third = try pack("third.log", session: day, earlier: "packs/2026/11/25/s.pack")
        #expect(names(third.reader) == ["old.log", "new.log", "third.log"])
        #expect(third.pack == "packs/2026/11/25/s.pack")
        #expect(stage.home.list().packs.map(\.path) == [third.pack])
    }

    /// Without the old catalog nothing says that the id named another container before.
    @Test func anotherRunOfAForgottenIdCostsTheFirstNothing() throws {
        func run(_ created: Int64) -> SessionMetadata {
            SessionMetadata(session: "s", created: created, firstSeenExited: created + 60_000, source: "harvest")
        }
        _ = try pack("old.log", session: run(1_795_132_800_000))
        // The same container with a time in whole seconds; then one of a week later, with a longer log of the same name.
        let same = try pack("old.log", session: run(1_795_132_801_000))
        #expect(same.artifacts.map(\.artifact) == ["/old.log"] && same.members == 1)
        try write("old.log", old + "more\n")
        for _ in 0..<2 {
            let other = try pack("old.log", session: run(1_795_737_600_000))
            #expect(other.pack == same.pack && stage.home.list().packs.count == 1)
            #expect(other.artifacts.map(\.artifact) == ["/old.log", "/old.log@1795132801000"])
            let texts = try other.reader.members.indices.map { index in
                let content = try other.reader.content(ofMember: index)
                var bytes = [UInt8](repeating: 0, count: Int(content.size))
                let count = try bytes.withUnsafeMutableBytes { try content.read(at: 0, into: $0) }
                return String(decoding: bytes.prefix(count), as: UTF8.self)
            }
            #expect(Set(texts) == [old, old + "more\n"])
            #expect(try other.reader.session().firstSeenExited == 1_795_737_660_000)
        }
    }

    @Test func whatOnlyTheFirstRunOfAForgottenIdHasStays() throws {
        func run(_ created: Int64) -> SessionMetadata {
            SessionMetadata(session: "s", created: created, firstSeenExited: created + 60_000, source: "harvest")
        }
        _ = try pack("old.log", session: run(1_795_132_800_000))
        try write("core", "core of the second\n")
        let second = try pack("core", session: run(1_795_737_600_000))
        #expect(Set(second.artifacts.map(\.artifact)) == ["/core", "/old.log@1795132800000"])
        #expect(Set(names(second.reader)) == ["core", "old.log"])
    }

    @Test func anotherSessionsPackIsNeverReplaced() throws {
        let created: Int64 = 1_795_132_800_000
        let first = try pack("old.log", session: SessionMetadata(session: "other", created: created))
        let place = stage.store + "/" + first.pack.dropLast("other.pack".count) + "s.pack"
        try FileManager.default.moveItem(atPath: stage.store + "/" + first.pack, toPath: place)
        let before = try Data(contentsOf: URL(fileURLWithPath: place))
        let second = try pack("new.log", session: SessionMetadata(session: "s", created: created))
        #expect(second.pack.hasSuffix("/s~1.pack"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: place)) == before)
        // It is found there again, with and without the catalog.
        try write("third.log", "third\n")
        let third = try pack(
            "third.log", session: SessionMetadata(session: "s", created: created), earlier: second.pack)
        #expect(third.pack == second.pack && names(third.reader) == ["new.log", "third.log"])
        let fourth = try pack("new.log", session: SessionMetadata(session: "s", created: created))
        #expect(fourth.pack == second.pack && names(fourth.reader) == ["new.log", "third.log"])
        #expect(try Data(contentsOf: URL(fileURLWithPath: place)) == before)
    }

    @Test func whatCannotBeOpenedNowStopsTheIngest() throws {
        let first = try pack("old.log")
        let path = stage.store + "/" + first.pack
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        // Dangling links in place of the pack and of its day: the disk behind them is not mounted.
        try FileManager.default.moveItem(atPath: path, toPath: stage.folder + "/kept.pack")
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/nowhere/s.pack")
        for _ in 0..<2 {
            let error = #expect(throws: IngestError.self) { try pack("new.log", earlier: first.pack) }
            #expect(error?.code == .localFault)
        }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(throws: IngestError.self) { try pack("new.log", earlier: first.pack) }
        try FileManager.default.removeItem(atPath: path)
        #expect(mkfifo(path, 0o600) == 0)
        #expect(throws: IngestError.self) { try pack("new.log", earlier: first.pack) }
        unlink(path)
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(names(try pack("new.log", earlier: first.pack).reader) == ["old.log", "new.log"])
    }

    @Test func aRowOfADamagedCatalogLeadsNowhere() throws {
        try write("victim.pack", "precious")
        let packed = try pack("new.log", earlier: "packs/../../victim.pack")
        #expect(packed.pack.hasSuffix("/s.pack"))
        #expect(FileManager.default.contents(atPath: stage.folder + "/victim.pack") == Data("precious".utf8))
    }

    @Test func aWholeDownloadReplacesWhatItHoldsAndNothingElse() throws {
        func archive(_ members: [(String, String)]) throws {
            let tar = HostileArchive(path: stage.folder + "/a.tar.gz", level: 1)
            for (name, text) in members { tar.file(name, text) }
            tar.end()
            tar.close()
        }
        func ingest(_ earlier: String?) throws -> PackedSession {
            let ingest = StoreIngest(
                store: stage.store, home: stage.home, process: IngestProcess(executable: ConfinementProbeTests.salvage))
            let input = IngestJob.Input(artifact: 0, form: .archive, name: [])
            return try ingest.pack(
                session: SessionMetadata(session: "s"), artifacts: [ArtifactEntry(artifact: "/saved")],
                files: [IngestFile(path: stage.folder + "/a.tar.gz", input: input)], earlier: earlier)
        }
        try archive([("a.log", "one\n"), ("gone.log", "only here\n")])
        let first = try ingest(nil)
        try archive([("a.log", "one\ntwo\n"), ("b.log", "three\n")])
        let second = try ingest(first.pack)
        #expect(second.reader.members.count == 3)
        #expect(try text("a.log", in: second.reader) == "one\ntwo\n")
        #expect(try text("gone.log", in: second.reader) == "only here\n")
        // The same again changes nothing.
        #expect(try ingest(second.pack).reader.members.count == 3)
    }

    @Test func aChildThatWritesAnotherSessionsPackIsNotBelieved() throws {
        let first = try pack("old.log", session: SessionMetadata(session: "other"))
        let script = stage.folder + "/child"
        let answer = #"{"verdicts":[],"earlier":[],"crashes":0,"members":1,"packBytes":%d,"barriers":[],"probes":{}}"#
        let size = try Data(contentsOf: URL(fileURLWithPath: stage.store + "/" + first.pack)).count
        try writeProgram(
            """
            #!/bin/sh
            cat '\(stage.store)/\(first.pack)' >&3
            printf '\(answer)' \(size)
            """, to: script)
        let error = #expect(throws: IngestError.self) { try pack("new.log", executable: script) }
        #expect(error?.code == .foreignPack, "\(String(describing: error))")
        #expect(stage.home.list().packs.map(\.path) == [first.pack])
        #expect(try FileManager.default.contentsOfDirectory(atPath: stage.store + "/spool/.new").isEmpty)
    }

    @Test func aChildThatLeavesOutAnEarlierMemberIsNotBelieved() throws {
        let first = try pack("old.log")
        let alone = stage.folder + "/alone.pack"
        try FileManager.default.copyItem(atPath: stage.store + "/" + first.pack, toPath: alone)
        let second = try pack("new.log", earlier: first.pack)
        #expect(second.reader.members.count == 2)
        let whole = try Data(contentsOf: URL(fileURLWithPath: stage.store + "/" + second.pack))
        let size = try Data(contentsOf: URL(fileURLWithPath: alone)).count
        let answer =
            #"{"verdicts":[],"earlier":[{"problems":[],"isCut":false}],"crashes":0,"members":1,"packBytes":%d,"#
            + #""barriers":[],"probes":{}}"#
        try write("third.log", "third line\n")
        try writeProgram("#!/bin/sh\ncat '\(alone)' >&3\nprintf '\(answer)' \(size)\n", to: stage.folder + "/child")
        let error = #expect(throws: IngestError.self) {
            try pack("third.log", earlier: second.pack, executable: stage.folder + "/child")
        }
        #expect(error?.code == .foreignPack && error?.message.contains("new.log") == true, "\(error as Any)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: stage.store + "/" + second.pack)) == whole)
    }
}
