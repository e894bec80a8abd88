import Catalog
import Foundation
import Testing
import Text

@Suite struct PortableSQLTests {
    @Test(arguments: [
        ("a", "b"), ("ab", "ac"), ("a\u{10FFFF}", "b"), ("\u{D7FF}", "\u{E000}"), ("\u{7F}", "\u{80}"),
        ("a\0", "a\u{1}"),
        ("ab\u{10FFFF}\u{10FFFF}", "ac"), ("e\u{301}", "e\u{302}"),
    ])
    func endOfPrefix(prefix: String, end: String) throws {
        let found = try #require(PortableSQL.end(ofPrefix: prefix))
        #expect(found.hasSameBytes(as: end))
        for text in [prefix, prefix + "\0", prefix + "\u{10FFFF}\u{10FFFF}"] { #expect(text.precedesInBytes(found)) }
    }

    @Test func nothingFollowsTheLastPrefix() {
        #expect(PortableSQL.end(ofPrefix: "") == nil)
        #expect(PortableSQL.end(ofPrefix: "\u{10FFFF}\u{10FFFF}") == nil)
    }

    /// Only a driver may use what other engines lack.
    @Test func onlyDriversUseOneEnginesSQL() throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources/Catalog")
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        var seen = 0
        for case let file as URL in files where file.pathExtension == "swift" && !file.path.contains("/SQLite/") {
            seen += 1
            let text = try String(contentsOf: file, encoding: .utf8)
            for word in [
                "PRAGMA", "sqlite_", "sqlite3", "user_version", " GLOB ", "INDEXED BY", "INSERT OR", "total(",
                "CSQLite",
                "group_concat", "ifnull(", "rowid", "strftime", "AUTOINCREMENT",
            ] { #expect(!text.contains(word), "\(file.lastPathComponent) contains \(word)") }
        }
        #expect(seen > 20)
    }
}
