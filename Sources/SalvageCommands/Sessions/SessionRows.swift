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
            "SESSION", "STATE", "ENDED BY", "ENDED", "TAG", "LOCATION", "IMAGE", .number("CRASHES"), .number("MEMBERS"),
            .number("SIZE"),
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
    static var columns: [Column] { ["  ARTIFACT", "STATE", .number("SIZE"), "REASON"] }

    var cells: [Table.Cell] {
        var reasons = entry.reason.map { [Escape.display($0)] } ?? []
        if let status = entry.status, !(200..<300).contains(status) { reasons.append("HTTP \(status)") }
        if let verdict = entry.verdict, verdict != .ok { reasons.append("archive \(Escape.display(verdict.rawValue))") }
        reasons += entry.flags.map { Escape.display($0) }
        return [
            Table.Cell("  " + Escape.display(entry.artifact)),
            Table.Cell(entry.state.rawValue, StateText.dress(entry.state)),
            Table.Cell(SizeText.binary(entry.bytes)),
            Table.Cell(reasons.joined(separator: ", ")),
        ]
    }

    var json: [UInt8] { Shapes.artifact.line(self).utf8 }
}

extension RequestRecord: Row {
    static var columns: [Column] {
        ["TIME", "OPERATION", "ARTIFACT", .number("STATUS"), .number("BYTES"), "OUTCOME"]
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
