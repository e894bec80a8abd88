import Foundation
import Glibc
import Terminal

/// The folder that backups of a store go to: a folder for each, named by the moment at which it was begun, and
/// `.partial` for the one that is being made.
struct BackupFolder {
    static let partialName = ".partial"

    let path: String

    var partial: String { path + "/" + Self.partialName }

    /// The names of the backups that are whole, the oldest first.
    var complete: [String] {
        get throws {
            let names: [String]
            do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
                throw Failure("unreadable", "the folder of backups cannot be read", path: path)
            }
            return names.filter { !$0.hasPrefix(".") && Self.isComplete("\(path)/\($0)") }.sorted()
        }
    }

    static func isComplete(_ backup: String) -> Bool {
        var facts = stat()
        return lstat(backup + "/" + BackupManifest.name, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
    }

    /// A name for a backup that is begun now, which sorts by time and which every file system takes.
    func newName(now: Int64) -> String {
        let text = TimeText.iso8601(now).map { $0 == ":" ? "-" : $0 }
        let name = String(text)
        return access("\(path)/\(name)", F_OK) == 0 ? newName(now: now + 1) : name
    }

    /// Keeps other backups into this folder out until the descriptor is closed.
    func lock() throws -> Int32 {
        let descriptor = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileCopy.Trouble(.target, path + "/lock").failure }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw Failure(
                "backup_locked", "another backup into this folder is at work", path: path, hint: "let it finish",
                status: .tryAgain)
        }
        return descriptor
    }

    /// Removes one backup: its list of files first, so that what an interruption leaves does not pass for whole.
    func remove(_ name: String) throws {
        let doomed = "\(path)/.removing-\(name)"
        guard unlink("\(path)/\(name)/\(BackupManifest.name)") == 0, rename("\(path)/\(name)", doomed) == 0 else {
            throw FileCopy.Trouble(.target, "\(path)/\(name)").failure
        }
        try Self.removeTree(doomed)
    }

    /// Removes what an interrupted removal left.
    func sweep() throws {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        where name.hasPrefix(".removing-") {
            try Self.removeTree("\(path)/\(name)")
        }
    }

    /// Removes a folder and all below it; links are removed, not followed.
    static func removeTree(_ folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return }
            throw FileCopy.Trouble(.target, folder).failure
        }
        try empty(descriptor, folder)
        guard rmdir(folder) == 0 || errno == ENOENT else { throw FileCopy.Trouble(.target, folder).failure }
    }

    /// Empties an open folder, and closes it.
    private static func empty(_ descriptor: Int32, _ path: String) throws {
        guard let handle = fdopendir(descriptor) else {
            close(descriptor)
            throw FileCopy.Trouble(.target, path).failure
        }
        defer { closedir(handle) }
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
                }
            }
            let shown = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if shown == "." || shown == ".." { continue }
            if unlinkat(descriptor, name, 0) == 0 || errno == ENOENT { continue }
            guard errno == EISDIR || errno == EPERM else { throw FileCopy.Trouble(.target, path + "/" + shown).failure }
            let inner = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
            guard inner >= 0 else { throw FileCopy.Trouble(.target, path + "/" + shown).failure }
            try empty(inner, path + "/" + shown)
            guard unlinkat(descriptor, name, AT_REMOVEDIR) == 0 else {
                throw FileCopy.Trouble(.target, path + "/" + shown).failure
            }
        }
    }
}
