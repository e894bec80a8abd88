import Bytes
import Catalog
import JSON
import Pack
import Terminal
import Text

/// `salvage files`: the members of one session.
struct Files: Command {
    static var name: String { "files" }
    static var abstract: String { "List the members of a session." }
    static var discussion: String {
        """
        A glob is matched against the whole path (`*` crosses `/`). Paths are printed escaped, with backslashes \
        doubled, so that no two paths look the same; `salvage cat` takes a path as it is printed here or as raw \
        bytes.
        """
    }
    static var arguments: [CommandArgument<Self>] {
        [
            .session { $0.session = $1 },
            .optional("glob", "Only members whose path matches this glob.") { $0.glob = $1 },
        ]
    }
    static var flags: [CommandFlag<Self>] {
        [
            .choice("kind", value: "kind", "Only members of this kind. May be repeated.", occurrence: .collects) {
                $0.kind.append($1)
            }
        ]
    }

    var session = ""
    var glob: String?
    var kind: [MemberKindFlag] = []
    var options = GlobalOptions()

    func run() throws {
        let catalog = try StoreAccess.catalogForReading(options)
        let id = try catalog.resolve(session)
        let kinds = Set(kind.map(\.rawValue))
        let output = Output(options)
        var table = Self.table
        var artifact: String?
        var isFirst = true
        var count = 0
        let wanted = glob.map { MemberGlob($0) }
        try catalog.forEachMember(id) { member in
            guard wanted?.matches(member.path) ?? true else { return }
            guard kinds.isEmpty || kinds.contains(member.kind.name) else { return }
            count += 1
            if options.json {
                output.line(Self.line(member, session: id))
                try output.checkReader()
                return
            }
            if artifact?.hasSameBytes(as: member.artifact) != true {
                Self.flush(&table, artifact, isFirst: &isFirst, to: output)
                artifact = member.artifact
            }
            table.add(Self.row(member))
        }
        let pruned = try catalog.session(id).flatMap { Failure.pruned($0) }
        if count == 0, let pruned { throw pruned }
        if count == 0 {
            try output.nothing(
                glob == nil && kinds.isEmpty ? "session \(id) has no members" : "no member matches", options)
        }
        Self.flush(&table, artifact, isFirst: &isFirst, to: output)
        try output.finish()
        if let pruned, !options.quiet { pruned.report(json: options.json, style: options.errorStyle) }
    }

    private static var table: Table {
        Table(["KIND", "SIZE", "STORED", "MODIFIED", "MODE", "PATH"], rightAligned: [1, 2])
    }

    private static func flush(_ table: inout Table, _ artifact: String?, isFirst: inout Bool, to output: Output) {
        guard !table.isEmpty else { return }
        if !isFirst { output.text("") }
        isFirst = false
        output.text(output.style.bold(Escape.display(artifact ?? "")))
        table.write(to: output.sink, style: output.style)
        table = Self.table
    }

    private static func row(_ member: MemberRecord) -> [Table.Cell] {
        var path = Escape.path(member.path)
        if let target = member.linkTarget { path += " -> " + Escape.path(target) }
        if !member.flags.names.isEmpty { path += "  [\(member.flags.names.joined(separator: " "))]" }
        return [
            Table.Cell(member.kind.name) { member.kind == .crashDump ? $0.red($1) : $1 },
            Table.Cell(SizeText.binary(member.size)),
            Table.Cell(SizeText.binary(member.stored)),
            Table.Cell(TimeText.table(member.mtime / 1_000_000)),
            Table.Cell(modeText(member.mode)),
            Table.Cell(path),
        ]
    }

    private static func line(_ member: MemberRecord, session: String) -> JSONLine {
        var line = JSONLine()
        line.add("session", session)
        line.add("artifact", member.artifact)
        line.add("path", Escape.path(member.path))
        if !Escape.isUTF8(member.path) { line.add("path_base64", Base64.text(member.path)) }
        line.add("kind", member.kind.name)
        line.add("size", member.size)
        line.add("stored", member.stored)
        line.add("sha256", member.sha256.isEmpty ? nil : Hex.text(member.sha256))
        line.add("mode", modeText(member.mode))
        line.add("mtime", time: member.mtime / 1_000_000)
        line.add("link_target", member.linkTarget.map { Escape.path($0) })
        line.add("flags", member.flags.names)
        return line
    }

    /// Permission bits as `chmod` takes them.
    private static func modeText(_ mode: UInt32) -> String {
        let digits = String(mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

/// Matches whole paths by a glob, or one path by its bytes or its printed form.
struct MemberGlob {
    private let glob: PathGlob
    private let path: PathArgument

    init(_ text: String) {
        glob = PathGlob(text)
        path = PathArgument(text)
    }

    func matches(_ member: [UInt8]) -> Bool {
        path.names(member) || member.withUnsafeBytes { glob.matches($0) }
    }
}

/// The values of `--kind`.
enum MemberKindFlag: String, CaseIterable {
    case log, text, binary, directory, symlink, hardlink, device, fifo
    case crashDump = "crash_dump"
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

/// Encodes bytes as base64 (RFC 4648, section 4), for paths that are not UTF-8.
enum Base64 {
    static func text(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
            for digit in 0..<4 {
                let isPadding = digit > group.count
                out.append(isPadding ? UInt8(ascii: "=") : alphabet[Int(bits >> UInt32(18 - 6 * digit)) & 63])
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
