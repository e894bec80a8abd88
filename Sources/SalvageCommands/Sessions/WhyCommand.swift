import Catalog
import JSON
import Model
import Pack
import Store
import Terminal
import Text

/// `salvage why`: explains what was requested and collected for one session, and why not more.
struct Why: Command {
    static var name: String { "why" }
    static var abstract: String { "Explain what was and was not collected from a session, and why." }
    static var discussion: String {
        """
        With --json, prints one object for the session, then one for each artifact, each with the requests made for \
        it. The newest \(Catalog.requestsKept) requests of a session are kept.
        """
    }
    static var arguments: [CommandArgument<Self>] { [.session { $0.session = $1 }] }

    var session = ""
    var options = GlobalOptions()

    func run() throws {
        let now = TimeText.now()
        let explanation = try StoreAccess.store(options).explanation(of: session, now: now)
        let output = Output(options)
        if options.json {
            for line in explanation.lines { output.line(line) }
        } else {
            write(explanation, now: now, to: output)
        }
        try output.finish()
    }

    private func write(_ explanation: SessionExplanation, now: Int64, to output: Output) {
        let style = output.style
        let session = explanation.session
        let state = StateText.dress(session.state)(style, session.state.rawValue)
        output.text("\(style.bold(Escape.display(session.session)))  \(state)")
        output.text(
            "  " + Escape.display(LedgerSentence.of(session, explanation.artifacts, now: now, zone: DisplayZone.rules)))
        for artifact in explanation.artifacts {
            let entry = artifact.entry
            let state = StateText.dress(entry.state)(style, entry.state.rawValue)
            output.text("")
            output.text("\(style.bold(Escape.display(entry.artifact)))  \(state)")
            output.text("  " + Escape.display(LedgerSentence.of(artifact, deadline: session.deadline, now: now)))
            if let first = entry.firstTry, let last = entry.lastTry {
                let span = first == last ? "" : ", last \(TimeText.zoned(last))"
                output.text("  first requested \(TimeText.zoned(first))\(span)")
            }
        }
        if explanation.artifacts.isEmpty, session.state != .running {
            output.text("\nNo artifact was ever requested.")
        }
        let exports = ExportWords.lines(explanation.exports)
        if !exports.isEmpty { output.text("\n\(style.bold("Exports"))") }
        for line in exports { output.text("  " + line) }
        writeRequests(explanation, to: output)
    }

    private func writeRequests(_ explanation: SessionExplanation, to output: Output) {
        guard !explanation.requests.isEmpty else {
            output.text("\nNo requests are recorded (a reindex keeps only what the packs contain).")
            return
        }
        output.text("")
        let dropped = explanation.requestsDropped
        if dropped > 0 {
            output.text("\(counted(dropped, "earlier request is", "earlier requests are")) no longer kept")
        }
        var table = Table(of: RequestRecord.self)
        for request in explanation.requests { table.add(request.cells) }
        table.write(to: output.sink, style: output.style)
    }
}
