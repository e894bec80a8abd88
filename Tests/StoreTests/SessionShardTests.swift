import Model
import Testing

/// Parts of all sessions: each session is in exactly one.
@Suite struct SessionShardTests {
    @Test(arguments: [1, 2, 3, 16, 65_536]) func everySessionIsInOnePart(count: Int) throws {
        let sessions = (0..<500).map { "session-\($0)" } + ["", "é", String(repeating: "x", count: 5000)]
        let parts = try (1...min(count, 64)).map { try #require(SessionShard(index: $0, count: count)) }
        for session in sessions {
            let members = parts.filter { $0.contains(session) }.count
            #expect(count <= 64 ? members == 1 : members <= 1)
        }
    }

    @Test func partsAreAboutEqual() throws {
        for part in 1...8 {
            let shard = try #require(SessionShard(index: part, count: 8))
            let members = (0..<8000).filter { shard.contains("s\($0)") }.count
            #expect(abs(members - 1000) < 150)
        }
    }

    @Test func aPartIsWrittenAsAFraction() throws {
        #expect(SessionShard(parsing: "3/16") == SessionShard(index: 3, count: 16))
        #expect(SessionShard(parsing: "3/16")?.description == "3/16")
        for text in ["", "0/4", "5/4", "1/0", "1/65537", "-1/4", "+1/4", "1/4/2", "1", "a/b", "1/ 4", "/"] {
            #expect(SessionShard(parsing: text) == nil, "\(text)")
        }
    }
}
