import Foundation
import JSON
import Testing

@testable import Sandbox

/// Responses, byte by byte.
@Suite struct AnswerShapeTests {
    /// The members of a JSON object in the order they are sent.
    private func names(_ answer: WireClient.Answer) throws -> [String] {
        try #require(JSONValue(parsing: answer.body).members).map(\.name)
    }

    @Test func fieldsComeInTheOrderOfTheDescription() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.fleet = SandboxFleet(running: 2, artifactBytes: 100) }
        try await Stage.with(change) { stage in
            let started = try await stage.start("w", "waiter")
            #expect(try names(started) == ["id", "host", "ports"])
            let entry = ["id", "image", "tag", "location", "host", "created", "port", "status", "labels"]
            for query in ["", "?filterNot[status]=none"] {
                let answer = try await stage.client.ask("GET", "/session\(query)")
                let list = try #require(JSONValue(parsing: answer.body)["sessions"])
                guard case .array(let sessions) = list else {
                    Issue.record("no array of sessions")
                    return
                }
                #expect(sessions.count == 3)
                for session in sessions { #expect(session.members?.map(\.name) == entry + ["playerCount"]) }
            }
            #expect(try names(try await stage.client.ask("GET", "/session/w")) == entry + ["players"])
            let error = ["statusCode", "code", "message", "details", "path", "timestamp", "identifier"]
            #expect(try names(try await stage.client.ask("GET", "/session/none")) == error)
            #expect(try names(try await stage.client.ask("GET", "/session?x=1")) == error + ["violations"])
            let anonymous = WireClient(url: stage.url, token: nil)
            #expect(try names(try await anonymous.ask("GET", "/session")) == error)
        }
    }

    @Test func withoutAuthenticationAnyTokenWillDo() async throws {
        let change: (inout SandboxConfiguration) -> Void = {
            $0.requiresToken = false
            $0.adminToken = "boss"
        }
        try await Stage.with(change) { stage in
            for token in [nil, "sandbox", "anything"] as [String?] {
                let client = WireClient(url: stage.url, token: token)
                #expect(try await client.ask("GET", "/session").status == 200)
                let started = try await client.ask(
                    "POST", "/session", json: #"{"location":"europe","image":"player"}"#)
                #expect(started.status == 201)
                // The interface for tests has a token of its own.
                #expect(try await client.ask("GET", "/_sandbox/sessions").status == 401)
            }
        }
    }

    @Test func tokensAreBytes() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.tokens = [SandboxToken("\u{212a}ey")] }
        try await Stage.with(change) { stage in
            let answer = try await WireClient(url: stage.url, token: "Key").ask("GET", "/session")
            #expect(answer.status == 401)
        }
    }

    /// A file whose name is not UTF-8 is still a file.
    @Test func anArchiveHoldsNamesThatAreNotUTF8() async throws {
        try await Stage.with { stage in
            try stage.image(
                "odd", script: #"mkdir -p "$(printf 'd/a\377')" && echo x > "$(printf 'd/a\377/f\351')""#)
            try await stage.start("o", "odd")
            try await stage.untilEnd("o")
            let archive = try await stage.client.ask("GET", "/artifacts?session=o&path=/d")
            #expect(archive.status == 200)
            let listing = try stage.tar(["tzf"], archive.body).output
            #expect(listing == "d/\nd/a\\377/\nd/a\\377/f\\351\n")
            let one = try await stage.client.ask("GET", "/artifacts?session=o&path=/d/a")
            #expect(one.status == 404)
        }
    }

    @Test func theFirstByteOfANameMayMarkTheSlashBeforeIt() async throws {
        try await Stage.with { stage in
            try stage.image("odd", script: #"mkdir -p d && echo x > "$(printf 'd/\314\201a')""#)
            try await stage.start("o", "odd")
            try await stage.untilEnd("o")
            let one = try await stage.client.ask("GET", "/artifacts?session=o&path=/d/%CC%81a")
            #expect(one.status == 200)
            // As the locale has it.
            let listing = try stage.tar(["tzf"], one.body).output
            #expect(["\u{301}a\n", "\\314\\201a\n"].contains(listing))
        }
    }
}
