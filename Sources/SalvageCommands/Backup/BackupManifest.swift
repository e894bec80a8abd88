import Foundation
import Glibc
import Pack
import Terminal

/// What one backup holds: written last, so that a backup that has one is whole.
///
/// JSON lines: a head, one line for each file, and an end with the SHA-256 of all before it.
struct BackupManifest {
    static let name = "backup.jsonl"
    static let version = 1

    /// A file of the backup.
    struct File: Codable {
        /// Relative to the store, and to the backup.
        var path: String
        var size: UInt64
        /// When the store's file was changed last, in nanoseconds since 1970 UTC.
        var mtime: Int64
        /// Of the content, in lower-case hex.
        var sha256: String
    }

    private struct Head: Codable {
        var format: String
        var version: Int
        var created: String
        var store: String
        var files: Int
        var bytes: UInt64
    }

    private struct End: Codable {
        var end: Bool
        var sha256: String
    }

    /// When it was begun, as text.
    var created: String
    /// The store's folder at that time.
    var store: String
    var files: [File]

    var bytes: UInt64 { files.reduce(0) { $0 &+ $1.size } }

    /// Writes it into a backup's folder, all or nothing, and synced.
    func write(into folder: String) throws {
        var out: [UInt8] = []
        var head = JSONLine()
        head.add("format", "salvage-backup")
        head.add("version", Self.version)
        head.add("created", created)
        head.add("store", store)
        head.add("salvage", salvageVersion)
        head.add("files", files.count)
        head.add("bytes", bytes)
        out += head.utf8 + [0x0A]
        for file in files {
            var line = JSONLine()
            line.add("path", file.path)
            line.add("size", file.size)
            line.add("mtime", file.mtime)
            line.add("sha256", file.sha256)
            out += line.utf8 + [0x0A]
        }
        var end = JSONLine()
        end.add("end", true)
        end.add("sha256", ContentHash.hex(ContentHash.sha256(out)))
        out += end.utf8 + [0x0A]
        let path = folder + "/" + Self.name
        let temporary = path + ".part~"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileCopy.Trouble(.target, path).failure }
        defer { close(descriptor) }
        var done = 0
        while done < out.count {
            let count = out.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
            }
            guard count >= 0 || errno == EINTR else { throw FileCopy.Trouble(.target, path).failure }
            done += max(0, count)
        }
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
            throw FileCopy.Trouble(.target, path).failure
        }
    }

    /// Reads the manifest of a backup's folder and checks that it is whole.
    static func read(from folder: String) throws -> BackupManifest {
        let path = folder + "/" + name
        func damaged(_ why: String) -> Failure {
            Failure(
                "backup_damaged", "the list of what the backup holds \(why)", path: path,
                hint: "use another backup, or copy packs/ out of it and run salvage reindex")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure("unreadable", "the list of what the backup holds cannot be read", path: path)
        }
        let decoder = JSONDecoder()
        let lines = data.split(separator: 0x0A)
        guard let first = lines.first, let head = try? decoder.decode(Head.self, from: first),
            head.format == "salvage-backup"
        else { throw damaged("is none of salvage's") }
        guard head.version == version else {
            throw Failure(
                "backup_newer", "the backup has layout \(head.version); this salvage knows layout \(version)",
                path: path, hint: "use the newer salvage that wrote it")
        }
        guard let last = lines.last, let end = try? decoder.decode(End.self, from: last),
            ContentHash.hex(ContentHash.sha256(data.prefix(last.startIndex - data.startIndex))) == end.sha256
        else { throw damaged("is cut off or changed") }
        var files: [File] = []
        for line in lines.dropFirst().dropLast() {
            guard let file = try? decoder.decode(File.self, from: line), isSafe(file.path) else {
                throw damaged("has a line that cannot be meant")
            }
            files.append(file)
        }
        guard files.count == head.files else { throw damaged("is cut off or changed") }
        return BackupManifest(created: head.created, store: head.store, files: files)
    }

    /// Whether a path stays below the folder it is relative to.
    private static func isSafe(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return !parts.contains { $0.isEmpty || $0 == "." || $0 == ".." } && !path.utf8.contains(0)
    }
}
