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
            .text("SESSION", priority: 0, cut: .middle), Column("STATE", priority: 1),
            .text("ENDED BY", key: "ended_by", priority: 2, cut: .middle), .time("ENDED", key: "exited", priority: 3),
            .text("TAG", priority: 3), .text("LOCATION", priority: 4), .text("IMAGE", priority: 5),
            .number("CRASHES", priority: 5), .number("MEMBERS", priority: 7),
            .number("SIZE", key: "bytes", priority: 6),
        ]
    }

    var cells: [Table.Cell] {
        let ended = exited ?? firstSeenExited
        let count = crashes
        return [
            Table.Cell(Escape.display(session)) { $0.cyan($1) },
            Table.Cell(StateText.words(self), StateText.dress(self)),
            Table.Cell(StateText.ending(self)) { count > 0 ? $0.red($1) : $1 },
            Table.Cell(ended.map { TimeText.table($0) } ?? "-"),
            Table.Cell(tag.map { Escape.display($0) } ?? "-"),
            Table.Cell(location.map { Escape.display($0) } ?? "-"),
            Table.Cell(image.isEmpty ? "-" : Escape.display(image)),
            Table.Cell(count > 0 ? "\(count)" : "-") { count > 0 ? $0.red($1) : $0.dim($1) },
            Table.Cell(isPruned ? "-" : "\(members)"),
            Table.Cell(isPruned ? "-" : SizeText.binary(bytes)),
        ]
    }

    var json: [UInt8] { Shapes.session.line(self).utf8 }
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

    var json: [UInt8] { Shapes.artifact.line(self).utf8 }
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

    var json: [UInt8] { Shapes.request.line(self).utf8 }
}
