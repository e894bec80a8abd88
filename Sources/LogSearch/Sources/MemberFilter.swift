internal import LogTime
internal import Text

/// Decides which members of a source a search reads.
public struct MemberFilter {
    private let options: SearchOptions
    private let globs: [Glob]

    /// Creates the filter of a search.
    public init(_ options: SearchOptions) {
        self.options = options
        globs = options.paths.map { Glob($0, separator: "/") }
    }

    /// Whether a member is searched.
    public func isWanted(_ member: SearchMember) -> Bool {
        if options.hasWindow || options.findsTimes, options.strictTime, member.timeFormat == .none { return false }
        return isSearched(member)
    }

    /// Whether it would be searched without a time window.
    func isSearched(_ member: SearchMember) -> Bool {
        guard member.isText || options.asText || options.searchBinary else { return false }
        return globs.isEmpty || globs.contains { $0.matches(member.path) }
    }

    /// The members, without those that have the bytes of an earlier one that is searched: its ``SearchMember/also`` names
    /// them.
    public func mergingCopies(_ members: [SearchMember]) -> [SearchMember] {
        guard options.mergesCopies, members.count > 1 else { return members }
        var first: [ContentIdentity: Int] = [:]
        var kept: [SearchMember] = []
        kept.reserveCapacity(members.count)
        for member in members {
            guard let content = member.content, isWanted(member) else {
                kept.append(member)
                continue
            }
            if let place = first[content], kept[place].isText == member.isText {
                kept[place].also.append(member.path)
            } else {
                first[content] = kept.count
                kept.append(member)
            }
        }
        return kept
    }
}
