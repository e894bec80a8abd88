import Catalog
import Files
import Glibc
import Harvest
import Model
import Text

/// How a restore ended.
public struct RestoreReport: Sendable {
    /// The backup that was read.
    public let backup: BackupSummary
    /// Files that differ from what was written, or cannot be read, one sentence each.
    public let damaged: [String]
}

extension Store {
    /// Restores the store from a backup, and compares every byte with its checksum. Nothing is ever overwritten; an
    /// interrupted restore of the same backup is resumed.
    ///
    /// - Parameters:
    ///   - folder: a folder of backups, whose newest is used, or one backup.
    ///   - dryRun: whether to read the backup and write nothing.
    ///   - progress: called before each file.
    ///   - notice: takes what the user must know besides the report.
    /// - Throws: ``StoreError`` if the store is not empty or a file cannot be written; `HarvestError` if the store is in use.
    public func restore(
        from folder: String, dryRun: Bool, progress: (StoreProgress) -> Void, notice: (StoreError) -> Void
    ) throws -> RestoreReport {
        try requireFolder("restore")
        let begun = try RestoreRun.begun(in: path)
        let source = try BackupSource(folder, begun: begun)
        return try withoutActuallyEscaping(progress) { progress in
            try withoutActuallyEscaping(notice) { notice in
                let run = RestoreRun(source: source, store: path, progress: progress, notice: notice)
                try run.requireFree(begun)
                let damaged = dryRun ? try source.check(progress) : try run.perform()
                return RestoreReport(backup: BackupSummary(path: source.path, source.manifest), damaged: damaged)
            }
        }
    }
}

/// One restore of a store.
private struct RestoreRun {
    let source: BackupSource
    let store: String
    let progress: (StoreProgress) -> Void
    let notice: (StoreError) -> Void

    /// The file that marks a store that is being restored; holds the path of the backup.
    private static let markerName = Catalog.restoreMarker
    /// The marker's name while it is being written.
    private static let newMarkerName = markerName + ".part~"

    /// Restores the files and returns what is wrong with some of them.
    func perform() throws -> [String] {
        try StoreFolder.make(store)
        // A harvest that starts meanwhile would create its own catalog.
        let lock = try StoreLock(store: store)
        defer { withExtendedLifetime(lock) {} }
        // Another process may have used the store since the last check.
        try requireFree(try Self.begun(in: store))
        do { return try carryOut() } catch let trouble as FileCopy.Trouble { throw trouble.failure }
    }

    /// The path of the backup that an interrupted restore into a store was reading; empty if it was interrupted before
    /// it wrote the path, nil if there was no restore.
    static func begun(in store: String) throws -> String? {
        let marker = store + "/" + markerName
        var facts = stat()
        if lstat(marker, &facts) == 0 { return try Self.text(of: marker) }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw FileCopy.Trouble(.source, marker).failure
    }

    private static func text(of path: String) throws -> String {
        do throws(FileFailure) {
            let bytes = try OpenFile(path, O_RDONLY | O_NONBLOCK).read(at: 0, count: 65_536)
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            throw FileCopy.Trouble(.source, error).failure
        }
    }

