internal import Model
package import Pack

extension MemberRecord {
    /// Creates a record from a pack, for catalogs that do not store members; it is what a catalog that does would answer.
    ///
    /// - Parameters:
    ///   - member: the member.
    ///   - ordinal: its index in the pack.
    ///   - artifact: the artifact it belongs to; empty if the pack does not say.
    package init(_ member: Member, ordinal: Int, artifact: String) {
        self.init(
            ordinal: ordinal, artifact: artifact, path: member.path, kind: member.kind, mode: member.mode,
            mtime: member.mtime, size: member.size, stored: member.stored, sha256: member.sha256,
            linkTarget: member.linkTarget, flags: member.flags)
    }
}
