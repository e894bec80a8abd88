package import Pack

/// Which of two versions of a member a merge of packs keeps: a complete one is better; of two that are alike in that, the longer.
package struct MemberRank: Comparable, Sendable {
    private let isWhole: Bool
    private let size: UInt64

    /// Ranks a member.
    package init(_ member: Member) {
        isWhole = member.flags.isDisjoint(with: [.truncated, .corrupt, .limited])
        size = member.size
    }

    /// Whether a merge prefers the right version.
    package static func < (left: MemberRank, right: MemberRank) -> Bool {
        (left.isWhole ? 1 : 0, left.size) < (right.isWhole ? 1 : 0, right.size)
    }

    /// The paths whose members of the same artifact a member replaces. A redacted text replaces the member that it was made
    /// from, too.
    package static func paths(replacedBy member: Member) -> Set<[UInt8]> {
        [member.path, member.flags.contains(.redacted) ? DerivedName.original(of: member) : member.path]
    }
}
