import Foundation
import Testing

@testable import Sandbox

/// Query strings: known and valid, or rejected.
@Suite struct QueryTests {
    @Test func whatAnOperationDoesNotKnowIsRefused() async throws {
        try await Stage.with { stage in
            try await stage.start("w", "waiter")
            let players = #"{"session":"w","players":[]}"#
            let asks: [(method: String, path: String, body: String?, fields: [String])] = [
                ("GET", "/session?al=true", nil, ["al"]),
                ("GET", "/session?all=yes&image=a&image=b&colour=red", nil, ["all", "image", "colour"]),
                ("GET", "/session?all", nil, ["all"]), ("GET", "/session?all=", nil, ["all"]),
                ("GET", "/session?all=TRUE", nil, ["all"]), ("GET", "/session?all=1", nil, ["all"]),
                ("GET", "/session?all=true&all=true", nil, ["all"]), ("GET", "/session?ALL=true", nil, ["ALL"]),
                ("GET", "/session?playerCount=5", nil, ["playerCount"]),
                ("GET", "/session?playerCount[eq]=5", nil, ["playerCount[eq]"]),
                ("GET", "/session?playerCount[]=5", nil, ["playerCount[]"]),
                ("GET", "/session?playerCount[lt]=few", nil, ["playerCount[lt]"]),
                ("GET", "/session?playerCount[lt]=", nil, ["playerCount[lt]"]),
                (
                    "GET", "/session?playerCount[lt]=1.5&playerCount[gt]=+1", nil,
                    ["playerCount[lt]", "playerCount[gt]"]
                ),
                ("GET", "/session?playerCount[lt]=5&playerCount[lt]=6", nil, ["playerCount[lt]"]),
                ("GET", "/session?playerCount%5Blt=5", nil, ["playerCount[lt"]),
                ("GET", "/session?filter[a]=1&filter[a]=2", nil, ["filter[a]"]),
                ("GET", "/session?filterNot[a]=1&filterNot[a]=1", nil, ["filterNot[a]"]),
                ("GET", "/session?filter[0]=a&filter[0]=b", nil, ["filter[0]"]),
                ("GET", "/session?filters[a]=1", nil, ["filters[a]"]),
                ("GET", "/session?filter=", nil, ["filter"]), ("GET", "/session?filter", nil, ["filter"]),
                ("GET", "/session?filterNot=", nil, ["filterNot"]),
                ("GET", "/session?location[]=a", nil, ["location[]"]),
                ("GET", "/session?image=%zz", nil, ["query"]), ("GET", "/session?image=%ff", nil, ["query"]),
                ("GET", "/session/w?all=true", nil, ["all"]), ("DELETE", "/session/w?force=true", nil, ["force"]),
                ("GET", "/logs?id=w&follow=1", nil, ["follow"]),
                ("GET", "/logs?id=w&follow=yes&tail=9", nil, ["follow", "tail"]),
                ("GET", "/logs?id=w&follow=true&follow=true", nil, ["follow"]),
                ("GET", "/artifacts?session=w&path=/a&path=/b", nil, ["path"]),
                ("GET", "/artifacts?session=w", nil, ["path"]), ("GET", "/artifacts?session=w&path=", nil, ["path"]),
                ("GET", "/artifacts?session=w&path=/&raw=1", nil, ["raw"]),
                ("GET", "/artifacts?session=w&path=/a%00b&raw=1", nil, ["raw"]),
                ("GET", "/available-location/player?region=x", nil, ["region"]),
                ("GET", "/tag/europe/player/1.0?x=1", nil, ["x"]),
                ("POST", "/session?dry=true", #"{"location":"europe","image":"player"}"#, ["dry"]),
                ("PUT", "/session/player/join?x", players, ["x"]),
                ("DELETE", "/session/player/leave?session=w", #"{"players":[]}"#, ["session"]),
            ]
            for ask in asks {
                let answer = try await stage.client.ask(ask.method, ask.path, json: ask.body)
                #expect(answer.status == 422, "\(ask.path): \(answer.text)")
                #expect(try stage.violations(answer) == ask.fields, "\(ask.path)")
            }
            // The request had no effect.
            #expect(try await stage.status("w") == "running")
            #expect(try await stage.list("?all=true").count == 1)
        }
    }

    @Test func whatNamesASessionIsLookedForFirst() async throws {
        try await Stage.with { stage in
            try await stage.start("w", "waiter")
            for (method, path) in [
                ("GET", "/logs"), ("GET", "/logs?id="), ("GET", "/logs?follow=1"), ("GET", "/logs?id=x&follow=1"),
                ("GET", "/logs?id=w&id=w"), ("GET", "/logs?id=x&colour=red"), ("GET", "/artifacts"),
                ("GET", "/artifacts?session="), ("GET", "/artifacts?session=x"), ("GET", "/artifacts?path=/x"),
                ("GET", "/artifacts?session=x&path=game"), ("GET", "/artifacts?session=x&path=%00"),
                ("GET", "/artifacts?session=w&session=w&path=/"), ("GET", "/artifacts?session=x&path=/&raw=1"),
                ("GET", "/session/x?all=true"), ("DELETE", "/session/x?force=true"),
                ("GET", "/available-location/none?x=1"), ("GET", "/tag/europe/none/1.0?x=1"),
            ] {
                #expect(try await stage.client.ask(method, path).status == 404, "\(path)")
            }
            #expect(try await stage.client.ask("GET", "/tag//player/1.0?x=1").status == 400)
        }
    }

    @Test func aFilterIsAListOrARecord() async throws {
        try await Stage.with { stage in
            try await stage.start("both", "waiter", #""labels":{"mode":"duel","map":"Ravine","":"e","0":"zero"}"#)
            try await stage.start("mode", "waiter", #""labels":{"mode":""}"#)
            try await stage.start("none", "waiter")
            for (query, expected) in [
                ("filter[]=mode", ["both", "mode"]), ("filter=mode", ["both", "mode"]),
                ("filter[0]=mode", ["both", "mode"]), ("filter[0]=mode&filter[1]=map", ["both"]),
                ("filter[1]=map&filter[0]=mode", ["both"]), ("filter[]=mode&filter[]=map", ["both"]),
                ("filter=mode&filter=map", ["both"]), ("filter=mode&filter[]=map", ["both"]),
                ("filter%5B%5D=mode", ["both", "mode"]), ("filter[]=Mode", []), ("filter[]=duel", []),
                ("filter[]=status", []), ("filter[]=", ["both"]), ("filterNot[0]=", ["mode", "none"]),
                ("filter[mode]=", ["mode"]), ("filter[mode]=duel", ["both"]),
                ("filter[]=map&filter[mode]=duel", ["both"]), ("filter[]=map&filter[mode]=", []),
                // Keys other than exactly 0 to n-1 are names.
                ("filter[1]=mode", []), ("filter[0]=zero&filter[mode]=duel", ["both"]), ("filter[00]=mode", []),
                ("filterNot[]=mode", ["none"]), ("filterNot=map", ["mode", "none"]),
                ("filterNot[0]=map&filterNot[1]=mode", ["none"]), ("filterNot[mode]=duel", ["mode", "none"]),
                ("filterNot[]=map&filter[]=mode", ["mode"]), ("filterNot[mode]=&filterNot[map]=Ravine", ["none"]),
                ("filter[status]=running&filter[]=mode", ["both", "mode"]),
            ] {
                let ids = try await stage.list("?\(query)").compactMap { $0["id"] as? String }
                #expect(ids == expected, "\(query)")
            }
        }
    }

    @Test func aFilterOfAFleet() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.fleet = SandboxFleet(running: 60, artifactBytes: 100) }
        try await Stage.with(change) { stage in
            let all = try await stage.list()
            #expect(all.count == 60)
            for (query, expected) in [
                ("filter[]=map", 60), ("filter=map&filter=mode", 60), ("filter[0]=map&filter[1]=match", 60),
                ("filter[]=none", 0), ("filterNot[]=map", 0), ("filterNot=none", 60), ("filter[match]=m-7", 1),
                ("filter[]=map&filter[match]=m-7", 1), ("filter[]=none&filter[match]=m-7", 0),
            ] {
                #expect(try await stage.list("?\(query)").count == expected, "\(query)")
            }
        }
    }

    @Test func labelsAndIdsAreBytes() async throws {
        try await Stage.with { stage in
            try await stage.start("\u{e9}", "waiter", "\"labels\":{\"\u{e9}\":\"1\",\"e\u{301}\":\"2\"}")
            try await stage.start("e\u{301}", "waiter", "\"labels\":{\"K\":\"1\"}")
            for (query, expected) in [
                ("filter[%C3%A9]=1", 1), ("filter[e%CC%81]=2", 1), ("filter[e%CC%81]=1", 0), ("filter[]=e%CC%81", 1),
                ("filter[]=%E2%84%AA", 0), ("filter[K]=1", 1),
            ] {
                #expect(try await stage.list("?\(query)").count == expected, "\(query)")
            }
            let one = try await stage.client.ask("GET", "/session/%C3%A9")
            #expect(one.status == 200)
            let entry = try stage.object(one)
            let tags = try #require((entry["labels"] as? [String: String])?["tags"])
            #expect(Array(tags.utf8) == Array("{\"\u{e9}\":\"1\",\"e\u{301}\":\"2\"}".utf8))
            #expect(try await stage.client.ask("DELETE", "/session/e%CC%81").status == 204)
            #expect(try await stage.status("%C3%A9") == "running")
            // A bracket with a mark on it is another character and the same byte.
            #expect(try await stage.list("?filter[%CC%81x]=1").isEmpty)
        }
    }
}
