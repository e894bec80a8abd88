import Foundation
import HTTPTypes
import Testing

@testable import Sandbox

/// The OpenAPI description says exactly what the server does.
@Suite struct DescriptionTests {
    private let own = Description.own

    @Test func describesExactlyTheRoutes() throws {
        let described = Set(own.operations.map { "\($0.method) \($0.path) \($0.id)" })
        let routed = Set(Sandbox.Operation.allCases.map { "\($0.method.rawValue) \($0.path) \($0.rawValue)" })
        #expect(described == routed)
        #expect(own.operations.count == Sandbox.Operation.allCases.count)
        for operation in Sandbox.Operation.allCases {
            let described = try #require(own[operation.rawValue])
            #expect(described.scopes == (operation.scope.map { [$0.rawValue] } ?? []), "\(described.id)")
            #expect(described.statuses.contains(403) == (operation.scope != nil), "\(described.id)")
            let variables = operation.path.split(separator: "/").filter { $0.hasPrefix("{") }
                .map { String($0.dropFirst().dropLast()) }
            #expect(described.names(in: "path") == variables)
            #expect(described.parameters.allSatisfy { ["path", "query"].contains($0["in"] as? String) })
            #expect((described.body != nil) == [.run, .join, .leave].contains(operation))
            let route = try #require(Route(path: operation.path.replacing("{", with: "").replacing("}", with: "")[...]))
            #expect(route.operation(operation.method) == operation)
            #expect(route.variables == variables)
        }
    }

