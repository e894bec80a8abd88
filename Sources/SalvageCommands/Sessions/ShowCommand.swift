import Catalog
import CrashAnalysis
import JSON
import Live
import Model
import Pack
import Terminal
import Text

/// `salvage show`: one screen on what happened to one session.
struct Show: Command {
    static var name: String { "show" }
    static var abstract: String { "Show what happened to one session, on one screen." }
    static var discussion: String {
        "With --json, prints the session as `sessions` does."
    }
    static var arguments: [CommandArgument<Self>] { [.session { $0.session = $1 }] }
    static var flags: [CommandFlag<Self>] {
        [
            .number("lines", value: "count", "Number of log lines to show (default: \(Self().lines)).") {
                $0.lines = $1
            }
        ]
    }

    var session = ""
    var lines = 12
    var options = GlobalOptions()

    func run() throws {
        let catalog = try StoreAccess.catalogForReading(options)
        let id = try catalog.resolve(session)
        guard let record = try catalog.session(id) else { throw Failure.vanished(id) }
        let output = Output(options)
        if options.json {
            output.line(JSONLine(session: record))
            try output.finish()
            return
        }
        let crashes = try catalog.crashes(Selection(sessions: [id], limit: 10)).map { CrashView($0) }
        let artifacts = try catalog.artifacts(id)
        var told: [CrashRecord] = []
        var failure: LiveFailure?
        do throws(LiveFailure) { told = try LiveCrashes(store: catalog.store).records(of: record) } catch {
            failure = error
        }
        let isFollowed =
            try record.pack == nil && (failure != nil || LiveStore.isHeld(catalog.store, session: id))
        let screen = ShowScreen(
            session: record, output: output, now: TimeText.now(), isFollowed: isFollowed, told: told)
        screen.writeHead(crashes, artifacts)
        screen.writeArtifacts(artifacts)
        if let crash = crashes.first {
            screen.writeCrash(crash, of: record.crashes, known: try catalog.signature(crash.row.signature))
        }
        screen.writeFollowed()
        if lines > 0 { screen.writeLog(LogTail.read(record, store: catalog.store, lines: min(lines, 1000))) }
        screen.writeNext(crashes)
        try output.finish()
        if let failure { throw failure }
    }
}

/// Writes the parts of the screen.
struct ShowScreen {
    let session: SessionRecord
    let output: Output
    let now: Int64
    /// Whether its log was followed and is not in a pack.
    let isFollowed: Bool
    /// The crashes and errors found in this log.
    let told: [CrashRecord]

    private var style: Style { output.style }

    func writeHead(_ crashes: [CrashView], _ artifacts: [ArtifactRecord]) {
        let state = StateText.dress(session.state)(style, StateText.words(session))
        output.text("\(style.bold(Escape.display(session.session)))  \(state)")
        let build = [session.image.isEmpty ? nil : session.image, session.tag].compactMap { $0 }
        fact("image", build.isEmpty ? "unknown" : Escape.display(build.joined(separator: " ")))
        let place = [session.location, session.host].compactMap { $0.map { Escape.display($0) } }
        if !place.isEmpty { fact("where", place.joined(separator: ", ")) }
        let labels = session.labels.sortedByKey.map { "\($0.key)=\($0.value)" }
        if !labels.isEmpty { fact("labels", Escape.display(labels.joined(separator: " "))) }
        fact("ran", lifetime)
        fact("ended", ending(crashes))
        fact("ledger", LedgerWords.sentence(session, artifacts, now: now))
        if let pack = session.pack {
            fact(
                "kept",
                "\(counted(session.members, "member")), "
                    + "\(SizeText.binary(session.bytes)) in \(SizeText.binary(session.packBytes)) "
                    + style.dim(Escape.display(pack)))
        }
    }

    private var lifetime: String {
        let ended = session.exited ?? session.firstSeenExited
        switch (session.created, ended) {
        case (let created?, let ended?) where ended >= created:
            return "\(TimeText.table(created)) to \(TimeText.table(ended)) UTC (\(TimeText.span(ended - created)))"
        case (let created?, nil): return "since \(TimeText.table(created)) UTC"
        case (_, let ended?): return "until \(TimeText.table(ended)) UTC"
        default: return "unknown"
        }
    }

