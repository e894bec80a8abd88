public import Catalog
public import Model

extension Store {
    /// A page of the selected sessions: running ones first, then the others, latest end first. The selection's own limit does
    /// not apply.
    ///
    /// - Parameters:
    ///   - selection: the sessions.
    ///   - cursor: where the page before ended; nil for the first.
    ///   - limit: the most sessions.
    /// - Throws: `CatalogError`, or as ``resolved(_:)`` does.
    public func sessionPage(
        _ selection: Selection = Selection(), after cursor: PageCursor? = nil, limit: Int
    ) throws -> Page<SessionRecord> {
        try catalog().sessionPage(try resolved(selection), after: cursor, limit: limit)
    }

    /// A page of the selected crashes, newest first; those in followed logs are not among them. The selection's own limit does
    /// not apply.
    ///
    /// - Parameters:
    ///   - selection: the crashes.
    ///   - cursor: where the page before ended; nil for the first.
    ///   - limit: the most crashes.
    /// - Throws: `CatalogError`, or as ``resolved(_:)`` does.
    public func crashPage(
        _ selection: Selection = Selection(), after cursor: PageCursor? = nil, limit: Int
    ) throws -> Page<StoredCrash> {
        try catalog().crashPage(try resolved(selection), after: cursor, limit: limit).map { StoredCrash($0) }
    }

    /// The selected sessions and crashes by hour or day and by tag; the limit does not apply.
    ///
    /// Signatures of the selection narrow what counts as a crash, not the sessions, so that a share can be told.
    ///
    /// - Throws: `CatalogError`, or as ``resolved(_:)`` does.
    public func series(by unit: SeriesUnit, _ selection: Selection = Selection()) throws -> [SeriesPoint] {
        try catalog().series(by: unit, try resolved(selection))
    }

    /// The selected crashes by hour or day and by tag, without the sessions; the limit does not apply.
    ///
    /// - Throws: `CatalogError`, or as ``resolved(_:)`` does.
    public func crashSeries(by unit: SeriesUnit, _ selection: Selection) throws -> [SeriesPoint] {
        try catalog().crashSeries(by: unit, try resolved(selection))
    }
}
