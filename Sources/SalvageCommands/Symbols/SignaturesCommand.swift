import Catalog
import CrashAnalysis
import Harvest
import Ingest
import JSON
import Model
import Pack
import SalvageConfiguration
import Store
import Terminal
import Text

/// `salvage signatures`: the keys under which crashes are grouped.
enum Signatures {
    /// The commands about signatures, for the table.
    static var noun: CommandNoun {
        CommandNoun(
            word: "signatures", abstract: "Manage signatures, the keys that group crashes of the same bug.",
            commands: [.query(SignaturesRefresh.self)])
    }
}

/// `salvage signatures refresh`: computes signature and stack hash of every crash again.
struct SignaturesRefresh: Command {
    static var name: String { "signatures refresh" }
    static var abstract: String { "Recompute the signatures of all crashes by the current rules." }
    static var discussion: String {
        """
        Needed after `signatures:` in the configuration has changed, or after an update of salvage that changes \
        signatures. Earlier signatures stay as aliases: queries by them still find the crashes. New crashes are \
        signed by the current rules automatically. Crashes whose symbols could not be read, as their notes say, are \
        unwound and symbolicated again.
        """
    }
    static var flags: [CommandFlag<Self>] {
        [
            .toggle("dry-run", nil, "Show what would change; change nothing.") { $0.dryRun = true }
        ]
    }

    var dryRun = false
    var options = GlobalOptions()

    func run() throws {
        let store = try StoreAccess.store(options, readOnly: dryRun)
        let configuration = try StoreAccess.configuration(options)
        let progress = Progress(quiet: options.quiet)
        let report = try store.sign(
            by: configuration.signatures, allowMissing: configuration.confinement.allowMissing, dryRun: dryRun,
            progress: { progress.update($0) })
        progress.finish()
        try write(report)
    }

    /// The line about crashes whose symbols could not be read.
    static func awaiting(_ crashes: Int, _ what: String) -> String {
        "the symbols of \(counted(crashes, "crash", "crashes")) \(what); salvage crash ID says why"
    }

    private func write(_ report: SigningReport) throws {
        let output = Output(options)
        let sorted = report.changes.sorted { ($1.value, $0.key.from, $0.key.to) < ($0.value, $1.key.from, $1.key.to) }
        for (change, crashes) in sorted {
            if options.json {
                output.line(Shapes.signatureChange.line((change, crashes)))
                try output.checkReader()
            } else {
                output.text("\(crashes)  \(Escape.display(change.from))")
                output.text("   → \(output.style.bold(Escape.display(change.to)))")
            }
        }
        let totals = SigningTotals(report: report, isDryRun: dryRun)
        if options.json {
            output.line(Shapes.signingTotals.line(totals))
        } else if !options.quiet {
            let verb = dryRun ? "would get" : "got"
            output.text(
                "signed \(counted(report.signed, "crash or error", "crashes and errors")) "
                    + "by version \(SignatureAlgorithm.version): "
                    + "\(totals.changed) \(verb) a new signature")
            if report.awaitingSymbols > 0 {
                output.text(Self.awaiting(report.awaitingSymbols, "still cannot be read"))
            }
        }
        try output.finish()
        for error in report.unread { Failure(error).report(json: options.json, style: options.errorStyle) }
        if report.awaitingSymbols > 0 || !report.unread.isEmpty { throw EndedWith(status: .partial) }
    }
}
