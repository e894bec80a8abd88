import Catalog
import JSON
import Model
import Pack
import Store
import Terminal
import Text

extension SessionRecord: Row {
    static var columns: [Column] {
        [
            .text("SESSION", priority: 0, cut: .middle), .text("IMAGE", priority: 5), .text("TAG", priority: 3),
            .text("LOCATION", priority: 4), .time("ENDED", key: "exited", priority: 2),
            Column("STATE", priority: 1), .number("CRASHES", priority: 2), .number("MEMBERS", priority: 7),
            .number("SIZE", key: "bytes", priority: 6),
        ]
    }

    var cells: [Table.Cell] {
        let ended = exited ?? firstSeenExited
        let count = crashes
        return [
            Table.Cell(Escape.display(session)) { $0.cyan($1) },
            Table.Cell(image.isEmpty ? "-" : Escape.display(image)),
            Table.Cell(tag.map { Escape.display($0) } ?? "-"),
            Table.Cell(location.map { Escape.display($0) } ?? "-"),
            Table.Cell(ended.map { TimeText.table($0) } ?? "-"),
            Table.Cell(StateText.words(self), StateText.dress(state)),
            Table.Cell(count > 0 ? "\(count)" : "-") { count > 0 ? $0.red($1) : $0.dim($1) },
            Table.Cell(isPruned ? "-" : "\(members)"),
            Table.Cell(isPruned ? "-" : SizeText.binary(bytes)),
        ]
    }

    var json: [UInt8] { line.utf8 }

    /// The documented fields of `sessions` and `show`, and a few more.
    var line: JSONLine {
        var line = JSONLine()
        line.add("session", session)
        line.add("image", image.isEmpty ? nil : image)
        line.add("tag", tag)
        line.add("location", location)
        line.add("labels", labels)
        line.add("host", host)
        line.add("created", time: created)
        line.add("exited", time: exited ?? firstSeenExited)
        line.add("state", state.rawValue)
        line.add("reason", reason)
        line.add("deadline", time: deadline)
        line.add("members", members)
        line.add("bytes", bytes)
        line.add("crashes", crashes)
        line.add("source", source)
        line.add("pack", pack)
        line.add("pack_bytes", pack == nil ? nil : packBytes)
        line.add("pruned", time: pruned)
        line.add("pruned_why", prunedWhy)
        line.add("first_seen", time: firstSeen)
        line.add("first_seen_exited", time: firstSeenExited)
        return line
    }
}

extension JSONLine {
    /// Adds the documented fields of an artifact's ledger row.
    mutating func add(_ entry: ArtifactEntry) {
        add("artifact", entry.artifact)
        add("state", entry.state.rawValue)
        add("reason", entry.reason)
        add("status", entry.status)
        add("identifier", entry.identifier)
        add("tries", entry.tries)
        add("bytes", entry.bytes)
        add("first_try", time: entry.firstTry)
        add("last_try", time: entry.lastTry)
        add("verdict", entry.verdict?.rawValue)
        if !entry.flags.isEmpty { add("flags", entry.flags) }
        add("sha256", entry.sha256)
    }
}

extension ArtifactRecord: Row {
    static var columns: [Column] {
        [
            .text("ARTIFACT", priority: 0, cut: .middle), Column("STATE", priority: 1),
            .number("SIZE", key: "bytes", priority: 3), .text("REASON", priority: 2, minimum: 20),
        ]
    }

    var cells: [Table.Cell] {
        var reasons = entry.reason.map { [Escape.display($0)] } ?? []
        if let status = entry.status, !(200..<300).contains(status) { reasons.append("HTTP \(status)") }
        if let verdict = entry.verdict, verdict != .ok { reasons.append("archive \(Escape.display(verdict.rawValue))") }
        reasons += entry.flags.map { Escape.display($0) }
        return [
            Table.Cell(Escape.display(entry.artifact)),
            Table.Cell(entry.state.rawValue, StateText.dress(entry.state)),
            Table.Cell(SizeText.binary(entry.bytes)),
            Table.Cell(reasons.joined(separator: ", ")),
        ]
    }

    var json: [UInt8] { line.utf8 }

    /// The ledger row without its session.
    var line: JSONLine {
        var line = JSONLine()
        line.add(entry)
        line.add("next_try", time: nextTry)
        return line
    }
}

extension RequestRecord: Row {
    static var columns: [Column] {
        [
            .time("TIME", priority: 0), .text("OPERATION", priority: 3),
            .text("ARTIFACT", priority: 1, cut: .middle), .number("STATUS", priority: 2),
            .number("BYTES", priority: 4), .text("OUTCOME", priority: 1, minimum: 16),
        ]
    }

    var cells: [Table.Cell] {
        let failed = status.map { !(200..<300).contains($0) } ?? true
        let identifier = identifier.map { " [\(Escape.display($0))]" } ?? ""
        return [
            Table.Cell(TimeText.table(at)),
            Table.Cell(Escape.display(endpoint)),
            Table.Cell(artifact.map { Escape.display($0) } ?? "-"),
            Table.Cell(status.map { "\($0)" } ?? "-") { failed ? $0.yellow($1) : $1 },
            Table.Cell(SizeText.binary(bytes)),
            Table.Cell(Escape.display(outcome) + identifier),
        ]
    }

    var json: [UInt8] { line.utf8 }

    /// The request without its session.
    var line: JSONLine {
        var line = JSONLine()
        line.add("time", time: at)
        line.add("operation", endpoint)
        line.add("artifact", artifact)
        line.add("status", status)
        line.add("bytes", bytes)
        line.add("identifier", identifier)
        line.add("outcome", outcome)
        return line
    }
}

extension SessionExplanation {
    /// One object for the session, then one for each artifact, each with its requests.
    func lines(now: Int64) -> [JSONLine] {
        var line = JSONLine()
        line.add("session", session.session)
        line.add("state", session.state.rawValue)
        line.add("reason", session.reason)
        line.add("deadline", time: session.deadline)
        line.add("explanation", LedgerSentence.of(session, artifacts, now: now))
        line.add("requests", otherRequests.map(\.line))
        if requestsDropped > 0 { line.add("requests_dropped", requestsDropped) }
        return [line]
            + artifacts.map { artifact in
                var line = JSONLine()
                line.add("session", session.session)
                line.add(artifact.entry)
                line.add("next_try", time: artifact.nextTry)
                line.add("explanation", LedgerSentence.of(artifact, deadline: session.deadline, now: now))
                line.add("requests", requests(for: artifact).map(\.line))
                return line
            }
    }
}
