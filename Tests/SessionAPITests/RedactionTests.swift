import Foundation
import SessionAPI
import Testing

@testable import struct SessionModel.Redaction

/// The token is removed from errors; values that the caller sent are not.
@Suite struct RedactionTests {
    private func failed(
        token: String, _ body: String, _ call: (SessionAPIClient) async throws(APIError) -> Void
    ) async throws -> APIError {
        let server = RawServer { _, peer in
            peer.respond("404 Not Found", [], body)
            return .keepOpen
        }
        let client = try SessionAPIClient(.init(baseURL: server.url) { token })
        let error = await failure { () async throws(APIError) in try await call(client) }
        await client.shutdown()
        server.stop()
        return try #require(error)
    }

    private func described(_ token: String, _ id: String, _ body: String) async throws -> APIError {
        try await failed(token: token, body) { (client) async throws(APIError) in
            _ = try await client.describeSession(id)
        }
    }

    @Test func anIDThatHoldsTheTokenStays() async throws {
        let error = try await described(
            "sandbox", "sandbox-1",
            #"{"code":"NO","message":"no session sandbox-1","details":"sandbox and sandbox-2, but sandbox-1","path":"/session/sandbox-1","identifier":"sandbox"}"#
        )
        #expect(error.session == "sandbox-1")
        #expect(error.message == "no session sandbox-1")
        #expect(error.details == "[token] and [token]-2, but sandbox-1")
        #expect(error.path == "/session/sandbox-1")
        #expect(error.identifier == "[token]")
        #expect(error.description.contains("of sandbox-1: 404 NO no session sandbox-1"))
        let foreign = try await described("sandbox", "sandbox-1", "<p>sandbox-1 is gone, sandbox</p>")
        #expect(foreign.bodyExcerpt == "<p>sandbox-1 is gone, [token]</p>")
    }

    @Test func anIDThatIsTheTokenStaysButNoEchoOfTheTokenDoes() async throws {
        let error = try await described(
            "sandbox", "sandbox",
            #"{"code":"sandbox","message":"no session sandbox","details":"Authorization: Bearer sandbox","path":"/session/sandbox","violations":[{"field":"bearer%20sandbox","description":"\"token\":\"sandbox\""}]}"#
        )
        #expect(error.session == "sandbox")
        #expect(error.message == "no session sandbox")
        #expect(error.path == "/session/sandbox")
        #expect(error.code?.rawValue == "[token]")
        #expect(error.details == "Authorization: Bearer [token]")
        #expect(error.violations == [.init(field: "bearer%20[token]", description: #""token":"[token]""#)])
    }

    @Test func everyValueThatTheCallerSentStays() async throws {
        let token = "abc/+="
        let id = "run \(token)\"1"
        let encoded = "run%20abc%2F%2B%3D%221"
        for text in [id, encoded, encoded.lowercased(), "run+abc%2f%2b%3d%221"] {
            let body = try JSONSerialization.data(withJSONObject: ["message": "x \(text) y \(token) abc%2F%2B%3D"])
            let error = try await described(token, id, String(decoding: body, as: UTF8.self))
            #expect(error.message == "x \(text) y [token] [token]", "\(text)")
        }
        // In a page that contains its JSON text unchanged.
        let page = try await described(token, id, #"<p>{"id":"run abc\/+=\"1","t":"abc\/+="}"#)
        #expect(page.bodyExcerpt == #"<p>{"id":"run abc\/+=\"1","t":"[token]"}"#)

        let run = SessionRunRequest(
            location: "eu-tok", image: "img-tok", id: "id-tok", version: "v-tok", env: ["E-tok": "secret-tok"],
            args: ["--map=tok"], labels: ["key-tok": "value-tok"])
        let words = ["eu-tok", "img-tok", "id-tok", "v-tok", "E-tok", "--map=tok", "key-tok", "value-tok"]
        let started = try await failed(token: "tok", #"{"message":"\#(words.joined(separator: " ")) secret-tok tok"}"#)
        {
            (client) async throws(APIError) in _ = try await client.sessionRun(run)
        }
        #expect(started.message == words.joined(separator: " ") + " secret-[token] [token]")
        let download = try await failed(token: "tok", #"{"message":"no /srv/tok/core of s-tok, not /srv/tok"}"#) {
            (client) async throws(APIError) in _ = try await client.artifacts(session: "s-tok", path: "/srv/tok/core")
        }
        #expect(download.message == "no /srv/tok/core of s-tok, not /srv/[token]")
        let tag = try await failed(token: "tok", #"{"message":"r-tok i-tok v-tok p-tok"}"#) {
            (client) async throws(APIError) in
            _ = try await client.tagExists(region: "r-tok", image: "i-tok", version: "v-tok")
        }
        #expect(tag.message == "r-tok i-tok v-tok p-[token]")
        let join = try await failed(token: "tok", #"{"message":"p-tok and q-tok"}"#) {
            (client) async throws(APIError) in
            _ = try await client.joinSession("s", players: ["p-tok"])
        }
        #expect(join.message == "p-tok and q-[token]")
        let list = try await failed(token: "tok", #"{"message":"k-tok l-tok w-tok x-tok"}"#) {
            (client) async throws(APIError) in
            _ = try await client.sessionList(
                SessionListQuery(location: "l-tok", filter: ["k-tok": "1"], carrying: ["w-tok"]))
        }
        #expect(list.message == "k-tok l-tok w-tok x-[token]")
    }

    @Test func ourOwnWordsStay() async throws {
        // A token that is an English word must not make our own sentences unreadable.
        #expect(try await described("token", "s", "").message == "not found")
        #expect(try await described("not", "s", "").message == "not found")
    }

    /// Against a plain statement of the rule, over small texts of few letters, where overlaps are the rule.
    @Test func randomTexts() {
        var random = SystemRandomNumberGenerator()
        func text(_ most: Int) -> String {
            String(
                (0..<Int.random(in: 0...most, using: &random)).map { _ in "ab-".randomElement(using: &random) ?? "a" })
        }
        for _ in 0..<20_000 {
            let (token, sent, whole) = (text(2) + "a", text(5), text(14))
            let cleaned = Redaction(token: token, sent: [sent]).clean(whole)
            if !sent.contains(token) {
                #expect(
                    cleaned
                        == whole.split(separator: token, omittingEmptySubsequences: false).joined(separator: "[token]"))
            } else {
                // What is left without the caller's value holds no token, and the caller's value is never cut.
                let parts = cleaned.components(separatedBy: "[token]")
                #expect(parts.allSatisfy { !$0.contains(token) || $0.contains(sent) }, "\(token) \(sent) \(whole)")
                if whole == sent, sent != token { #expect(cleaned == whole) }
                if whole == token { #expect(cleaned == "[token]") }
            }
        }
    }
}
