import Catalog
import Glibc
import JSON
import Model
import Store
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
        let store = try StoreAccess.store(options)
        if dryRun { return try announce(store) }
        let progress = Progress(quiet: options.quiet)
        let report = try store.backUp(
            to: folder, keep: keep, full: full, now: TimeText.now(), progress: { progress.update($0) })
        progress.finish()
        try write(report)
    }

    private func announce(_ store: Store) throws {
        let output = Output(options)
        let names = try store.backupsToRemove(from: folder, keep: keep)
        for name in names {
            if options.json {
                output.line(Shapes.doomedBackup.line(name))
            } else {
                output.text("would remove \(Escape.display(name))")
            }
        }
        if names.isEmpty, !options.json, !options.quiet { output.text("no backup would be removed") }
        try output.finish()
    }

    private func write(_ report: BackupReport) throws {
        let output = Output(options)
        let backup = report.backup
        if options.json {
            output.line(Shapes.backup.line(report))
        } else if !options.quiet {
            let files = counted(backup.files, "file")
            output.text(
                "backed up \(files), \(SizeText.binary(backup.bytes)), to \(Escape.display(backup.path)): "
                    + "\(report.copied) copied (\(SizeText.binary(report.copiedBytes))), "
                    + "\(report.unchanged) unchanged, \(report.linked) shared with the store")
            if !report.removed.isEmpty {
                output.text("removed \(counted(report.removed.count, "older backup"))")
            }
        }
        try output.finish()
        if report.sharesDisk { sayThatDiskIsShared() }
        let kept = keep == nil || backup.gaps.isEmpty ? "" : "; no older backup was removed, as it may hold these"
        try end(
            with: report.notes + backup.gaps,
            hint: backup.gaps.isEmpty ? nil : "fix the cause (see salvage verify) and back up again\(kept)")
    }

    /// Warns even with --quiet: an unmounted backup disk looks just like this.
    private func sayThatDiskIsShared() {
        Failure(
            "same_disk", "the backup is on the same disk as the store and is lost with it", path: folder,
            hint: "if it should be on another disk, mount that disk; keep a backup on another disk in any case"
        ).report(json: options.json, style: options.errorStyle)
    }

    private func checkNewest() throws {
        let progress = Progress(quiet: options.quiet)
        let result = try Store.verifyBackup(in: folder, progress: { progress.update($0) })
        progress.finish()
        let (backup, damaged) = (result.backup, result.damaged)
        let output = Output(options)
        if options.json {
            output.line(Shapes.verifiedBackup.line(result))
        } else if !options.quiet {
            let files = "\(counted(backup.files, "file")) of \(Escape.display(backup.path))"
            output.text(
                damaged.isEmpty
                    ? "\(files) \(backup.files == 1 ? "is" : "are") good"
                    : "\(damaged.count) of \(files) \(damaged.count == 1 ? "is" : "are") damaged or missing")
        }
        try output.finish()
        try end(
            with: backup.gapsWhenMade + damaged,
            hint: damaged.isEmpty
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
