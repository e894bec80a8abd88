internal import Model
internal import Pack
import Text

/// A table of texts that many rows share, each stored once under a small number. Rows are only added, so an id found in one
/// transaction holds in every later one.
enum TextTable: String, CaseIterable {
    /// Images, tags, locations and artifact paths.
    case names
    case signatures
    /// Modules without symbols, as ``WantedSet`` writes them.
    case wanted
}

/// Texts to intern.
struct RepeatedTexts {
    private var texts: [TextTable: ByteSet] = [:]

    mutating func add(_ text: String?, to table: TextTable) {
        if let text { texts[table, default: []].insert(text) }
    }

    mutating func add(_ crash: IndexedCrash) {
        add(crash.signature, to: .signatures)
        add(crash.packedSignature, to: .signatures)
        add(crash.wanted, to: .wanted)
    }

    /// Adds the texts of a pack's own rows; those that only the ledger knows are not among them.
    ///
    /// - Parameter members: whether its members have rows, which name their artifacts.
    mutating func add(_ pack: IndexedPack, members: Bool) {
        if members { for entry in pack.contents.artifacts { add(entry.artifact, to: .names) } }
        guard !pack.crashes.isEmpty else { return }
        let facts = pack.contents.facts
        for text in [facts.image, facts.tag, facts.location] { add(text, to: .names) }
        for crash in pack.crashes { add(crash) }
    }

    var isEmpty: Bool { texts.values.allSatisfy(\.isEmpty) }

    /// The texts of a table, sorted: writers that add the same ones in the same order do not deadlock.
    func sorted(_ table: TextTable) -> [String] { (texts[table] ?? []).sorted { $0.precedesInBytes($1) } }
}

/// The ids of texts.
struct InternedTexts {
    fileprivate(set) var ids: [TextTable: ByteDictionary<Int64>] = [:]
}

// Many texts at once, for engines where each statement would be a round trip.
extension InternedTexts {
    /// Reads the ids of those texts that the tables have.
    init(_ texts: RepeatedTexts, on connection: any SQLConnection) throws(CatalogError) {
        var queries: [(table: TextTable, rows: any SQLStatement)] = []
        for table in TextTable.allCases {
            for page in Pages(texts.sorted(table), size: PortableSQL.pageSize) {
                let places = PortableSQL.placeholders(page.count)
                let rows = try connection.prepare("SELECT id, text FROM \(table.rawValue) WHERE text IN (\(places))")
                try rows.bind(page.map { .text($0) }).start()
                queries.append((table, rows))
            }
        }
        for (table, rows) in queries {
            while try rows.step() { ids[table, default: [:]][rows.text(1)] = rows.integer(0) }
        }
    }

    /// Adds the ids of other texts.
    mutating func merge(_ others: InternedTexts) {
        for (table, known) in others.ids {
            for (text, id) in known { ids[table, default: [:]][text] = id }
        }
    }
}

extension RepeatedTexts {
    /// The texts without an id.
    fileprivate func without(_ known: InternedTexts) -> RepeatedTexts {
        var rest = RepeatedTexts()
        for table in TextTable.allCases {
            for text in sorted(table) where known.ids[table]?[text] == nil { rest.add(text, to: table) }
        }
        return rest
    }

    /// Adds the texts to the tables, unless others have.
    fileprivate func insert(on connection: any SQLConnection) throws(CatalogError) {
        for table in TextTable.allCases {
            for page in Pages(sorted(table), size: PortableSQL.pageSize) {
                let places = [String](repeating: "(?)", count: page.count).joined(separator: ",")
                let add = try connection.prepare(
                    "INSERT INTO \(table.rawValue)(text) VALUES \(places) ON CONFLICT DO NOTHING")
                try add.bind(page.map { .text($0) }).run()
            }
        }
    }
}

