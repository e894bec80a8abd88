import Catalog
import Harvest
import JSON
import Model
import Pack
import Store
import Terminal
import Text

/// `salvage coverage`: reports what is missing, and why.
struct CoverageReport: Command {
    static var name: String { "coverage" }
    static var abstract: String { "Report what was collected and what is missing." }
    static var discussion: String {
        """
        Lists every artifact that is not collected; with --json, the last object has the totals. Exit code 3 if \
        something was lost, failed or is incomplete. Paths that do not exist and paths that sampling left out are \
        not missing. A rule's path that is absent in every session is listed at the end; this looks at the newest \
        \(AbsentPath.mostSessions) selected sessions of each rule, from the last seven days unless --since is given.
        """
    }
    static var flags: [CommandFlag<Self>] {
        let own: [CommandFlag<Self>] = [
            .toggle("all", nil, "Also list collected artifacts.") { $0.all = true }
        ]
        return own + SelectionOptions.flags.within(\.select)
    }

    var all = false
    var select = SelectionOptions()
    var options = GlobalOptions()

    func run() throws {
        let store = try StoreAccess.store(options)
        let selection = try select.selection()
        let coverage = try store.coverage(selection)
        let output = Output(options)
        if coverage.sessions.isEmpty {
            if options.json { output.line(Shapes.coverageTotals.line(coverage)) }
            try output.nothing("no session matches", options)
        }
        var gaps = Listing<CoverageGap>(output)
        try store.forEachGap(selection, includesCollected: all) { try gaps.add($0) }
        let absent = try AbsentPathText.find(in: store, options, selection)
        if options.json {
            for path in absent { output.line(Shapes.absentGap.line(path)) }
            output.line(Shapes.coverageTotals.line(coverage))
        } else {
            coverage.write(to: output)
            if gaps.count > 0 {
                output.text("")
                gaps.finish()
            }
            if !absent.isEmpty { output.text("") }
            for path in absent { output.text(output.style.yellow(Escape.display(AbsentPathText.line(path)))) }
        }
        try output.finish()
        if !coverage.isComplete { throw EndedWith(status: .partial) }
    }
}
