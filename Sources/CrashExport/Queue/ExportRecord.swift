import JSON
import Model

/// One line of the queue's journal.
enum ExportRecord: Sendable, Equatable {
    /// A crash waits.
    case queued(ExportItem)
    /// A try failed, or the minidump will be left out: the item as it is now.
    case changed(ExportItem, time: Int64)
    /// A crash waits no longer.
    case ended(ExportEntry)
    /// The state of the service changed; `reason` is that of a try that failed.
    case service(ExportService, reason: String?, time: Int64)
    /// A session's crashes are going to be recorded; they are not queued yet.
    case due(session: String)
    /// A session's crashes are queued.
    case considered(session: String)
    /// What earlier records said, written when the journal is rewritten.
    case totals(ExportTotals)

    /// The line, without a newline.
    var line: [UInt8] {
        var line = JSONLine()
        switch self {
        case .queued(let item):
            line.add("record", "queued")
            item.write(to: &line)
        case .changed(let item, let time):
            line.add("record", "changed")
            item.write(to: &line)
            line.add("time", time)
        case .ended(let entry):
            line.add("record", "ended")
            line.add("entry", json: entry.line)
        case .service(let service, let reason, let time):
            line.add("record", "service")
            service.write(to: &line)
            line.add("reason", reason)
            line.add("time", time)
        case .due(let session):
            line.add("record", "due")
            line.add("session", session)
        case .considered(let session):
            line.add("record", "considered")
            line.add("session", session)
        case .totals(let totals):
            line.add("record", "totals")
            totals.write(to: &line)
        }
        return line.utf8
    }

    /// Reads a line; nil if it is not a record of this version.
    init?(_ bytes: some Sequence<UInt8>) {
        let value: JSONValue
        do throws(JSONFault) { value = try JSONValue(parsing: bytes) } catch { return nil }
        let session = value["session"]?.string
        let time = value["time"]?.int64
        switch (value["record"]?.string, session, time) {
        case ("queued", _, _):
            guard let item = ExportItem(reading: value) else { return nil }
            self = .queued(item)
        case ("changed", _, let time?):
            guard let item = ExportItem(reading: value) else { return nil }
            self = .changed(item, time: time)
        case ("ended", _, _):
            guard let entry = value["entry"].flatMap(ExportEntry.init(reading:)) else { return nil }
            self = .ended(entry)
        case ("service", _, let time?):
            self = .service(ExportService(reading: value), reason: value["reason"]?.string, time: time)
        case ("due", let session?, _): self = .due(session: session)
        case ("considered", let session?, _): self = .considered(session: session)
        case ("totals", _, _): self = .totals(ExportTotals(reading: value))
        default: return nil
        }
    }
}

extension ExportItem {
    fileprivate func write(to line: inout JSONLine) {
        line.add("crash", crash)
        line.add("session", session)
        line.add("since", since)
        line.add("minidump", minidump)
        line.add("left_out", leftOut)
        if failures > 0 {
            line.add("failures", failures)
            line.add("next", next)
            line.add("failed", failed)
        }
    }

    fileprivate init?(reading value: JSONValue) {
        guard let crash = value["crash"]?.string, let session = value["session"]?.string,
            let since = value["since"]?.int64, let minidump = value["minidump"]?.bool
        else { return nil }
        self.init(crash: crash, session: session, since: since, minidump: minidump)
        leftOut = value["left_out"]?.string
        failures = Int(clamping: value["failures"]?.int64 ?? 0)
        next = value["next"]?.int64 ?? 0
        failed = value["failed"]?.int64
    }
}
