import Catalog
import Harvest
import JSON
import Live
import Model
import Store
import Terminal
import Text

/// `salvage status`: shows the state of the store.
struct Status: Command {
    static var name: String { "status" }
    static var abstract: String { "Show store status: session states, nearest deadline, backlog, sizes." }

    var options = GlobalOptions()

    func run() throws {
        let store = try StoreAccess.store(options)
        let now = TimeText.now()
        var report = try store.status(now: now)
        report.absentPaths = try AbsentPathText.find(in: store, options)
        let channels = ChannelStatus(store)
        let exports = ExportStatus(store, now: now)
        let output = Output(options)
        if options.json {
            var line = Shapes.status.line(report)
            channels.add(to: &line)
            exports.add(to: &line)
            output.line(line)
        } else {
            report.write(to: output)
            channels.write(to: output)
            exports.write(to: output)
        }
        try output.finish()
    }
}

extension StatusReport {
    fileprivate func write(to output: Output) {
        let style = output.style
        let states = SessionState.allCases.compactMap { state in
            totals.sessions[state].map { StateText.dress(state)(style, "\($0) \(state.rawValue)") }
        }
        output.text("store     \(Escape.display(store))")
        output.text("sessions  \(states.isEmpty ? "none" : states.joined(separator: ", "))")
        output.text("backlog   \(counted(totals.backlog, "artifact")) to fetch")
        if let words = backlog.words { output.text("waiting   " + style.red(Escape.display(words))) }
        output.text(
            "flow      \(counted(flow.exitsLastHour, "exit")) and \(counted(flow.artifactsLastHour, "artifact")) "
                + "(\(SizeText.binary(flow.bytesLastHour))) in the last hour")
        if let followed, followed > 0 {
            output.text("followed  the \(followed == 1 ? "log" : "logs") of \(counted(followed, "session"))")
        }
        if flow.lostLastDay > 0 { output.text("lost      " + style.red("\(flow.lostLastDay) in the last day")) }
        if let deadline = totals.nextDeadline, let session = totals.nextSession {
            let left = deadline - now
            let words = left > 0 ? "\(TimeText.span(left)) left" : "passed \(TimeText.span(-left)) ago"
            output.text("deadline  \(left > 900_000 ? words : style.red(words)) for session \(Escape.display(session))")
        }
        let ratio = totals.packBytes > 0 ? totals.memberBytes / totals.packBytes : 0
        output.text(
            "packs     \(totals.packs), \(SizeText.binary(totals.packBytes)) on disk for "
                + "\(SizeText.binary(totals.memberBytes)) in \(counted(totals.members, "member"))"
                + (ratio > 1 ? " (\(ratio) times as much)" : ""))
        output.text("crashes   \(totals.crashes)")
        if let catalogBytes { output.text("catalog   \(SizeText.binary(catalogBytes))") }
        fleet?.write(to: output)
        if let freeBytes { output.text("free      \(SizeText.binary(freeBytes)) on the disk") }
        for path in absentPaths { output.text("absent    " + style.yellow(Escape.display(AbsentPathText.line(path)))) }
    }
}