    @Test func isServedWithTheAddressOfTheRequest() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.adminToken = "admin" }
        try await Stage.with(change) { stage in
            let refused = try await stage.client.ask("GET", "/_sandbox/openapi.json")
            #expect(refused.status == 401)
            let answer = try await WireClient(url: stage.url, token: "admin").ask("GET", "/_sandbox/openapi.json")
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "application/json")
            var served = try stage.object(answer)
            #expect((served["servers"] as? [[String: String]]) == [["url": "http://localhost"]])
            served["servers"] = own.root["servers"]
            #expect(NSDictionary(dictionary: served).isEqual(to: own.root))
        }
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/Sandbox/openapi.json")
        #expect(try Array(Data(contentsOf: file)) == OpenAPIDescription.text(authority: nil))
        // A name that a hostile client gives cannot break out of the text.
        let hostile = OpenAPIDescription.text(authority: "a\"},{\"b\":\"")
        let read = try #require(try JSONSerialization.jsonObject(with: Data(hostile)) as? [String: Any])
        #expect((read["servers"] as? [[String: String]]) == [["url": "http://a\"},{\"b\":\""]])
    }

    @Test func demandsNoTokenWhereNoneIsAskedFor() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.requiresToken = false }
        try await Stage.with(change) { stage in
            let answer = try await stage.client.ask("GET", "/_sandbox/openapi.json")
            var served = try stage.object(answer)
            #expect(served["security"] == nil)
            let paths = try #require(served["paths"] as? [String: [String: Any]])
            for operation in own.operations {
                let described = try #require(paths[operation.path]?[operation.method.lowercased()] as? [String: Any])
                #expect(described["security"] == nil && described["responses"] != nil, "\(operation.id)")
            }
            // The rest is unchanged.
            var expected = own.root
            for name in ["security", "servers", "paths"] {
                served[name] = nil
                expected[name] = nil
            }
            #expect(NSDictionary(dictionary: served).isEqual(to: expected))
        }
    }

    @Test func withoutAUsableHostTheServerIsTheAddressListenedOn() async throws {
        try await Stage.with { stage in
            for host in ["", "a b", "a\"b", "<script>"] {
                var client = stage.client
                client.host = host
                let answer = try await client.ask("GET", "/_sandbox/openapi.json")
                guard answer.status == 200 else {
                    // The HTTP parser may reject the header itself.
                    #expect(answer.status == 400, "\(host)")
                    continue
                }
                let servers = try stage.object(answer)["servers"] as? [[String: String]]
                #expect(servers == [["url": stage.url]], "\(host)")
            }
        }
    }

    @Test func onlyAHostIsAnAuthority() {
        for text in ["localhost", "a-b.example:8080", "127.0.0.1:1", "[::1]:8080", "[::1]", "a_b", "a:65535"] {
            #expect(OpenAPIDescription.authority(text) == text)
        }
        for text in [
            "", ":80", "a b", "a\"", "a/b", "a@b", "a?b", "a#b", "a:b", "a:", "a:65536", "a:+1", "[::1", "[]", "[g]",
            "[::1]x", "[::1]:", "h\u{e9}", "<a>", "a\\b", "a:1:2",
        ] {
            #expect(OpenAPIDescription.authority(text) == nil, "\(text)")
        }
        #expect(OpenAPIDescription.authority(nil as String?) == nil)
    }

    @Test func theInterfaceForTestsKnowsItsMethods() async throws {
        try await Stage.with { stage in
            for path in ["health", "sessions", "faults", "fleet", "requests", "openapi.json"] {
                let head = try await stage.client.ask("HEAD", "/_sandbox/\(path)")
                #expect(head.status == 200 && head.body.isEmpty, "\(path)")
                let other = try await stage.client.ask("PATCH", "/_sandbox/\(path)")
                #expect(other.status == 405, "\(path)")
                #expect(other.headers["allow"] == (path == "faults" ? "DELETE, GET, HEAD, POST" : "GET, HEAD"))
            }
            for path in ["sessions/x/remove", "sessions/x/signal/9", "fleet/exit/1"] {
                let other = try await stage.client.ask("GET", "/_sandbox/\(path)")
                #expect(other.status == 405 && other.headers["allow"] == "POST", "\(path)")
            }
            for path in ["", "/", "/none", "/health/more", "/sessions/x/none"] {
                #expect(try await stage.client.ask("GET", "/_sandbox\(path)").status == 404, "\(path)")
            }
        }
    }

    /// Each query parameter with its example value, in the form that its style requires.
    private func query(_ parameter: [String: Any]) throws -> String {
        let name = try #require(parameter["name"] as? String)
        let examples = try #require(parameter["examples"] as? [String: [String: Any]])
        let value = try #require(examples.values.first?["value"])
        let escaped = name.replacing("[]", with: "%5B%5D")
        switch value {
        case let members as [String: Any]:
            return members.map { "\(name)%5B\($0.key)%5D=\($0.value)" }.joined(separator: "&")
        case let values as [String]: return values.map { "\(escaped)=\($0)" }.joined(separator: "&")
        case let flag as Bool where (parameter["schema"] as? [String: Any])?["type"] as? String == "boolean":
            return "\(escaped)=\(flag)"
        default: return "\(escaped)=\(value)"
        }
    }

    @Test func parametersAreThoseThatTheServerTakes() async throws {
        try await Stage.with { stage in
            try await stage.start("match-0", "player")
            try await stage.untilEnd("match-0")
            try await stage.start("match-1", "waiter")
            for operation in own.operations where operation.method == "GET" {
                let path = operation.path.replacing("{id}", with: "match-1").replacing("{image}", with: "player")
                    .replacing("{region}", with: "europe").replacing("{version}", with: "1.0")
                let parameters = operation.parameters.filter { $0["in"] as? String == "query" }
                let required = try parameters.filter { $0["required"] as? Bool == true }.map(query)
                let base = path + "?" + required.joined(separator: "&")
                #expect(try await stage.client.ask("GET", base).status == 200, "\(base)")
                for parameter in parameters where parameter["required"] as? Bool != true {
                    let whole = base + "&" + (try query(parameter))
                    #expect(try await stage.client.ask("GET", whole).status == 200, "\(whole)")
                }
                for other in ["colour=red", "all%5B%5D=true", "Path=/"] {
                    #expect(try await stage.client.ask("GET", base + "&" + other).status == 422, "\(base)&\(other)")
                }
                // The session is looked up first; then each error of the query is named.
                for index in required.indices {
                    let rest = required.enumerated().filter { $0.offset != index }.map(\.element)
                    let without = path + "?" + rest.joined(separator: "&")
                    let status = required[index].hasPrefix("path=") ? 422 : 404
                    #expect(try await stage.client.ask("GET", without).status == status, "\(without)")
                }
            }
        }
    }

    @Test func bodiesHaveTheFieldsThatTheServerReads() async throws {
        try await Stage.with { stage in
            for operation in own.operations {
                guard let content = operation.body?["content"] as? [String: [String: Any]] else { continue }
                let schema = own.resolve(try #require(content["application/json"]?["schema"]))
                let properties = try #require(schema["properties"] as? [String: Any])
                func violations(_ json: String) async throws -> [String: String] {
                    let answer = try await stage.client.ask(operation.method, operation.path, json: json)
                    #expect(answer.status == 422, "\(operation.id) \(json)")
                    let named = try stage.object(answer)["violations"] as? [[String: String]] ?? []
                    return Dictionary(named.map { ($0["field"] ?? "", $0["description"] ?? "") }) { one, _ in one }
                }
                let missing = try await violations("{}")
                #expect(Set(missing.keys) == Set(schema["required"] as? [String] ?? []), "\(operation.id)")
                let unknown = try await violations(#"{"colour":1}"#)
                #expect(unknown["colour"] == "is not known")
                for name in properties.keys {
                    let wrong = try await violations(#"{"\#(name)":1}"#)
                    #expect(wrong[name] != nil && wrong[name] != "is not known", "\(operation.id) \(name): \(wrong)")
                }
            }
        }
    }

    @Test func patternsAgreeWithTheServer() async throws {
        let run = try #require(
            own.resolve(["$ref": "#/components/schemas/SessionRun"])["properties"] as? [String: [String: Any]])
        let ttl = try #require(run["ttl"])
        let names = try #require(run["env"]?["propertyNames"] as? [String: Any])
        let values = try #require(run["env"]?["additionalProperties"] as? [String: Any])
        let args = try #require(run["args"]?["items"] as? [String: Any])
        let player = try #require(
            (own.resolve(["$ref": "#/components/schemas/LeaveSession"])["properties"] as? [String: [String: Any]])?[
                "players"]?[
                    "items"] as? [String: Any])
        let spans = [
            "2h30m", "30m2h", "0.5m", "1.5h", "0m", "007m", "1h1h", "99999999999999999999999999h", "30s", "h", "-5m",
            "",
            "1d", "2h30", "1.m", ".5h", "1 h", "1h ", "1h\n", "1H", "+1h", "1e3m", "\u{661}h",
        ]
        let texts = ["a", "", "a=b", "=", "\u{0}", "a\u{0}b", "ä", " ", "a\nb"]
        try await Stage.with { stage in
            func agrees(
                _ method: String, _ path: String, _ body: [String: Any], _ value: String, _ schema: [String: Any]
            )
                async throws
            {
                let text = String(decoding: try JSONSerialization.data(withJSONObject: body), as: UTF8.self)
                let answer = try await stage.client.ask(method, path, json: text)
                #expect((answer.status != 422) == Self.allows(schema, value), "\(text) answered \(answer.text)")
            }
            func runs(_ more: [String: Any], _ value: String, _ schema: [String: Any]) async throws {
                let body = ["location": "europe", "image": "player"].merging(more) { $1 }
                try await agrees("POST", "/session", body, value, schema)
            }
            for span in spans { try await runs(["ttl": span], span, ttl) }
            for text in texts {
                try await runs(["env": [text: "x"]], text, names)
                try await runs(["env": ["X": text]], text, values)
                try await runs(["args": [text]], text, args)
                try await runs(["id": text], text, try #require(run["id"]))
                try await agrees("DELETE", "/session/player/leave", ["players": [text]], text, player)
            }
        }
    }

    /// Whether the schema of a string allows this one.
    private static func allows(_ schema: [String: Any], _ text: String) -> Bool {
        guard text.unicodeScalars.count >= schema["minLength"] as? Int ?? 0 else { return false }
        guard let pattern = schema["pattern"] as? String else { return true }
        // In a description's patterns `$` is the end and nothing else.
        let strict = pattern.hasSuffix("$") ? pattern.dropLast() + "\\z" : pattern[...]
        return text.range(of: String(strict), options: .regularExpression) != nil
    }
}