extension Catalog {
    /// Finds the ids of texts. Missing ones are added in a short transaction of their own: writers that added the same texts
    /// within their long transactions would wait for each other or deadlock.
    func intern(_ texts: RepeatedTexts) throws(CatalogError) -> InternedTexts {
        var found = InternedTexts()
        guard !texts.isEmpty else { return found }
        var missing = RepeatedTexts()
        try read { (connection) throws(CatalogError) in
            if connection.isRemote {
                found = try InternedTexts(texts, on: connection)
                missing = texts.without(found)
                return
            }
            for table in TextTable.allCases {
                let interning = try Interning(table, on: connection)
                for text in texts.sorted(table) {
                    if let id = try interning.find(text) {
                        found.ids[table, default: [:]][text] = id
                    } else {
                        missing.add(text, to: table)
                    }
                }
            }
        }
        guard !missing.isEmpty else { return found }
        try write { (connection) throws(CatalogError) in
            if connection.isRemote {
                try missing.insert(on: connection)
                return found.merge(try InternedTexts(missing, on: connection))
            }
            for table in TextTable.allCases {
                let interning = try Interning(table, on: connection)
                for text in missing.sorted(table) {
                    found.ids[table, default: [:]][text] = try interning.id(of: text)
                }
            }
        }
        return found
    }

    /// Interns the texts of packs, and those that a crash's row takes from its session's earlier row.
    func intern(_ packs: [IndexedPack]) throws(CatalogError) -> InternedTexts {
        var texts = RepeatedTexts()
        for pack in packs { texts.add(pack, members: storesMembers) }
        let crashed = packs.filter { !$0.crashes.isEmpty }.map(\.contents.facts.session)
        if !crashed.isEmpty {
            try read { (connection) throws(CatalogError) in
                for page in Pages(crashed, size: PortableSQL.pageSize) {
                    let rows = try connection.prepare(
                        "SELECT image, tag, location FROM sessions WHERE id IN (\(PortableSQL.placeholders(page.count)))"
                    )
                    rows.bind(page.map { .text($0) })
                    while try rows.step() {
                        for column: Int32 in 0..<3 { texts.add(rows.textOrNil(column), to: .names) }
                    }
                }
            }
        }
        return try intern(texts)
    }
}

/// Looks up and adds the texts of one table within a transaction. 0 is the id of no text.
final class Interning {
    private let connection: any SQLConnection
    private let table: TextTable
    private let lookup: any SQLStatement
    private let insert: any SQLStatement
    private var known: ByteDictionary<Int64>

    init(
        _ table: TextTable, _ known: InternedTexts = InternedTexts(), on connection: any SQLConnection
    ) throws(CatalogError) {
        self.connection = connection
        self.table = table
        lookup = try connection.prepare("SELECT id FROM \(table.rawValue) WHERE text = ?1")
        insert = try connection.prepare(
            "INSERT INTO \(table.rawValue)(text) VALUES(?1) ON CONFLICT DO NOTHING RETURNING id")
        self.known = known.ids[table] ?? [:]
    }

    /// The id of a text; nil when the table does not have it.
    func find(_ text: String) throws(CatalogError) -> Int64? {
        if let id = known[text] { return id }
        return try run(lookup, text)
    }

    /// The id of a text, which is added if needed.
    func id(of text: String?) throws(CatalogError) -> Int64 {
        guard let text else { return 0 }
        if let id = try find(text) { return id }
        if let id = try run(insert, text) { return id }
        // Another writer added it meanwhile.
        if let id = try run(lookup, text) { return id }
        throw CatalogError(
            code: .corrupt, message: "the catalog is damaged: table \(table.rawValue) neither has nor takes a text",
            path: connection.path, hint: CatalogError.rebuildHint)
    }

    private func run(_ statement: any SQLStatement, _ text: String) throws(CatalogError) -> Int64? {
        guard try statement.bind(1, text).step() else { return nil }
        let id = statement.integer(0)
        statement.reset()
        known[text] = id
        return id
    }
}
