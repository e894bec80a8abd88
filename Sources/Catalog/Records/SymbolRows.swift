/// A file with symbols in the bucket of a shared store.
package struct SymbolRow: Sendable, Equatable {
    /// The GNU build id in lower case, the Breakpad debug id, or the digest of a program's first page.
    package var identity: String
    /// What the file provides: `executable`, `debug` or `breakpad`.
    package var kind: String
    /// The module's name, for a file that is found by it; empty for one with a GNU build id.
    package var name: String
    /// The object's key in the bucket, relative to the store's prefix.
    package var key: String
    /// Its length in bytes.
    package var bytes: UInt64
    /// The SHA-256 of its content.
    package var sha256: [UInt8]
    /// The bucket's word for the object that the row describes.
    package var etag: String
    /// Compares files of one build: 0 has code only, 1 a symbol table, 2 debug information.
    package var detail: Int
    /// When it was added (ms since 1970).
    package var added: Int64

    /// Creates a row.
    package init(
        identity: String, kind: String, name: String, key: String, bytes: UInt64, sha256: [UInt8], etag: String,
        detail: Int, added: Int64
    ) {
        self.identity = identity
        self.kind = kind
        self.name = name
        self.key = key
        self.bytes = bytes
        self.sha256 = sha256
        self.etag = etag
        self.detail = detail
        self.added = added
    }
}

extension Catalog {
    private static let symbolColumns = "identity, kind, name, key, bytes, sha256, etag, detail, added"

    /// All symbols of a shared catalog, by identity, kind and name.
    package func symbols() throws(CatalogError) -> [SymbolRow] {
        try read { (connection) throws(CatalogError) in
            let rows = try connection.prepare(
                "SELECT \(Self.symbolColumns) FROM symbol ORDER BY identity, kind, name")
            return try Self.symbols(rows)
        }
    }

    /// The symbols of a shared catalog with one of these identities, by identity, kind and name.
    package func symbols(of identities: Set<String>) throws(CatalogError) -> [SymbolRow] {
        // A NUL is in no identity of ours, and PostgreSQL refuses it; records of crashes may have any text.
        let asked = identities.filter { !$0.utf8.contains(0) }.sorted()
        guard !asked.isEmpty else { return [] }
        return try read { (connection) throws(CatalogError) in
            var found: [SymbolRow] = []
            for start in stride(from: 0, to: asked.count, by: PortableSQL.pageSize) {
                let page = asked[start..<min(start + PortableSQL.pageSize, asked.count)]
                let rows = try connection.prepare(
                    """
                    SELECT \(Self.symbolColumns) FROM symbol WHERE identity IN (\(PortableSQL.placeholders(page.count)))
                    ORDER BY identity, kind, name
                    """
                ).bind(page.map { .text($0) })
                found += try Self.symbols(rows)
            }
            return found
        }
    }

    /// Records what the bucket has under a key, unless that changed since it was read.
    ///
    /// - Parameters:
    ///   - row: the new row.
    ///   - earlier: the row of the same identity, kind and name as it was read; nil if there was none.
    /// - Returns: false if there is another row now: the caller reads it and decides again.
    package func put(symbol row: SymbolRow, replacing earlier: SymbolRow?) throws(CatalogError) -> Bool {
        try write { (connection) throws(CatalogError) in
            let put: any SQLStatement
            if let earlier {
                put = try connection.prepare(
                    """
                    UPDATE symbol SET key = ?4, bytes = ?5, sha256 = ?6, etag = ?7, detail = ?8, added = ?9
                    WHERE identity = ?1 AND kind = ?2 AND name = ?3 AND sha256 = ?10 AND etag = ?11 RETURNING identity
                    """)
                put.bind(10, blob: earlier.sha256).bind(11, earlier.etag)
            } else {
                put = try connection.prepare(
                    """
                    INSERT INTO symbol(\(Self.symbolColumns)) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                    ON CONFLICT(identity, kind, name) DO NOTHING RETURNING identity
                    """)
            }
            put.bind(1, row.identity).bind(2, row.kind).bind(3, row.name).bind(4, row.key).bind(5, row.bytes)
            put.bind(6, blob: row.sha256).bind(7, row.etag).bind(8, row.detail).bind(9, row.added)
            return try put.returnsRow()
        }
    }

    private static func symbols(_ rows: any SQLStatement) throws(CatalogError) -> [SymbolRow] {
        var found: [SymbolRow] = []
        while try rows.step() {
            found.append(
                SymbolRow(
                    identity: rows.text(0), kind: rows.text(1), name: rows.text(2), key: rows.text(3),
                    bytes: rows.unsigned(4), sha256: rows.blob(5), etag: rows.text(6),
                    detail: Int(clamping: rows.integer(7)), added: rows.integer(8)))
        }
        return found
    }
}
