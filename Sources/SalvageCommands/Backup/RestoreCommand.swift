import ArgumentParser
import Catalog
import Glibc
import Harvest
import Terminal

/// One whole backup, to be read.
struct BackupSource {
    let path: String
    let manifest: BackupManifest

    /// The backup in a folder: itself, or the newest of those it holds.
    init(_ folder: String) throws {
        if BackupFolder.isComplete(folder) {
            path = folder
        } else {
            guard let name = try BackupFolder(path: folder).complete.last else {
                let isBegun = access(BackupFolder(path: folder).partial, F_OK) == 0
                throw Failure(
                    "backup_missing", "the folder holds no backup that is whole", path: folder,
                    hint: isBegun
                        ? "one was interrupted; salvage backup takes it up"
                        : "name the folder that salvage backup was given")
            }
            path = folder + "/" + name
        }
        manifest = try BackupManifest.read(from: path)
    }

    /// Reads every file; what is not as it was written, one line each.
    func check(_ progress: Progress) -> [String] {
        var complaints: [String] = []
        for (index, file) in manifest.files.enumerated() {
            progress.update("reading \(index + 1) of \(manifest.files.count) files")
            if let complaint = Self.complaint(file, try? FileCopy.digest("\(path)/\(file.path)", uncached: true)) {
                complaints.append(complaint)
            }
        }
        return complaints
    }

    /// What is wrong with a file that reads so.
    static func complaint(_ file: BackupManifest.File, _ content: FileCopy.Content?) -> String? {
        guard let content else { return "\(file.path) is missing in the backup, or cannot be read" }
        if content.sha256 == file.sha256 { return nil }
        return "\(file.path) is damaged in the backup: "
            + (content.size == file.size ? "its SHA-256 differs" : "it has \(content.size) of \(file.size) bytes")
    }
}

