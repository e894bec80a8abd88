import Bytes
import Digest
import Files
import Glibc
import JSON
import Model
import Pack
import Terminal

/// The manifest of one backup. It is written last, so that a backup with a manifest is complete.
///
/// JSON lines: a head, one line for each file and each gap, and an end with the SHA-256 of everything before it.
struct BackupManifest {
    static let name = "backup.jsonl"
    /// The format version of a backup without gaps. A backup with gaps has ``versionWithGaps``: a salvage that does not
    /// know gaps must not take it for complete.
    static let version = 1
    static let versionWithGaps = 2

    /// A file of the backup.
    struct File {
        /// Relative to the store, and to the backup.
        var path: String
        var size: UInt64
        /// When the store's file was last modified, in nanoseconds since 1970 UTC.
        var mtime: Int64
        /// SHA-256 of the content, in lower-case hex.
        var sha256: String
    }

    /// The first line: what the backup claims to be.
    private struct Head {
        var version: Int
        var created: String
        var store: String
        var files: Int

        /// Nil unless the line is the head of a manifest, of any version.
        init?(_ line: JSONValue) {
            guard line["format"]?.string == "salvage-backup",
                let version = line["version"]?.int64.flatMap({ Int(exactly: $0) }),
                let created = line["created"]?.string, let store = line["store"]?.string,
                let files = line["files"]?.int64.flatMap({ Int(exactly: $0) })
            else { return nil }
            self.version = version
            self.created = created
            self.store = store
            self.files = files
        }
    }

    /// When the backup started, in ISO 8601.
    var created: String
    /// The absolute path of the store at that time.
    var store: String
    var files: [File]
    /// Files of the store that the backup lacks or holds damaged.
    var gaps: [BackupGap] = []

    var bytes: UInt64 { files.reduce(0) { $0 &+ $1.size } }

    /// Writes the manifest to a backup's folder, atomically, and syncs it.
    func write(into folder: String) throws {
        var out: [UInt8] = []
        var head = JSONLine()
        head.add("format", "salvage-backup")
        head.add("version", gaps.isEmpty ? Self.version : Self.versionWithGaps)
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
        for gap in gaps {
            var line = JSONLine()
            line.add("missing", gap.path)
            line.add("why", gap.why)
            out += line.utf8 + [0x0A]
        }
        var end = JSONLine()
        end.add("end", true)
        end.add("sha256", Hex.text(SHA256.digest(out)))
        out += end.utf8 + [0x0A]
        let path = folder + "/" + Self.name
        do throws(FileFailure) {
            try Replacement.write(out, to: path, temporary: path + ".part~", syncsFolder: false)
        } catch {
            throw FileCopy.Trouble(.target, error).failure
        }
    }

    /// Reads the manifest of a backup's folder and checks that it is intact.
    ///
    /// - Throws: ``StoreError`` when it cannot be read, is damaged, or has a newer format.
    static func read(from folder: String) throws -> BackupManifest {
        let (head, lines) = try lines(of: folder)
        var manifest = BackupManifest(created: head.created, store: head.store, files: [])
        for line in lines {
            let line = try? JSONValue(parsing: line)
            if let file = line.flatMap(File.init), isSafe(file.path) {
                manifest.files.append(file)
            } else if let missing = line?["missing"]?.string, let why = line?["why"]?.string {
                manifest.gaps.append(BackupGap(path: missing, why: why))
            } else {
                throw damaged(folder, "has a line that is not valid")
            }
        }
        guard manifest.files.count == head.files else { throw damaged(folder, "is truncated or was changed") }
        return manifest
    }

    /// Whether a backup has no gaps; false also when its manifest cannot be read or is damaged.
    static func isWhole(_ folder: String) -> Bool {
        (try? lines(of: folder))?.head.version == version
    }

    private static func damaged(_ folder: String, _ why: String) -> StoreError {
        StoreError(
            .backupDamaged, "the backup's list of files \(why)", path: folder + "/" + name,
            hint: "use another backup, or copy packs/ out of it and run salvage reindex")
    }

    /// The head, and the lines between head and end, checked against the checksum in the end.
    private static func lines(of folder: String) throws -> (head: Head, lines: ArraySlice<ArraySlice<UInt8>>) {
        let path = folder + "/" + name
        let bytes: [UInt8]
        do throws(FileFailure) {
            let file = try OpenFile(path, O_RDONLY)
            bytes = try file.read(at: 0, count: Int(clamping: file.size))
        } catch {
            throw StoreError(
                .unreadable, "the backup's list of files cannot be read: \(error.reason)", path: path,
                hint: "check its disk and its owner, or name another backup")
        }
        let lines = bytes.split(separator: 0x0A)
        guard let head = lines.first.flatMap({ try? JSONValue(parsing: $0) }).flatMap(Head.init) else {
            throw damaged(folder, "was not written by salvage")
        }
        guard head.version == version || head.version == versionWithGaps else {
            throw StoreError(
                .backupNewer,
                "the backup has format version \(head.version); this salvage reads versions up to \(versionWithGaps)",
                path: path, hint: "use the newer salvage that wrote it")
        }
        guard let last = lines.last, let end = try? JSONValue(parsing: last), end["end"]?.bool != nil,
            Hex.text(SHA256.digest(bytes[..<last.startIndex])) == end["sha256"]?.string
        else { throw damaged(folder, "is truncated or was changed") }
        return (head, lines.dropFirst().dropLast())
    }

    /// Whether a path stays below the folder it is relative to.
    private static func isSafe(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return !parts.contains { $0.isEmpty || $0 == "." || $0 == ".." } && !path.utf8.contains(0)
    }
}

extension BackupManifest.File {
    /// Reads a line of the manifest; nil when the line does not describe a file.
    fileprivate init?(_ line: JSONValue) {
        guard let path = line["path"]?.string, let size = line["size"]?.uint64, let mtime = line["mtime"]?.int64,
            let sha256 = line["sha256"]?.string
        else { return nil }
        self.init(path: path, size: size, mtime: mtime, sha256: sha256)
    }
}