    private func ending(_ crashes: [CrashView]) -> String {
        if let crash = crashes.first {
            let more = session.crashes > 1 ? " (and \(session.crashes - 1) more)" : ""
            return style.red("crashed: " + crash.headline) + more
        }
        if session.state == .running { return style.cyan("not yet") }
        if let crash = told.last(where: \.isCrash) { return style.red("crashed: " + CrashView.headline(crash)) }
        if isFollowed { return "no crash was found in the followed log" }
        if session.state == .pending { return "nothing was collected yet" }
        if session.isPruned { return "what was collected was pruned" }
        guard session.pack != nil else { return "nothing was collected" }
        return "no crash was found in the stored data" + (session.pruned == nil ? "" : "; an earlier pack was pruned")
    }

    private func fact(_ name: String, _ text: String) {
        output.text("  " + style.dim(name) + String(repeating: " ", count: max(1, 9 - name.utf8.count)) + text)
    }

    private func heading(_ text: String) {
        output.text("")
        output.text(style.bold(text))
    }

    func writeArtifacts(_ artifacts: [ArtifactRecord]) {
        guard !artifacts.isEmpty else { return }
        heading("Artifacts")
        var table = Table(["  ARTIFACT", "STATE", "SIZE", "REASON"], rightAligned: [2])
        for record in artifacts {
            let entry = record.entry
            var reasons = entry.reason.map { [Escape.display($0)] } ?? []
            if let status = entry.status, !(200..<300).contains(status) { reasons.append("HTTP \(status)") }
            if let verdict = entry.verdict, verdict != .ok { reasons.append("archive \(Escape.display(verdict.rawValue))") }
            reasons += entry.flags.map { Escape.display($0) }
            table.add([
                Table.Cell("  " + Escape.display(entry.artifact)),
                Table.Cell(entry.state.rawValue, StateText.dress(entry.state)),
                Table.Cell(SizeText.binary(entry.bytes)),
                Table.Cell(reasons.joined(separator: ", ")),
            ])
        }
        table.write(to: output.sink, style: style)
    }

    func writeCrash(_ crash: CrashView, of count: Int, known: SignatureSummary?) {
        heading(count > 1 ? "Crash (the newest of \(count))" : "Crash")
        output.text("  \(style.red(crash.headline))")
        output.text("  \(style.bold(Escape.display(crash.row.signature)))\(Crash.quality(crash.row.signatureQuality))")
        if let known { output.text("  " + style.dim(Crash.history(known))) }
        if let message = crash.record?.message { output.text("  " + Escape.display(String(message.prefix(300)))) }
        let frames = crash.record?.frames ?? []
        for frame in frames.prefix(8) { output.text("  " + CrashView.text(frame, style: style)) }
        if frames.count > 8 { output.text(style.dim("  … \(counted(frames.count - 8, "more frame"))")) }
    }

    /// Writes the last crash or error in the followed log of a session that has no pack yet.
    func writeFollowed() {
        guard let record = told.last else { return }
        heading(session.state == .running ? "In the log of the running session" : "In the followed log")
        let what = record.isCrash ? "a crash" : "an error"
        output.text("  \(style.red(what)): \(style.bold(Escape.display(record.signature)))")
        if let message = record.message { output.text("  " + Escape.display(String(message.prefix(300)))) }
        for frame in record.frames.prefix(8) { output.text("  " + CrashView.text(frame, style: style)) }
    }

    func writeLog(_ tail: LogTail.Result) {
        switch tail {
        case .none: return
        case .unreadable(let reason):
            output.text("\n" + style.yellow("The log cannot be read: \(Escape.display(reason))"))
        case .lines(let lines, let path):
            heading("Last lines of \(Escape.display(path))")
            for line in lines { output.text("  " + line) }
        }
    }

    func writeNext(_ crashes: [CrashView]) {
        let id = ShellText.quoted(session.session)
        var commands: [String] = []
        if let crash = crashes.first { commands.append("salvage crash \(ShellText.quoted(crash.row.crash))") }
        switch session.state {
        case .partial, .lost, .pending, .skipped: commands.append("salvage why \(id)")
        case .running where isFollowed: commands.append("salvage logs \(id) -f")
        case .running: commands.append("salvage api stream-logs \(id) --follow")
        case .harvested: break
        }
        if session.pack != nil {
            commands.append("salvage files \(id)")
            if crashes.isEmpty { commands.append("salvage logs \(id)") }
        }
        guard !commands.isEmpty else { return }
        output.text("")
        output.text(style.dim("Next: ") + commands.map { Escape.display($0) }.joined(separator: style.dim("  ·  ")))
    }
}
