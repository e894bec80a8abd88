import SessionAPI
import Testing

@Suite struct ArgumentTests {
    private func complaint(_ change: (inout SessionRunRequest) -> Void) -> String? {
        var request = SessionRunRequest(location: "europe", image: "game")
        change(&request)
        do throws(APIError) {
            try request.check()
            return nil
        } catch {
            #expect(error.kind == .invalidArgument && !error.mayHaveActed && !error.isRetryable)
            return error.message
        }
    }

    @Test func aRequestThatTheDescriptionForbidsNamesItsField() {
        let faults: [(String, (inout SessionRunRequest) -> Void)] = [
            ("location", { $0.location = "" }), ("location", { $0.location = "a\0" }), ("image", { $0.image = "" }),
            ("image", { $0.image = "\0" }), ("id", { $0.id = "" }), ("id", { $0.id = "a\0b" }),
            ("version", { $0.version = "1\0" }), ("external_id", { $0.externalID = "\0" }),
            ("args[1]", { $0.args = ["a", ""] }), ("args[0]", { $0.args = ["a\0"] }),
            ("env", { $0.env = ["": "v"] }), ("env", { $0.env = ["A=B": "v"] }), ("env", { $0.env = ["A\0": "v"] }),
            ("env.B", { $0.env = ["A": "v", "B": ""] }), ("env.A", { $0.env = ["A": "\0"] }),
            ("labels", { $0.labels = ["\0": "v"] }), ("labels.a", { $0.labels = ["a": "\0"] }),
            ("ttl", { $0.ttl = "" }),
        ]
        for (field, change) in faults {
            #expect(
                complaint(change)?.hasPrefix(field + " ") == true, "\(field): \(String(describing: complaint(change)))")
        }
        #expect(
            complaint {
                $0.id = "../é"
                $0.env = ["A": "=", "b c": "d"]
                $0.args = ["-x", "="]
                $0.labels = ["": "", "a": ""]
                $0.version = "1"
            } == nil)
    }

    @Test func timesToLive() {
        let good = [
            "2h30m", "30m2h", "0.5m", "1.5h", "1m", "0m", "000h", "1h1h", "99999999999999999999999999h", "1.0m2.50h",
        ]
        for ttl in good { #expect(complaint { $0.ttl = ttl } == nil, "\(ttl)") }
        let bad = [
            "30s", "h", "-5m", "1d", "5", "2h30", ".5m", "1.m", "1..5m", "+1m", " 1m", "1m ", "1 m", "1M", "1e3m",
            "1,5h", "٣m",
            "1.5.5m", "m5", "1h\0", "1m\u{301}",
        ]
        for ttl in bad {
            let words = complaint { $0.ttl = ttl }
            #expect(words?.contains("must be hours and minutes, such as 2h30m") == true, "\(ttl)")
        }
    }

    @Test func nothingForbiddenIsSent() async throws {
        try await withServer { _, peer in
            peer.respond("200 OK", [], "{}")
            return .keepOpen
        } _: { client, server in
            let calls: [(String, () async throws(APIError) -> Void)] = [
                (
                    "env",
                    { () async throws(APIError) in
                        _ = try await client.sessionRun(SessionRunRequest(location: "l", image: "i", env: ["A=": "v"]))
                    }
                ),
                ("session", { () async throws(APIError) in _ = try await client.describeSession("") }),
                ("session", { () async throws(APIError) in try await client.sessionStop("") }),
                ("session", { () async throws(APIError) in _ = try await client.joinSession("", players: ["p"]) }),
                (
                    "players[1]",
                    { () async throws(APIError) in
                        _ = try await client.joinSession("a", players: ["p", "\0"])
                    }
                ),
                ("players[0]", { () async throws(APIError) in _ = try await client.leaveSession(players: ["p\0"]) }),
                ("session", { () async throws(APIError) in _ = try await client.artifacts(session: "", path: "/p") }),
                ("path", { () async throws(APIError) in _ = try await client.artifacts(session: "a", path: "") }),
                ("path", { () async throws(APIError) in _ = try await client.artifacts(session: "a", path: "p/q") }),
                ("path", { () async throws(APIError) in _ = try await client.artifacts(session: "a", path: "/\0") }),
                ("image", { () async throws(APIError) in _ = try await client.availableLocations(image: "") }),
                (
                    "region",
                    { () async throws(APIError) in
                        _ = try await client.tagExists(region: "", image: "i", version: "v")
                    }
                ),
                (
                    "image",
                    { () async throws(APIError) in
                        _ = try await client.tagExists(region: "r", image: "", version: "v")
                    }
                ),
                (
                    "version",
                    { () async throws(APIError) in
                        _ = try await client.tagExists(region: "r", image: "i", version: "")
                    }
                ),
                ("session", { () async throws(APIError) in _ = try await client.streamLogs(session: "") }),
            ]
            for (word, call) in calls {
                let error = await failure(call)
                #expect(
                    error?.kind == .invalidArgument && error?.message.contains(word) == true, "\(word) \(error as Any)")
            }
            #expect(server.requests.isEmpty)
        }
    }

    @Test func theServersOfTheDescription() {
        #expect(
            SessionAPIServer.allCases.map(\.url) == [
                "https://api.sandbox-gameye.gameye.net", "https://api.production-gameye.gameye.net",
                "https://api.gameye.io",
            ])
        for server in SessionAPIServer.allCases { #expect(SessionAPIServer(name: server.name) == server) }
        #expect(SessionAPIServer(name: "Sandbox") == nil)
    }
}
