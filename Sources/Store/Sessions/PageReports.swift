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

    /// A page of the selected sessions: running ones first, then the others, latest end first.
    ///
    /// - Parameters:
    ///   - selection: the sessions; its limit does not apply.
    ///   - cursor: the text of the cursor at which the page before ended; nil for the first.
    ///   - limit: the most sessions.
    /// - Returns: the sessions, and the text of the cursor of the next page; nil at the end of the list.
    /// - Throws: ``StoreError`` with `bad_cursor` if the text is none; `CatalogError`.
    public func sessionPage(
        _ selection: Selection, afterText cursor: String?, limit: Int
    ) throws -> (sessions: [SessionRecord], next: String?) {
        var start: PageCursor?
        if let cursor {
            guard let read = PageCursor(cursor) else {
                throw StoreError(
                    StoreError.Code(rawValue: "bad_cursor"), "the cursor is not valid",
                    hint: "begin with the first page",
                    kind: .invalid)
            }
            start = read
        }
        let page = try sessionPage(selection, after: start, limit: limit)
        return (page.rows, page.next?.text)
    }

    /// Why sessions wait in the spool to be packed, as a sentence; nil if none does. It may contain text from containers.
    ///
    /// - Throws: `CatalogError`.
    public func packTrouble() throws(CatalogError) -> String? { try PackBacklog(catalog()).words }

    /// How complete the collection of the selected sessions is, by image and artifact.
    ///
    /// - Throws: `CatalogError`.
    public func artifactCoverage(_ selection: Selection) throws(CatalogError) -> [ArtifactCoverage] {
        try catalog().artifactCoverage(selection)
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
    /// - Throws: as ``forEachMember(of:_:)`` does.
    public func members(of session: SessionRecord, limit: Int) throws -> [MemberRecord] {
        struct Enough: Error {}
        var members: [MemberRecord] = []
        do {
            try forEachMember(of: session) { member in
                if members.count >= limit { throw Enough() }
                members.append(member)
            }
        } catch is Enough {}
        return members
    }
}
