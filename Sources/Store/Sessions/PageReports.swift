public import Catalog
public import Model

/// Questions that a page asks; each costs the same in a large store.
extension Store {
    /// What is going on now.
    ///
    /// - Parameters:
    ///   - now: the time, in milliseconds since 1970.
    ///   - deadlines: the greatest number of deadlines to return.
    /// - Throws: `CatalogError`.
    public func pulse(now: Int64, deadlines: Int = 1) throws(CatalogError) -> StorePulse {
        try catalog().pulse(now: now, deadlines: deadlines)
    }

    /// Why sessions wait in the spool to be packed, as a sentence; nil if none does. It may contain text from containers.
    ///
    /// - Throws: `CatalogError`.
    public func packTrouble() throws(CatalogError) -> String? { try PackBacklog(catalog()).words }

    /// How complete the collection of the selected sessions is, by image and artifact.
    ///
    /// - Throws: `CatalogError`.
    public func coverageGroups(_ selection: Selection) throws(CatalogError) -> [CoverageGroup] {
        try catalog().coverageGroups(selection)
    }

    /// The rows of the selected crashes, newest first, without decoding their records. Give a limit.
    ///
    /// - Throws: `CatalogError`.
    public func crashRows(_ selection: Selection) throws(CatalogError) -> [CrashRow] {
        try catalog().crashes(selection)
    }

    /// The first members of a session's pack, in pack order.
    ///
    /// - Parameters:
    ///   - session: the session.
    ///   - limit: the greatest number to return.
    /// - Throws: `CatalogError`.
    public func members(of session: SessionRecord, limit: Int) throws -> [MemberRecord] {
        struct Enough: Error {}
        var members: [MemberRecord] = []
        do {
            try catalog().forEachMember(session.session) { member in
                if members.count >= limit { throw Enough() }
                members.append(member)
            }
        } catch is Enough {}
        return members
    }
}
