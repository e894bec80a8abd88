import Catalog
import Testing
import Text

/// What the catalog's queries rely on in every engine: values keep their bytes, text sorts by bytes, transactions are whole.
@Suite(.everyEngine) struct SQLContractTests {
    private let store: TestStore
    private let catalog: Catalog
    private var driver: any SQLDriver { catalog.driver }

    init() throws {
        store = try TestStore()
        catalog = try store.open()
    }

    private func add(_ texts: [String]) throws {
        try driver.write { connection in
            let insert = try connection.prepare("INSERT INTO names(text) VALUES(?1)")
            for text in texts { try insert.bind(1, text).run() }
        }
    }

    private func names(_ condition: String, _ values: [SQLValue]) throws -> [String] {
        try driver.read { connection in
            let rows = try connection.prepare("SELECT text FROM names WHERE \(condition) ORDER BY text").bind(values)
            var found: [String] = []
            while try rows.step() { found.append(rows.text(0)) }
            return found
        }
    }

    // MARK: Values

    @Test func textKeepsItsBytes() throws {
        var texts = ["", "a", "ü", "u\u{308}", "\u{10FFFF}", "'; DROP TABLE names; --", "a ", "A"]
        if CatalogEngines.current.storesNUL { texts += ["a\0", "a\0b", "\0"] }
        try add(texts)
        for text in texts {
            let found = try names("text = ?", [.text(text)])
            #expect(found.count == 1 && found[0].hasSameBytes(as: text), "\(text.debugDescription)")
        }
        #expect(
            try names("1 = 1", []).map { Array($0.utf8) }
                == texts.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test(.disabled(if: CatalogEngines.all.allSatisfy(\.storesNUL), "every engine stores a NUL"))
    func textWithANULIsRefusedWhereItCannotBeStored() throws {
        guard !CatalogEngines.current.storesNUL else { return }
        #expect(throws: CatalogError.self) { try add(["a\0b"]) }
        #expect(try names("1 = 1", []).isEmpty)
    }

    @Test func blobsAndNumbersKeepTheirValues() throws {
        let rows: [(path: [UInt8], link: [UInt8]?, mtime: Int64, size: UInt64)] = [
            ([], nil, .min, 0), ([0], [], .max, 1), ([0xFF, 0, 0x2F], [0xC3], 0, .max),
        ]
        try driver.write { connection in
            try connection.execute(
                "CREATE TEMPORARY TABLE probe(ordinal bigint, path bytea, mtime bigint, size bigint, link_target bytea)"
            )
            let insert = try connection.prepare(
                "INSERT INTO probe(ordinal, path, mtime, size, link_target) VALUES(?1, ?2, ?3, ?4, ?5)")
            for (ordinal, row) in rows.enumerated() {
                insert.bind(1, ordinal).bind(2, blob: row.path).bind(3, row.mtime).bind(4, row.size)
                try insert.bind(5, blob: row.link).run()
            }
            let found = try connection.prepare("SELECT path, link_target, mtime, size FROM probe ORDER BY ordinal")
            for row in rows {
                #expect(try found.step())
                #expect(found.blob(0) == row.path && Array(found.bytes(0)) == row.path && !found.isNull(0))
                #expect(found.blobOrNil(1) == row.link && found.isNull(1) == (row.link == nil))
                #expect(found.integer(2) == row.mtime && found.integerOrNil(2) == row.mtime)
                #expect(found.unsigned(3) == min(row.size, UInt64(Int64.max)))
            }
            #expect(try !found.step())
            try connection.execute("DROP TABLE probe")
        }
    }

    @Test func nullIsNeitherZeroNorEmpty() throws {
        try driver.write { try $0.execute("INSERT INTO sessions(id, state) VALUES('a', 'running')") }
        try driver.read { connection in
            let row = try connection.prepare("SELECT tag, exited, image, pack_bytes FROM sessions")
            #expect(try row.step())
            #expect(row.textOrNil(0) == nil && row.text(0) == "" && row.blobOrNil(0) == nil && row.bytes(0).isEmpty)
            #expect(row.integerOrNil(1) == nil && row.integer(1) == 0 && row.isNull(1))
            #expect(row.textOrNil(2) == "" && row.integerOrNil(3) == 0)
            row.reset()
            #expect(try connection.integer("SELECT exited FROM sessions") == nil)
            #expect(try connection.integer("SELECT exited FROM sessions WHERE id = ?", [.text("b")]) == nil)
        }
    }

    // MARK: Statements

    @Test func aStatementIsBoundAgainAfterItsEndOrAReset() throws {
        try add(["a", "b", "c"])
        try driver.read { connection in
            let query = try connection.prepare("SELECT text FROM names WHERE text >= ?1 ORDER BY text")
            #expect(try query.bind(1, "b").step() && query.text(0) == "b")
            query.reset()
            var found: [String] = []
            for start in ["c", "a"] {
                query.bind(1, start)
                while try query.step() { found.append(query.text(0)) }
            }
            #expect(found == ["c", "a", "b", "c"])
            // A value stays bound.
            #expect(try query.step() && query.text(0) == "a")
        }
    }

    @Test func aConflictUpdatesOrDoesNothing() throws {
        try driver.write { connection in
            let put = try connection.prepare(
                """
                INSERT INTO labels(session, key, value) VALUES(?1, ?2, ?3)
                ON CONFLICT(session, key) DO UPDATE SET value = excluded.value
                """)
            for value in ["x", "y"] { try put.bind(1, 1).bind(2, "k").bind(3, value).run() }
            let intern = try connection.prepare(
                "INSERT INTO names(text) VALUES(?1) ON CONFLICT DO NOTHING RETURNING id")
            #expect(try intern.bind(1, "n").step() && intern.integer(0) > 0)
            intern.reset()
            #expect(try !intern.bind(1, "n").step())
            #expect(try connection.integer("SELECT count(*) FROM names") == 1)
            #expect(try connection.integer("SELECT count(*) FROM labels WHERE value = ?", [.text("y")]) == 1)
        }
    }

    @Test func aMissingTableOrColumnIsDamage() throws {
        for sql in ["SELECT 1 FROM absent", "SELECT absent FROM names", "INSERT INTO names(absent) VALUES(1)"] {
            let error = #expect(throws: CatalogError.self) { try driver.write { try $0.prepare(sql).run() } }
            #expect(error?.code == .corrupt && error?.hint != nil && error?.path == driver.path, "\(sql)")
        }
    }

    // MARK: Engine-specific SQL

    @Test func globsMatchAlike() throws {
        let texts = [
            "", "a", "ab", "a/b", "aXb", "a.b", "A", "ü", "[", "a]", "-", "*", "1.10.0", "1.2.0", "a%b", "a_b", "^",
        ]
        try add(texts)
        let cases: [(String, [String])] = [
            ("*", texts), ("a*", ["a", "a%b", "a.b", "a/b", "aXb", "a]", "a_b", "ab"]),
            ("a?b", ["a%b", "a.b", "a/b", "aXb", "a_b"]),
            ("?", ["*", "-", "A", "[", "^", "a", "ü"]), ("a.b", ["a.b"]), ("[a-c]", ["a"]),
            ("[^a-c]", ["*", "-", "A", "[", "^", "ü"]),
            ("[*]", ["*"]), ("[[]", ["["]), ("a[]]", ["a]"]), ("[^]]", ["*", "-", "A", "[", "^", "a", "ü"]), ("[a", []),
            ("1.[0-9]*.0", ["1.10.0", "1.2.0"]), ("a%b", ["a%b"]), ("a_b", ["a_b"]), ("", [""]),
            ("**b", ["a%b", "a.b", "a/b", "aXb", "a_b", "ab"]),
            ("(a|b)", []), ("a+", []), ("$", []), ("\\*", ["*"]), ("[!a-c]", ["*", "-", "A", "[", "^", "ü"]),
        ]
        for (pattern, expected) in cases {
            let condition = try driver.read { $0.glob("text", Glob(pattern)) }
            let found = try names(condition.sql, [condition.value])
            #expect(found == expected.sorted { $0.precedesInBytes($1) }, "\(pattern)")
        }
    }

    @Test func hintsChangeNoAnswer() throws {
        try catalog.commit(contents("a", crashes: [crashJSON(signature: "x")]))
        try driver.read { connection in
            let hint = connection.hint(index: "crashes_signature")
            let count = try connection.integer("SELECT count(*) FROM crashes c\(hint) WHERE c.survived = 0")
            #expect(count == 1)
        }
    }

    /// Under a collation of a language, `0A1b-8` would fall into the range of `0a1b-`.
    @Test func aPrefixIsARangeOfBytes() throws {
        let inside = ["0a1b-", "0a1b-7", "0a1b-\u{10FFFF}", "0a1b-\u{10FFFF}z", "0a1b-ü"]
        try add(inside + ["0A1b-8", "0a1b", "0a1b,", "0a1b.", "0a1c-", ""])
        let range = PortableSQL.prefix("text", "0a1b-")
        #expect(try names(range.sql, range.values) == inside.sorted { $0.precedesInBytes($1) })
        let last = PortableSQL.prefix("text", "\u{10FFFF}")
        #expect(try names(last.sql, last.values) == [])
    }

    @Test func sumsNeverOverflow() throws {
        let sum = "SELECT \(PortableSQL.sum("pack_bytes")) FROM sessions"
        #expect(try driver.read { try $0.integer(sum) } == 0)
        for (id, bytes) in [("a", 40), ("b", 2)] {
            try driver.write {
                try $0.execute("INSERT INTO sessions(id, state, pack_bytes) VALUES('\(id)', 'running', \(bytes))")
            }
        }
        #expect(try driver.read { try $0.integer(sum) } == 42)
        try driver.write { try $0.execute("UPDATE sessions SET pack_bytes = \(Int64.max)") }
        #expect(try driver.read { try $0.integer(sum) } == .max)
    }

    // MARK: Transactions

    @Test func anErrorRollsBackEverything() throws {
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try driver.write { connection in
                try connection.execute("INSERT INTO names(text) VALUES('a'); INSERT INTO names(text) VALUES('b')")
                #expect(try connection.integer("SELECT count(*) FROM names") == 2)
                throw Stop()
            }
        }
        #expect(try names("1 = 1", []).isEmpty)
        // After a failed statement too, and the connection can still be used.
        #expect(throws: CatalogError.self) {
            try driver.write { connection in
                try connection.execute("INSERT INTO names(text) VALUES('a'); INSERT INTO names(text) VALUES('a')")
            }
        }
        #expect(try names("1 = 1", []).isEmpty)
        try add(["a"])
        #expect(try names("1 = 1", []) == ["a"])
    }

    @Test func aReaderKeepsItsViewWhileAnotherWrites() throws {
        let other = try store.open()
        try driver.read { connection in
            #expect(try connection.integer("SELECT count(*) FROM names") == 0)
            try other.commit(contents("a"))
            #expect(try connection.integer("SELECT count(*) FROM names") == 0)
        }
        #expect(try driver.read { try $0.integer("SELECT count(*) FROM sessions") } == 1)
    }

    @Test func aSoundDatabaseHasNoProblems() throws {
        try catalog.commit(contents("a", crashes: [crashJSON(signature: "x")]))
        #expect(try driver.check(limit: 20) == [])
    }

    @Test func afterClosingEveryCallThrows() throws {
        driver.close()
        driver.close()
        #expect(throws: CatalogError.self) { try driver.read { _ in } }
        #expect(throws: CatalogError.self) { try driver.write { _ in } }
        #expect(throws: CatalogError.self) { try driver.checkpoint() }
        #expect(throws: CatalogError.self) { try driver.check(limit: 1) }
    }
}
