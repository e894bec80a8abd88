import CSQLite
import Catalog
import Foundation
import Model
import Pack
import PackHome
import Testing
import Text

/// A store in a folder of its own, removed with the last reference.
final class TestStore {
    let path: String
    private let engine = CatalogEngines.current

    init() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("catalog-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        path = folder.path
    }

    deinit {
        engine.remove(store: path)
        try? FileManager.default.removeItem(atPath: path)
    }

    var database: String { path + "/" + Catalog.fileName }

    /// Where its packs are.
    var home: any PackHome { FolderPackHome(store: path) }

    /// Opens the store's catalog with the engine under test.
    func open(readOnly: Bool = false) throws -> Catalog {
        try engine.open(store: path, readOnly: readOnly)
    }

    /// Deletes the store's catalog.
    func forget() throws { try engine.forget(store: path) }
}

/// Runs statements on a database file, as another program would.
func execute(_ sql: String, in path: String) throws {
    var opened: OpaquePointer?
    defer { sqlite3_close(opened) }
    try #require(sqlite3_open(path, &opened) == SQLITE_OK)
    let code = sqlite3_exec(opened, sql, nil, nil, nil)
    try #require(code == SQLITE_OK, "\(String(cString: sqlite3_errmsg(opened)))")
}

/// Milliseconds of a moment on 2026-11-20, counted from 00:00 UTC.
func moment(_ hours: Int, _ minutes: Int = 0) -> Int64 { 1_795_132_800_000 + Int64(hours * 60 + minutes) * 60_000 }

/// A member of a few bytes.
func member(_ path: String, kind: MemberKind = .log, artifact: UInt32 = 0, size: UInt64 = 100) -> Member {
    var member = Member(MemberHeader(artifact: artifact, path: Array(path.utf8), kind: kind, mtime: 5_000_000_007))
    member.size = size
    member.stored = size / 4
    member.sha256 = [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: 32)
    return member
}

/// A crash record with the field names of the JSON table.
func crashJSON(
    signature: String, id: String? = nil, time: String? = nil, signal: String = "SIGSEGV"
) -> [UInt8] {
    var json = "{\"kind\":\"core\",\"signal\":\"\(signal)\",\"signature\":\"\(signature)\",\"stack_hash\":\"ab12\""
    if let id { json += ",\"crash\":\"\(id)\"" }
    if let time { json += ",\"time\":\"\(time)\"" }
    return Array((json + ",\"thread_name\":\"GameThread\",\"frames\":[{\"function\":\"tick\"}]}").utf8)
}

/// A pack of one collected artifact with two members.
func contents(
    _ session: String, image: String = "arena", tag: String? = "1.0.0", location: String? = "fra",
    labels: ByteDictionary<String> = [:], exited: Int64? = moment(12), crashes: [[UInt8]] = [],
    artifacts: [ArtifactEntry] = [ArtifactEntry(artifact: "/data", state: .collected, tries: 1, bytes: 512)],
    members: [Member] = [member("game.log"), member("dumps/core.1", kind: .crashDump, size: 300)]
) -> PackContents {
    let facts = SessionMetadata(
        session: session, image: image, tag: tag, location: location, host: "host-1", labels: labels,
        created: exited.map { $0 - 600_000 }, exited: exited, firstSeenExited: exited.map { $0 + 1000 },
        deadline: exited.map { $0 + 14_400_000 }, source: "harvest")
    return PackContents(
        facts: facts, artifacts: artifacts, members: members, crashes: crashes,
        path: "packs/2026/11/20/\(session).pack", packBytes: 1234)
}
