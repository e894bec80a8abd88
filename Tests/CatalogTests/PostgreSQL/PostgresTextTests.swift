import Testing
import Text

@testable import Catalog

/// How the catalog's statements are worded for PostgreSQL; no server is needed.
@Suite struct PostgresTextTests {
    @Test(arguments: [
        ("SELECT ?, ?", "SELECT $1, $2", 2), ("SELECT ?2, ?1, ?2", "SELECT $2, $1, $2", 2), ("SELECT 1", "SELECT 1", 0),
        ("SELECT '?', ?1", "SELECT '?', $1", 1),
        ("SELECT 'it''s ?', \"a?\"\"b\", ?", "SELECT 'it''s ?', \"a?\"\"b\", $1", 1),
        ("SELECT ? -- why?\n, ?", "SELECT $1 -- why?\n, $2", 2),
        ("SELECT /* ? /* ? */ ? */ ?", "SELECT /* ? /* ? */ ? */ $1", 1),
        ("SELECT $$ ? $$, $a$ ? $$ $a$, ?", "SELECT $$ ? $$, $a$ ? $$ $a$, $1", 1), ("SELECT ?12", "SELECT $12", 12),
        ("SELECT 'open ?", "SELECT 'open ?", 0),
    ])
    func placeholdersAreNumbered(text: String, sql: String, count: Int) {
        let found = PostgresText(text)
        #expect(found.sql == sql && found.count == count)
    }

    @Test(arguments: [
        ("SELECT 1", true), (" with c AS (SELECT 1) DELETE FROM c", true), ("INSERT INTO a VALUES(1)", false),
        ("INSERT INTO a VALUES(1) RETURNING b", true), ("UPDATE a SET b = 'RETURNING'", false),
        ("DELETE FROM a -- RETURNING", false), ("LOCK TABLE a", false), ("", false),
    ])
    func rowsAreAwaitedWhereThereMayBeSome(text: String, returnsRows: Bool) {
        #expect(PostgresText(text).returnsRows == returnsRows)
    }

    @Test func statementsAreSplitOutsideQuotes() {
        let text = "A 'x;y'; ; B -- no; more\n; DO $$ c; d $$; -- end\n"
        #expect(
            PostgresText.split(text).map { $0.split(separator: "\n").joined(separator: " ") } == [
                "A 'x;y'", " B -- no; more", " DO $$ c; d $$",
            ])
    }

    @Test func aParameterIsNamedByItsColumn() {
        let insert = PostgresText("INSERT INTO labels(session, key, value) VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING")
        #expect((1...3).map { insert.role(of: $0) } == ["session", "key", "value"])
        #expect(PostgresText("SELECT key FROM sessions WHERE id = ?1").role(of: 1) == "id")
        #expect(PostgresText("UPDATE sessions SET image = coalesce(?2, image) WHERE key = ?1").role(of: 2) == "image")
    }

    @Test(arguments: [
        "postgres://a:secret@h:port/d", "postgres://a:secret@[::1/d", "postgres://a:se@secret@h/d", "secret", "host=h",
        "postgres://h/d?unknown=1&password=secret",
    ])
    func aBadAddressIsRefusedWithoutItsSecrets(uri: String) {
        let error = #expect(throws: CatalogError.self) {
            try Catalog.open(shared: uri, local: "/nonexistent", readOnly: true)
        }
        #expect(error.map { !"\($0) \($0.hint ?? "")".contains("secret") } == true)
    }

    @Test func theTablesOfTheLayoutAreKnown() {
        let objects = PostgresObjects(steps: [
            "CREATE TABLE a(b text DEFAULT ',(', c int CHECK (c IN (1, 2)), PRIMARY KEY(b, c)) WITH (fillfactor = 70);",
            "CREATE UNIQUE INDEX IF NOT EXISTS i ON a(b); ALTER TABLE a ADD COLUMN d text; CREATE INDEX j ON a(c); DROP INDEX j",
        ])
        #expect(objects.tables == ["a": ["b", "c", "d"]] && objects.indices == ["i"])
        #expect(PostgresObjects.current.tables["sessions"]?.count == 22)
        #expect(PostgresObjects.current.indices.contains("sessions_build"))
    }
}
