import Model
import Text

/// The sessions of one tag, image and location are neighbours in an index, ordered by time: this steps from one such cell to
/// the next and counts in each, so that the sessions themselves are not read.
struct SessionCells {
    /// The sessions of one tag, image and location.
    struct Cell {
        let tag: String?
        let image: String
        let location: String?
    }

    private let connection: any SQLConnection
    private let selection: Selection
    private let tags: [Glob]
    private let images: [Glob]
    private let locations: [Glob]
    private let from: String
    private let statements = StatementCache()

    /// Nil if the selection needs more than tag, image, location and times, or each step would be a round trip.
    init?(_ selection: Selection, on connection: any SQLConnection) {
        guard !connection.isRemote else { return nil }
        var rest = selection
        (rest.tags, rest.images, rest.locations) = ([], [], [])
        (rest.since, rest.until, rest.limit, rest.errors) = (nil, nil, nil, false)
        guard rest == Selection() else { return nil }
        self.connection = connection
        self.selection = selection
        tags = selection.tags.map { Glob($0) }
        images = selection.images.map { Glob($0) }
        locations = selection.locations.map { Glob($0) }
        from = " FROM sessions s" + connection.hint(index: "sessions_build")
    }

    /// Calls `body` with each selected cell, by tag, image and location.
    func eachCell(_ body: (Cell) throws(CatalogError) -> Void) throws(CatalogError) {
        try eachValue("tag", [], tags) { (tag) throws(CatalogError) in
            try eachValue("image", [("tag", tag)], images) { (image) throws(CatalogError) in
                try eachValue("location", [("tag", tag), ("image", image)], locations) {
                    (location) throws(CatalogError) in
                    try body(Cell(tag: tag, image: image ?? "", location: location))
                }
            }
        }
    }

    /// The number of sessions in a cell at the selected times, running ones included.
    func count(_ cell: Cell) throws(CatalogError) -> Int64 {
        try first("SELECT count(*)", cell, "", "") ?? 0
    }

    /// The end of the first session in a cell that has ended (ms since 1970), or of the last one.
    func end(_ cell: Cell, last: Bool) throws(CatalogError) -> Int64? {
        try first("SELECT s.at", cell, " AND s.state <> 'running'", " ORDER BY s.at\(last ? " DESC" : "") LIMIT 1")
    }

    /// When the first session in a cell ended, or if it still runs began (ms since 1970).
    func earliest(_ cell: Cell) throws(CatalogError) -> Int64? {
        try first("SELECT s.at", cell, "", " ORDER BY s.at LIMIT 1")
    }

    /// Calls `body` with each span of time in which a cell has sessions that have ended, and with their number. Spans are
    /// numbered from 1970 and of one length (ms).
    func eachSpan(
        of cell: Cell, since: Int64, length: Int64, _ body: (Int64, Int64) throws(CatalogError) -> Void
    ) throws(CatalogError) {
        let isEnded = " AND s.state <> 'running'"
        var low = since
        while let next = try first("SELECT s.at", cell, isEnded, " ORDER BY s.at LIMIT 1", since: low) {
            let span = next / length
            let (end, overflow) = (span + 1).multipliedReportingOverflow(by: length)
            guard !overflow, end > next else { return }
            try body(span, try first("SELECT count(*)", cell, isEnded, "", since: next, until: end) ?? 0)
            low = end
        }
    }

    // MARK: Statements

    private func first(
        _ select: String, _ cell: Cell, _ condition: String, _ tail: String, since: Int64? = nil, until: Int64? = nil
    ) throws(CatalogError) -> Int64? {
        let places: [(String, String?)] = [("tag", cell.tag), ("image", cell.image), ("location", cell.location)]
        var filter = Self.filter(places)
        let end = until.map { min($0, selection.until ?? $0) } ?? selection.until
        filter.add("s.at", since: since ?? selection.since, until: end)
        let query = try statements.prepare(select + from + filter.sql + condition + tail, on: connection)
        query.bind(filter.values)
        defer { query.reset() }
        return try query.step() ? query.integerOrNil(0) : nil
    }

    /// Calls `body` with each value that a column has in the index below the given values: nil first, if it occurs.
    private func eachValue(
        _ column: String, _ above: [(String, String?)], _ globs: [Glob],
        _ body: (String?) throws(CatalogError) -> Void
    ) throws(CatalogError) {
        let filter = Self.filter(above)
        func next(after last: String?, isFirst: Bool) throws(CatalogError) -> String?? {
            var filter = filter
            if !isFirst {
                if let last {
                    filter.add("s.\(column) > ?", [.text(last)])
                } else {
                    filter.add("s.\(column) IS NOT NULL")
                }
            }
            let query = try statements.prepare(
                "SELECT s.\(column)\(from)\(filter.sql) ORDER BY s.\(column) NULLS FIRST LIMIT 1", on: connection)
            query.bind(filter.values)
            defer { query.reset() }
            return try query.step() ? .some(query.textOrNil(0)) : nil
        }
        var found = try next(after: nil, isFirst: true)
        while let value = found {
            // As a condition in SQL does, a glob selects no session that lacks the fact.
            let isSelected = globs.isEmpty || value.map { text in globs.contains { $0.matches(text) } } == true
            if isSelected { try body(value) }
            found = try next(after: value, isFirst: false)
        }
    }

    private static func filter(_ places: [(String, String?)]) -> Filter {
        var filter = Filter()
        for (column, value) in places {
            if let value {
                filter.add("s.\(column) = ?", [.text(value)])
            } else {
                filter.add("s.\(column) IS NULL")
            }
        }
        return filter
    }
}

/// Statements by their text, each compiled once.
private final class StatementCache {
    private var known: [String: any SQLStatement] = [:]

    func prepare(_ sql: String, on connection: any SQLConnection) throws(CatalogError) -> any SQLStatement {
        if let statement = known[sql] { return statement }
        let statement = try connection.prepare(sql)
        known[sql] = statement
        return statement
    }
}
