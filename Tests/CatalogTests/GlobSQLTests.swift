import CSQLite
import Testing
import Text

@testable import Catalog

@Suite struct GlobSQLTests {
    /// SQLite itself is the oracle: a selection must give the answers that `Glob` gives.
    @Test func sqliteGivesTheSameAnswers() throws {
        var opened: OpaquePointer?
        #expect(sqlite3_open(":memory:", &opened) == SQLITE_OK)
        let database = try #require(opened)
        defer { sqlite3_close(database) }
        var prepared: OpaquePointer?
        #expect(sqlite3_prepare_v2(database, "SELECT ?1 GLOB ?2", -1, &prepared, nil) == SQLITE_OK)
        let statement = try #require(prepared)
        defer { sqlite3_finalize(statement) }
        let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "a", "b", "*", "?", "[", "]", "[a", "[^", "[!", "-", "^", "\\", "\\[", "\\*", "[a-c]", "[]-a]", "[^]",
            "[^^]",
            "[Z-]]", "[--a]", "[é-ü]", "é", "😀", "[[]", "[+--]", "[\\]", "[]^]", "[!]^-]", "/",
        ]
        let letters = ["a", "b", "c", "[", "]", "-", "^", "\\", "*", "?", "é", "ö", "😀", "/", "Z", "_", "!"]
        func word(_ alphabet: [String], _ most: Int) -> String {
            (0..<Int.random(in: 0...most, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "" }
                .joined()
        }
        var matched = 0
        for _ in 0..<100_000 {
            let (pattern, text) = (word(pieces, 5), word(letters, 4))
            let glob = Glob(pattern)
            let sql = try #require(glob.sqlite)
            sqlite3_reset(statement)
            sqlite3_bind_text(statement, 1, text, Int32(text.utf8.count), transient)
            sqlite3_bind_text(statement, 2, sql, Int32(sql.utf8.count), transient)
            #expect(sqlite3_step(statement) == SQLITE_ROW)
            let answer = sqlite3_column_int(statement, 0) != 0
            matched += answer ? 1 : 0
            guard glob.matches(text) == answer else {
                Issue.record("'\(pattern)' and '\(text)': SQLite says \(answer) to '\(sql)'")
                return
            }
        }
        #expect(matched > 1000)
    }
}
