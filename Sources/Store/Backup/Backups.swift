import Catalog
import Glibc
import Model
import Text

/// What one backup holds.
public struct BackupSummary: Sendable {
    /// The backup's folder.
    public let path: String
    /// When it was started, in ISO 8601.
    public let created: String
    /// The number of its files.
    public let files: Int
    /// Their size, in bytes.
    public let bytes: UInt64
    /// The files of the store that it lacks or holds damaged, one sentence each.
    public let gaps: [String]

    /// The gaps as problems of the backup, not of the store.
    public var gapsWhenMade: [String] { gaps.map { "found when the backup was made: \($0)" } }

    init(path: String, _ manifest: BackupManifest) {
        self.path = path
        created = manifest.created
        files = manifest.files.count
        bytes = manifest.bytes
        gaps = manifest.gaps.map(\.words)
    }
}

/// How a backup was made.
public struct BackupReport: Sendable {
    /// The new backup.
    public let backup: BackupSummary
    /// The number of files copied.
    public let copied: Int
    /// Their size, in bytes.
    public let copiedBytes: UInt64
    /// The number of files that are hard links to the store's.
    public let linked: Int
    /// The number of files that are hard links to the previous backup's.
    public let unchanged: Int
    /// Messages about other backups that could not be used.
    public let notes: [String]
    /// The older backups that were removed.
    public let removed: [String]
    /// Whether the backup is on the store's file system, and so is lost with it.
    public let sharesDisk: Bool
}

/// The result of reading a backup.
public struct BackupVerification: Sendable {
    /// The backup.
    public let backup: BackupSummary
    /// Files that differ from what was written, or cannot be read, one sentence each.
    public let damaged: [String]
}

extension Store {
    /// Makes a complete copy of the store, also while other processes use it. An interrupted backup is resumed.
    ///
    /// - Parameters:
    ///   - folder: the folder of backups; created if missing, but not its parent.
    ///   - keep: the number of complete backups to keep; older ones are removed unless this one has gaps. Nil keeps all.
    ///   - full: whether to take every file from the store, even unchanged ones.
    ///   - now: the current time, in milliseconds since 1970.
    ///   - progress: called before each file.
    /// - Throws: ``StoreError``, `CatalogError` or `PackError`.
    public func backUp(
        to folder: String, keep: Int?, full: Bool, now: Int64, progress: (StoreProgress) -> Void
    ) throws -> BackupReport {
        try requireFolder("backup")
        let catalog = try catalog()
        let place = try backupFolder(folder)
        try place.make()
        let lock = try place.lock()
        defer { withExtendedLifetime(lock) {} }
        try place.sweep()
        return try withoutActuallyEscaping(progress) { progress in
            let run = try BackupRun(store: path, folder: place, catalog: catalog, full: full, progress: progress)
            let (name, manifest) = try run.carryOut(now: now)
            let sharesDisk = try FileCopy.liesOnOneDisk(path, place.path)
            // What an incomplete backup lacks may be in an older one only.
            let old =
                try keep.map { manifest.gaps.isEmpty ? try place.surplus(keep: $0, afterOneMore: false) : [] } ?? []
            for name in old { try place.remove(name) }
            return BackupReport(
                backup: BackupSummary(path: "\(folder)/\(name)", manifest), copied: run.tally.copied,
                copiedBytes: run.tally.copiedBytes, linked: run.tally.linked, unchanged: run.tally.unchanged,
                notes: run.notes, removed: old.map { "\(folder)/\($0)" }, sharesDisk: sharesDisk)
        }
    }

    /// The backups that ``backUp(to:keep:full:now:progress:)`` would remove if it were complete, oldest first.
    ///
    /// - Throws: ``StoreError`` or `CatalogError`.
    public func backupsToRemove(from folder: String, keep: Int?) throws -> [String] {
        try requireFolder("backup")
        _ = try catalog()
        let place = try backupFolder(folder)
        var facts = stat()
        let isMissing = stat(place.path, &facts) != 0 && errno == ENOENT
        guard let keep, !isMissing else { return [] }
        return try place.surplus(keep: keep, afterOneMore: true).map { "\(place.path)/\($0)" }
    }

    /// Reads the newest backup in a folder, or one backup, and compares each file with its checksum.
    ///
    /// - Throws: ``StoreError``.
    public static func verifyBackup(
        in folder: String, progress: (StoreProgress) -> Void
    ) throws -> BackupVerification {
        let source = try BackupSource(folder)
        let damaged = try source.check(progress)
        return BackupVerification(backup: BackupSummary(path: source.path, source.manifest), damaged: damaged)
    }

    /// Refuses a shared store, of which this machine has only copies.
    ///
    /// - Throws: ``StoreError`` with `notForShared`.
    func requireFolder(_ command: String) throws(StoreError) {
        guard isShared else { return }
        throw StoreError(
            .notForShared, "salvage \(command) works on a store in a folder, and this store is shared: \(address)",
            hint: "back up its database with PostgreSQL's tools (pg_dump, or base backups with archived WAL) and turn "
                + "on the versions of its bucket; docs/fleet.md says how to restore both", kind: .invalid)
    }

    /// Refuses a backup folder inside the store: a backup would contain itself, and be lost with the store.
    private func backupFolder(_ folder: String) throws(StoreError) -> BackupFolder {
        let (from, to) = (StorePath.absolute(path), StorePath.absolute(folder))
        guard StorePath.isWithin(to, from) || StorePath.isWithin(from, to) else { return BackupFolder(path: folder) }
        throw StoreError(
            .usage, "the backup folder and the store must not contain each other", path: folder,
            hint: "choose a folder outside the store, best on another disk", kind: .invalid)
    }
}

extension BackupFolder {
    /// The backups to remove so that `keep` complete ones remain, oldest first. `afterOneMore` counts one not yet made.
    fileprivate func surplus(keep: Int, afterOneMore: Bool) throws -> [String] {
        let names = try listing().complete
        var whole = afterOneMore ? 1 : 0
        for (index, name) in names.enumerated().reversed() {
            if whole >= keep { return Array(names[...index]) }
            if BackupManifest.isWhole("\(path)/\(name)") { whole += 1 }
        }
        return []
    }
}
