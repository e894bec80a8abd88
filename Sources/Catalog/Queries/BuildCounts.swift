public import Model
public import Text

/// The sessions of one image and tag that have ended.
public struct BuildCount: Sendable, Equatable {
    /// The tag.
    public var tag: String
    /// The image; empty if unknown.
    public var image: String
    /// The end of the first of them (ms since 1970).
    public var first: Int64
    /// The end of the last of them.
    public var last: Int64
    /// Their number.
    public var sessions: Int
    /// The number of those that crashed.
    public var crashed: Int
    /// The number of their crashes.
    public var crashes: Int
}

// Counts that indices answer. A running session is never counted: it may still crash.
extension Catalog {
    /// The number of selected sessions that have ended. The limit is not used.
    public func endedSessions(_ selection: Selection = Selection()) throws(CatalogError) -> Int {
        try read { (connection) throws(CatalogError) in
            var filter = try Filter.sessions(selection, on: connection)
            guard let cells = SessionCells(selection, on: connection) else {
                filter.add("s.state <> 'running'")
                return Int(
                    clamping: try connection.integer(
                        "SELECT count(*) FROM sessions s\(filter.sql)", filter.values) ?? 0)
            }
            var all: Int64 = 0
            if filter.clauses.isEmpty {
                all = try connection.integer("SELECT count(*) FROM sessions") ?? 0
            } else {
                try cells.eachCell { (cell) throws(CatalogError) in all += try cells.count(cell) }
            }
            // Few sessions are running, and their index has no times.
            filter.add("s.state = 'running'")
            let hint = connection.hint(index: "sessions_state")
            let running = try connection.integer("SELECT count(*) FROM sessions s\(hint)\(filter.sql)", filter.values)
            return Int(clamping: all - (running ?? 0))
        }
    }

    /// The selected sessions that have ended, counted by tag and image, ordered by both. Sessions without a tag are not
    /// counted, and the limit is not used.
    public func builds(_ selection: Selection = Selection()) throws(CatalogError) -> [BuildCount] {
        try read { (connection) throws(CatalogError) in
            guard let cells = SessionCells(selection, on: connection) else {
                return try Self.readBuilds(selection, connection)
            }
            var found: [BuildCount] = []
            try cells.eachCell { (cell) throws(CatalogError) in
                guard let tag = cell.tag, let first = try cells.end(cell, last: false),
                    let last = try cells.end(cell, last: true)
                else { return }
                let build = BuildCount(
                    tag: tag, image: cell.image, first: first, last: last,
                    sessions: Int(clamping: try cells.count(cell)), crashed: 0, crashes: 0)
                if let before = found.last, before.tag.hasSameBytes(as: tag), before.image.hasSameBytes(as: cell.image)
                {
                    found[found.count - 1].add(build)
                } else {
                    found.append(build)
                }
            }
            try Self.complete(&found, selection, connection)
            return found
        }
    }

    /// Takes the running sessions from the counts and adds the crashes.
    private static func complete(
        _ builds: inout [BuildCount], _ selection: Selection, _ connection: any SQLConnection
    ) throws(CatalogError) {
        var places: [BuildPlace: Int] = [:]
        for (index, build) in builds.enumerated() { places[BuildPlace(tag: build.tag, image: build.image)] = index }
        func rows(_ columns: String, _ index: String, _ condition: String) throws(CatalogError) -> any SQLStatement {
            var filter = try Filter.sessions(selection, on: connection)
            filter.add(condition)
            filter.add("s.tag IS NOT NULL")
            let from = "FROM sessions s\(connection.hint(index: index))"
            return try connection.prepare(
                "SELECT s.tag, s.image, \(columns) \(from)\(filter.sql) GROUP BY s.tag, s.image"
            ).bind(filter.values)
        }
        let running = try rows("count(*)", "sessions_state", "s.state = 'running'")
        while try running.step() {
            guard let place = places[BuildPlace(tag: running.text(0), image: running.text(1))] else { continue }
            builds[place].sessions -= Int(clamping: running.integer(2))
        }
        let crashed = try rows("count(*), sum(s.crashes)", "sessions_crashed", "s.crashes > 0")
        while try crashed.step() {
            guard let place = places[BuildPlace(tag: crashed.text(0), image: crashed.text(1))] else { continue }
            builds[place].crashed = Int(clamping: crashed.integer(2))
            builds[place].crashes = Int(clamping: crashed.integer(3))
        }
    }

    /// Counts by reading the selected sessions.
    private static func readBuilds(
        _ selection: Selection, _ connection: any SQLConnection
    ) throws(CatalogError) -> [BuildCount] {
        var filter = try Filter.sessions(selection, on: connection)
        filter.add("s.state <> 'running'")
        filter.add("s.tag IS NOT NULL")
        let rows = try connection.prepare(
            """
            SELECT s.tag, s.image, min(s.at), max(s.at), count(*), sum(CASE WHEN s.crashes > 0 THEN 1 ELSE 0 END),
                sum(s.crashes)
            FROM sessions s\(filter.sql) GROUP BY s.tag, s.image ORDER BY s.tag, s.image
            """
        ).bind(filter.values)
        var found: [BuildCount] = []
        while try rows.step() {
            found.append(
                BuildCount(
                    tag: rows.text(0), image: rows.text(1), first: rows.integer(2), last: rows.integer(3),
                    sessions: Int(clamping: rows.integer(4)), crashed: Int(clamping: rows.integer(5)),
                    crashes: Int(clamping: rows.integer(6))))
        }
        return found
    }

    /// When a session first ended, or if it still runs began, with each tag (ms since 1970); of a tag
    /// whose sessions are gone, its first crash.
    public func firstSightings() throws(CatalogError) -> ByteDictionary<Int64> {
        try read { (connection) throws(CatalogError) in
            var found: ByteDictionary<Int64> = [:]
            if let cells = SessionCells(Selection(), on: connection) {
                try cells.eachCell { (cell) throws(CatalogError) in
                    guard let tag = cell.tag, let time = try cells.earliest(cell) else { return }
                    found[tag] = min(found[tag] ?? .max, time)
                }
            } else {
                let rows = try connection.prepare(
                    "SELECT tag, min(at) FROM sessions WHERE tag IS NOT NULL GROUP BY tag")
                while try rows.step() { found[rows.text(0)] = rows.integer(1) }
            }
            // Builds whose sessions are forgotten, too, else they would count as the latest.
            let past = try connection.prepare(
                "SELECT n.text, min(x.first) FROM sightings x JOIN names n ON n.id = x.tag GROUP BY n.text")
            while try past.step() { found[past.text(0)] = min(found[past.text(0)] ?? .max, past.integer(1)) }
            return found
        }
    }
}

extension BuildCount {
    /// Adds the sessions of the same build elsewhere.
    fileprivate mutating func add(_ other: BuildCount) {
        first = min(first, other.first)
        last = max(last, other.last)
        sessions += other.sessions
    }
}

/// A tag and an image, compared by their bytes.
private struct BuildPlace: Hashable {
    let tag: ByteText
    let image: ByteText

    init(tag: String, image: String) {
        self.tag = ByteText(tag)
        self.image = ByteText(image)
    }
}
