import Bytes
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

    static var columns: [Column] {
        [
            Column("KIND", priority: 1), .number("SIZE", priority: 1), .number("STORED", priority: 4),
            .time("MODIFIED", key: "mtime", priority: 2), Column("MODE", priority: 5),
            .text("PATH", priority: 0, cut: .middle, minimum: 24),
        ]
    }

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
            Table.Cell(Self.modeText(member.mode)),
            Table.Cell(path),
        ]
    }

    var json: [UInt8] {
        var line = JSONLine()
        line.add("session", session)
        line.add("artifact", member.artifact)
        line.add("path", Escape.path(member.path))
        if !member.path.withUnsafeBytes({ $0.isUTF8 }) { line.add("path_base64", Base64.text(member.path)) }
        line.add("kind", member.kind.name)
        line.add("size", member.size)
        line.add("stored", member.stored)
        line.add("sha256", member.sha256.isEmpty ? nil : Hex.text(member.sha256))
        line.add("mode", Self.modeText(member.mode))
        line.add("mtime", time: member.mtime / 1_000_000)
        line.add("link_target", member.linkTarget.map { Escape.path($0) })
        line.add("flags", member.flags.names)
        return line.utf8
    }

    /// Permission bits as `chmod` takes them.
    private static func modeText(_ mode: UInt32) -> String {
        let digits = String(mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension MemberFlags {
    /// The names of the flags in JSON and tables; a bit of a later version is `bit_N`.
    var names: [String] {
        let known: [(MemberFlags, String)] = [
            (.truncated, "truncated"), (.corrupt, "corrupt"), (.setuidStripped, "setuid_stripped"),
            (.hashOmitsHoles, "hash_omits_holes"), (.shadowed, "shadowed"), (.decompressed, "decompressed"),
            (.limited, "limited"), (.unsafePath, "unsafe_path"), (.hashOmitsAllHoles, "hash_omits_all_holes"),
            (.transcoded, "transcoded"), (.redacted, "redacted"),
            (.zeroPadded, "zero_padded"),
        ]
        var names = known.filter { contains($0.0) }.map(\.1)
        let rest = known.reduce(self) { $0.subtracting($1.0) }
        for bit in 0..<32 where rest.rawValue & (1 << UInt32(bit)) != 0 { names.append("bit_\(bit)") }
        return names
    }
}
