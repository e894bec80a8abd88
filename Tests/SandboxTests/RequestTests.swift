import Foundation
import Sandbox
import Testing

/// Which requests are rejected, and how.
@Suite struct RequestTests {
    private func check(_ answer: WireClient.Answer, _ status: Int, _ stage: Stage) throws -> [String: Any] {
        #expect(answer.status == status, "\(answer.text)")
        let error = try stage.object(answer)
        #expect(error["statusCode"] as? Int == status)
        for name in ["code", "message", "details", "path", "identifier", "timestamp"] {
            #expect(error[name] is String, "\(name)")
        }
        return error
    }

    @Test func tokensOpenTheirScopesOnly() async throws {
        let change: (inout SandboxConfiguration) -> Void = {
            $0.tokens = [
                SandboxToken("all"), SandboxToken("reader", scopes: [.sessionRead]),
                SandboxToken("logger", scopes: [.logsRead, .artifactRead]),
            ]
        }
        try await Stage.with(change) { stage in
            func ask(_ token: String?, _ method: String, _ path: String) async throws -> WireClient.Answer {
                try await WireClient(url: stage.url, token: token).ask(method, path)
            }
            _ = try check(try await ask(nil, "GET", "/session"), 401, stage)
            _ = try check(try await ask("sandbox", "GET", "/session"), 401, stage)
            #expect(try await ask("reader", "GET", "/session").status == 200)
            _ = try check(try await ask("logger", "GET", "/session"), 403, stage)
            _ = try check(try await ask("logger", "GET", "/session/x"), 403, stage)
            _ = try check(try await ask("reader", "POST", "/session"), 403, stage)
            _ = try check(try await ask("reader", "DELETE", "/session/x"), 403, stage)
            _ = try check(try await ask("reader", "GET", "/logs?id=x"), 403, stage)
            _ = try check(try await ask("reader", "GET", "/artifacts?session=x&path=/"), 403, stage)
            _ = try check(try await ask("reader", "GET", "/tag/europe/player/1.0"), 403, stage)
            _ = try check(try await ask("reader", "GET", "/available-location/player"), 403, stage)
            _ = try check(try await ask("logger", "GET", "/logs?id=x"), 404, stage)
            #expect(try await ask("all", "GET", "/tag/europe/player/1.0").text == #"{"exists":true}"#)
        }
    }

    @Test func everyFaultOfABodyIsNamed() async throws {
        try await Stage.with { stage in
            let answer = try await stage.client.ask(
                "POST", "/session",
                json: #"{"id":"","location":5,"args":["a",""],"env":{"A":1},"restart":"yes","colour":"red"}"#)
            let error = try check(answer, 422, stage)
            let violations = try #require(error["violations"] as? [[String: String]])
            #expect(
                Set(violations.compactMap { $0["field"] }) == [
                    "id", "location", "image", "args[1]", "env.A", "restart", "colour",
                ])
            for body in ["", "[]", "{", "nonsense", #"{"location":"europe"}"#] {
                _ = try check(try await stage.client.ask("POST", "/session", json: body), 422, stage)
            }
            for (body, status) in [
                (#"{"location":"moon","image":"player"}"#, 404), (#"{"location":"europe","image":"none"}"#, 404),
                (#"{"location":"europe","image":"player","version":"9"}"#, 404),
                (#"{"location":"europe","image":"../images/player"}"#, 404),
                (#"{"location":"europe","image":"player","ttl":"soon"}"#, 422),
                (#"{"location":"europe","image":"player","labels":{"sandbox.faults":"{\"no_such\":1}"}}"#, 422),
            ] {
                _ = try check(try await stage.client.ask("POST", "/session", json: body), status, stage)
            }
        }
    }

    @Test func anIdIsTakenOnce() async throws {
        try await Stage.with { stage in
            try await stage.start("a/../b", "waiter")
            let again = try await stage.client.ask(
                "POST", "/session", json: #"{"id":"a/../b","location":"europe","image":"waiter"}"#)
            _ = try check(again, 409, stage)
            #expect(try await stage.client.ask("GET", "/session/a%2F..%2Fb").status == 200)
            let named = try await stage.client.ask(
                "POST", "/session", json: #"{"location":"europe","image":"waiter"}"#)
            #expect((try stage.object(named)["id"] as? String)?.count == 36)
        }
    }

    @Test func methodsAndPaths() async throws {
        try await Stage.with { stage in
            for (method, path, allow) in [
                ("PATCH", "/session", "GET, HEAD, POST"), ("TRACE", "/session", "GET, HEAD, POST"),
                ("POST", "/logs?id=x", "GET, HEAD"), ("POST", "/session/x", "DELETE, GET, HEAD"),
                ("GET", "/session/player/join", "PUT"), ("OPTIONS", "/artifacts", "GET, HEAD"),
            ] {
                let answer = try await stage.client.ask(method, path)
                _ = try check(answer, 405, stage)
                #expect(answer.headers["allow"] == allow)
            }
            for path in ["/", "/sessions", "/session/", "/session/a/b", "/tag/a/b", "/session/%zz"] {
                _ = try check(try await stage.client.ask("GET", path), 404, stage)
            }
            let head = try await stage.client.ask("HEAD", "/session")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
            #expect(head.headers["content-length"] == "15")
            #expect(try await stage.client.ask("GET", "/session?playerCount[lt]=99999999999999999999").status == 200)
            for path in ["/logs", "/logs?id=", "/artifacts", "/artifacts?session=x", "/artifacts?path=/x"] {
                _ = try check(try await stage.client.ask("GET", path), 404, stage)
            }
        }
    }
}
