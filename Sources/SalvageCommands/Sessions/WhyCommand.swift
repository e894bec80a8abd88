import Catalog
import JSON
import Model
import Pack
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
        let catalog = try StoreAccess.catalogForReading(options)
        let id = try catalog.resolve(session)
        guard let record = try catalog.session(id) else { throw Failure.vanished(id) }
        let artifacts = try catalog.artifacts(id)
        let requests = try catalog.requests(id)
        let dropped = max(0, try catalog.requestCount(id) - requests.count)
        let output = Output(options)
        if options.json {
            writeJSON(record, artifacts, requests, dropped, to: output)
        } else {
            writeText(record, artifacts, to: output)
            writeRequests(requests, dropped, to: output)
        }
        try output.finish()
    }

    private func writeJSON(
        _ record: SessionRecord, _ artifacts: [ArtifactRecord], _ requests: [RequestRecord], _ dropped: Int,
        to output: Output
    ) {
        let known = ByteSet(artifacts.map(\.entry.artifact))
        var line = JSONLine(session: record.session, entry: nil, state: record.state, reason: record.reason)
        line.add("deadline", time: record.deadline)
        let others = requests.filter { $0.artifact.map { !known.contains($0) } ?? true }
        line.add("requests", others.map { Self.object($0) })
        if dropped > 0 { line.add("requests_dropped", dropped) }
        output.line(line)
        for artifact in artifacts {
            var line = JSONLine(
                session: record.session, entry: artifact.entry, state: record.state, reason: record.reason)
            line.add("next_try", time: artifact.nextTry)
            let own = requests.filter { $0.artifact?.hasSameBytes(as: artifact.entry.artifact) == true }
            line.add("requests", own.map { Self.object($0) })
            output.line(line)
        }
    }

    private static func object(_ request: RequestRecord) -> JSONLine {
        var line = JSONLine()
        line.add("time", time: request.at)
        line.add("operation", request.endpoint)
        line.add("artifact", request.artifact)
        line.add("status", request.status)
        line.add("bytes", request.bytes)
        line.add("identifier", request.identifier)
        line.add("outcome", request.outcome)
        return line
    }

    private func writeText(_ record: SessionRecord, _ artifacts: [ArtifactRecord], to output: Output) {
        let now = TimeText.now()
        let style = output.style
        let state = StateText.dress(record.state)(style, record.state.rawValue)
        output.text("\(style.bold(Escape.display(record.session)))  \(state)")
        output.text("  " + LedgerWords.sentence(record, artifacts, now: now))
        for artifact in artifacts {
            let entry = artifact.entry
            let state = StateText.dress(entry.state)(style, entry.state.rawValue)
            output.text("")
            output.text("\(style.bold(Escape.display(entry.artifact)))  \(state)")
            output.text("  " + LedgerWords.sentence(artifact, deadline: record.deadline, now: now))
            if let first = entry.firstTry, let last = entry.lastTry {
                let span = first == last ? "" : ", last \(TimeText.table(last))"
                output.text("  first requested \(TimeText.table(first))\(span)")
            }
        }
        if artifacts.isEmpty, record.state != .running {
            output.text("\nNo artifact was ever requested.")
        }
    }

    private func writeRequests(_ requests: [RequestRecord], _ dropped: Int, to output: Output) {
        guard !requests.isEmpty else {
            output.text("\nNo requests are recorded (a reindex keeps only what the packs contain).")
            return
        }
        output.text("")
        if dropped > 0 {
            output.text("\(counted(dropped, "earlier request is", "earlier requests are")) no longer kept")
        }
        var table = Table(["TIME", "OPERATION", "ARTIFACT", "STATUS", "BYTES", "OUTCOME"], rightAligned: [3, 4])
        for request in requests {
            let failed = request.status.map { !(200..<300).contains($0) } ?? true
            let identifier = request.identifier.map { " [\(Escape.display($0))]" } ?? ""
            table.add([
                Table.Cell(TimeText.table(request.at)),
                Table.Cell(Escape.display(request.endpoint)),
                Table.Cell(request.artifact.map { Escape.display($0) } ?? "-"),
                Table.Cell(request.status.map { "\($0)" } ?? "-") { failed ? $0.yellow($1) : $1 },
                Table.Cell(SizeText.binary(request.bytes)),
                Table.Cell(Escape.display(request.outcome) + identifier),
            ])
        }
        table.write(to: output.sink, style: output.style)
    }
}

extension Failure {
    /// The failure for a session that was removed after it was found.
    static func vanished(_ session: String) -> Failure {
        Failure("session_not_found", "the session was removed just now", session: session, status: .nothingFound)
    }
}
