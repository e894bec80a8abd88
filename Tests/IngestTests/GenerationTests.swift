import BlockIndex
import Files
import Glibc
import Ingest
import Model
import Pack
import PackHome
import Testing

/// Packs whose path is never used again: each ingest makes a generation of its own, and removes none.
@Suite(.serialized) struct GenerationTests {
    private let stage: Stage
    private let home: FreshPathsHome
    private let day = "packs/2026/11/20/"
    private let created: Int64 = 1_795_132_800_000

    init() throws {
        stage = try Stage()
        try Folders.make(stage.store)
        home = FreshPathsHome(store: stage.store)
        for name in ["a", "b", "c"] {
            try Replacement.write(Array("\(name) line\n".utf8), to: stage.folder + "/\(name).log")
        }
    }

    private func pack(
        _ name: String, session: String = "s", earlier: String?, epoch: UInt64
    ) throws -> PackedSession {
        let ingest = StoreIngest(
            store: stage.store, home: home, process: IngestProcess(executable: ConfinementProbeTests.salvage))
        let input = IngestJob.Input(artifact: 0, form: .file, name: Array("\(name).log".utf8))
        var facts = SessionMetadata(session: session)
        facts.created = created
        return try ingest.pack(
            session: facts, artifacts: [ArtifactEntry(artifact: "/" + name)],
            files: [IngestFile(path: stage.folder + "/\(name).log", input: input)], earlier: earlier, epoch: epoch)
    }

    private func names(_ reader: PackReader) -> Set<String> {
        Set(reader.members.map { String(decoding: $0.path, as: UTF8.self) })
    }

    @Test func eachIngestMakesAGenerationAndNamesThoseItSupersedes() throws {
        let first = try pack("a", earlier: nil, epoch: 1)
        #expect(first.superseded.isEmpty)
        let place = try #require(PackPath.generation(of: first.pack))
        #expect(place.path == day + "s.pack" && place.epoch == 1)
        let second = try pack("b", earlier: first.pack, epoch: 2)
        #expect(second.superseded == [first.pack] && second.pack != first.pack)
        #expect(PackPath.generation(of: second.pack)?.epoch == 2)
        #expect(names(second.reader) == ["a.log", "b.log"])
        #expect(try names(home.reader(for: second.pack)) == ["a.log", "b.log"])
        #expect(try names(home.reader(for: first.pack)) == ["a.log"], "others read it until the commit and after it")
        // Neither the catalog nor the epoch tells which generations exist: one whose commit was refused counts too.
        let third = try pack("c", earlier: first.pack, epoch: 2)
        #expect(Set(third.superseded) == [first.pack, second.pack] && third.superseded.first == first.pack)
        #expect(names(third.reader) == ["a.log", "b.log", "c.log"])
        let fourth = try pack("c", earlier: nil, epoch: 3)
        #expect(Set(fourth.superseded) == [first.pack, second.pack, third.pack])
        #expect(names(fourth.reader).isSuperset(of: ["a.log", "b.log", "c.log"]))
        #expect(home.list().packs.count == 4)
    }

    @Test func theRecordOfFiltersIsHandedOverAndNotWrittenToThisMachine() throws {
        let first = try pack("a", earlier: nil, epoch: 1)
        let record = try #require(first.filters)
        let segment = FilterSegment.encode([record])
        #expect(segment.packs == 1 && segment.blocks == first.reader.blocks.count, "it is a sound record")
        #expect(access(stage.store + "/filters", F_OK) != 0 && errno == ENOENT)
    }

    @Test func generationsOfSimilarIdsAreNotMixed() throws {
        let other = try pack("a", session: "s.1.deadbeef", earlier: nil, epoch: 1)
        let own = try pack("b", session: "s", earlier: nil, epoch: 1)
        #expect(own.superseded.isEmpty && names(own.reader) == ["b.log"])
        let next = try pack("c", session: "s.1.deadbeef", earlier: other.pack, epoch: 2)
        #expect(next.superseded == [other.pack] && names(next.reader) == ["a.log", "c.log"])
    }

    @Test func aGenerationOnAnotherDayIsKnownFromTheCatalog() throws {
        let first = try pack("a", earlier: nil, epoch: 1)
        let moved = "packs/2026/11/19/s.1.00000001.pack"
        try home.folder.prepare(moved)
        try #require(rename(stage.store + "/" + first.pack, stage.store + "/" + moved) == 0)
        let second = try pack("b", earlier: moved, epoch: 2)
        #expect(second.superseded == [moved] && names(second.reader) == ["a.log", "b.log"])
        // One that is gone is neither merged nor garbage.
        let third = try pack("c", earlier: day + "s.9.00000009.pack", epoch: 3)
        #expect(third.superseded == [second.pack])
    }

    @Test func whatCannotBeListedMayHoldAGeneration() throws {
        let first = try pack("a", earlier: nil, epoch: 1)
        home.refusesLists = true
        let error = #expect(throws: IngestError.self) { try pack("b", earlier: first.pack, epoch: 2) }
        #expect(error?.code == .localFault)
        home.refusesLists = false
        #expect(home.list().packs.map(\.path) == [first.pack])
    }

    @Test func aDamagedGenerationIsCopiedAsideAndStaysUntilTheCommit() throws {
        let first = try pack("a", earlier: nil, epoch: 1)
        let file = try OpenFile(stage.store + "/" + first.pack, O_WRONLY)
        try file.truncate(to: file.size - 1)
        let second = try pack("b", earlier: first.pack, epoch: 2)
        #expect(second.superseded == [first.pack] && !second.earlierDamage.isEmpty)
        #expect(names(second.reader) == ["b.log"])
        let listing = home.list()
        #expect(Set(listing.packs.map(\.path)) == [first.pack, second.pack])
        #expect(listing.aside.map(\.path) == [first.pack + ".damaged-1"])
    }
}

/// A folder in which a path is never used again, as in a bucket.
private final class FreshPathsHome: PackHome, @unchecked Sendable {
    let folder: FolderPackHome
    let reusesPaths = false
    // Set between calls only.
    var refusesLists = false
    var location: String { folder.location }

    init(store: String) { folder = FolderPackHome(store: store) }

    func list() -> PackListing { folder.list() }

    func presence(of path: String) -> PackPresence { folder.presence(of: path) }

    func paths(of session: String, from first: String?) throws(PackError) -> [String] {
        if refusesLists { throw PackError(.io, "the bucket does not answer") }
        let day = first.map { Folders.split($0).folder }
        return folder.list().packs.map(\.path).filter {
            PackPath.isPlace($0, of: session) && (day == nil || Folders.split($0).folder == day)
        }
    }

    func bytes(of path: String) throws(PackError) -> PackBytes { try folder.bytes(of: path) }

    func localCopy(of path: String) throws(PackError) -> LocalPack { try folder.localCopy(of: path) }

    func prepare(_ path: String) throws(PackError) { try folder.prepare(path) }

    func publish(_ file: String, as path: String) throws(PackError) {
        guard presence(of: path) == .absent else {
            throw PackError(.io, "the path is taken", path: path, errno: EEXIST)
        }
        try folder.publish(file, as: path)
    }

    func remove(_ path: String, ifStill identity: PackIdentity?) throws(PackError) -> PackRemoval {
        try folder.remove(path, ifStill: identity)
    }

    func setAside(_ pack: LocalPack, at path: String, keepsPath: Bool) throws(PackError) -> String {
        try folder.setAside(pack, at: path, keepsPath: keepsPath)
    }

    func removeUnfinished(writtenIn folder: OpenFolder) { self.folder.removeUnfinished(writtenIn: folder) }
}
