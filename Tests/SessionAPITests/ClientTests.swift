import Foundation
import SessionAPI
import Testing

let testToken = "token-that-must-not-be-seen"

/// Runs a client against a scripted server, and stops both.
func withServer<Result>(
    _ handler: @escaping @Sendable (RawServer.Request, RawServer.Peer) -> RawServer.Next,
    configure: (inout SessionAPIClient.Configuration) -> Void = { _ in },
    _ body: (SessionAPIClient, RawServer) async throws -> Result
) async throws -> Result {
    let server = RawServer(handler)
    var configuration = SessionAPIClient.Configuration(baseURL: server.url) { testToken }
    configure(&configuration)
    let client = try SessionAPIClient(configuration)
    do {
        let result = try await body(client, server)
        await client.shutdown()
        server.stop()
        return result
    } catch {
        await client.shutdown()
        server.stop()
        throw error
    }
}

func failure<Value>(_ body: () async throws(APIError) -> Value) async -> APIError? {
    do throws(APIError) {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// Reads a body to its end or its error.
func collect(_ stream: ByteStream) async -> (bytes: [UInt8], error: APIError?) {
    var bytes: [UInt8] = []
    do throws(APIError) {
        for try await chunk in stream { bytes += chunk.bytes }
        return (bytes, nil)
    } catch {
        return (bytes, error)
    }
}

@Suite struct ClientTests {
    @Test func everyOperationSendsWhatTheDescriptionAsksFor() async throws {
        let answers: [String: (String, String)] = [
            "POST /session": ("201 Created", #"{"host":"h","ports":[]}"#),
            "GET /session/a": ("200 OK", #"{"id":"a"}"#), "DELETE /session/a": ("204 No Content", ""),
            "PUT /session/player/join": ("200 OK", #"{"count":2,"players":["p"]}"#),
            "DELETE /session/player/leave": ("200 OK", #"{"count":1,"players":["p"]}"#),
            "GET /available-location/i": ("200 OK", #"{"locations":[{"id":"europe","ips":["1.2.3.4"]}]}"#),
            "GET /tag/r/i/v": ("200 OK", #"{"exists":true}"#),
            "GET /session": ("200 OK", #"{"sessions":[{"id":"a"}]}"#),
            "GET /artifacts?session=a&path=%2Fcore": ("200 OK", "archive"), "GET /logs?id=a": ("200 OK", "log"),
            "GET /logs?id=a&follow=true": ("200 OK", "log"),
        ]
        try await withServer { request, peer in
            let (status, body) =
                answers["\(request.method) \(request.target)"] ?? ("500 unexpected \(request.target)", "")
            if status.hasPrefix("204") {
                peer.write("HTTP/1.1 204 No Content\r\n\r\n")
            } else {
                peer.respond(status, [], body)
            }
            return .keepOpen
        } _: { client, server in
            let run = SessionRunRequest(
                location: "l", image: "i", id: "a", version: "1", env: ["K": "v"], args: ["-x"], labels: ["m": "1"],
                restart: true, ttl: "2h", externalID: "e")
            #expect(try await client.sessionRun(run).id == "a")
            #expect(try await client.sessionList().sessions.map(\.id) == ["a"])
            #expect(try await client.describeSession("a").session.id == "a")
            try await client.sessionStop("a")
            #expect(try await client.joinSession("a", players: ["p"]).count == 2)
            #expect(try await client.leaveSession(players: ["p"]).count == 1)
            #expect(
                await collect(try await client.artifacts(session: "a", path: "/core").body).bytes
                    == Array("archive".utf8))
            #expect(try await client.availableLocations(image: "i").map(\.id) == ["europe"])
            #expect(try await client.tagExists(region: "r", image: "i", version: "v"))
            for follow in [false, true] {
                var log: [UInt8] = []
                for try await chunk in try await client.streamLogs(session: "a", follow: follow) { log += chunk.bytes }
                #expect(log == Array("log".utf8))
            }
            let sent = server.requests
            #expect(sent.allSatisfy { $0.headers["authorization"] == "Bearer \(testToken)" })
            #expect(sent.allSatisfy { $0.headers["accept-encoding"] == "identity" })
            #expect(
                sent[0].body
                    == #"{"args":["-x"],"env":{"K":"v"},"external_id":"e","id":"a","image":"i","labels":{"m":"1"},"location":"l","restart":true,"ttl":"2h","version":"1"}"#
            )
            #expect(sent[0].headers["content-type"] == "application/json")
            #expect(sent[4].body == #"{"players":["p"],"session":"a"}"#)
            #expect(sent[5].method == "DELETE" && sent[5].body == #"{"players":["p"]}"#)
        }
    }

    @Test func identifiersOfAnyKindStayOnePathSegment() async throws {
        let cases = [
            ("a/b", "a%2Fb"), ("..", "%2E%2E"), (".", "%2E"), ("a b", "a%20b"), ("é", "%C3%A9"),
            ("a?b=c&d#e", "a%3Fb%3Dc%26d%23e"),
            ("100%", "100%25"), ("%2F", "%252F"), ("\u{1F600}", "%F0%9F%98%80"), ("a\r\nX: y", "a%0D%0AX%3A%20y"),
            ("../../session", "..%2F..%2Fsession"), ("player/join", "player%2Fjoin"), ("\u{1}", "%01"),
            ("a;b,c+d", "a%3Bb%2Cc%2Bd"),
        ]
        try await withServer { _, peer in
            peer.respond("200 OK", [], #"{"id":"x"}"#)
            return .keepOpen
        } _: { client, server in
            for (id, encoded) in cases {
                _ = try await client.describeSession(id)
                #expect(server.requests.last?.target == "/session/\(encoded)")
                _ = try await client.artifacts(session: id, path: "/" + id)
                #expect(server.requests.last?.target.lowercased().hasPrefix("/artifacts?session=") == true)
                let query = encoded.hasPrefix("%2E") ? id : encoded
                #expect(server.requests.last?.target == "/artifacts?session=\(query)&path=%2F\(query)")
            }
        }
    }

    @Test func listParameters() async throws {
        try await withServer { _, peer in
            peer.respond("200 OK", [], #"{"sessions":[]}"#)
            return .keepOpen
        } _: { client, server in
            let query = SessionListQuery(
                all: true, location: "eu west", image: "i", tag: "1+2", host: "1.2.3.4", playersLessThan: 5,
                playersGreaterThan: -1, filter: ["b&": "ä", "a": "1"], filterNot: ["status": "exited"],
                carrying: ["map", "a b"], carryingNone: ["bot"])
            _ = try await client.sessionList(query)
            #expect(
                server.requests.last?.target
                    == "/session?all=true&location=eu%20west&image=i&tag=1%2B2&host=1.2.3.4&playerCount%5Blt%5D=5"
                    + "&playerCount%5Bgt%5D=-1&filter%5Ba%5D=1&filter%5Bb%26%5D=%C3%A4&filterNot%5Bstatus%5D=exited"
                    + "&filter%5B%5D=map&filter%5B%5D=a%20b&filterNot%5B%5D=bot")
            _ = try await client.sessionList(SessionListQuery(all: false))
            #expect(server.requests.last?.target == "/session?all=false")
        }
    }

    @Test func addressesAndArgumentsThatMakeNoRequest() async throws {
        for bad in [
            "", "localhost:80", "ftp://h", "http://", "http:///x", "http://u:p@h", "http://h?x", "http://h#x",
            "http://h h",
        ] {
            let error = #expect(throws: APIError.self) { try SessionAPIClient(.init(baseURL: bad) { "t" }) }
            #expect(error?.kind == .invalidArgument, "\(bad)")
        }
        try await withServer { _, peer in
            peer.respond("200 OK", [], "{}")
            return .keepOpen
        } _: { client, server in
            #expect(
                await failure { () async throws(APIError) in try await client.describeSession("") }?.kind
                    == .invalidArgument)
            #expect(
                await failure { () async throws(APIError) in try await client.sessionStop("") }?.kind
                    == .invalidArgument)
            #expect(
                await failure { () async throws(APIError) in try await client.artifacts(session: "a", path: "") }?.kind
                    == .invalidArgument)
            #expect(server.requests.isEmpty)
        }
    }

    @Test func aBaseAddressMayHaveAPath() async throws {
        let server = RawServer { _, peer in
            peer.respond("200 OK", [], #"{"exists":false}"#)
            return .keepOpen
        }
        let client = try SessionAPIClient(.init(baseURL: server.url + "/api/v2//") { testToken })
        #expect(try await client.tagExists(region: "r", image: "i", version: "v/1") == false)
        #expect(server.requests.last?.target == "/api/v2/tag/r/i/v%2F1")
        await client.shutdown()
        await client.shutdown()
        server.stop()
    }

    @Test func tokensThatCannotBeSentAreNotSent() async throws {
        struct NoFile: Error {}
        let server = RawServer { _, _ in .close }
        for token in ["", "a b", "a\r\nX-Evil: 1", "tökèn"] {
            let client = try SessionAPIClient(.init(baseURL: server.url) { token })
            let error = await failure { () async throws(APIError) in try await client.describeSession("a") }
            #expect(error?.kind == .noToken)
            if !token.isEmpty { #expect(error?.description.contains(token) == false) }
            await client.shutdown()
        }
        let client = try SessionAPIClient(.init(baseURL: server.url) { throw NoFile() })
        #expect(await failure { () async throws(APIError) in try await client.describeSession("a") }?.kind == .noToken)
        await client.shutdown()
        #expect(server.requests.isEmpty)
        server.stop()
    }

    @Test func nobodyThere() async throws {
        let server = RawServer { _, _ in .close }
        server.stop()
        let client = try SessionAPIClient(.init(baseURL: server.url) { testToken })
        let error = await failure { () async throws(APIError) in try await client.describeSession("a") }
        #expect(error?.kind == .network)
        #expect(error?.isRetryable == true)
        // Nothing was sent, so even a start may be tried again.
        let run = await failure { () async throws(APIError) in
            try await client.sessionRun(SessionRunRequest(location: "l", image: "i"))
        }
        #expect(run?.kind == .network && run?.mayHaveActed == false && run?.isRetryable == true)
        await client.shutdown()
    }

    @Test func aClientDroppedWithoutShutdownDoesNoHarm() async throws {
        let server = RawServer { _, peer in
            peer.respond("200 OK", [], #"{"id":"a"}"#)
            return .keepOpen
        }
        do {
            let client = try SessionAPIClient(.init(baseURL: server.url) { testToken })
            _ = try await client.describeSession("a")
        }
        server.stop()
    }
}
