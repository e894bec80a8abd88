import Bytes
public import Catalog
public import JSON
public import Pack
import Text

/// A member of a session's pack, with the session.
public struct SessionMember: Sendable {
    /// The session's id.
    public let session: String
    /// The member.
    public let member: MemberRecord

    /// Creates a value.
    public init(session: String, member: MemberRecord) {
        self.session = session
        self.member = member
    }

    /// The permission bits as `chmod` takes them, four octal digits.
    public var modeText: String {
        let digits = String(member.mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension Shapes {
    /// A member as `files` lists it.
    public static let member = JSONShape<SessionMember>(
        "Member", "One file of an artifact, or a log.",
        [
            .text("session", "the session") { $0.session },
            .text("artifact", "the artifact") { $0.member.artifact },
            .text("path", "the path, escaped as on the terminal") { Escape.path($0.member.path) },
            .optionalText("path_base64", "the path's bytes, if they are not UTF-8") { value in
                value.member.path.withUnsafeBytes { $0.isUTF8 } ? nil : Base64.text(value.member.path)
            },
            .text("kind", "what it is: `log`, `crash_dump`, `text`, `binary`, `directory`, `symlink`, …") {
                $0.member.kind.name
            },
            .unsigned("size", "its size, holes included") { $0.member.size },
            .unsigned("stored", "its share of the pack") { $0.member.stored },
            .optionalText("sha256", "the SHA-256 of its content") {
                $0.member.sha256.isEmpty ? nil : Hex.text($0.member.sha256)
            },
            .text("mode", "permission bits, octal") { $0.modeText },
            .time("mtime", "when it was last changed") { $0.member.mtime / 1_000_000 },
            .optionalText("link_target", "where a link leads, escaped") {
                $0.member.linkTarget.map { Escape.path($0) }
            },
            .texts("flags", "what is odd about it") { $0.member.flags.names },
        ])
}

extension MemberFlags {
    /// The names of the flags in JSON and tables; a bit of a later version is `bit_N`.
    public var names: [String] {
        let known: [(MemberFlags, String)] = [
            (.truncated, "truncated"), (.corrupt, "corrupt"), (.setuidStripped, "setuid_stripped"),
            (.hashOmitsHoles, "hash_omits_holes"), (.shadowed, "shadowed"), (.decompressed, "decompressed"),
            (.limited, "limited"), (.unsafePath, "unsafe_path"), (.hashOmitsAllHoles, "hash_omits_all_holes"),
            (.transcoded, "transcoded"), (.redacted, "redacted"), (.zeroPadded, "zero_padded"),
        ]
        var names = known.filter { contains($0.0) }.map(\.1)
        let rest = known.reduce(self) { $0.subtracting($1.0) }
        for bit in 0..<32 where rest.rawValue & (1 << UInt32(bit)) != 0 { names.append("bit_\(bit)") }
        return names
    }
}
