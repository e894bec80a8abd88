import Catalog
import CrashAnalysis
import Model
import Store
import Terminal
import Text

/// Writes the screen of `show`.
struct ShowScreen {
    let report: SessionReport
    let output: Output
    /// The current time, in milliseconds since 1970.
    let now: Int64

    /// Longer lines of the log are cut.
    private static let widestLine = 200
    /// More frames of a stack are counted.
    private static let mostFrames = 8
    /// Of more builds the last are named.
    private static let mostBuilds = 6
    /// More artifacts that are missing are counted.
    private static let mostMissing = 5

    private var style: Style { output.style }
    private var session: SessionRecord { report.session }

    func write() {
        writeHead()
        writeArtifacts()
        writeMissing()
        writeCrash()
        writeExports()
        writeFollowed()
        writeLog()
        writeNext()
    }

    private func writeHead() {
        let state = StateText.dress(session)(style, StateText.words(session))
        output.text("\(style.bold(Escape.display(session.session)))  \(state)")
        let build = [session.image.isEmpty ? nil : session.image, session.tag].compactMap { $0 }
        fact("image", build.isEmpty ? "unknown" : Escape.display(build.joined(separator: " ")))
        let place = [session.location, session.host].compactMap { $0.map { Escape.display($0) } }
        if !place.isEmpty { fact("where", place.joined(separator: ", ")) }
        let labels = session.labels.sortedByKey.map { "\($0.key)=\($0.value)" }
        if !labels.isEmpty { fact("labels", Escape.display(labels.joined(separator: " "))) }
        fact("ran", lifetime)
        fact("ended", ending)
        fact("ledger", Escape.display(LedgerSentence.of(session, report.artifacts, now: now, zone: DisplayZone.rules)))
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
            return "\(TimeText.range(created, ended)) (\(TimeText.span(ended - created)))"
        case (let created?, nil): return "since \(TimeText.zoned(created))"
        case (_, let ended?): return "until \(TimeText.zoned(ended))"
        default: return "unknown"
        }
    }

    private var ending: String {
        if let crash = report.crashes.first {
            let more = session.crashes > 1 ? " (and \(session.crashes - 1) more)" : ""
            return style.red("crashed: " + CrashWords.headline(crash)) + more
        }
        if session.state == .running { return style.cyan("not yet") }
        if let crash = report.followedCrashes.last(where: \.isCrash) {
            return style.red("crashed: " + CrashWords.headline(crash))
        }
        if report.isFollowed { return "no crash was found in the followed log" }
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

    private func writeArtifacts() {
        guard !report.artifacts.isEmpty else { return }
        heading("Artifacts")
        var table = Table(of: ArtifactRecord.self, indent: 2)
        for artifact in report.artifacts { table.add(artifact.cells) }
        table.write(to: output.sink, style: style)
    }

    /// Writes the newest crash, and what is known of its signature.
    private func writeCrash() {
        guard let crash = report.crashes.first else { return }
        heading(session.crashes > 1 ? "Crash (the newest of \(session.crashes))" : "Crash")
        output.text("  \(style.red(CrashWords.headline(crash)))")
        let quality = CrashWords.quality(crash.row.signatureQuality)
        output.text("  \(style.bold(Escape.display(crash.row.signature)))\(quality)")
        if let known = report.signature { writeSignature(known) }
        writeMessages(of: crash.record)
        let frames = crash.record?.frames ?? []
        writeFrames(frames)
        if frames.count > Self.mostFrames {
            output.text(style.dim("  … \(counted(frames.count - Self.mostFrames, "more frame"))"))
        }
        if crash.record == nil {
            output.text(style.yellow("  A later version of salvage wrote the crash's record; this one cannot read it."))
        }
        writeMissingSymbols(crash.record)
    }

    /// Writes how often, since when and in which builds the signature crashed, and what is decided about it.
    private func writeSignature(_ known: SignatureOverview) {
        for fact in CrashWords.history(known) { output.text("  " + style.dim(fact)) }
        let tags = known.selected.tags
        guard !tags.isEmpty else { return }
        let shown = tags.suffix(Self.mostBuilds).map { Escape.display($0) }.joined(separator: " ")
        let more = tags.count > Self.mostBuilds ? " and \(tags.count - Self.mostBuilds) more" : ""
        output.text("  " + style.dim("builds ") + shown + more)
    }

    /// Writes the text of the assertion, panic or exception: the dump's own and the log's.
    private func writeMessages(of record: CrashRecord?) {
        guard let record else { return }
        writeMessage(record.message)
        if let cause = record.cause {
            let text = [cause.exception, cause.message].compactMap { $0 }.joined(separator: ": ")
            if !text.isEmpty, text != record.message { writeMessage("\(cause.detector): \(text)") }
        }
    }

    private func writeMissingSymbols(_ record: CrashRecord?) {
        guard let record else { return }
        let unnamed = Set(record.frames.filter { $0.function == nil }.compactMap(\.module))
        let missing = record.modules.filter { $0.symbols == .missing && unnamed.contains($0.name) }.map(\.name)
        guard !missing.isEmpty else { return }
        let shown = missing.prefix(3).map { Escape.display($0) }.joined(separator: ", ")
        let more = missing.count > 3 ? " and \(missing.count - 3) more" : ""
        output.text(
            "  " + style.yellow("symbols missing for ") + shown + more + style.dim("  (salvage symbols missing)"))
    }

    /// Writes what should exist but was not collected, and why.
    private func writeMissing() {
        let missing = report.artifacts.filter { artifact in
            switch artifact.entry.state {
            case .pending, .incomplete, .failed, .lost, .absent: true
            case .collected, .skipped: false
            }
        }
        guard !missing.isEmpty else { return }
        heading("Missing")
        for artifact in missing.prefix(Self.mostMissing) {
            let sentence = LedgerSentence.of(artifact, deadline: session.deadline, now: now)
            output.text("  \(Escape.display(artifact.entry.artifact)): \(Escape.display(sentence))")
        }
        if missing.count > Self.mostMissing {
            output.text(style.dim("  … and \(counted(missing.count - Self.mostMissing, "more artifact"))"))
        }
    }

    /// Writes what happened to its crashes at services outside.
    private func writeExports() {
        let lines = ExportWords.lines(report.exports)
        if !lines.isEmpty { heading("Exports") }
        for line in lines { output.text("  " + line) }
    }

    /// Writes the last crash or error in the followed log of a session that has no pack yet.
    private func writeFollowed() {
        guard let record = report.followedCrashes.last else { return }
        heading(session.state == .running ? "In the log of the running session" : "In the followed log")
        let what = record.isCrash ? "a crash" : "an error"
        output.text("  \(style.red(what)): \(style.bold(Escape.display(record.signature)))")
        writeMessage(record.message)
        writeFrames(record.frames)
    }

    private func writeMessage(_ message: String?) {
        if let message { output.text("  " + Escape.display(String(message.prefix(300)))) }
    }

    private func writeFrames(_ frames: [CrashFrame]) {
        for frame in frames.prefix(Self.mostFrames) { output.text("  " + CrashWords.frame(frame, style: style)) }
    }

    private func writeLog() {
        switch report.log {
        case .none: return
        case .unreadable(let error):
            output.text("\n" + style.yellow("The log cannot be read: \(Escape.display(error.message))"))
        case .lines(let lines, let path):
            heading("Last lines of \(Escape.display(path))")
            for line in lines {
                let cut = line.count > Self.widestLine
                output.text("  " + Escape.display(line.prefix(Self.widestLine)) + (cut ? "…" : ""))
            }
        }
    }

    /// Writes the commands that a reader most likely types next.
    private func writeNext() {
        let id = ShellText.quoted(session.session)
        var commands: [String] = []
        if let crash = report.crashes.first {
            let crashID = ShellText.quoted(crash.row.crash)
            commands.append("salvage crash \(crashID)")
            if session.pack != nil { commands.append("salvage logs \(id) --around \(crashID)") }
            if let known = report.signature {
                if known.selected.sessions > 1 { commands.append("salvage sessions --signature \(known.id)") }
                if known.state != .fixed, known.state != .ignored {
                    commands.append("salvage crashes resolve \(known.id)")
                }
            }
        }
        switch session.state {
        case .partial, .lost, .pending, .skipped: commands.append("salvage why \(id)")
        case .running where report.isFollowed: commands.append("salvage logs \(id) -f")
        case .running: commands.append("salvage api stream-logs \(id) --follow")
        case .harvested: break
        }
        if session.pack != nil {
            commands.append("salvage files \(id)")
            if report.crashes.isEmpty { commands.append("salvage logs \(id)") }
        }
        guard !commands.isEmpty else { return }
        output.text("")
        let shown = commands.map { style.charset.text(Escape.display($0)) }
        // On a terminal each command is whole, on one line with others where they fit.
        var line = style.dim("Next: ")
        var width = 6
        for (index, command) in shown.enumerated() {
            let separator = index == 0 ? "" : "  ·  "
            let columns = DisplayWidth.of(separator) + DisplayWidth.of(command)
            if index > 0, let most = style.width, width + columns > most {
                output.text(line)
                (line, width) = ("      " + command, 6 + DisplayWidth.of(command))
            } else {
                line += style.dim(separator) + command
                width += columns
            }
        }
        output.text(line)
    }
}
