import Catalog
import Files
import Glibc
import Harvest
import JSON
import Model
import Store
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

    func run() throws {
        let store = try StoreAccess.store(options)
        let progress = Progress(quiet: options.quiet)
        let report = try store.restore(
            from: folder, dryRun: dryRun, progress: { progress.update($0) },
            notice: { notice in
                progress.finish()
                Failure(notice).report(json: options.json, style: options.errorStyle)
            })
        progress.finish()
        try write(report, store)
    }

    private func write(_ report: RestoreReport, _ store: Store) throws {
        let output = Output(options)
        let backup = report.backup
        if options.json {
            let restored = RestoredStore(report: report, store: store.path, isDryRun: dryRun)
            output.line(Shapes.restored.line(restored))
        } else if !options.quiet {
            output.text(
                "\(dryRun ? "would restore" : "restored") \(backup.files - report.damaged.count) of "
                    + "\(counted(backup.files, "file")), \(SizeText.binary(backup.bytes)), of "
                    + "\(Escape.display(backup.path)) into \(Escape.display(store.path))")
        }
        try output.finish()
        let complaints = backup.gapsWhenMade + report.damaged
        for complaint in complaints {
            Failure("backup_damaged", complaint).report(json: options.json, style: options.errorStyle)
        }
        if !complaints.isEmpty { throw EndedWith(status: .partial) }
    }
}
