import Catalog
import JSON
import Model
import Pack
import Store
import Terminal
import Text

/// One line of `files`.
struct MemberRow: Row {
    let session: String
    let member: MemberRecord

    static var columns: [Column] { ["KIND", .number("SIZE"), .number("STORED"), "MODIFIED", "MODE", "PATH"] }

    var cells: [Table.Cell] {
        var path = Escape.path(member.path)
        if let target = member.linkTarget { path += " -> " + Escape.path(target) }
        if !member.flags.names.isEmpty { path += "  [\(member.flags.names.joined(separator: " "))]" }
        let isDump = member.kind == .crashDump
        return [
            Table.Cell(member.kind.name) { isDump ? $0.red($1) : $1 },
            Table.Cell(SizeText.binary(member.size)),
            Table.Cell(SizeText.binary(member.stored)),
            Table.Cell(TimeText.table(member.mtime / 1_000_000)),
            Table.Cell(SessionMember(session: session, member: member).modeText),
            Table.Cell(path),
        ]
    }

    var json: [UInt8] { Shapes.member.line(SessionMember(session: session, member: member)).utf8 }
}
