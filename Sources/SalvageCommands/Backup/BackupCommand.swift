import Catalog
import Glibc
import JSON
import Terminal
import Text

/// `salvage backup`: makes a complete copy of the store.
struct Backup: Command {
    static var name: String { "backup" }
    static var abstract: String { "Back up the store to a folder, also while watch runs." }
    static var discussion: String {
        """
        Each backup is a folder in DIR, named by its start time, and holds the whole store: catalog with the \
        ledger, packs, symbols, pins, filters, logs of running sessions, downloads not yet in a pack, and \
        quarantine. Files that have not changed since the last backup are hard links to it; packs and symbols on \
        the same disk are hard links to the store. Copies are read back and compared. A backup is complete once it \
        holds backup.jsonl, which is written last; the next run resumes an interrupted one. Exit code 3 means that \
        something could not be copied or is damaged in the store: it is listed, --verify and restore report it \
        too, and no older backup is removed. DIR is created if missing, but not its parent folder.

          salvage backup /mnt/backup/salvage --keep 7
          salvage backup /mnt/backup/salvage --verify
          salvage restore /mnt/backup/salvage --store /var/lib/salvage
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .one("dir", "The folder for backups; created if missing.") { $0.folder = $1 }
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .number(
                "keep", value: "count",
                "Remove older backups so that this many complete ones remain; none if this backup is incomplete."
            ) { $0.keep = $1 },
            .toggle("full", nil, "Take every file from the store, even unchanged ones.") { $0.full = true },
            .toggle("verify", nil, "Back up nothing; read the newest backup and compare each file with its checksum.") {
                $0.verify = true
            },
            .toggle("dry-run", nil, "Show which backups --keep would remove; back up and remove nothing.") {
                $0.dryRun = true
            },
        ]
    }

    var folder = ""
    var keep: Int?
    var full = false
    var verify = false
    var dryRun = false
    var options = GlobalOptions()

    func run() throws {
        if let keep, keep < 1 {
            throw Failure("bad_count", "--keep must be at least 1", status: .usage)
        }
        if verify {
            guard keep == nil, !full, !dryRun else {
                throw Failure(
                    "usage", "--verify only reads, so it cannot be combined with --keep, --full or --dry-run",
                    hint: "run salvage backup DIR with them, then salvage backup DIR --verify", status: .usage)
            }
            return try checkNewest()
        }
        let store = try StoreAccess.path(options)
        let catalog = try Catalog.open(store: store, readOnly: true)
        try requireApart(store)
        let place = BackupFolder(path: folder)
        if dryRun { return try announce(place) }
        try place.make()
        let lock = try place.lock()
        defer { withExtendedLifetime(lock) {} }
        try place.sweep()
        let progress = Progress(quiet: options.quiet)
        let run = try BackupRun(store: store, folder: place, catalog: catalog, full: full, progress: progress)
        let (name, manifest) = try run.carryOut(now: TimeText.now())
        let sharesDisk = try FileCopy.liesOnOneDisk(store, place.path)
        // What an incomplete backup lacks may be in an older one only.
        let removed = manifest.gaps.isEmpty ? try removeOld(place) : []
        progress.finish()
        try report(name, manifest, run, removed, sharesDisk: sharesDisk)
    }

    /// Refuses a backup folder inside the store: a backup would contain itself, and be lost with the store.
    private func requireApart(_ store: String) throws {
        let (from, to) = (StorePath.absolute(store), StorePath.absolute(folder))
        guard StorePath.isWithin(to, from) || StorePath.isWithin(from, to) else { return }
        throw Failure(
            "usage", "the backup folder and the store must not contain each other", path: folder,
            hint: "choose a folder outside the store, best on another disk", status: .usage)
    }

    /// The backups to remove so that `keep` complete ones remain, oldest first. `afterOneMore` counts one not yet made.
    private func surplus(_ place: BackupFolder, afterOneMore: Bool) throws -> [String] {
        guard let keep else { return [] }
        let names = try place.listing().complete
        var whole = afterOneMore ? 1 : 0
        for (index, name) in names.enumerated().reversed() {
            if whole >= keep { return Array(names[...index]) }
            if BackupManifest.isWhole("\(place.path)/\(name)") { whole += 1 }
        }
        return []
    }

    private func announce(_ place: BackupFolder) throws {
        let output = Output(options)
        var facts = stat()
        let isMissing = stat(place.path, &facts) != 0 && errno == ENOENT
        let names = isMissing ? [] : try surplus(place, afterOneMore: true)
        for name in names {
            if options.json {
                var line = JSONLine()
                line.add("backup", "\(place.path)/\(name)")
                line.add("removed", false)
                line.add("dry_run", true)
                output.line(line)
            } else {
                output.text("would remove \(Escape.display("\(place.path)/\(name)"))")
            }
        }
        if names.isEmpty, !options.json, !options.quiet { output.text("no backup would be removed") }
        try output.finish()
    }

    private func removeOld(_ place: BackupFolder) throws -> [String] {
        let names = try surplus(place, afterOneMore: false)
        for name in names { try place.remove(name) }
        return names
    }

    private func report(
        _ name: String, _ manifest: BackupManifest, _ run: BackupRun, _ removed: [String], sharesDisk: Bool
    ) throws {
        let output = Output(options)
        let path = "\(folder)/\(name)"
        if options.json {
            var line = JSONLine()
            line.add("backup", path)
            line.add("files", manifest.files.count)
            line.add("bytes", manifest.bytes)
            line.add("copied", run.tally.copied)
            line.add("copied_bytes", run.tally.copiedBytes)
            line.add("linked", run.tally.linked)
            line.add("unchanged", run.tally.unchanged)
            line.add("missing", manifest.gaps.count)
            line.add("same_disk", sharesDisk)
            line.add("removed_backups", removed.map { "\(folder)/\($0)" })
            output.line(line)
        } else if !options.quiet {
            let files = counted(manifest.files.count, "file")
            output.text(
                "backed up \(files), \(SizeText.binary(manifest.bytes)), to \(Escape.display(path)): "
                    + "\(run.tally.copied) copied (\(SizeText.binary(run.tally.copiedBytes))), "
                    + "\(run.tally.unchanged) unchanged, \(run.tally.linked) shared with the store")
            if !removed.isEmpty {
                output.text("removed \(counted(removed.count, "older backup"))")
            }
        }
        try output.finish()
        if sharesDisk { sayThatDiskIsShared() }
        let kept = keep == nil || manifest.gaps.isEmpty ? "" : "; no older backup was removed, as it may hold these"
        try end(
            with: run.notes + manifest.gaps.map(\.words),
            hint: manifest.gaps.isEmpty
                ? nil : "fix the cause (see salvage verify) and back up again\(kept)")
    }

    /// Warns even with --quiet: an unmounted backup disk looks just like this.
    private func sayThatDiskIsShared() {
        Failure(
            "same_disk", "the backup is on the same disk as the store and is lost with it", path: folder,
            hint: "if it should be on another disk, mount that disk; keep a backup on another disk in any case"
        ).report(json: options.json, style: options.errorStyle)
    }

    private func checkNewest() throws {
        let place = try BackupSource(folder)
        let progress = Progress(quiet: options.quiet)
        let complaints = try place.check(progress)
        progress.finish()
        let output = Output(options)
        if options.json {
            var line = JSONLine()
            line.add("backup", place.path)
            line.add("files", place.manifest.files.count)
            line.add("bytes", place.manifest.bytes)
            line.add("damaged", complaints.count)
            line.add("missing", place.manifest.gaps.count)
            output.line(line)
        } else if !options.quiet {
            let count = place.manifest.files.count
            let files = "\(counted(count, "file")) of \(Escape.display(place.path))"
            output.text(
                complaints.isEmpty
                    ? "\(files) \(count == 1 ? "is" : "are") good"
                    : "\(complaints.count) of \(files) \(complaints.count == 1 ? "is" : "are") damaged or missing")
        }
        try output.finish()
        try end(
            with: place.missing + complaints,
            hint: complaints.isEmpty
                ? "an older backup may hold the file" : "salvage backup --full makes one that shares no file with it")
    }

    /// The maximum number of complaints printed.
    private static let mostNamed = 100

    private func end(with complaints: [String], hint: String? = nil) throws {
        var named = Array(complaints.prefix(Self.mostNamed))
        if complaints.count > named.count {
            let more = counted(complaints.count - named.count, "more is", "more are")
            named.append("\(more) not listed")
        }
        for (index, complaint) in named.enumerated() {
            Failure("backup_incomplete", complaint, hint: index == named.count - 1 ? hint : nil).report(
                json: options.json, style: options.errorStyle)
        }
        if !complaints.isEmpty { throw EndedWith(status: .partial) }
    }
}
