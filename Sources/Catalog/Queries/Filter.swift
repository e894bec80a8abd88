import Model

/// A WHERE clause built from a selection, with the values of its placeholders in order.
struct Filter {
    private(set) var clauses: [String] = []
    private(set) var values: [Statement.Value] = []

    /// ` WHERE …`, or nothing.
    var sql: String { clauses.isEmpty ? "" : " WHERE " + clauses.joined(separator: " AND ") }

    mutating func add(_ clause: String, _ values: [Statement.Value] = []) {
        clauses.append(clause)
        self.values += values
    }

    /// Adds a condition: the column matches one of the globs.
    mutating func add(_ column: String, globs: [String]) {
        guard !globs.isEmpty else { return }
        add("(" + Self.alternatives(column, globs) + ")", globs.map { .text($0) })
    }

    /// Adds a condition: the column is an id of `names` whose text matches one of the globs.
    mutating func add(_ column: String, namesMatching globs: [String]) {
        guard !globs.isEmpty else { return }
        add(
            "\(column) IN (SELECT id FROM names WHERE \(Self.alternatives("text", globs)))", globs.map { .text($0) })
    }

    mutating func add(_ column: String, since: Int64?, until: Int64?) {
        if let since { add("\(column) >= ?", [.integer(since)]) }
        if let until { add("\(column) < ?", [.integer(until)]) }
    }

    private static func alternatives(_ column: String, _ globs: [String]) -> String {
        globs.map { $0.utf8.contains { [0x2A, 0x3F, 0x5B].contains($0) } ? "\(column) GLOB ?" : "\(column) = ?" }
            .joined(separator: " OR ")
    }

    /// The conditions of a selection on the table `sessions AS s`; the time bounds only with `times`.
    static func sessions(
        _ selection: Selection, times: Bool = true, on connection: Connection
    ) throws(CatalogError) -> Filter {
        var filter = Filter()
        if !selection.sessions.isEmpty {
            var keys: [String] = []
            for session in selection.sessions { keys.append(String(try connection.resolve(session).key)) }
            filter.add("s.key IN (\(keys.joined(separator: ",")))")
        }
        filter.add("s.image", globs: selection.images)
        filter.add("s.tag", globs: selection.tags)
        filter.add("s.location", globs: selection.locations)
        for label in selection.labels {
            var value = Filter()
            value.add("l.value", globs: [label.value])
            filter.add(
                "EXISTS(SELECT 1 FROM labels l WHERE l.session = s.key AND l.key = ? AND \(value.clauses[0]))",
                [.text(label.key)] + value.values)
        }
        if times { filter.add("s.at", since: selection.since, until: selection.until) }
        if selection.crashed { filter.add("s.crashes > 0") }
        if !selection.states.isEmpty {
            filter.add("s.state IN (\(selection.states.map { "'\($0.rawValue)'" }.joined(separator: ",")))")
        }
        if let deadline = selection.deadlineAfter { filter.add("s.deadline > ?", [.integer(deadline)]) }
        return filter
    }

    /// The conditions of a selection on `crashes AS c`, using `sessions` only when the crash's own columns do not
    /// suffice.
    static func crashes(_ selection: Selection, on connection: Connection) throws(CatalogError) -> Filter {
        var filter = Filter()
        filter.add("c.survived = \(selection.errors ? 1 : 0)")
        if !selection.signatures.isEmpty {
            // Signatures contain stars and brackets, so the literal text is matched as well as the glob.
            let wanted = selection.signatures.map { _ in "text = ? OR text GLOB ?" }.joined(separator: " OR ")
            let ids = "(SELECT id FROM signatures WHERE \(wanted))"
            let values: [Statement.Value] = selection.signatures.flatMap { [.text($0), .text($0)] }
            // Earlier signatures of a crash match too. Mostly there are none, and the index alone suffices.
            if try connection.integer("SELECT 1 FROM aliases WHERE signature IN \(ids) LIMIT 1", values) != nil {
                filter.add(
                    "(c.signature IN \(ids) OR c.id IN (SELECT crash FROM aliases WHERE signature IN \(ids)))",
                    values + values)
            } else {
                filter.add("c.signature IN \(ids)", values)
            }
        }
        filter.add("c.image", namesMatching: selection.images)
        filter.add("c.tag", namesMatching: selection.tags)
        filter.add("c.location", namesMatching: selection.locations)
        filter.add("c.at", since: selection.since, until: selection.until)
        var rest = selection
        (rest.images, rest.tags, rest.locations, rest.crashed) = ([], [], [], false)
        let sessions = try Filter.sessions(rest, times: false, on: connection)
        if !sessions.clauses.isEmpty {
            filter.add("c.session IN (SELECT s.key FROM sessions s\(sessions.sql))", sessions.values)
        }
        return filter
    }
}

extension Connection {
    /// The session that has this id, or the only one whose id starts with it.
    func resolve(_ text: String) throws(CatalogError) -> (key: Int64, id: String) {
        let exact = try prepare("SELECT key, id FROM sessions WHERE id = ?1").bind(1, text)
        if try exact.step() { return (exact.integer(0), exact.text(1)) }
        // The highest code point sorts after every continuation of the prefix in SQLite's byte order.
        let query = try prepare("SELECT key, id FROM sessions WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT 6")
        query.bind(1, text).bind(2, text + "\u{10FFFF}")
        var found: [(key: Int64, id: String)] = []
        if !text.isEmpty { while try query.step() { found.append((query.integer(0), query.text(1))) } }
        guard let first = found.first else {
            throw CatalogError(
                code: .unknownSession, message: "no session id equals or starts with \"\(text)\"", path: path,
                session: text, hint: "salvage sessions lists the sessions in this store")
        }
        guard found.count == 1 else {
            let shown = found.prefix(5).map(\.id).joined(separator: ", ") + (found.count > 5 ? ", …" : "")
            throw CatalogError(
                code: .ambiguousSession, message: "several session ids start with \"\(text)\": \(shown)", path: path,
                session: text, hint: "use a longer prefix of the id")
        }
        return first
    }
}
