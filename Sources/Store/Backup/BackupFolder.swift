import Calendar
import Files
import Glibc
import Model
import Pack
import Terminal

/// The folder that holds the backups of a store: one folder each, named by its start time, and `.partial` for the one
/// being made.
struct BackupFolder {
    static let partialName = ".partial"

    let path: String

    var partial: String { path + "/" + Self.partialName }

    /// The backups in a folder.
    struct Listing {
        /// The names of complete backups, oldest first: those with a manifest. An interrupted backup has none.
        var complete: [String] = []
        /// Backups that cannot be checked for a manifest now, oldest first, and why.
        var unknown: [(name: String, failure: StoreError)] = []
    }

    /// Lists the backups in the folder.
    ///
    /// - Throws: ``StoreError`` when the folder itself cannot be read.
    func listing() throws -> Listing {
        let names: [OpenFolder.Name]
        do throws(FileFailure) { names = try OpenFolder(path: path).names() } catch {
            throw StoreError(
                .unreadable, "the backup folder cannot be read: \(error.message)", path: path,
                hint: error.isAbsence
                    ? "give the folder that was given to salvage backup, and mount its disk"
                    : "check its disk and its owner")
        }
        var listing = Listing()
        for name in names.compactMap(\.text) where !name.hasPrefix(".") {
            do {
                if try Self.isComplete("\(path)/\(name)") { listing.complete.append(name) }
            } catch let failure as StoreError {
                // Other folders, such as `lost+found`, may be unreadable.
                if Self.isBackupName(name) { listing.unknown.append((name, failure)) }
            }
        }
        return listing
    }

    /// Creates the folder with mode 0700 if it is missing.
    ///
    /// - Throws: ``StoreError`` when its parent does not exist: the backup disk may not be mounted, and the backup would
    ///   fill the store's disk instead.
    func make() throws {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        if errno == ENOENT {
            throw StoreError(
                .backupFolderMissing, "the parent of the backup folder does not exist", path: path,
                hint: "mount its disk, or create the folder with mkdir -p")
        }
        throw FileCopy.Trouble(.target, path).failure
    }

    /// Whether a backup has its manifest, which is written last.
    ///
    /// - Throws: ``StoreError`` when that cannot be determined now.
    static func isComplete(_ backup: String) throws -> Bool {
        var facts = stat()
        if lstat(backup + "/" + BackupManifest.name, &facts) == 0 { return facts.st_mode & S_IFMT == S_IFREG }
        if errno == ENOENT || errno == ENOTDIR { return false }
        throw StoreError(
            .backupUnreadable, "a backup cannot be read now: \(String(cString: strerror(errno)))", path: backup,
            hint: "check its disk and its owner; to use an older backup, name it")
    }

    /// Whether a name has the form that ``newName(now:)`` returns; checks the date only.
    private static func isBackupName(_ name: String) -> Bool {
        let shape = Array("0000-00-00T".utf8)
        return name.utf8.count > shape.count
            && zip(name.utf8, shape).allSatisfy { $1 == UInt8(ascii: "0") ? (0x30...0x39).contains($0) : $0 == $1 }
    }

    /// Returns an unused name for a backup that starts now. Names sort by time and are valid on every file system.
    func newName(now: Int64) -> String {
        let text = ISO8601.text(clamping: now).map { $0 == ":" ? "-" : $0 }
        let name = String(text)
        return access("\(path)/\(name)", F_OK) == 0 ? newName(now: now + 1) : name
    }

    /// Locks the folder against other backups until the returned file is freed.
    ///
    /// - Throws: ``StoreError`` when another backup holds the lock.
    func lock() throws -> OpenFile {
        let isFree: Bool
        let file: OpenFile
        do throws(FileFailure) {
            file = try OpenFile(path + "/lock", O_RDWR | O_CREAT)
            isFree = try file.tryLock(.exclusive)
        } catch {
            throw FileCopy.Trouble(.target, error).failure
        }
        guard isFree else {
            throw StoreError(
                .backupLocked, "another backup to this folder is running", path: path, hint: "let it finish",
                kind: .tryAgain)
        }
        return file
    }

    /// Removes one backup, its manifest first, so that an interrupted removal leaves nothing that looks complete.
    func remove(_ name: String) throws {
        let doomed = "\(path)/.removing-\(name)"
        guard unlink("\(path)/\(name)/\(BackupManifest.name)") == 0, rename("\(path)/\(name)", doomed) == 0 else {
            throw FileCopy.Trouble(.target, "\(path)/\(name)").failure
        }
        try Self.removeTree(doomed)
    }

    /// Finishes interrupted removals.
    func sweep() throws {
        let names: [OpenFolder.Name]
        do throws(FileFailure) { names = try OpenFolder(path: path).names() } catch {
            throw FileCopy.Trouble(.target, error).failure
        }
        for name in names.compactMap(\.text) where name.hasPrefix(".removing-") {
            try Self.removeTree("\(path)/\(name)")
        }
    }

    /// Removes a folder and everything below it; links are removed, not followed.
    static func removeTree(_ folder: String) throws {
        do throws(FileFailure) { try Folders.removeTree(folder) } catch {
            throw FileCopy.Trouble(.target, error).failure
        }
    }
}
