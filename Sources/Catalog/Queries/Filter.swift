import Model
import Text

/// A WHERE clause built from a selection, with the values of its placeholders in order.
struct Filter {
    private(set) var clauses: [String] = []
    private(set) var values: [SQLValue] = []

    /// ` WHERE …`, or nothing.
    var sql: String { clauses.isEmpty ? "" : " WHERE " + clauses.joined(separator: " AND ") }

    mutating func add(_ clause: String, _ values: [SQLValue] = []) {
        clauses.append(clause)
        self.values += values
    }

    /// Adds a condition: the column matches one of the globs.
    mutating func add(_ column: String, globs: [String], on connection: any SQLConnection) {
        guard !globs.isEmpty else { return }
        let (sql, values) = Self.alternatives(column, globs, on: connection)
        add("(\(sql))", values)
    }

    /// Adds a condition: the column is an id of `names` whose text matches one of the globs.
    mutating func add(_ column: String, namesMatching globs: [String], on connection: any SQLConnection) {
        guard !globs.isEmpty else { return }
        let (sql, values) = Self.alternatives("text", globs, on: connection)
        add("\(column) IN (SELECT id FROM names WHERE \(sql))", values)
    }

    mutating func add(_ column: String, since: Int64?, until: Int64?) {
        if let since { add("\(column) >= ?", [.integer(since)]) }
        if let until { add("\(column) < ?", [.integer(until)]) }
    }

    /// Adds the conditions on `crashes AS c` that signatures make. A selection must never become wider than what was asked,
    /// because sessions are deleted by it: states that nobody resolved to signatures select nothing.
    private mutating func add(
        signaturesOf selection: Selection, on connection: any SQLConnection
    ) throws(CatalogError) {
        if !selection.signatures.isEmpty {
            try add(crashesWith: SignatureIDs(matching: selection.signatures, on: connection), on: connection)
        }
        if let current = selection.currentSignatures {
            let ids = try SignatureIDs(texts: current, on: connection)
            add(ids.ids.isEmpty ? "1 = 0" : "c.signature IN (\(ids.list))")
        }
        if !selection.signatureStates.isEmpty { add("1 = 0") }
    }

    /// Adds a condition on `crashes AS c`: the signature, or an earlier signature of the crash, is one of these. Without any,
    /// no crash meets it.
    private mutating func add(crashesWith ids: SignatureIDs, on connection: any SQLConnection) throws(CatalogError) {
        guard !ids.ids.isEmpty else { return add("1 = 0") }
        let list = "(\(ids.list))"
        // Mostly there are no earlier signatures, and the index alone suffices.
        if try connection.integer("SELECT 1 FROM aliases WHERE signature IN \(list) LIMIT 1") != nil {
            add("(c.signature IN \(list) OR c.id IN (SELECT crash FROM aliases WHERE signature IN \(list)))")
        } else {
            add("c.signature IN \(list)")
        }
    }

    private static func alternatives(
        _ column: String, _ globs: [String], on connection: any SQLConnection
    ) -> (sql: String, values: [SQLValue]) {
        let conditions = globs.map { text in
            let glob = Glob(text)
            return glob.literal.map { SQLCondition(sql: "\(column) = ?", value: .text($0)) }
                ?? connection.glob(column, glob)
        }
        return (conditions.map(\.sql).joined(separator: " OR "), conditions.map(\.value))
    }

    /// The conditions of a selection on the table `sessions AS s`; the time bounds only with `times`.
    static func sessions(
        _ selection: Selection, times: Bool = true, on connection: any SQLConnection
    ) throws(CatalogError) -> Filter {
        var filter = Filter()
        if !selection.sessions.isEmpty {
            var keys: [String] = []
            for session in selection.sessions { keys.append(String(try connection.resolve(session).key)) }
            filter.add("s.key IN (\(keys.joined(separator: ",")))")
        }
        filter.add("s.image", globs: selection.images, on: connection)
        filter.add("s.tag", globs: selection.tags, on: connection)
        filter.add("s.location", globs: selection.locations, on: connection)
        for (key, globs) in alternatives(of: selection.labels) {
            let value = Self.alternatives("l.value", globs, on: connection)
            filter.add(
                "EXISTS(SELECT 1 FROM labels l WHERE l.session = s.key AND l.key = ? AND (\(value.sql)))",
                [.text(key)] + value.values)
        }
        if times { filter.add("s.at", since: selection.since, until: selection.until) }
        if selection.crashed { filter.add("s.crashes > 0") }
        if !selection.states.isEmpty {
            filter.add("s.state IN (\(selection.states.map { "'\($0.rawValue)'" }.joined(separator: ",")))")
        }
        if selection.selectsBySignature {
            var crashes = Filter()
            crashes.add("c.survived = \(selection.errors ? 1 : 0)")
            try crashes.add(signaturesOf: selection, on: connection)
            filter.add("s.key IN (SELECT c.session FROM crashes c\(crashes.sql))", crashes.values)
        }
        if let deadline = selection.deadlineAfter { filter.add("s.deadline > ?", [.integer(deadline)]) }
        return filter
    }

