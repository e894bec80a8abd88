import Ingest
public import Model
import Pack

/// What is exported of a session, and how.
public struct BundleOptions: Sendable {
    /// Whether a bundle becomes a folder instead of an archive.
    public var isFolder = false
    /// The members to include; all if empty.
    public var globs: [MemberGlob] = []
    /// Whether decompressed and converted texts are included too.
    public var expanded = false
    /// The rules that are applied to texts; nil to leave them as they are stored.
    public var redactions: [RedactionRule]?
    /// Whether files that cannot be redacted are included in spite of `redactions`.
    public var withDumps = false

    /// Everything, as it is stored.
    public init() {}

    /// The rules, compiled; nil if none are to be applied.
    func redaction() throws -> TextRedaction? { try redactions.map { try TextRedaction($0) } }

    /// Whether a member is left out because rules do not apply to it.
    func leavesOut(_ isText: Bool) -> Bool { redactions != nil && !withDumps && !isText }

    /// The indices of the members to include.
    ///
    /// With rules, the text of a compressed log takes the place of the file, which the rules cannot read.
    ///
    /// - Throws: ``StoreError`` with `nothingMatches`.
    func members(of pack: SessionPack) throws(StoreError) -> [Int] {
        let chosen = pack.reader.members.indices.filter { index in
            let member = pack.reader.members[index]
            guard expanded || redactions != nil && !withDumps || !pack.isDerived(member) else { return false }
            return globs.isEmpty || globs.contains { $0.matches(member.path) }
        }
        guard !chosen.isEmpty else {
            throw StoreError(
                .nothingMatches, "no member matches", session: pack.session.session,
                hint: "salvage files \(pack.session.session)", kind: .notFound)
        }
        return chosen
    }
}
