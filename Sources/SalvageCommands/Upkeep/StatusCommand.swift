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
        let report = try store.status(now: now)
        let absent = try AbsentPathText.find(in: store, options)
        let channels = ChannelStatus(store)
        let output = Output(options)
        if options.json {
            var line = report.line(store, now: now, absent)
            channels.add(to: &line)
            output.line(line)
        } else {
            report.write(store, now: now, absent, to: output)
            channels.write(to: output)
        }
        try output.finish()
    }
}

extension StatusReport {
    fileprivate func line(_ store: Store, now: Int64, _ absent: [AbsentPath]) -> JSONLine {
        var sessions = JSONLine()
        for state in SessionState.allCases { sessions.add(state.rawValue, totals.sessions[state] ?? 0) }
        var line = JSONLine()
        line.add("store", store.path)
        line.add("sessions", sessions)
        line.add("backlog", totals.backlog)
        line.add("not_packed", backlog.sessions)
        line.add("not_packed_reason", backlog.reason)
        line.add("exits_last_hour", flow.exitsLastHour)
        line.add("artifacts_last_hour", flow.artifactsLastHour)
        line.add("bytes_last_hour", flow.bytesLastHour)
        line.add("overdue", flow.overdue)
        line.add("lost_last_day", flow.lostLastDay)
        line.add("followed", followed)
        line.add("next_deadline", time: totals.nextDeadline)
        line.add("next_session", totals.nextSession)
        line.add("time_left_ms", totals.nextDeadline.map { $0 - now })
        line.add("packs", totals.packs)
        line.add("pack_bytes", totals.packBytes)
        line.add("members", totals.members)
        line.add("member_bytes", totals.memberBytes)
        line.add("crashes", totals.crashes)
        line.add("catalog_bytes", catalogBytes)
        line.add("free_bytes", freeBytes)
        if !absent.isEmpty { line.add("absent_paths", absent.map { AbsentPathText.object($0) }) }
        return line
    }

    fileprivate func write(_ store: Store, now: Int64, _ absent: [AbsentPath], to output: Output) {
        let style = output.style
        let states = SessionState.allCases.compactMap { state in
            totals.sessions[state].map { StateText.dress(state)(style, "\($0) \(state.rawValue)") }
        }
        output.text("store     \(Escape.display(store.path))")
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
            "packs     \(totals.packs), \(SizeText.binary(totals.packBytes)) on disk holding "
                + "\(SizeText.binary(totals.memberBytes)) in \(counted(totals.members, "member"))"
                + (ratio > 1 ? " (\(ratio) times as much)" : ""))
        output.text("crashes   \(totals.crashes)")
        output.text("catalog   \(SizeText.binary(catalogBytes))")
        if let freeBytes { output.text("free      \(SizeText.binary(freeBytes)) on the disk") }
        for path in absent { output.text("absent    " + style.yellow(Escape.display(AbsentPathText.line(path)))) }
    }
}
