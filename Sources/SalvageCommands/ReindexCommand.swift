import ArgumentParser
import Catalog
import Glibc
import LogSearch
import Terminal

/// `salvage reindex`: the catalog from the packs alone.
struct Reindex: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Rebuild the catalog from the packs.",
        discussion: "Everything but the ledger's history comes back: the packs describe themselves.")

    @OptionGroup var options: GlobalOptions

    func run() throws {
        let store = try StoreAccess.path(options)
        let progress = Progress(quiet: options.quiet)
        let signer = try CrashSigner(options, store: store)
        let report = try Catalog.reindex(
            store: store, renew: { signer.renew(&$0) },
            progress: { progress.update("reindexing \($0.packs) of \($0.total) packs") })
        try AliasFile.restore(try Catalog.open(store: store))
        try Self.rebuildFilters(store)
        progress.finish()
        let output = Output(options)
        if options.json {
            var line = JSONLine()
            line.add("indexed", report.indexed)
            line.add("damaged", report.damaged.map(\.path))
            line.add("superseded", report.superseded)
            line.add("missing", report.missing)
            line.add("set_aside", report.setAside)
            output.line(line)
        } else if !options.quiet {
            output.text("indexed \(report.indexed) packs")
            for path in report.superseded { output.text("left alone, a newer pack of the session exists: \(path)") }
            if let aside = report.setAside { output.text("the damaged catalog was kept as \(aside)") }
        }
        try output.finish()
        for damage in report.damaged {
            Failure("damaged_pack", "could not index a pack: \(damage.message)", path: damage.path).report(
                json: options.json, style: options.errorStyle)
        }
        for session in report.missing {
            Failure("pack_missing", "the pack of a session is gone", session: session).report(
                json: options.json, style: options.errorStyle)
        }
        if !report.damaged.isEmpty || !report.missing.isEmpty { throw EndedWith(status: .partial) }
    }

    /// The filters side by side, which let grep open only packs that may match, from the packs as well.
    private static func rebuildFilters(_ store: String) throws {
        var packs: [String] = []
        try Catalog.open(store: store, readOnly: true).forEachSession { session in
            if let pack = session.pack { packs.append(pack) }
        }
        do {
            _ = try FilterLog.rebuild(store: store, packs: packs)
        } catch {
            throw Failure(error.code.rawValue, error.message, hint: error.hint)
        }
    }
}
