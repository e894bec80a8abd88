import Catalog
import CrashAnalysis
import Harvest
import Ingest
import JSON
import Model
import Pack
import SalvageConfiguration
import Terminal
import Text

/// `salvage resign`: computes signature and stack hash of every crash again.
struct Resign: Command {
    static var name: String { "resign" }
    static var abstract: String { "Recompute the signatures of all crashes by the current rules." }
    static var discussion: String {
        """
        Needed after `signatures:` in the configuration has changed, or after an update of salvage that changes \
        signatures. Earlier signatures stay as aliases: queries by them still find the crashes. New crashes are \
        signed by the current rules automatically.
        """
    }
    static var flags: [CommandFlag<Self>] {
        [
            .toggle("dry-run", nil, "Show what would change; change nothing.") { $0.dryRun = true }
        ]
    }

    var dryRun = false
    var options = GlobalOptions()

    private static let batch = 500

    func run() throws {
        let store = try StoreAccess.path(options)
        let reader = try Catalog.open(store: store, readOnly: true)
        let writer = dryRun ? nil : try Catalog.open(store: store)
        let rules = try StoreAccess.configuration(options).signatures
        let progress = Progress(quiet: options.quiet)
        var changes: [Change: Int] = [:]
        var updates: [CrashUpdate] = []
        var count = 0
        for errors in [false, true] {
            try reader.forEachCrash(Selection(errors: errors)) { row in
                count += 1
                if count % 100 == 0 { progress.update("signing \(count) crashes") }
                guard let record = CrashSigner.decode(row.json) else { return }
                var signed = record
                SignatureAlgorithm.sign(&signed, rules: rules)
                guard signed != record else { return }
                if signed.signature != record.signature {
                    changes[Change(from: record.signature, to: signed.signature), default: 0] += 1
                }
                updates.append(CrashUpdate(session: row.session, crash: row.crash, json: signed.json()))
                if updates.count >= Self.batch {
                    _ = try writer?.update(crashes: updates)
                    updates.removeAll(keepingCapacity: true)
                }
            }
        }
        _ = try writer?.update(crashes: updates)
        if let writer, !changes.isEmpty { try AliasFile.save(writer) }
        progress.finish()
        try report(changes, of: count)
    }

    private struct Change: Hashable {
        let from: String
        let to: String
    }

    private func report(_ changes: [Change: Int], of count: Int) throws {
        let output = Output(options)
        let sorted = changes.sorted { ($1.value, $0.key.from, $0.key.to) < ($0.value, $1.key.from, $1.key.to) }
        for (change, crashes) in sorted {
            if options.json {
                var line = JSONLine()
                line.add("from", change.from)
                line.add("to", change.to)
                line.add("crashes", crashes)
                output.line(line)
                try output.checkReader()
            } else {
                output.text("\(crashes)  \(Escape.display(change.from))")
                output.text("   → \(output.style.bold(Escape.display(change.to)))")
            }
        }
        if !options.json, !options.quiet {
            let changed = changes.values.reduce(0, +)
            let verb = dryRun ? "would get" : "got"
            output.text(
                "signed \(counted(count, "crash or error", "crashes and errors")) "
                    + "by version \(SignatureAlgorithm.version): "
                    + "\(changed) \(verb) a new signature")
        }
        try output.finish()
    }
}
