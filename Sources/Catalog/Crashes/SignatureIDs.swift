import Text

/// The rows of `signatures` that texts or globs name.
struct SignatureIDs {
    /// The ids, each once.
    let ids: Set<Int64>

    /// `1,2,3`, for `IN`. Numbers of our own need no placeholders, whose number in a query is limited.
    var list: String { Self.list(ids) }

    /// Ids for `IN (…)`, of which no value is one if there are none.
    static func list(_ ids: Set<Int64>) -> String {
        ids.isEmpty ? "NULL" : ids.sorted().map(String.init).joined(separator: ",")
    }

    /// Finds the signatures that equal or match one of `patterns`. Signatures contain stars and brackets, so the literal
    /// text is compared as well as the glob.
    init(matching patterns: [String], on connection: any SQLConnection) throws(CatalogError) {
        let exact = try connection.prepare("SELECT id FROM signatures WHERE text = ?1")
        var found: Set<Int64> = []
        for pattern in patterns {
            let glob = Glob(pattern)
            let literal = glob.literal
            for text in Set([pattern, literal].compactMap { $0.map { ByteText($0) } }) {
                if try exact.bind(1, text.text).step() { found.insert(exact.integer(0)) }
                exact.reset()
            }
            if literal != nil { continue }
            let condition = connection.glob("text", glob)
            let rows = try connection.prepare("SELECT id FROM signatures WHERE \(condition.sql)")
                .bind([condition.value])
            while try rows.step() { found.insert(rows.integer(0)) }
        }
        ids = found
    }

    /// Finds the signatures with exactly these texts.
    init(texts: some Sequence<String>, on connection: any SQLConnection) throws(CatalogError) {
        var wanted = RepeatedTexts()
        for text in texts { wanted.add(text, to: .signatures) }
        var found: Set<Int64> = []
        for (_, id) in try InternedTexts(wanted, on: connection).ids[.signatures] ?? [:] { found.insert(id) }
        ids = found
    }
}
