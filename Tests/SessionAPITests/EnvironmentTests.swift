import Foundation
import SessionAPI
import Testing
import Text

/// The container's environment is kept only on request.
@Suite struct EnvironmentTests {
    private static let entry =
        #"{"id":"a","labels":{"env":"{\"GAMEYE_SESSION_ID\":\"a\",\"DB\":\"hunter2\",\"N\":5}","tags":"{\"m\":\"1\"}"}}"#
    private static let whole: LabelSet = ["GAMEYE_SESSION_ID": "a", "DB": "hunter2", "N": "5"]

    @Test func listAndDescription() async throws {
        for keeps in [false, true] {
            try await withServer { request, peer in
                peer.respond(
                    "200 OK", [], request.target == "/session" ? #"{"sessions":["# + Self.entry + "]}" : Self.entry)
                return .keepOpen
            } configure: {
                $0.keepsEnvironment = keeps
            } _: { client, _ in
                let listed = try #require(try await client.sessionList().sessions.first)
                let described = try await client.describeSession("a").session
                #expect(listed == described)
                #expect(listed.labels.environment == (keeps ? Self.whole : [:]))
                #expect(listed.labels.environmentSessionID == "a")
                // Even if kept, it must not be stored or printed.
                #expect(listed.labels.user.count == 2 && listed.labels.user["DB"] == nil)
            }
        }
    }

    @Test func codingKeepsItInBothDirections() throws {
        let decoder = JSONDecoder()
        #expect(try decoder.decode(SessionEntry.self, from: Data(Self.entry.utf8)).labels.environment.isEmpty)
        decoder.userInfo[.keepsSessionEnvironment] = true
        let kept = try decoder.decode(SessionEntry.self, from: Data(Self.entry.utf8))
        #expect(kept.labels.environment == Self.whole)
        let encoded = try JSONEncoder().encode(kept)
        #expect(try decoder.decode(SessionEntry.self, from: encoded) == kept)
        let dropped = try JSONDecoder().decode(SessionEntry.self, from: encoded)
        #expect(dropped.labels.environment.isEmpty && dropped.labels.environmentSessionID == "a")
        #expect(!String(decoding: try JSONEncoder().encode(dropped), as: UTF8.self).contains("hunter2"))
    }

    @Test func anEnvironmentThatIsDamagedOrNone() throws {
        let decoder = JSONDecoder()
        decoder.userInfo[.keepsSessionEnvironment] = true
        for (text, expected) in [
            (#"A=hunter2"#, [:]), (#"[\"hunter2\"]"#, [:]), (#"{\"A\":\"1\",\"B\":\"2\""#, ["A": "1", "B": "2"]),
            (#"{}"#, [:]),
        ] as [(String, LabelSet)] {
            let json = #"{"id":"a","labels":{"env":""# + text + #""}}"#
            #expect(
                try decoder.decode(SessionEntry.self, from: Data(json.utf8)).labels.environment == expected, "\(text)")
            var list = SessionListDecoder(keepsEnvironment: true)
            var labels: [LabelSet] = []
            try Array((#"{"sessions":["# + json + "]}").utf8).withUnsafeBytes { bytes in
                try list.push(bytes) { labels.append($0.labels.environment) }
            }
            _ = try list.finish { labels.append($0.labels.environment) }
            #expect(labels == [expected])
        }
    }
}
