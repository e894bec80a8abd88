import JSON
import Model
import Store
import Terminal
import Text

/// `salvage migrate`: moves a store to another place.
struct Migrate: Command {
    static var name: String { "migrate" }
    static var abstract: String { "Move the store into a shared store, or back, while watch runs." }
    static var discussion: String {
        """
        Copies everything in the store to ADDRESS, a folder or postgres://…, and reads each pack back there: packs, \
        sessions with the history of their artifacts and requests, crashes with their earlier signatures, decisions, \
        pins, symbols. watch may run on the store meanwhile. The last sessions, downloads that are not packed yet \
        and followed logs are copied while the store is locked; then the store is marked as migrated: it can be \
        read, but refuses harvest, watch and ingest.

        If watch still runs at the end, everything else is copied, and the exit code is 75: stop watch, run the same \
        command again for the rest, and start watch on the new store. The same command resumes an interrupted \
        migration: what is there with the same bytes is skipped.

        The bucket of a shared store is that of `store:` in the configuration if its catalog is ADDRESS, else the \
        one that the catalog has recorded. Exit code 3 means that something could not be copied; it is listed, and \
        the store is not marked.

          salvage migrate --store /var/lib/salvage --to postgres://salvage@db/salvage --config shared.yaml
          salvage migrate --store postgres://salvage@db/salvage --to /var/lib/salvage
        """
    }
    static var flags: [CommandFlag<Self>] {
        [
            .text("to", value: "address", "The store to copy to: a folder or postgres://…; created if missing.") {
                $0.to = $1
            },
            .toggle("copy", nil, "Only copy; the store goes on as before and is not locked.") { $0.keepsSource = true },
            .toggle("dry-run", nil, "Compare the stores and count what would be copied; write nothing.") {
                $0.dryRun = true
            },
        ]
    }

    var to: String?
    var keepsSource = false
    var dryRun = false
    var options = GlobalOptions()

    func run() throws {
        guard let to else {
            throw Failure("usage", "--to is missing", hint: "name the store to copy to", status: .usage)
        }
        var target = options
        target.store = to
        let address = try StoreAccess.address(target)
        let progress = Progress(quiet: options.quiet)
        let store = try StoreAccess.store(options)
        let report = try store.migrate(
            to: address, dryRun: dryRun, keepsSource: keepsSource, progress: { progress.update($0) })
        progress.finish()
        try write(report, address, isMarked: report.isFinished && !store.isShared)
    }

    private func write(_ report: MigrationReport, _ address: StoreAddress, isMarked: Bool) throws {
        let output = Output(options)
        if options.json {
            output.line(Shapes.migration.line(MigratedStore(report: report, target: address.description)))
        } else if !options.quiet {
            output.text(Self.summary(report, address) + (isMarked ? "; this store is now only read" : ""))
        }
        try output.finish()
        for gap in report.gaps {
            Failure("not_migrated", gap.message, session: gap.session, path: gap.path)
                .report(json: options.json, style: options.errorStyle)
        }
        if let reason = Self.reasonToWait(report) {
            Failure(
                "store_locked", "everything but the latest is copied; \(reason)",
                hint: "stop it, run the same command again, then harvest into the new store", status: .tryAgain
            ).report(json: options.json, style: options.errorStyle)
            throw EndedWith(status: .tryAgain)
        }
        if !report.gaps.isEmpty { throw EndedWith(status: .partial) }
    }

    private static func summary(_ report: MigrationReport, _ address: StoreAddress) -> String {
        let verb = report.isDryRun ? "would copy" : "copied"
        return
            "\(verb) \(report.copied) of \(counted(report.sessions, "session")), \(counted(report.packs, "pack")) "
            + "(\(SizeText.binary(report.bytes))) to \(Escape.display(address.description))"
    }

    /// What keeps the migration from being finished; nil if nothing does.
    private static func reasonToWait(_ report: MigrationReport) -> String? {
        if !report.harvesters.isEmpty {
            let names = report.harvesters.map { Escape.display($0) }.joined(separator: ", ")
            return "the store is still harvested by \(names)"
        }
        guard let holder = report.holder else { return nil }
        return "another salvage process is using this store" + (holder > 0 ? " (process \(holder))" : "")
    }
}

/// The result of `migrate`, as it is printed.
struct MigratedStore {
    let report: MigrationReport
    let target: String
}

extension Shapes {
    /// The result of `migrate`.
    static let migration = JSONShape<MigratedStore>(
        "Migration", "A store that was migrated, or would be.",
        [
            .text("to", "the other store") { $0.target },
            .integer("sessions", "the store's sessions") { $0.report.sessions },
            .integer("copied", "sessions whose rows were copied; one that changed meanwhile counts again") {
                $0.report.copied
            },
            .integer("packs", "packs that were copied") { $0.report.packs },
            .unsigned("bytes", "their size") { $0.report.bytes },
            .integer("reused", "packs that an interrupted migration had copied") { $0.report.reused },
            .integer("symbols", "files with symbols that were copied") { $0.report.symbols },
            .integer("decisions", "decisions that were copied") { $0.report.decisions },
            .integer("pins", "sessions that were pinned or unpinned") { $0.report.pins },
            .integer("local_files", "files of unpacked downloads, followed logs and waiting messages that were copied")
            {
                $0.report.localFiles
            },
            .integer("not_copied", "what could not be copied; each is reported on standard error") {
                $0.report.gaps.count
            },
            .boolean("finished", "whether everything is copied and the store marked as migrated") {
                $0.report.isFinished
            },
            .boolean("copy", "whether the store goes on as before") { $0.report.isCopy },
            .boolean("dry_run", "whether nothing was written") { $0.report.isDryRun },
        ])
}
