import Catalog
import Foundation
import Model
import Pack
import Store
import Text

/// A store in a folder of its own, with real packs and a real catalog; removed with the last reference.
final class RealStore {
    let path: String

    /// A member to store.
    struct File {
        var path: [UInt8]
        var artifact: UInt32 = 0
        var kind = MemberKind.log
        var mtime: Int64 = 100
        var linkTarget: [UInt8]?
        /// The format of its times, as numbered by LogTime: 1 for Unreal's.
        var timeFormat: UInt8 = 0
        var content: [UInt8]

        init(
            _ path: String, artifact: UInt32 = 0, kind: MemberKind = .log, mtime: Int64 = 100, _ content: String = ""
        ) {
            self.path = Array(path.utf8)
            self.artifact = artifact
            self.kind = kind
            self.mtime = mtime
            self.content = Array(content.utf8)
        }
    }

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        path = folder.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The store as commands open it.
    func open() throws -> Store { try Store(path) }

    /// The catalog, for writing.
    func catalog() throws -> Catalog { try Catalog.open(store: path) }

    /// Milliseconds of an hour on 2026-11-20, counted from 00:00 UTC.
    static func hour(_ hours: Int) -> Int64 { 1_795_132_800_000 + Int64(hours) * 3_600_000 }

    /// The artifacts of every pack: member artifact 0 is `/data`, 1 is the server's output.
    static let artifacts = [
        ArtifactEntry(artifact: "/data", state: .collected, tries: 1, bytes: 512),
        ArtifactEntry(artifact: "logs", state: .collected, tries: 1, bytes: 64),
    ]

    /// Writes and commits a pack.
    @discardableResult
    func add(
        _ session: String, tag: String? = "1.0", exited: Int64 = hour(12), _ files: [File] = [],
        crashes: [String] = [], artifacts: [ArtifactEntry] = RealStore.artifacts
    ) throws -> String {
        let relative = "packs/2026/11/20/\(PackPath.fileName(session: session))"
        try FileManager.default.createDirectory(
            atPath: path + "/packs/2026/11/20", withIntermediateDirectories: true)
        let descriptor = try PackFile.create(path: path + "/" + relative)
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor, options: PackOptions())
        for file in files {
            var header = MemberHeader(artifact: file.artifact, path: file.path, kind: file.kind, mtime: file.mtime)
            header.linkTarget = file.linkTarget
            header.timeFormat = file.timeFormat
            try writer.beginMember(header)
            _ = try file.content.withUnsafeBytes { try writer.append($0) }
            _ = try writer.endMember()
        }
        for crash in crashes { writer.addCrash(json: Array(crash.utf8)) }
        let facts = SessionMetadata(
            session: session, image: "arena", tag: tag, location: "fra", created: exited - 600_000, exited: exited,
            source: "harvest")
        _ = try writer.finish(session: facts, artifacts: artifacts)
        let reader = try PackReader.open(path: path + "/" + relative)
        try catalog().commit(try PackContents(reader, path: relative))
        return relative
    }

    /// A crash record with the fields that queries read.
    static func crash(_ signature: String, id: String, time: String = "2026-11-20T11:59:00.000Z") -> String {
        """
        {"crash":"\(id)","session":"","time":"\(time)","kind":"elf_core","detector":"elf_core","signal":"SIGSEGV",\
        "signature":"\(signature)","signature_quality":"symbol","signature_version":1,"frames":[],"threads":[],\
        "modules":[],"notes":[],"also_in":[]}
        """
    }
}
