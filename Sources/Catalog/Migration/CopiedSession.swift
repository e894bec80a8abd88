internal import Model
package import Pack

/// All that a catalog has about one session, to be put into another catalog as it is: with the ledger's history, which its
/// pack does not have.
package struct CopiedSession: Sendable {
    /// The session's id.
    package let id: String
    /// Where its pack is, relative to the store; nil without one. Each store has its own places.
    package var pack: String?
    /// The columns of its row, in the order of `CopiedTable.sessions`.
    var row: [CopiedValue]
    /// Its rows in the other tables, in the order of `CopiedTable.children`.
    var rows: [[[CopiedValue]]]

    /// The size of its pack in bytes, as its row says.
    package var packBytes: UInt64 {
        let index = CopiedTable.sessions.columns.firstIndex { $0.name == "pack_bytes" }
        guard let index, case .integer(let bytes) = row[index] else { return 0 }
        return UInt64(clamping: bytes)
    }

    /// Whether another catalog says the same of the session. The places of the packs are not compared, and members only if
    /// both catalogs store them.
    ///
    /// - Parameter members: whether both catalogs store members.
    package func isSame(as other: CopiedSession, members: Bool) -> Bool {
        row == other.row && (pack == nil) == (other.pack == nil)
            && (members ? rows == other.rows : rows.dropLast() == other.rows.dropLast())
    }

    /// Takes the members from the session's pack, for a catalog that stores members from one that does not.
    package mutating func setMembers(from reader: PackReader) throws(PackError) {
        let artifacts = try reader.artifacts()
        var members: [[CopiedValue]] = []
        for (ordinal, member) in reader.members.enumerated() {
            let artifact = Int(clamping: member.artifact)
            let name = artifacts.indices.contains(artifact) ? artifacts[artifact].artifact : nil
            members.append([
                .integer(Int64(ordinal)), name.map { .bytes(Array($0.utf8)) } ?? .null, .bytes(member.path),
                .integer(Int64(member.kind.rawValue)), .integer(Int64(member.mode)), .integer(member.mtime),
                .integer(Int64(clamping: member.size)), .integer(Int64(clamping: member.stored)), .bytes(member.sha256),
                member.linkTarget.map { .bytes($0) } ?? .null, .integer(Int64(member.flags.rawValue)),
            ])
        }
        rows[rows.count - 1] = members
    }
}

/// Ids of sessions from one to another in the order of their bytes.
package struct SessionRange: Sendable {
    /// The ids follow this one; nil for all from the first.
    package var after: String?
    /// The last id; nil for all to the last.
    package var through: String?

    /// Creates a range.
    package init(after: String? = nil, through: String? = nil) {
        self.after = after
        self.through = through
    }

    /// The condition on a column, and its values.
    var filter: (sql: String, values: [SQLValue]) {
        var parts: [String] = []
        var values: [SQLValue] = []
        if let after {
            parts.append("s.id > ?")
            values.append(.text(after))
        }
        if let through {
            parts.append("s.id <= ?")
            values.append(.text(through))
        }
        return (parts.isEmpty ? "" : " WHERE " + parts.joined(separator: " AND "), values)
    }
}

extension Catalog {
    /// Whether the catalog has rows for the members of packs.
    package func storesMembers() throws(CatalogError) -> Bool {
        try read { (connection) throws(CatalogError) in connection.storesMembers }
    }

    /// The sessions of a range with all their rows, in the order of their ids.
    ///
    /// - Parameter limit: the most sessions; nil for all of the range.
    package func copiedSessions(
        _ range: SessionRange, limit: Int? = nil
    ) throws(CatalogError) -> [CopiedSession] {
        try read { (connection) throws(CatalogError) in
            var (sql, values) = range.filter
            sql =
                "SELECT s.key, s.id, s.pack, \(CopiedTable.sessions.columns.map { "s." + $0.name }.joined(separator: ", "))"
                + " FROM sessions s\(sql) ORDER BY s.id"
            if let limit {
                sql += " LIMIT ?"
                values.append(.integer(Int64(limit)))
            }
            let found = try connection.prepare(sql).bind(values)
            var sessions: [CopiedSession] = []
            var places: [Int64: Int] = [:]
            while try found.step() {
                places[found.integer(0)] = sessions.count
                sessions.append(
                    CopiedSession(
                        id: found.text(1), pack: found.textOrNil(2),
                        row: CopiedTable.sessions.values(found, from: 3),
                        rows: CopiedTable.children.map { _ in [] }))
            }
            guard let last = sessions.last else { return [] }
            let whole = SessionRange(after: range.after, through: last.id)
            for (index, table) in CopiedTable.children.enumerated() {
                if table.name == CopiedTable.members.name, !connection.storesMembers { continue }
                try Self.read(table, whole, connection) { key, values in
                    if let place = places[key] { sessions[place].rows[index].append(values) }
                }
            }
            return sessions
        }
    }

    private static func read(
        _ table: CopiedTable, _ range: SessionRange, _ connection: any SQLConnection,
        each: (Int64, [CopiedValue]) -> Void
    ) throws(CatalogError) {
        let (filter, values) = range.filter
        let rows = try connection.prepare(
            """
            SELECT t.session, \(table.selected) FROM \(table.name) t JOIN sessions s ON s.key = t.session\(filter)
            ORDER BY t.session, t.\(table.order)
            """
        ).bind(values)
        while try rows.step() { each(rows.integer(0), table.values(rows, from: 1)) }
    }
}
