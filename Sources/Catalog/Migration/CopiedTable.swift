/// A value of a row that is copied from one catalog to another.
package enum CopiedValue: Sendable, Hashable {
    /// NULL.
    case null
    /// A number.
    case integer(Int64)
    /// The bytes of a text or a blob. Texts of a shared table of texts are here too, in place of their numbers, which differ
    /// between catalogs.
    case bytes([UInt8])
}

/// The columns of a table that one session has rows in, as they are copied to another catalog.
///
/// Each engine's tables have these columns. A column that is added to a table is added here too; `CopiedTableTests` compares
/// this list with the tables of each engine.
struct CopiedTable: Sendable {
    enum Kind: Sendable {
        case integer, text, blob
        /// A number that stands for a text of this table; 0 stands for none.
        case interned(TextTable)
    }

    struct Column: Sendable {
        let name: String
        let kind: Kind
    }

    let name: String
    let columns: [Column]
    /// The columns that tell the rows of one session apart; rows are read in their order.
    let order: String

    private init(_ name: String, order: String, _ columns: [(names: String, kind: Kind)]) {
        self.name = name
        self.order = order
        self.columns = columns.flatMap { group in
            group.names.split(separator: " ").map { Column(name: String($0), kind: group.kind) }
        }
    }

    /// The row of the session itself, without its key, its id, and the place of its pack.
    static let sessions = CopiedTable(
        "sessions", order: "id",
        [
            ("image tag location host", .text), ("created first_seen exited first_seen_exited deadline at", .integer),
            ("state reason source", .text), ("pack_bytes members bytes crashes pruned", .integer),
            ("pruned_why", .text),
        ])

    static let labels = CopiedTable("labels", order: "key", [("key value", .text)])

    static let artifacts = CopiedTable(
        "artifacts", order: "artifact",
        [
            ("artifact state reason", .text), ("status", .integer), ("identifier", .text),
            ("tries bytes first_try last_try", .integer), ("verdict flags sha256", .text), ("next_try", .integer),
        ])

    static let requests = CopiedTable(
        "requests", order: "seq",
        [
            ("seq at", .integer), ("artifact endpoint", .text), ("status bytes", .integer),
            ("identifier outcome", .text),
        ])

    static let downloads = CopiedTable("downloads", order: "name", [("name", .text), ("bytes modified", .integer)])

    static let crashes = CopiedTable(
        "crashes", order: "ordinal",
        [
            ("ordinal", .integer), ("id kind signal exception thread", .text), ("at time", .integer),
            ("signature", .interned(.signatures)), ("quality stack_hash", .text),
            ("image tag location", .interned(.names)), ("survived", .integer), ("json", .blob),
            ("wanted", .interned(.wanted)),
        ])

    static let members = CopiedTable(
        "members", order: "ordinal",
        [
            ("ordinal", .integer), ("artifact", .interned(.names)), ("path", .blob),
            ("kind mode mtime size stored", .integer), ("sha256 link_target", .blob), ("flags", .integer),
        ])

    /// The tables with rows of a session, in the order of ``CopiedSession/rows``. Members are last: a shared catalog has
    /// none.
    static let children = [labels, artifacts, requests, downloads, crashes, members]

    /// The columns in a query over the table `t`, with texts in place of their numbers.
    var selected: String {
        columns.map { column in
            guard case .interned(let texts) = column.kind else { return "t." + column.name }
            return "(SELECT x.text FROM \(texts.rawValue) x WHERE x.id = t.\(column.name))"
        }.joined(separator: ", ")
    }

    /// The names of the columns.
    var names: String { columns.map(\.name).joined(separator: ", ") }

    /// The values of the current row of a query whose first column of this table is `first`.
    func values(_ row: any SQLStatement, from first: Int32) -> [CopiedValue] {
        columns.indices.map { index in
            let column = first + Int32(truncatingIfNeeded: index)
            if row.isNull(column) { return .null }
            if case .integer = columns[index].kind { return .integer(row.integer(column)) }
            return .bytes(row.blob(column))
        }
    }

    /// Binds values from a position on.
    ///
    /// - Parameter id: the number of an interned text; 0 for none.
    func bind(
        _ values: [CopiedValue], to statement: any SQLStatement, from first: Int32,
        id: (TextTable, String?) throws(CatalogError) -> Int64
    ) throws(CatalogError) {
        for (index, (column, value)) in zip(columns, values).enumerated() {
            let position = first + Int32(truncatingIfNeeded: index)
            switch (column.kind, value) {
            case (.interned(let table), .bytes(let text)):
                statement.bindInteger(position, try id(table, String(decoding: text, as: UTF8.self)))
            case (.interned(let table), _): statement.bindInteger(position, try id(table, nil))
            case (_, .null): statement.bindNull(position)
            case (_, .integer(let number)): statement.bindInteger(position, number)
            case (.blob, .bytes(let bytes)): statement.bind(position, blob: bytes)
            case (_, .bytes(let bytes)): bytes.withUnsafeBufferPointer { statement.bindText(position, $0) }
            }
        }
    }
}
