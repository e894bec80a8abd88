import Catalog
import Harvest
import JSON
import Model
import Pack
import Terminal

/// `salvage coverage`: reports what is missing, and why.
struct CoverageReport: Command {
    static var name: String { "coverage" }
    static var abstract: String { "Report what was collected and what is missing." }
    static var discussion: String {
        """
        Lists every artifact that is not collected. Exit code 3 if something was lost, failed or is incomplete; \
        paths that do not exist and paths skipped by a sampling rule do not count as missing. A rule's path that \
        is absent in every session is listed at the end; this looks at the newest \(AbsentPath.mostSessions) \
        selected sessions of each rule, from the last seven days unless --since is given.
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
        let catalog = try StoreAccess.catalogForReading(options)
        let selection = try select.selection()
        let coverage = try catalog.coverage(selection)
        let output = Output(options)
        if coverage.sessions.isEmpty { try output.nothing("no session matches", options) }
        var table = Table(
            ["SESSION", "ARTIFACT", "STATE", "STATUS", "TRIES", "SIZE", "LAST TRY", "REASON"], rightAligned: [3, 4, 5])
        try catalog.forEachGap(selection, collected: all) { gap in
            if options.json {
                output.line(
                    JSONLine(session: gap.session, entry: gap.entry, state: gap.state, reason: gap.reason))
                try output.checkReader()
            } else {
                table.add(Self.row(gap))
            }
        }
        let absent = try AbsentPathText.find(in: catalog, options, selection)
        if options.json {
            for path in absent {
                var line = AbsentPathText.object(path)
                line.add("state", ArtifactState.absent.rawValue)
                line.add("everywhere", true)
                output.line(line)
            }
        } else {
            write(coverage, to: output)
            if !table.isEmpty {
                output.text("")
                table.write(to: output.sink, style: output.style)
            }
            if !absent.isEmpty { output.text("") }
            for path in absent { output.text(output.style.yellow(Escape.display(AbsentPathText.line(path)))) }
        }
        try output.finish()
        if !coverage.isComplete { throw EndedWith(status: .partial) }
    }

    private func write(_ coverage: Coverage, to output: Output) {
        let sessions = SessionState.allCases.compactMap { state in
            coverage.sessions[state].map { StateText.dress(state)(output.style, "\($0) \(state.rawValue)") }
        }
        let artifacts = ArtifactState.allCases.compactMap { state in
            coverage.artifacts[state].map { StateText.dress(state)(output.style, "\($0) \(state.rawValue)") }
        }
        output.text("sessions   \(sessions.joined(separator: ", "))")
        output.text("artifacts  \(artifacts.isEmpty ? "none" : artifacts.joined(separator: ", "))")
        let absent = coverage.artifacts[.absent].map { "; requested paths that do not exist: \($0)" } ?? ""
        output.text(
            "collected  \(percent(coverage)) of what existed, \(SizeText.binary(coverage.bytes)) downloaded\(absent)")
    }

    /// The share of collected artifacts among those that exist and were requested, such as `99.9 %`.
    private func percent(_ coverage: Coverage) -> String {
        let collected = coverage.artifacts[.collected] ?? 0
        let wanted = [ArtifactState.collected, .incomplete, .failed, .lost, .pending].reduce(0) {
            $0 + (coverage.artifacts[$1] ?? 0)
        }
        guard wanted > 0 else { return "100 %" }
        // Rounded down: 99.99 % must not show as 100 %.
        let tenths = collected * 1000 / wanted
        return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
    }

    private static func row(_ gap: CoverageGap) -> [Table.Cell] {
        let state = gap.entry?.state.rawValue ?? gap.state.rawValue
        let dress = gap.entry.map { StateText.dress($0.state) } ?? StateText.dress(gap.state)
        let reason = (gap.entry == nil ? gap.reason : gap.entry?.reason).map { Escape.display($0) } ?? "-"
        let identifier = gap.entry?.identifier.map { " [\(Escape.display($0))]" } ?? ""
        return [
            Table.Cell(Escape.display(gap.session)) { $0.cyan($1) },
            Table.Cell(gap.entry.map { Escape.display($0.artifact) } ?? "-"),
            Table.Cell(state, dress),
            Table.Cell(gap.entry?.status.map { "\($0)" } ?? "-"),
            Table.Cell(gap.entry.map { "\($0.tries)" } ?? "-"),
            Table.Cell(gap.entry.map { SizeText.binary($0.bytes) } ?? "-"),
            Table.Cell(gap.entry?.lastTry.map { TimeText.table($0) } ?? "-"),
            Table.Cell(reason + identifier),
        ]
    }
}
