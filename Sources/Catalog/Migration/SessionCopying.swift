import Text

extension Catalog {
    /// Puts sessions of another catalog into this one in one transaction. Each replaces what is known of it here.
    ///
    /// - Parameter sessions: in the order of their keys, each with the place of its pack in this catalog's store.
    package func put(_ sessions: [CopiedSession]) throws(CatalogError) {
        guard !sessions.isEmpty else { return }
        let ids = sessions.map(\.id)
        var texts = RepeatedTexts()
        for session in sessions { session.addTexts(to: &texts) }
        let known = try intern(texts)
        try write { (connection) throws(CatalogError) in
            let copying = try SessionCopying(connection, known)
            var keys = try copying.keys(of: ids)
            for session in sessions { try copying.putRow(session, key: keys[session.id]) }
            // One query instead of an answer for each row.
            keys = try copying.keys(of: ids)
            for session in sessions {
                guard let key = keys[session.id] else {
                    throw CatalogError(
                        code: .database, message: "the session's row was not created", path: connection.path,
                        session: session.id)
                }
                try copying.replaceRows(of: session, key: key)
            }
        }
    }
}

extension CopiedSession {
    fileprivate func addTexts(to texts: inout RepeatedTexts) {
        for (table, rows) in zip(CopiedTable.children, rows) {
            for (index, column) in table.columns.enumerated() {
                guard case .interned(let name) = column.kind else { continue }
                for row in rows {
                    if case .bytes(let text) = row[index] { texts.add(String(decoding: text, as: UTF8.self), to: name) }
                }
            }
        }
    }
}

/// The statements that put copied sessions into a catalog, within one transaction.
private final class SessionCopying {
    private let connection: any SQLConnection
    private let tables: [CopiedTable]
    private let insert: any SQLStatement
    private let update: any SQLStatement
    private var drops: [any SQLStatement] = []
    private var puts: [any SQLStatement] = []
    private let interning: [TextTable: Interning]

    init(_ connection: any SQLConnection, _ known: InternedTexts) throws(CatalogError) {
        self.connection = connection
        let columns = CopiedTable.sessions.columns
        let marks = (0..<columns.count + 2).map { "?\($0 + 1)" }.joined(separator: ", ")
        insert = try connection.prepare(
            "INSERT INTO sessions(id, pack, \(CopiedTable.sessions.names)) VALUES(\(marks))")
        let sets = columns.enumerated().map { "\($0.element.name) = ?\($0.offset + 3)" }.joined(separator: ", ")
        update = try connection.prepare("UPDATE sessions SET pack = ?2, \(sets) WHERE key = ?1")
        var interning: [TextTable: Interning] = [:]
        for table in TextTable.allCases { interning[table] = try Interning(table, known, on: connection) }
        self.interning = interning
        // A catalog without members may have no such table.
        tables = CopiedTable.children.filter { $0.name != CopiedTable.members.name || connection.storesMembers }
        for table in tables {
            let marks = (0..<table.columns.count + 1).map { "?\($0 + 1)" }.joined(separator: ", ")
            drops.append(try connection.prepare("DELETE FROM \(table.name) WHERE session = ?1"))
            puts.append(
                try connection.prepare("INSERT INTO \(table.name)(session, \(table.names)) VALUES(\(marks))"))
        }
    }

    /// The keys of the sessions that the catalog has.
    func keys(of ids: [String]) throws(CatalogError) -> ByteDictionary<Int64> {
        var keys: ByteDictionary<Int64> = [:]
        for page in PortableSQL.pages(ids) {
            let rows = try connection.prepare(
                "SELECT id, key FROM sessions WHERE id IN (\(PortableSQL.placeholders(page.count)))"
            ).bind(page.map { .text($0) })
            while try rows.step() { keys[rows.text(0)] = rows.integer(1) }
        }
        return keys
    }

    func putRow(_ session: CopiedSession, key: Int64?) throws(CatalogError) {
        let statement = key == nil ? insert : update
        if let key { statement.bind(1, key) } else { statement.bind(1, session.id) }
        statement.bind(2, session.pack)
        try CopiedTable.sessions.bind(session.row, to: statement, from: 3, id: number)
        try statement.run()
    }

    func replaceRows(of session: CopiedSession, key: Int64) throws(CatalogError) {
        for (index, table) in tables.enumerated() {
            try drops[index].bind(1, key).run()
            for values in session.rows[index] {
                puts[index].bind(1, key)
                try table.bind(values, to: puts[index], from: 2, id: number)
                try puts[index].run()
            }
        }
    }

    private func number(_ table: TextTable, _ text: String?) throws(CatalogError) -> Int64 {
        guard let interning = interning[table] else { return 0 }
        return try interning.id(of: text)
    }
}
