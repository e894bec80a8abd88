internal import Model
package import Pack

/// All that a catalog has about one session, to be put into another catalog as it is: with the ledger's history, which its
/// pack does not have.
package struct CopiedSession: Sendable {
    /// The key of its row, which orders sessions in the catalog that it was read from.
    package let key: Int64
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

extension Catalog {
    /// Sessions with all their rows, in the order in which their rows were created. Put into another catalog in this order,
    /// they are listed there in the same order, also where their times are equal.
    ///
    /// - Parameters:
    ///   - key: the sessions follow the one with this key; nil begins with the first.
    ///   - limit: the most sessions.
    package func copiedSessions(after key: Int64?, limit: Int) throws(CatalogError) -> [CopiedSession] {
        try read { (connection) throws(CatalogError) in
            try Self.sessions(
                " WHERE s.key > ? ORDER BY s.key LIMIT ?", [.integer(key ?? .min), .integer(Int64(limit))], connection)
        }
    }

    /// The sessions with these ids, as far as the catalog has them, with all their rows.
    package func copiedSessions(_ ids: [String]) throws(CatalogError) -> [CopiedSession] {
        try read { (connection) throws(CatalogError) in
            var found: [CopiedSession] = []
            for page in PortableSQL.pages(ids) {
                found += try Self.sessions(
                    " WHERE s.id IN (\(PortableSQL.placeholders(page.count)))", page.map { .text($0) }, connection)
            }
            return found
        }
    }

    private static func sessions(
        _ filter: String, _ values: [SQLValue], _ connection: any SQLConnection
    ) throws(CatalogError) -> [CopiedSession] {
        let columns = CopiedTable.sessions.columns.map { "s." + $0.name }.joined(separator: ", ")
        let found = try connection.prepare("SELECT s.key, s.id, s.pack, \(columns) FROM sessions s\(filter)").bind(
            values)
        var sessions: [CopiedSession] = []
        while try found.step() {
            sessions.append(
                CopiedSession(
                    key: found.integer(0), id: found.text(1), pack: found.textOrNil(2),
                    row: CopiedTable.sessions.values(found, from: 3), rows: CopiedTable.children.map { _ in [] }))
        }
        var places: [Int64: Int] = [:]
        for (place, session) in sessions.enumerated() { places[session.key] = place }
        for (index, table) in CopiedTable.children.enumerated() {
            if table.name == CopiedTable.members.name, !connection.storesMembers { continue }
            for page in PortableSQL.pages(sessions.map(\.key)) {
                let rows = try connection.prepare(
                    """
                    SELECT t.session, \(table.selected) FROM \(table.name) t
                    WHERE t.session IN (\(PortableSQL.placeholders(page.count))) ORDER BY t.session, t.\(table.order)
                    """
                ).bind(page.map { .integer($0) })
                while try rows.step() {
                    guard let place = places[rows.integer(0)] else { continue }
                    sessions[place].rows[index].append(table.values(rows, from: 1))
                }
            }
        }
        return sessions
    }
}

extension PortableSQL {
    /// Values in pages that one query may name.
    static func pages<Value>(_ values: [Value]) -> [ArraySlice<Value>] {
        stride(from: 0, to: values.count, by: pageSize).map { values[$0..<min($0 + pageSize, values.count)] }
    }
}
