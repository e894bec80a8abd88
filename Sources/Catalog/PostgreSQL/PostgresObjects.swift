/// The tables, columns and indices that the steps of the layout create, as far as they have names.
struct PostgresObjects {
    /// The columns of each table.
    private(set) var tables: [String: Set<String>] = [:]
    private(set) var indices: Set<String> = []

    static let current = PostgresObjects(steps: [PostgresSchema.meta] + PostgresSchema.steps)

    /// Reads the statements of steps: `CREATE TABLE`, `CREATE INDEX`, `ALTER TABLE … ADD COLUMN` and `DROP`.
    init(steps: [String]) {
        for statement in steps.flatMap({ PostgresText.split($0) }) { read(statement) }
    }

    private mutating func read(_ statement: String) {
        let bytes = Array(statement.utf8)
        let words = PostgresSyntax.words(bytes).filter { !["UNIQUE", "IF", "NOT", "EXISTS"].contains($0) }
            .map { $0.lowercased() }
        guard words.count > 2 else { return }
        switch (words[0], words[1]) {
        case ("create", "table"): tables[words[2]] = Self.columns(bytes)
        case ("create", "index"): indices.insert(words[2])
        case ("alter", "table"):
            guard words.count > 5, words[3...4].elementsEqual(["add", "column"]) else { return }
            tables[words[2], default: []].insert(words[5])
        case ("drop", "table"): tables[words[2]] = nil
        case ("drop", "index"): indices.remove(words[2])
        default: break
        }
    }

    /// The first word of each part between the outermost parentheses.
    private static func columns(_ bytes: [UInt8]) -> Set<String> {
        var parts: [[UInt8]] = [[]]
        var (depth, at) = (0, 0)
        while at < bytes.count {
            if let end = PostgresSyntax.end(ofOpaque: bytes, at: at) {
                at = end
                continue
            }
            switch bytes[at] {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: ",") where depth == 1: parts.append([])
            default: if depth == 1 { parts[parts.count - 1].append(bytes[at]) }
            }
            at += 1
            if depth == 0, parts != [[]] { break }
        }
        let constraints = ["PRIMARY", "UNIQUE", "CHECK", "CONSTRAINT", "FOREIGN", "EXCLUDE", "LIKE"]
        return Set(
            parts.compactMap { PostgresSyntax.words($0).first }.filter { !constraints.contains($0) }
                .map { $0.lowercased() })
    }

    /// One sentence for each table, column or index that the database lacks. What it has besides is someone else's.
    func differences(_ connection: any SQLConnection) throws(CatalogError) -> [String] {
        var columns: [String: Set<String>] = [:]
        let rows = try connection.prepare(
            """
            SELECT CAST(table_name AS text), CAST(column_name AS text) FROM information_schema.columns
            WHERE table_schema = current_schema()
            """)
        while try rows.step() { columns[rows.text(0), default: []].insert(rows.text(1)) }
        var valid: [String: Bool] = [:]
        let found = try connection.prepare(
            """
            SELECT CAST(c.relname AS text), CAST(i.indisvalid AS int)
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE c.relnamespace = CAST(current_schema() AS regnamespace)
            """)
        while try found.step() { valid[found.text(0)] = found.integer(1) == 1 }
        var problems: [String] = []
        for (table, names) in tables.sorted(by: { $0.key < $1.key }) {
            guard let here = columns[table] else {
                problems.append("the catalog has no table \(table)")
                continue
            }
            for name in names.subtracting(here).sorted() { problems.append("table \(table) has no column \(name)") }
        }
        for index in indices.sorted() where valid[index] != true {
            problems.append(
                valid[index] == nil
                    ? "the catalog has no index \(index)"
                    : "index \(index) is not valid; REINDEX INDEX \(index) mends it")
        }
        return problems
    }
}
