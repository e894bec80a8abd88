import Catalog
import Files
import Glibc
import Harvest
import JSON
import Terminal
import Text

/// `salvage restore`: restores a store from a backup.
struct Restore: Command {
    static var name: String { "restore" }
    static var abstract: String { "Restore a store from a backup, verifying every byte." }
    static var discussion: String {
        """
        DIR is the folder that was given to `salvage backup`, whose newest backup is restored, or one backup in \
        it. The store (--store) must not exist or must be an empty folder; nothing is ever overwritten. The same \
        command resumes an interrupted restore; a catalog created in the meantime is set aside. Exit code 3 means \
        that something in the backup is damaged, or was missing when it was made; it is listed, and the rest is \
        restored.

          salvage restore /mnt/backup/salvage --store /var/lib/salvage
          salvage restore /mnt/backup/salvage/2026-11-20T21-00-00.000Z --store /tmp/then
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .one("dir", "The folder of backups, or one backup in it.") { $0.folder = $1 }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .toggle("dry-run", nil, "Read and verify the backup; write nothing.") { $0.dryRun = true }
        ]
    }

    var folder = ""
    var dryRun = false
    var options = GlobalOptions()

    /// The file that marks a store that is being restored; holds the path of the backup.
    private static let markerName = Catalog.restoreMarker
    /// The marker's name while it is being written.
    private static let newMarkerName = markerName + ".part~"

    func run() throws {
        let store = try StoreAccess.path(options)
        let begun = try Self.begun(in: store)
        let source = try BackupSource(folder, begun: begun)
        try requireFree(store, source, begun)
        let progress = Progress(quiet: options.quiet)
        var complaints: [String] = []
        if dryRun {
            complaints = source.missing + (try source.check(progress))
        } else {
            try StoreAccess.makeFolders(store)
            // A harvest that starts meanwhile would create its own catalog.
            let lock = try StoreLock(store: store)
            // Another process may have used the store since the check above.
            try requireFree(store, source, try Self.begun(in: store))
            do { complaints = try carryOut(source, store, progress) } catch let trouble as FileCopy.Trouble {
                throw trouble.failure
            }
            withExtendedLifetime(lock) {}
        }
        progress.finish()
        try report(source, store, complaints)
    }

    /// The path of the backup that an interrupted restore into a store was reading; empty if it was interrupted before
    /// it wrote the path, nil if there was no restore.
    private static func begun(in store: String) throws -> String? {
        let marker = store + "/" + markerName
        var facts = stat()
        if lstat(marker, &facts) == 0 { return try SmallFile.text(marker, limit: 65_536, what: "a restore's mark") }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw FileCopy.Trouble(.source, marker).failure
    }

    /// Refuses a store that holds anything but an interrupted restore of the same backup.
    private func requireFree(_ store: String, _ source: BackupSource, _ begun: String?) throws {
        let (from, to) = (StorePath.absolute(source.path), StorePath.absolute(store))
        guard !StorePath.isWithin(to, from) else {
            throw Failure("usage", "the store is inside the backup", path: store, status: .usage)
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
            throw Failure("unreadable", "the store cannot be read: \(gap.words)", path: store)
        }
        // A restore that was interrupted at once leaves only the lock.
        var names = Set(found).subtracting(["lost+found", "lock", Self.newMarkerName])
        if begun?.isEmpty == true { names.remove(Self.markerName) }
        if names.isEmpty, stat(store, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR { return }
        guard let begun, !begun.isEmpty else {
            throw Failure(
                "store_not_empty", "the store is not empty", path: store,
                hint: "restore into a folder that does not exist, with --store; then swap the two")
        }
        throw Failure(
            "store_not_empty", "a restore of another backup, \(begun), into this store was interrupted", path: store,
            hint: "run salvage restore \(begun) with this --store, or move the folder away")
    }

    private func carryOut(_ source: BackupSource, _ store: String, _ progress: Progress) throws -> [String] {
        // Root restores for the folder's owner.
        var facts = stat()
        let owner = geteuid() == 0 && stat(store, &facts) == 0 && facts.st_uid != 0 ? facts.st_uid : nil
        chmod(store, 0o700)
        let isFirst = try Self.begun(in: store) == nil
        try mark(store, source)
        try clearCatalog(source, store, isFirst: isFirst)
        var complaints = source.missing
        var bytes: UInt64 = 0
        let files = source.manifest.files
        // An executable and its debug file are often one file under two names.
        var placed: [String: String] = [:]
        for (index, file) in files.enumerated() where file.path != Catalog.fileName {
            progress.update(
                "restoring \(index + 1) of \(counted(files.count, "file")), \(SizeText.binary(bytes)) of "
                    + SizeText.binary(source.manifest.bytes))
            bytes &+= file.size
            if file.path.hasPrefix("symbols/"), let first = placed[file.sha256] {
                try FileCopy.makeFolders(of: file.path, below: store, owner: owner)
                unlink("\(store)/\(file.path)")
                if link("\(store)/\(first)", "\(store)/\(file.path)") == 0 { continue }
            }
            if let complaint = try restore(file, source, store, owner) {
                complaints.append(complaint)
            } else if file.path.hasPrefix("symbols/") {
                placed[file.sha256] = file.path
            }
        }
        try FileCopy.sync(store)
        // The catalog is restored last: a store that has one is complete.
        if let file = files.first(where: { $0.path == Catalog.fileName }) {
            complaints += try restoreCatalog(file, source, store, owner)
        }
        if let owner { lchown(store + "/lock", owner, gid_t.max) }
        unlink(store + "/" + Self.markerName)
        try FileCopy.sync(store)
        return complaints
    }

    /// Copies a file and returns what is wrong with it, if anything. A damaged pack is restored as it is: most of its
    /// blocks can be read.
    private func restore(
        _ file: BackupManifest.File, _ source: BackupSource, _ store: String, _ owner: uid_t?
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
        _ file: BackupManifest.File, _ source: BackupSource, _ store: String, _ owner: uid_t?
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
    private func mark(_ store: String, _ source: BackupSource) throws {
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
    private func clearCatalog(_ source: BackupSource, _ store: String, isFirst: Bool) throws {
        let path = store + "/" + Catalog.fileName
        var facts = stat()
        guard lstat(path, &facts) == 0 else {
            if errno == ENOENT { return }
            throw FileCopy.Trouble(.source, path)
        }
        guard !isFirst else {
            unlink(store + "/" + Self.markerName)
            throw Failure(
                "store_not_empty", "another salvage has just started to use this store", path: store,
                hint: "stop it, move the folder away, then run salvage restore again", status: .tryAgain)
        }
        let own = source.manifest.files.first { $0.path == Catalog.fileName }
        if let own, try FileCopy.digest(path).sha256 == own.sha256 { return }
        let aside = try Catalog.setAside(store: store)
        Failure(
            "catalog_set_aside", "a catalog was created here after the restore was interrupted; it is now \(aside)",
            path: store, hint: "salvage reindex adds what was ingested in the meantime; then remove that file"
        ).report(json: options.json, style: options.errorStyle)
    }

    private func report(_ source: BackupSource, _ store: String, _ complaints: [String]) throws {
        let output = Output(options)
        if options.json {
            var line = JSONLine()
            line.add("backup", source.path)
            line.add("created", source.manifest.created)
            line.add("store", store)
            line.add("files", source.manifest.files.count)
            line.add("bytes", source.manifest.bytes)
            line.add("damaged", complaints.count - source.missing.count)
            line.add("missing", source.missing.count)
            line.add("dry_run", dryRun)
            output.line(line)
        } else if !options.quiet {
            output.text(
                "\(dryRun ? "would restore" : "restored") "
                    + "\(source.manifest.files.count + source.missing.count - complaints.count) of "
                    + "\(counted(source.manifest.files.count, "file")), \(SizeText.binary(source.manifest.bytes)), of "
                    + "\(Escape.display(source.path)) into \(Escape.display(store))")
        }
        try output.finish()
        for complaint in complaints {
            Failure("backup_damaged", complaint).report(json: options.json, style: options.errorStyle)
        }
        if !complaints.isEmpty { throw EndedWith(status: .partial) }
    }
}
