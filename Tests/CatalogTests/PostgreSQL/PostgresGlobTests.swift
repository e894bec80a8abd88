import Testing
import Text

@testable import Catalog

@Suite(.withPostgres) struct PostgresGlobTests {
    /// PostgreSQL itself is the oracle: a selection must give the answers that `Glob` gives.
    @Test func postgresGivesTheSameAnswers() throws {
        let catalog = try PostgresStore()
        let opened = try catalog.open()
        let pieces = [
            "a", "b", "*", "?", "[", "]", "[a", "[^", "[!", "-", "^", "\\", "\\[", "\\*", "[a-c]", "[]-a]", "[^]",
            "[^^]",
            "[Z-]]", "[--a]", "[é-ü]", "é", "😀", "[[]", "[+--]", "[\\]", "[]^]", "[!]^-]", "/", "(", "|", "+", "$", ".",
            "{2}", "\n", "***:", "(?i)", "\\d", "é\\é", "[\u{1}-é]", "\0", "[\0-a]", "[^\0]",
        ]
        let letters = [
            "a", "b", "c", "[", "]", "-", "^", "\\", "*", "?", "é", "ö", "😀", "/", "Z", "_", "!", "\n", "(", "$", ".",
            "{",
            "A", "\u{1}",
        ]
        var random = SystemRandomNumberGenerator()
        func word(_ alphabet: [String], _ most: Int) -> String {
            (0..<Int.random(in: 0...most, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "" }
                .joined()
        }
        var matched = 0
        try opened.driver.read { connection in
            let query = try connection.prepare("SELECT CAST(CAST(? AS text) COLLATE \"C\" ~ ? AS int)")
            for _ in 0..<20_000 {
                let (pattern, text) = (word(pieces, 5), word(letters, 4))
                let glob = Glob(pattern)
                let expression = try #require(glob.postgres)
                #expect(try query.bind([.text(text), .text(expression)]).step())
                let answer = query.integer(0) != 0
                query.reset()
                matched += answer ? 1 : 0
                guard glob.matches(text) == answer else {
                    Issue.record(
                        "\(pattern.debugDescription) and \(text.debugDescription): PostgreSQL says \(answer) to \(expression)"
                    )
                    return
                }
            }
        }
        #expect(matched > 200)
    }
}
