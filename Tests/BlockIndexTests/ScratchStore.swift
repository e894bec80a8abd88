import BlockIndex
import Foundation
import Model
import Pack

/// A store with packs of one day, each with one log.
final class ScratchStore {
    let path = FileManager.default.temporaryDirectory.appending(path: "salvage-\(UUID().uuidString)").path

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The file with the records of the packs' day.
    var rows: URL { URL(filePath: path + "/filters/2025-11-20.rows") }

    /// Writes the pack of a session, in place of an earlier one, and returns its path relative to the store.
    func write(_ session: String, _ text: String) throws -> String {
        let pack = "packs/2025/11/20/\(session).pack"
        let file = path + "/" + pack
        try FileManager.default.createDirectory(
            at: URL(filePath: file).deletingLastPathComponent(), withIntermediateDirectories: true)
        unlink(file)
        let descriptor = try PackFile.create(path: file)
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor, options: PackOptions(workers: 0), inspector: nil)
        try writer.beginMember(MemberHeader(path: Array("a.log".utf8), kind: .log))
        try Array(text.utf8).withUnsafeBytes { try writer.append($0) }
        _ = try writer.endMember()
        _ = try writer.finish(session: SessionMetadata(session: session, image: "i"), artifacts: [])
        return pack
    }

    /// Appends the record of a pack.
    func record(_ pack: String) throws {
        try FilterLog.append(store: path, pack: pack, reader: PackReader.open(path: path + "/" + pack))
    }

    /// The size of a pack in bytes.
    func size(_ pack: String) throws -> UInt64 { try PackReader.open(path: path + "/" + pack).fileSize }
}
