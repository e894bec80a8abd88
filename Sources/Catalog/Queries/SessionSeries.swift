public import Model

/// The unit of a series.
public enum SeriesUnit: String, CaseIterable, Sendable {
    /// Hours of UTC.
    case hour
    /// Days of UTC.
    case day

    /// Its length, in milliseconds.
    public var milliseconds: Int64 { self == .hour ? 3_600_000 : 86_400_000 }
}

/// What happened to one tag in one hour or day.
public struct SeriesPoint: Sendable, Equatable {
    /// When the hour or day began (ms since 1970).
    public var time: Int64
    /// The tag; nil for sessions without one.
    public var tag: String?
    /// Sessions that ended in it, whatever their crashes.
    public var sessions = 0
    /// Those of them that have one of the selected crashes.
    public var crashed = 0
    /// The selected crashes that happened in it.
    public var crashes = 0
}

extension Catalog {
    /// The selected sessions and crashes by time and tag; hours and days without any are left out. The limit does not apply.
    ///
    /// Signatures of the selection narrow what counts as a crash, not the sessions, so that a share can be told.
    public func series(
        by unit: SeriesUnit, _ selection: Selection = Selection()
    ) throws(CatalogError) -> [SeriesPoint] {
        try read { (connection) throws(CatalogError) in
            var series = Series(unit: unit.milliseconds)
            var everything = selection.withoutSignatures
            everything.crashed = false
            let isNarrow = selection.selectsBySignature
            let sum = isNarrow ? "0" : "sum(CASE WHEN s.crashes > 0 THEN 1 ELSE 0 END)"
            if unit == .day, let since = selection.since, let cells = SessionCells(everything, on: connection) {
                // A day's sessions of one build are neighbours in an index: they are counted, not read.
                try cells.eachCell { (cell) throws(CatalogError) in
                    try cells.eachSpan(of: cell, since: since, length: unit.milliseconds) { span, count in
                        series[span, cell.tag].sessions += Int(clamping: count)
                    }
                }
                try series.add(everything, crashed: !isNarrow, on: connection)
            } else {
                try series.add(everything, count: "count(*), \(sum)", on: connection) { point, rows in
                    point.sessions += Int(clamping: rows.integer(2))
                    point.crashed += Int(clamping: rows.integer(3))
                }
            }
            if isNarrow {
                try series.add(selection, count: "count(*), 0", on: connection) { point, rows in
                    point.crashed += Int(clamping: rows.integer(2))
                }
            }
            try series.addCrashes(selection, on: connection)
            return series.points
        }
    }

    /// The selected crashes by time and tag, without the sessions; hours and days without any are left out.
    public func crashSeries(
        by unit: SeriesUnit, _ selection: Selection = Selection()
    ) throws(CatalogError) -> [SeriesPoint] {
        try read { (connection) throws(CatalogError) in
            var series = Series(unit: unit.milliseconds)
            try series.addCrashes(selection, on: connection)
            return series.points
        }
    }
}

/// Collects a series from several queries.
private struct Series {
    let unit: Int64
    private var found: [Key: SeriesPoint] = [:]

    private struct Key: Hashable {
        let span: Int64
        /// The tag's bytes; Swift's texts are equal if they only look alike.
        let tag: [UInt8]?
    }

    init(unit: Int64) { self.unit = unit }

    /// The points by time, then by tag.
    var points: [SeriesPoint] {
        found.sorted { left, right in
            guard left.key.span == right.key.span else { return left.key.span < right.key.span }
            return (left.key.tag ?? []).lexicographicallyPrecedes(right.key.tag ?? [])
        }.map(\.value)
    }

    /// Adds the selected sessions that have ended.
    mutating func add(
        _ selection: Selection, count: String, on connection: any SQLConnection,
        _ body: (inout SeriesPoint, any SQLStatement) -> Void
    ) throws(CatalogError) {
        var filter = try Filter.sessions(selection, on: connection)
        filter.add("s.state <> 'running'")
        let rows = try connection.prepare(
            "SELECT s.at / \(unit), s.tag, \(count) FROM sessions s\(filter.sql) GROUP BY 1, 2"
        ).bind(filter.values)
        while try rows.step() { body(&self[rows.integer(0), rows.textOrNil(1)], rows) }
    }

    /// Adds those of the selected sessions that crashed, unless the crashes are counted otherwise.
    mutating func add(_ selection: Selection, crashed: Bool, on connection: any SQLConnection) throws(CatalogError) {
        guard crashed else { return }
        var filter = try Filter.sessions(selection, on: connection)
        filter.add("s.crashes > 0")
        let rows = try connection.prepare(
            """
            SELECT s.at / \(unit), s.tag, count(*) FROM sessions s\(connection.hint(index: "sessions_crashed"))\(filter.sql)
            GROUP BY 1, 2
            """
        ).bind(filter.values)
        while try rows.step() {
            self[rows.integer(0), rows.textOrNil(1)].crashed += Int(clamping: rows.integer(2))
        }
    }

    /// Adds the selected crashes: one pass over an index that has all that is asked.
    mutating func addCrashes(_ selection: Selection, on connection: any SQLConnection) throws(CatalogError) {
        let filter = try Filter.crashes(selection, on: connection)
        let rows = try connection.prepare(
            """
            SELECT t.span, n.text, t.crashes FROM (
                SELECT c.at / \(unit) AS span, c.tag AS tag, count(*) AS crashes
                FROM crashes c\(connection.hint(index: "crashes_signature"))\(filter.sql) GROUP BY 1, 2) AS t
            LEFT JOIN names n ON n.id = t.tag
            """
        ).bind(filter.values)
        while try rows.step() { self[rows.integer(0), rows.textOrNil(1)].crashes += Int(clamping: rows.integer(2)) }
    }

    subscript(span: Int64, tag: String?) -> SeriesPoint {
        get {
            found[Key(span: span, tag: tag.map { Array($0.utf8) })]
                ?? SeriesPoint(time: span.multipliedReportingOverflow(by: unit).partialValue, tag: tag)
        }
        set { found[Key(span: span, tag: tag.map { Array($0.utf8) })] = newValue }
    }
}