    /// Refuses a store that holds anything but an interrupted restore of the same backup.
    func requireFree(_ begun: String?) throws {
        let (from, to) = (StorePath.absolute(source.path), StorePath.absolute(store))
        guard !StorePath.isWithin(to, from) else {
            throw StoreError(.usage, "the store is inside the backup", path: store, kind: .invalid)
        }
        var facts = stat()
        guard lstat(store, &facts) == 0 else {
            if errno == ENOENT { return }
            throw FileCopy.Trouble(.source, store).failure
        }
        if let begun, begun.hasSameBytes(as: from) { return }
        var tree = StoreTree(store, followsLinks: true)
        let found = tree.names(in: ".") ?? ["?"]
        if let gap = tree.gaps.first {
            throw StoreError(.unreadable, "the store cannot be read: \(gap.words)", path: store)
        }
        // A restore that was interrupted at once leaves only the lock.
        var names = Set(found).subtracting(["lost+found", "lock", Self.newMarkerName])
        if begun?.isEmpty == true { names.remove(Self.markerName) }
        if names.isEmpty, stat(store, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR { return }
        guard let begun, !begun.isEmpty else {
            throw StoreError(
                .storeNotEmpty, "the store is not empty", path: store,
                hint: "restore into a folder that does not exist, with --store; then swap the two")
        }
        throw StoreError(
            .storeNotEmpty, "a restore of another backup, \(begun), into this store was interrupted", path: store,
            hint: "run salvage restore \(begun) with this --store, or move the folder away")
    }

    private func carryOut() throws -> [String] {
        // Root restores for the folder's owner.
        var facts = stat()
        let owner = geteuid() == 0 && stat(store, &facts) == 0 && facts.st_uid != 0 ? facts.st_uid : nil
        chmod(store, 0o700)
        let isFirst = try Self.begun(in: store) == nil
        try mark()
        try clearCatalog(isFirst: isFirst)
        var complaints: [String] = []
        var bytes: UInt64 = 0
        let files = source.manifest.files
        // An executable and its debug file are often one file under two names.
        var placed: [String: String] = [:]
        for (index, file) in files.enumerated() where file.path != Catalog.fileName {
            progress(.restoring(file: index + 1, of: files.count, bytes: bytes, ofBytes: source.manifest.bytes))
            bytes &+= file.size
            if file.path.hasPrefix("symbols/"), let first = placed[file.sha256] {
                try FileCopy.makeFolders(of: file.path, below: store, owner: owner)
                unlink("\(store)/\(file.path)")
                if link("\(store)/\(first)", "\(store)/\(file.path)") == 0 { continue }
            }
            if let complaint = try restore(file, owner) {
                complaints.append(complaint)
            } else if file.path.hasPrefix("symbols/") {
                placed[file.sha256] = file.path
            }
        }
        try FileCopy.sync(store)
        // The catalog is restored last: a store that has one is complete.
        if let file = files.first(where: { $0.path == Catalog.fileName }) {
            complaints += try restoreCatalog(file, owner)
        }
        if let owner { lchown(store + "/lock", owner, gid_t.max) }
        unlink(store + "/" + Self.markerName)
        try FileCopy.sync(store)
        return complaints
    }

    /// Copies a file and returns what is wrong with it, if anything. A damaged pack is restored as it is: most of its
    /// blocks can be read.
    private func restore(
        _ file: BackupManifest.File, _ owner: uid_t?
    ) throws -> String? {
        let target = "\(store)/\(file.path)"
        var facts = stat()
        if lstat(target, &facts) == 0, UInt64(max(0, facts.st_size)) == file.size,
            // A file that cannot be read is copied again.
            (try? FileCopy.digest(target))?.sha256 == file.sha256
        {
            return nil
        }
        try FileCopy.makeFolders(of: file.path, below: store, owner: owner)
        do {
            let content = try FileCopy.copy(
                "\(source.path)/\(file.path)", to: target, modified: file.mtime, owner: owner)
            return BackupSource.complaint(file, content)
        } catch let trouble as FileCopy.Trouble where trouble.side == .source {
            return BackupSource.complaint(file, trouble)
        }
    }

    private func restoreCatalog(
        _ file: BackupManifest.File, _ owner: uid_t?
    ) throws -> [String] {
        var waiting = file
        waiting.path = Catalog.fileName
        let temporary = store + "/" + Catalog.fileName + ".restoring"
        do {
            let content = try FileCopy.copy(
                "\(source.path)/\(file.path)", to: temporary, modified: file.mtime, owner: owner)
            try FileCopy.sync(store)
            if let complaint = BackupSource.complaint(file, content) {
                unlink(temporary)
                return ["\(complaint); salvage reindex rebuilds it from the packs, without the ledger's history"]
            }
        } catch let trouble as FileCopy.Trouble where trouble.side == .source {
            return [
                "\(BackupSource.complaint(file, trouble)); salvage reindex rebuilds it from the packs, without the "
                    + "ledger's history"
            ]
        }
        guard rename(temporary, store + "/" + Catalog.fileName) == 0 else { throw FileCopy.Trouble(.target, temporary) }
        return []
    }

    /// Writes the marker atomically.
    private func mark() throws {
        let path = store + "/" + Self.newMarkerName
        do throws(FileFailure) {
            try Replacement.write(
                Array(StorePath.absolute(source.path).utf8), to: store + "/" + Self.markerName, temporary: path,
                syncsFolder: false)
        } catch {
            throw FileCopy.Trouble(.target, error)
        }
        try FileCopy.sync(store)
    }

    /// Sets aside a catalog that is not the backup's: it was created while the restore was interrupted. While the
    /// marker exists, `Catalog.open` creates none.
    private func clearCatalog(isFirst: Bool) throws {
        let path = store + "/" + Catalog.fileName
        var facts = stat()
        guard lstat(path, &facts) == 0 else {
            if errno == ENOENT { return }
            throw FileCopy.Trouble(.source, path)
        }
        guard !isFirst else {
            unlink(store + "/" + Self.markerName)
            throw StoreError(
                .storeNotEmpty, "another salvage has just started to use this store", path: store,
                hint: "stop it, move the folder away, then run salvage restore again", kind: .tryAgain)
        }
        let own = source.manifest.files.first { $0.path == Catalog.fileName }
        if let own, try FileCopy.digest(path).sha256 == own.sha256 { return }
        let aside = try Catalog.setAside(store: store)
        notice(
            StoreError(
                .catalogSetAside, "a catalog was created here after the restore was interrupted; it is now \(aside)",
                path: store, hint: "salvage reindex adds what was ingested in the meantime; then remove that file"))
    }
}