/// `salvage restore`: a store from a backup.
struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a store from a backup, verifying every byte.",
        discussion: """
            DIR is what `salvage backup` was given, whose newest backup is taken, or one backup in it. The store \
            (--store) must not exist, or be an empty folder; nothing is ever written over. An interrupted restore is \
            taken up by the same command. Exit code 3 says that something in the backup is damaged, which is listed; \
            the rest was restored.

              salvage restore /mnt/backup/salvage --store /var/lib/salvage
              salvage restore /mnt/backup/salvage/2026-11-20T21-00-00.000Z --store /tmp/then
            """)

    @Argument(help: ArgumentHelp("The folder of backups, or one backup.", valueName: "dir")) var folder: String
    @Flag(help: "Read and judge the backup, and write nothing.") var dryRun = false
    @OptionGroup var options: GlobalOptions

    /// Stands in a store while it is being restored, and holds the path of the backup.
    static let markerName = ".restoring"

    func run() throws {
        let source = try BackupSource(folder)
        let store = try StoreAccess.path(options)
        try requireFree(store, source)
        let progress = Progress(quiet: options.quiet)
        var complaints: [String] = []
        if dryRun {
            complaints = source.check(progress)
        } else {
            try StoreAccess.makeFolders(store)
            // A harvest that begins meanwhile would make a catalog of its own.
            let lock = try StoreLock(store: store)
            do { complaints = try carryOut(source, store, progress) } catch let trouble as FileCopy.Trouble {
                throw trouble.failure
            }
            withExtendedLifetime(lock) {}
        }
        progress.finish()
        try report(source, store, complaints)
    }

    /// Refuses a store that holds anything but the beginning of the same restore.
    private func requireFree(_ store: String, _ source: BackupSource) throws {
        let (from, to) = (StorePath.absolute(source.path), StorePath.absolute(store))
        guard !StorePath.isWithin(to, from) else {
            throw Failure("usage", "the store lies in the backup", path: store, status: .usage)
        }
        var facts = stat()
        guard lstat(store, &facts) == 0 else {
            if errno == ENOENT { return }
            throw FileCopy.Trouble(.source, store).failure
        }
        var tree = StoreTree(store, followsLinks: true)
        let names = Set(tree.names(in: ".") ?? ["?"]).subtracting(["lost+found"])
        if names.isEmpty, stat(store, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR { return }
        let marker = store + "/" + Self.markerName
        if names.contains(Self.markerName), !names.contains(Catalog.fileName),
            (try? SmallFile.text(marker, limit: 65_536, what: "a mark")) == from
        {
            return
        }
        throw Failure(
            "store_not_empty",
            names.contains(Self.markerName)
                ? "another restore into this store was interrupted" : "there is something in the store already",
            path: store,
            hint: names.contains(Self.markerName)
                ? "run that restore again, or move the folder away"
                : "restore into a folder that does not exist, with --store; then move the two")
    }

    private func carryOut(_ source: BackupSource, _ store: String, _ progress: Progress) throws -> [String] {
        // Root restores for whoever owns the folder.
        var facts = stat()
        let owner = geteuid() == 0 && stat(store, &facts) == 0 && facts.st_uid != 0 ? facts.st_uid : nil
        chmod(store, 0o700)
        try mark(store, source)
        var complaints: [String] = []
        var bytes: UInt64 = 0
        let files = source.manifest.files
        // An executable and its debug file are often one file under two names.
        var placed: [String: String] = [:]
        for (index, file) in files.enumerated() where file.path != Catalog.fileName {
            progress.update(
                "restoring \(index + 1) of \(files.count) files, \(SizeText.binary(bytes)) of "
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
        // The catalog comes last: a store that has one is whole.
        if let file = files.first(where: { $0.path == Catalog.fileName }) {
            complaints += try restoreCatalog(file, source, store, owner)
        }
        if let owner { lchown(store + "/lock", owner, gid_t.max) }
        unlink(store + "/" + Self.markerName)
        try FileCopy.sync(store)
        return complaints
    }

    /// Copies a file; what is wrong with it, when something is. A damaged pack is restored as far as it goes: most of its
    /// blocks can be read.
    private func restore(
        _ file: BackupManifest.File, _ source: BackupSource, _ store: String, _ owner: uid_t?
    ) throws -> String? {
        let target = "\(store)/\(file.path)"
        var facts = stat()
        if lstat(target, &facts) == 0, UInt64(max(0, facts.st_size)) == file.size,
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
            return BackupSource.complaint(file, nil)
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
                return ["\(complaint); salvage reindex makes it again from the packs, without the ledger's history"]
            }
        } catch let trouble as FileCopy.Trouble where trouble.side == .source {
            return ["\(file.path) is missing in the backup; salvage reindex makes it again from the packs"]
        }
        guard rename(temporary, store + "/" + Catalog.fileName) == 0 else { throw FileCopy.Trouble(.target, temporary) }
        return []
    }

    private func mark(_ store: String, _ source: BackupSource) throws {
        let path = store + "/" + Self.markerName
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileCopy.Trouble(.target, path) }
        defer { close(descriptor) }
        let text = Array(StorePath.absolute(source.path).utf8)
        guard write(descriptor, text, text.count) == text.count, fsync(descriptor) == 0 else {
            throw FileCopy.Trouble(.target, path)
        }
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
            line.add("damaged", complaints.count)
            line.add("dry_run", dryRun)
            output.line(line)
        } else if !options.quiet {
            output.text(
                "\(dryRun ? "would restore" : "restored") \(source.manifest.files.count - complaints.count) of "
                    + "\(source.manifest.files.count) files, \(SizeText.binary(source.manifest.bytes)), of "
                    + "\(Escape.display(source.path)) into \(Escape.display(store))")
        }
        try output.finish()
        for complaint in complaints {
            Failure("backup_damaged", complaint).report(json: options.json, style: options.errorStyle)
        }
        if !complaints.isEmpty { throw EndedWith(status: .partial) }
    }
}