    /// The globs for each label's name: several for one name are alternatives.
    private static func alternatives(of labels: [Selection.LabelMatch]) -> [(key: String, globs: [String])] {
        var found: [(key: String, globs: [String])] = []
        for label in labels {
            if let index = found.firstIndex(where: { $0.key.hasSameBytes(as: label.key) }) {
                found[index].globs.append(label.value)
            } else {
                found.append((label.key, [label.value]))
            }
        }
        return found
    }

    /// The conditions of a selection on `crashes AS c`, using `sessions` only when the crash's own columns do not
    /// suffice.
    ///
    /// - Parameter bySession: whether to find the crashes by their sessions: no index that begins with `survived` is used.
    static func crashes(
        _ selection: Selection, bySession: Bool = false, on connection: any SQLConnection
    ) throws(CatalogError) -> Filter {
        var filter = Filter()
        filter.add("c.survived\(bySession ? " + 0" : "") = \(selection.errors ? 1 : 0)")
        try filter.add(signaturesOf: selection, on: connection)
        filter.add("c.image", namesMatching: selection.images, on: connection)
        filter.add("c.tag", namesMatching: selection.tags, on: connection)
        filter.add("c.location", namesMatching: selection.locations, on: connection)
        filter.add("c.at", since: selection.since, until: selection.until)
        var rest = selection.withoutSignatures
        (rest.images, rest.tags, rest.locations) = ([], [], [])
        rest.crashed = false
        let sessions = try Filter.sessions(rest, times: false, on: connection)
        if !sessions.clauses.isEmpty {
            filter.add("c.session IN (SELECT s.key FROM sessions s\(sessions.sql))", sessions.values)
        }
        return filter
    }
}

extension SQLConnection {
    /// The session that has this id, or the only one whose id starts with it.
    func resolve(_ text: String) throws(CatalogError) -> (key: Int64, id: String) {
        let exact = try prepare("SELECT key, id FROM sessions WHERE id = ?1").bind(1, text)
        if try exact.step() { return (exact.integer(0), exact.text(1)) }
        let prefix = PortableSQL.prefix("id", text)
        let query = try prepare("SELECT key, id FROM sessions WHERE \(prefix.sql) ORDER BY id LIMIT 6")
        query.bind(prefix.values)
        var found: [(key: Int64, id: String)] = []
        if !text.isEmpty { while try query.step() { found.append((query.integer(0), query.text(1))) } }
        guard let first = found.first else {
            throw CatalogError(
                code: .unknownSession, message: "no session id equals or starts with \"\(text)\"", path: path,
                session: text,
                hint: try crashNamed(text) ?? "salvage sessions lists the sessions in this store")
        }
        guard found.count == 1 else {
            let shown = found.prefix(5).map(\.id).joined(separator: ", ") + (found.count > 5 ? ", …" : "")
            throw CatalogError(
                code: .ambiguousSession, message: "several session ids start with \"\(text)\": \(shown)", path: path,
                session: text, hint: "use a longer prefix of the id")
        }
        return first
    }

    /// Says which session has the crash whose id this is or begins; nil if there is no such crash.
    private func crashNamed(_ text: String) throws(CatalogError) -> String? {
        guard !text.isEmpty else { return nil }
        let prefix = PortableSQL.prefix("c.id", text)
        let query = try prepare(
            "SELECT c.id, s.id FROM crashes c JOIN sessions s ON s.key = c.session WHERE \(prefix.sql) "
                + "ORDER BY c.id, s.id LIMIT 1"
        ).bind(prefix.values)
        guard try query.step() else { return nil }
        return "crash \(query.text(0)) is of session \(query.text(1))"
    }
}
