import Catalog
import Glibc
import Harvest
import JSON
import Live
import Model
import Terminal
import Text

/// `salvage status`: shows the state of the store.
struct Status: Command {
    static var name: String { "status" }
    static var abstract: String { "Show store status: session states, nearest deadline, backlog, sizes." }

    var options = GlobalOptions()

    func run() throws {
        let catalog = try StoreAccess.catalogForReading(options)
        let status = try catalog.status()
        let flow = try catalog.flow(now: TimeText.now())
        let waiting = try PackBacklog(catalog)
        let catalogBytes = ["", "-wal"].reduce(UInt64(0)) { $0 + Self.fileSize(catalog.path + $1) }
        let absent = try AbsentPathText.find(in: catalog, options)
        let output = Output(options)
        if options.json {
            writeJSON(status, flow, waiting, catalog, catalogBytes, absent, to: output)
        } else {
            writeText(status, flow, waiting, catalog, catalogBytes, to: output)
            for path in absent {
                output.text("absent    " + output.style.yellow(Escape.display(AbsentPathText.line(path))))
            }
        }
        try output.finish()
    }

    private func writeJSON(
        _ status: StoreStatus, _ flow: LedgerFlow, _ waiting: PackBacklog, _ catalog: Catalog, _ catalogBytes: UInt64,
        _ absent: [AbsentPath], to output: Output
    ) {
        var sessions = JSONLine()
        for state in SessionState.allCases { sessions.add(state.rawValue, status.sessions[state] ?? 0) }
        var line = JSONLine()
        line.add("store", catalog.store)
        line.add("sessions", sessions)
        line.add("backlog", status.backlog)
        line.add("not_packed", waiting.sessions)
        line.add("not_packed_reason", waiting.reason)
        line.add("exits_last_hour", flow.exitsLastHour)
        line.add("artifacts_last_hour", flow.artifactsLastHour)
        line.add("bytes_last_hour", flow.bytesLastHour)
        line.add("overdue", flow.overdue)
        line.add("lost_last_day", flow.lostLastDay)
        line.add("followed", (try? LiveStore.sessions(catalog.store))?.count)
        line.add("next_deadline", time: status.nextDeadline)
        line.add("next_session", status.nextSession)
        line.add("time_left_ms", status.nextDeadline.map { $0 - TimeText.now() })
        line.add("packs", status.packs)
        line.add("pack_bytes", status.packBytes)
        line.add("members", status.members)
        line.add("member_bytes", status.memberBytes)
        line.add("crashes", status.crashes)
        line.add("catalog_bytes", catalogBytes)
        line.add("free_bytes", StoreExamination.free(catalog.store))
        if !absent.isEmpty { line.add("absent_paths", absent.map { AbsentPathText.object($0) }) }
        output.line(line)
    }

    private func writeText(
        _ status: StoreStatus, _ flow: LedgerFlow, _ waiting: PackBacklog, _ catalog: Catalog, _ catalogBytes: UInt64,
        to output: Output
    ) {
        let states = SessionState.allCases.compactMap { state in
            status.sessions[state].map { StateText.dress(state)(output.style, "\($0) \(state.rawValue)") }
        }
        output.text("store     \(Escape.display(catalog.store))")
        output.text("sessions  \(states.isEmpty ? "none" : states.joined(separator: ", "))")
        output.text("backlog   \(counted(status.backlog, "artifact")) to fetch")
        if let words = waiting.words { output.text("waiting   " + output.style.red(words)) }
        output.text(
            "flow      \(counted(flow.exitsLastHour, "exit")) and \(counted(flow.artifactsLastHour, "artifact")) "
                + "(\(SizeText.binary(flow.bytesLastHour))) in the last hour")
        let followed = try? LiveStore.sessions(catalog.store).count
        if let followed, followed > 0 {
            output.text("followed  the \(followed == 1 ? "log" : "logs") of \(counted(followed, "session"))")
        }
        if flow.lostLastDay > 0 { output.text("lost      " + output.style.red("\(flow.lostLastDay) in the last day")) }
        if let deadline = status.nextDeadline, let session = status.nextSession {
            let left = deadline - TimeText.now()
            let words = left > 0 ? "\(TimeText.span(left)) left" : "passed \(TimeText.span(-left)) ago"
            let dressed = left > 900_000 ? words : output.style.red(words)
            output.text("deadline  \(dressed) for session \(Escape.display(session))")
        }
        let ratio = status.packBytes > 0 ? status.memberBytes / status.packBytes : 0
        output.text(
            "packs     \(status.packs), \(SizeText.binary(status.packBytes)) on disk holding "
                + "\(SizeText.binary(status.memberBytes)) in \(counted(status.members, "member"))"
                + (ratio > 1 ? " (\(ratio) times as much)" : ""))
        output.text("crashes   \(status.crashes)")
        output.text("catalog   \(SizeText.binary(catalogBytes))")
        if let free = StoreExamination.free(catalog.store) {
            output.text("free      \(SizeText.binary(free)) on the disk")
        }
    }

    private static func fileSize(_ path: String) -> UInt64 {
        var info = stat()
        return stat(path, &info) == 0 ? UInt64(max(0, info.st_size)) : 0
    }
}
