import Foundation
import Model
import Testing
import Text

@testable import Pack

/// The JSON in a pack's footer. The texts here are of packs that were written by earlier versions.
@Suite struct FactsJSONTests {
    private static let session =
        Array(
            #"{"session":"s/1 \"é\"","image":"arena","tag":"1.2","location":"eu","host":"h1","labels":{"a\\b":"","map":"vällẹy"},"#
                .utf8)
        + Array(
            #""created":1763640000000,"exited":1763640001000,"first_seen_exited":1763640002000,"last_logged":1763640000500,"#
                .utf8)
        + Array(#""deadline":1763654402000,"state":"partial","reason":"why","source":"harvest"}"#.utf8)

    private static let artifacts =
        Array(
            #"[{"artifact":"/logs","state":"collected","status":200,"tries":1,"bytes":18446744073709551615,"first_try":1,"#
                .utf8)
        + Array(#""last_try":2,"verdict":"ok","flags":["plain_tar","trailing_data"],"sha256":"ab"},"#.utf8)
        + Array(
            #"{"artifact":"/d","state":"absent","reason":"r","identifier":"i","tries":0,"bytes":0,"flags":[]}]"#.utf8)

    @Test func aSessionIsReadAndWrittenInTheSameBytes() throws {
        let facts = try SessionMetadata(json: Self.session)
        #expect(facts.session == "s/1 \"é\"")
        #expect(facts.labels == ["a\\b": "", "map": "vällẹy"])
        #expect(facts.deadline == 1_763_654_402_000)
        #expect(facts.source == "harvest")
        #expect(facts.json == Self.session)
        #expect(SessionMetadata(session: "x").json == Array(#"{"session":"x","image":"","labels":{}}"#.utf8))
    }

    /// `session.json` in the spool: identity and other facts are fields of one object, as every version wrote them.
    @Test func theSpoolsFactsAreOneFlatObject() throws {
        let written =
            #"{"created":5,"deadline":9,"image":"game","labels":{"a":"b"},"session":"s","source":"harvest","tag":"1"}"#
        let facts = try JSONDecoder().decode(SessionMetadata.self, from: Data(written.utf8))
        #expect(
            facts
                == SessionMetadata(
                    session: "s", image: "game", tag: "1", labels: ["a": "b"], created: 5, deadline: 9,
                    source: "harvest"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(facts), as: UTF8.self) == written)
    }

    @Test func artifactsAreReadAndWrittenInTheSameBytes() throws {
        let entries = try ArtifactEntry.entries(json: Self.artifacts)
        #expect(entries.map(\.state) == [.collected, .absent])
        #expect(entries.first?.bytes == .max)
        #expect(entries.first?.flags == ["plain_tar", "trailing_data"])
        #expect(ArtifactEntry.json(entries) == Self.artifacts)
        #expect(ArtifactEntry.json([]) == Array("[]".utf8))
    }

    /// Earlier versions wrote tabs and other controls as code points.
    @Test func controlCharactersOfEarlierPacksAreRead() throws {
        let earlier = try SessionMetadata(json: Array(#"{"session":"a\u0009\n\u000d\u0008\u001b\u007f"}"#.utf8))
        #expect(earlier.session == "a\t\n\r\u{8}\u{1b}\u{7f}")
        #expect(try SessionMetadata(json: earlier.json) == earlier)
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"session":1}"#, #"{"session":"a"} x"#, #"{"session":"\ud800"}"#, #"{"session":"a",}"#,
        #"{"session":"a","labels":{"a":"b"}"#,
    ])
    func damageIsReported(text: String) {
        #expect(throws: PackError.self) { try SessionMetadata(json: Array(text.utf8)) }
    }

    @Test func theFirstOfTwoMembersCounts() throws {
        let text = #"{"session":"a","session":"b","labels":{"k":"1","k":"2"},"deadline":"late","unknown":[{}]}"#
        let facts = try SessionMetadata(json: Array(text.utf8))
        #expect(facts.session == "a")
        #expect(facts.labels == ["k": "1"])
        #expect(facts.deadline == nil)
    }
}
