import Foundation
import Glibc
import Pack
import Terminal

/// The folder that backups of a store go to: a folder for each, named by the moment at which it was begun, and
/// `.partial` for the one that is being made.
struct BackupFolder {
    static let partialName = ".partial"

    let path: String

    var partial: String { path + "/" + Self.partialName }

    /// The backups in a folder.
    struct Listing {
        /// The names of those that hold a list of their files, the oldest first. One that is interrupted has none.
        var complete: [String] = []
        /// Those of which that cannot be told now, the oldest first, and why.
        var unknown: [(name: String, failure: Failure)] = []
    }

    /// Looks at every backup in the folder.
    ///
    /// - Throws: `Failure` when the folder itself cannot be read.
    func listing() throws -> Listing {
        let names: [OpenFolder.Name]
        do throws(PackError) { names = try OpenFolder(path: path).names() } catch {
            throw Failure(
                "unreadable", "the folder of backups cannot be read: \(error.message)", path: path,
                hint: error.isAbsence
                    ? "name the folder that salvage backup was given, and mount its disk"
                    : "see to its disk or its owner")
        }
        var listing = Listing()
        for name in names.compactMap(\.text) where !name.hasPrefix(".") {
            do {
                if try Self.isComplete("\(path)/\(name)") { listing.complete.append(name) }
            } catch let failure as Failure {
                // Only a backup counts: `lost+found` may not be looked into either.
                if Self.isBackupName(name) { listing.unknown.append((name, failure)) }
            }
        }
        return listing
    }

    /// Makes the folder where it is missing, its owner's only.
    ///
    /// - Throws: `Failure` where the folder above it does not exist: its disk may not be mounted, and the store's own
    ///   disk would be filled instead.
    func make() throws {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        if errno == ENOENT {
            throw Failure(
                "backup_folder_missing", "the folder that is to hold the folder of backups does not exist", path: path,
                hint: "mount its disk, or make the folder with mkdir -p")
        }
        throw FileCopy.Trouble(.target, path).failure
    }

    /// Whether a backup holds the list of its files, which is written last.
    ///
    /// - Throws: `Failure` when that cannot be told now.
    static func isComplete(_ backup: String) throws -> Bool {
        var facts = stat()
        if lstat(backup + "/" + BackupManifest.name, &facts) == 0 { return facts.st_mode & S_IFMT == S_IFREG }
        if errno == ENOENT || errno == ENOTDIR { return false }
        throw Failure(
            "backup_unreadable", "a backup cannot be looked at now: \(String(cString: strerror(errno)))", path: backup,
            hint: "see to its disk or its owner; to use an older one, name it")
    }

    /// Whether a name is one that ``newName(now:)`` makes, as far as the day.
    private static func isBackupName(_ name: String) -> Bool {
        let shape = Array("0000-00-00T".utf8)
        return name.utf8.count > shape.count
            && zip(name.utf8, shape).allSatisfy { $1 == UInt8(ascii: "0") ? (0x30...0x39).contains($0) : $0 == $1 }
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
