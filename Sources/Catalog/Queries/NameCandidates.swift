public import Model
import Text

/// The sessions and crashes whose ids begin with a text, a few of each.
struct NameCandidates {
    private(set) var sessions: [(key: Int64, id: String)] = []
    private(set) var crashes: [String] = []
    private let text: String

    /// More ids are not named in an error.
    private static let mostNamed = 5

    init(_ text: String, on connection: any SQLConnection) throws(CatalogError) {
        self.text = text
        guard !text.isEmpty else { return }
        let limit = Self.mostNamed + 1
        var prefix = PortableSQL.prefix("id", text)
        let named = try connection.prepare(
            "SELECT key, id FROM sessions WHERE \(prefix.sql) ORDER BY id LIMIT \(limit)"
        ).bind(prefix.values)
        while try named.step() { sessions.append((named.integer(0), named.text(1))) }
        prefix = PortableSQL.prefix("c.id", text)
        let crashed = try connection.prepare(
            "SELECT DISTINCT c.id FROM crashes c WHERE \(prefix.sql) ORDER BY c.id LIMIT \(limit)"
        ).bind(prefix.values)
        while try crashed.step() { crashes.append(crashed.text(0)) }
    }

    /// The error for a text with which several ids begin, or none.
    func failure(on connection: any SQLConnection) throws(CatalogError) -> CatalogError {
        guard sessions.isEmpty, crashes.isEmpty else {
            return CatalogError(
                code: .ambiguousSession,
                message: "several ids start with \"\(text)\": \(Self.list(sessions.map(\.id), crashes))",
                path: connection.path, session: text, hint: "use a longer prefix of the id")
        }
        let (sessions, crashes) = try Self.containing(text, on: connection)
        let similar = sessions.isEmpty && crashes.isEmpty ? nil : Self.list(sessions, crashes)
        return CatalogError(
            code: .unknownSession, message: "no session's or crash's id equals or starts with \"\(text)\"",
            path: connection.path, session: text,
            hint: similar.map { "did you mean \($0)?" } ?? "salvage sessions and salvage crashes list the ids")
    }

    /// Up to five ids of both kinds in words.
    private static func list(_ sessions: [String], _ crashes: [String]) -> String {
        // Both kinds are named, even if there are many of one.
        let shownSessions = sessions.prefix(max(mostNamed - crashes.count, (mostNamed + 1) / 2))
        let shownCrashes = crashes.prefix(mostNamed - shownSessions.count)
        let shown = shownSessions.map { "session \($0)" } + shownCrashes.map { "crash \($0)" }
        let isCut = shown.count < sessions.count + crashes.count
        return shown.joined(separator: ", ") + (isCut ? ", …" : "")
    }

    /// The ids that contain a text elsewhere than at their beginning. It reads all ids, which only a mistake is worth.
    private static func containing(
        _ text: String, on connection: any SQLConnection
    ) throws(CatalogError) -> (sessions: [String], crashes: [String]) {
        guard text.utf8.count >= 3, text.utf8.count <= 200 else { return ([], []) }
        var pattern = "*"
        for character in text.unicodeScalars {
            if "*?[]\\".unicodeScalars.contains(character) { pattern += "\\" }
            pattern.unicodeScalars.append(character)
        }
        let condition = connection.glob("id", Glob(pattern + "*"))
        func ids(_ table: String) throws(CatalogError) -> [String] {
            let query = try connection.prepare(
                "SELECT DISTINCT id FROM \(table) WHERE \(condition.sql) ORDER BY id LIMIT \(mostNamed + 1)"
            ).bind([condition.value])
            var found: [String] = []
            while try query.step() { found.append(query.text(0)) }
            return found
        }
        return (try ids("sessions"), try ids("crashes"))
    }
}

extension Catalog {
    /// The session that a text means, in this order: the session with this id; the session of the crash with this id; the
    /// only session whose id starts with it; the session of the only crash whose id starts with it.
    ///
    /// - Throws: ``CatalogError`` with `unknownSession`, which names ids that contain the text, or `ambiguousSession`, which
    ///   names sessions and crashes that it may mean.
    public func session(named text: String) throws(CatalogError) -> SessionRecord {
        try read { (connection) throws(CatalogError) in
            func record(_ condition: String, _ value: SQLValue) throws(CatalogError) -> SessionRecord? {
                try SessionQuery(connection, "WHERE \(condition)", [value], limit: 1).next()
            }
            func record(ofCrash id: String) throws(CatalogError) -> SessionRecord? {
                try record("s.key IN (SELECT c.session FROM crashes c WHERE c.id = ?)", .text(id))
            }
            if let exact = try record("s.id = ?", .text(text)) { return exact }
            if let exact = try record(ofCrash: text) { return exact }
            let candidates = try NameCandidates(text, on: connection)
            switch (candidates.sessions.count, candidates.crashes.count) {
            case (1, _): if let found = try record("s.key = ?", .integer(candidates.sessions[0].key)) { return found }
            case (0, 1): if let found = try record(ofCrash: candidates.crashes[0]) { return found }
            default: break
            }
            throw try candidates.failure(on: connection)
        }
    }
}
