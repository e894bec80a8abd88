import Foundation
import Testing

@testable import Sandbox

/// Players in real sessions and in a fleet.
@Suite struct PlayerTests {
    private func join(_ stage: Stage, _ session: String, _ players: [String]) async throws -> WireClient.Answer {
        let names = String(decoding: try JSONEncoder().encode(players), as: UTF8.self)
        return try await stage.client.ask(
            "PUT", "/session/player/join", json: #"{"session":"\#(session)","players":\#(names)}"#)
    }

    private func leave(_ stage: Stage, _ players: [String]) async throws -> Int? {
        let names = String(decoding: try JSONEncoder().encode(players), as: UTF8.self)
        let answer = try await stage.client.ask(
            "DELETE", "/session/player/leave", json: #"{"players":\#(names)}"#)
        #expect(answer.status == 200)
        let object = try stage.object(answer)
        #expect(object["players"] as? [String] == players)
        return object["count"] as? Int
    }

    @Test func theSessionsOfAFleetTakePlayers() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.fleet = SandboxFleet(running: 100, artifactBytes: 100) }
        try await Stage.with(change) { stage in
            let ids = try await stage.list().compactMap { $0["id"] as? String }
            let (one, two) = (ids[3], ids[40])
            let joined = try await join(stage, one, ["ann", "bob", "ann"])
            #expect(joined.text == #"{"count":2,"players":["ann","bob","ann"]}"#)
            #expect(try stage.object(try await join(stage, two, ["cid"]))["count"] as? Int == 1)
            try await stage.start("real", "waiter")
            _ = try await join(stage, "real", ["ann", "dan"])

            let described = try stage.object(try await stage.client.ask("GET", "/session/\(one)"))
            let players = try #require(described["players"] as? [String: Any])
            #expect(players["joined"] as? [String] == ["ann", "bob"])
            #expect(players["joinedCount"] as? Int == 2)
            // The plain list comes from stored text, the filtered one from the sessions.
            for query in ["", "?filterNot[status]=none"] {
                let counts = try await stage.list(query).reduce(into: [String: Int]()) { counts, entry in
                    if let id = entry["id"] as? String { counts[id] = entry["playerCount"] as? Int }
                }
                #expect(counts.count == 101)
                #expect(counts.filter { $0.value > 0 } == [one: 2, two: 1, "real": 2])
            }
            for (query, expected) in [
                ("?playerCount[gt]=0", 3), ("?playerCount[gt]=1", 2), ("?playerCount[lt]=1", 98),
                ("?playerCount[gt]=0&playerCount[lt]=2", 1), ("?playerCount[lt]=0", 0), ("?playerCount[gt]=-1", 101),
                ("?playerCount[gt]=1&host=127.0.0.1", 1),
            ] {
                #expect(try await stage.list(query).count == expected, "\(query)")
            }
            // Bob and dan remain where ann was.
            #expect(try await leave(stage, ["ann"]) == 2)
            #expect(try await leave(stage, ["ann"]) == 0)
            #expect(try await leave(stage, ["bob", "cid", "dan", "eve"]) == 0)
            #expect(try await stage.list("?playerCount[gt]=0").isEmpty)
        }
    }

    @Test func nobodyJoinsASessionThatHasEnded() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.fleet = SandboxFleet(running: 10, artifactBytes: 100) }
        try await Stage.with(change) { stage in
            let id = try #require(try await stage.list().first?["id"] as? String)
            _ = try await join(stage, id, ["ann"])
            #expect(try await stage.client.ask("DELETE", "/session/\(id)").status == 204)
            #expect(try await join(stage, id, ["bob"]).status == 404)
            #expect(try await join(stage, "none", ["bob"]).status == 404)
            // The players at the end are still listed; only running sessions can be left.
            #expect(try await leave(stage, ["ann"]) == 0)
            let ended = try #require(try await stage.list("?all=true&playerCount[gt]=0").first)
            #expect(ended["playerCount"] as? Int == 1)
            #expect(stage.server.removeContainer(id))
            #expect(try await stage.list("?all=true&playerCount[gt]=0").isEmpty)
            try await stage.start("p", "player")
            try await stage.untilEnd("p")
            let late = try await join(stage, "p", ["bob"])
            #expect(late.status == 404)
            #expect(late.text.contains("has ended"))
        }
    }

    @Test func playersThatDifferInBytesAloneAreTwo() async throws {
        try await Stage.with { stage in
            try await stage.start("w", "waiter")
            let joined = try stage.object(try await join(stage, "w", ["\u{e9}", "e\u{301}", "K", "\u{212a}"]))
            #expect(joined["count"] as? Int == 4)
            #expect(try await leave(stage, ["\u{e9}"]) == 3)
            #expect(try await leave(stage, ["e\u{301}", "\u{212a}"]) == 1)
        }
    }

    /// A quadratic list would take minutes here.
    @Test func manyPlayersAreKeptInOrder() async throws {
        try await Stage.with { stage in
            try await stage.start("w", "waiter")
            let many = (0..<50_000).map { "p\($0)" }
            for names in [many, many.reversed()] {
                #expect(try stage.object(try await join(stage, "w", names))["count"] as? Int == 50_000)
            }
            #expect(try await leave(stage, many.filter { $0.hasSuffix("7") }) == 45_000)
            let session = try stage.object(try await stage.client.ask("GET", "/session/w"))
            let players = try #require(session["players"] as? [String: Any])
            #expect(players["joined"] as? [String] == many.filter { !$0.hasSuffix("7") })
        }
    }

    @Test func namesThatCannotBeAreRefused() async throws {
        try await Stage.with { stage in
            try await stage.start("w", "waiter")
            for (method, path, body, fields) in [
                ("PUT", "join", #"{"session":"w","players":["a\u0000"]}"#, ["players[0]"]),
                ("PUT", "join", #"{"session":"w\u0000","players":["a","b\u0000c"]}"#, ["session", "players[1]"]),
                ("PUT", "join", #"{"players":"a"}"#, ["session", "players"]),
                ("PUT", "join", #"{"session":"w","players":[1,"a"],"more":1}"#, ["more", "players[0]"]),
                ("DELETE", "leave", #"{"players":["\u0000"]}"#, ["players[0]"]),
                ("DELETE", "leave", #"{"session":"w","players":["a"]}"#, ["session"]),
                ("DELETE", "leave", #"{"players":["a"],"players":["b"]}"#, ["players"]),
            ] {
                let answer = try await stage.client.ask(method, "/session/player/\(path)", json: body)
                #expect(answer.status == 422)
                #expect(try Set(stage.violations(answer)) == Set(fields), "\(body)")
            }
            #expect(try await stage.list("?playerCount[gt]=0").isEmpty)
        }
    }
}
