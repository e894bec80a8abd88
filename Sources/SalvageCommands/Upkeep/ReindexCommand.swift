import Catalog
import Harvest
import Ingest
import JSON
import LogSearch
import Model
import SalvageConfiguration
import Store
import Terminal
import Text

/// `salvage reindex`: rebuilds the catalog from the packs alone.
struct Reindex: Command {
    static var name: String { "reindex" }
    static var abstract: String { "Rebuild the catalog from the packs." }
    static var discussion: String {
        """
        Restores everything but the ledger's history, because packs describe themselves. If the catalog is intact, \
        its newer rows are kept, and unfinished sessions stay unfinished. reindex may run beside harvest or watch \
        unless the catalog is damaged: then it sets the catalog aside, and nothing else may use the store. A session \
        is called lost only if its pack does not exist; what cannot be read now is left unchanged. Exit code 3 if a \
        pack is damaged, missing or unreadable, or if a session has two packs.
        """
    }

    var options = GlobalOptions()

    /// Sessions beyond this number are counted, not named.
    private static let mostNamed = 20

    private static let checkDisk = "check the disk or the link, then run salvage reindex again"

    func run() throws {
        let store = try StoreAccess.store(options)
        let progress = Progress(quiet: options.quiet)
        let configuration = try StoreAccess.configuration(options)
        let report = try store.reindex(
            rules: configuration.signatures, allowMissing: configuration.confinement.allowMissing,
            progress: { progress.update($0) })
        progress.finish()
        let output = Output(options)
        if options.json {
            output.line(Shapes.reindex.line(report))
        } else if !options.quiet {
            output.text("indexed \(counted(report.indexed, "pack"))")
            if let aside = report.setAside { output.text("the damaged catalog was kept as \(aside)") }
        }
        try output.finish()
        complain(report)
        if !report.isWhole { throw EndedWith(status: .partial) }
    }

    /// Reports the packs that need attention.
    private func complain(_ report: ReindexReport) {
        for damage in report.damaged {
            Failure(
                "damaged_pack", "could not index a pack: \(damage.message)", path: damage.path,
                hint: "salvage verify names what is damaged; restore the pack from a backup"
            ).report(json: options.json, style: options.errorStyle)
        }
        for second in report.superseded {
            Failure(
                "second_pack", "a pack was not indexed: the catalog names another pack of its session",
                session: second.session, path: second.path, hint: SecondPack.hint(second.path, of: second.session)
            ).report(json: options.json, style: options.errorStyle)
        }
        for session in report.missing {
            Failure(
                "pack_missing", "the pack is missing from the store", session: session,
                hint: "restore it from a backup and run salvage reindex again"
            ).report(json: options.json, style: options.errorStyle)
        }
        for place in report.unreadable {
            Failure(
                "unreadable_now",
                "could not read this part of the store, so the catalog's rows for it were not changed: \(place.message)",
                path: place.path, hint: Self.checkDisk
            ).report(json: options.json, style: options.errorStyle)
        }
        for (session, reason) in report.unknown.prefix(Self.mostNamed) {
            Failure(
                "pack_unknown", "could not check whether the pack of a session exists, so its row is kept: \(reason)",
                session: session, hint: Self.checkDisk
            ).report(json: options.json, style: options.errorStyle)
        }
        if report.unknown.count > Self.mostNamed {
            let more = counted(report.unknown.count - Self.mostNamed, "more pack")
            Failure("more", "\(more) could not be checked", hint: Self.checkDisk).report(
                json: options.json, style: options.errorStyle)
        }
    }
}
