import ArgumentParser
import Catalog
import Glibc
import Terminal

/// `salvage backup`: a copy of the store from which every question is answered as from the store itself.
struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the store into a folder of backups, also while watch runs.",
        discussion: """
            Each backup is a folder in DIR, named by its time, and holds all of the store: catalog with the ledger, packs, \
            symbols, pins, filters, logs of running sessions, downloads that are in no pack yet, and quarantine. What \
            has not changed since the last backup is a hard link to it; packs and symbols on the same disk are hard \
            links to the store. Copies are read back and compared. A backup is whole once it holds backup.jsonl, which \
            is written last; an interrupted one is taken up by the next run. Exit code 3 says that something could not \
            be copied, which is listed.

              salvage backup /mnt/backup/salvage --keep 7
              salvage backup /mnt/backup/salvage --verify
              salvage restore /mnt/backup/salvage --store /var/lib/salvage
            """)

    @Argument(help: ArgumentHelp("The folder of backups; made where it is missing.", valueName: "dir")) var folder:
        String
    @Option(help: ArgumentHelp("Remove older backups, so that this many stay.", valueName: "count")) var keep: Int?
    @Flag(help: "Take every file from the store, the unchanged ones too.") var full = false
    @Flag(help: "Back up nothing; read all of the newest backup and compare it with what was written.") var verify =
        false
    @Flag(help: "Say which backups --keep would remove; back up and remove nothing.") var dryRun = false
    @OptionGroup var options: GlobalOptions

    func run() throws {
        if let keep, keep < 1 {
            throw Failure("bad_count", "--keep must be at least 1", status: .usage)
        }
        if verify { return try checkNewest() }
        let store = try StoreAccess.path(options)
        let catalog = try Catalog.open(store: store, readOnly: true)
        try requireApart(store)
        if !dryRun { try StoreAccess.makeFolders(folder) }
        let place = BackupFolder(path: folder)
        if dryRun { return try announce(place) }
        let lock = try place.lock()
        defer { close(lock) }
        try place.sweep()
        let progress = Progress(quiet: options.quiet)
        let run = try BackupRun(store: store, folder: place, catalog: catalog, full: full, progress: progress)
        let (name, manifest) = try run.carryOut(now: TimeText.now())
        let removed = try removeOld(place)
        progress.finish()
        try report(name, manifest, run, removed)
    }

    /// A backup inside of the store would hold itself, and go with it.
    private func requireApart(_ store: String) throws {
        let (from, to) = (StorePath.absolute(store), StorePath.absolute(folder))
        guard StorePath.isWithin(to, from) || StorePath.isWithin(from, to) else { return }
        throw Failure(
            "usage", "the folder of backups and the store lie one in the other", path: folder,
            hint: "choose a folder beside the store, best on another disk", status: .usage)
    }

    private func surplus(_ place: BackupFolder, afterOneMore: Bool) throws -> [String] {
        guard let keep else { return [] }
        let names = try place.complete
        return Array(names.dropLast(afterOneMore ? keep - 1 : keep))
    }

    private func announce(_ place: BackupFolder) throws {
        let output = Output(options)
        let names = access(place.path, F_OK) == 0 ? try surplus(place, afterOneMore: true) : []
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

    private func report(_ name: String, _ manifest: BackupManifest, _ run: BackupRun, _ removed: [String]) throws {
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
            line.add("removed_backups", removed.map { "\(folder)/\($0)" })
            output.line(line)
        } else if !options.quiet {
            output.text(
                "backed up \(manifest.files.count) files, \(SizeText.binary(manifest.bytes)), to \(Escape.display(path)): "
                    + "\(run.tally.copied) copied (\(SizeText.binary(run.tally.copiedBytes))), "
                    + "\(run.tally.unchanged) unchanged, \(run.tally.linked) shared with the store")
            if run.tally.linked > 0 {
                output.text(
                    "  note: what is shared lies on the store's own disk, and is lost with that disk: keep a backup on "
                        + "another one as well")
            }
            if !removed.isEmpty {
                output.text("removed \(removed.count) older \(removed.count == 1 ? "backup" : "backups")")
            }
        }
        try output.finish()
        try end(with: run.complaints)
    }

    private func checkNewest() throws {
        let place = try BackupSource(folder)
        let progress = Progress(quiet: options.quiet)
        let complaints = place.check(progress)
        progress.finish()
        let output = Output(options)
        if options.json {
            var line = JSONLine()
            line.add("backup", place.path)
            line.add("files", place.manifest.files.count)
            line.add("bytes", place.manifest.bytes)
            line.add("damaged", complaints.count)
            output.line(line)
        } else if !options.quiet {
            output.text(
                complaints.isEmpty
                    ? "\(place.manifest.files.count) files of \(Escape.display(place.path)) are good"
                    : "\(complaints.count) of \(place.manifest.files.count) files of \(Escape.display(place.path)) "
                        + "are damaged or missing")
        }
        try output.finish()
        try end(with: complaints, hint: "salvage backup --full makes one that shares no file with it")
    }

    private func end(with complaints: [String], hint: String? = nil) throws {
        for (index, complaint) in complaints.enumerated() {
            Failure("backup_incomplete", complaint, hint: index == complaints.count - 1 ? hint : nil).report(
                json: options.json, style: options.errorStyle)
        }
        if !complaints.isEmpty { throw EndedWith(status: .partial) }
    }
}
