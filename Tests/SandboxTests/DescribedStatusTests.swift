import Foundation
import Sandbox
import Testing

/// Every status that the description lists is really returned.
@Suite struct DescribedStatusTests {
    /// Sends requests and records the statuses by operation.
    private final class Round {
        let stage: Stage
        private(set) var met: [String: Set<Int>] = [:]

        init(_ stage: Stage) { self.stage = stage }

        @discardableResult
        func ask(
            _ method: String, _ path: String, json: String? = nil, token: String? = "sandbox", patience: Int = 30,
            expect status: Int
        ) async throws -> WireClient.Answer {
            let answer = try await WireClient(url: stage.url, token: token).ask(
                method, path, json: json, patience: patience)
            #expect(answer.status == status, "\(method) \(path): \(answer.text)")
            let id = try #require(Description.own.operation(method, path).operation?.id)
            met[id, default: []].insert(answer.status)
            return answer
        }

        func fault(_ change: (inout Faults) -> Void) { stage.server.setFaults(Faults(change)) }
    }

    /// A valid request of each operation.
    private static let requests: [(method: String, path: String, json: String?)] = [
        ("POST", "/session", #"{"location":"europe","image":"player"}"#), ("GET", "/session", nil),
        ("GET", "/session/one", nil), ("DELETE", "/session/one", nil),
        ("PUT", "/session/player/join", #"{"session":"one","players":[]}"#),
        ("DELETE", "/session/player/leave", #"{"players":[]}"#), ("GET", "/artifacts?session=one&path=/", nil),
        ("GET", "/available-location/player", nil), ("GET", "/tag/europe/player/1.0", nil),
        ("GET", "/logs?id=one", nil),
    ]

    @Test func areAllGiven() async throws {
        let change: (inout SandboxConfiguration) -> Void = {
            $0.tokens = [SandboxToken("sandbox"), SandboxToken("nothing", scopes: [])]
            $0.ports = 20_000...20_007
        }
        try await Stage.with(change) { stage in
            let round = Round(stage)
            try await refusals(round)
            try await sessions(round)
            try await images(round)
            try await faults(round)
            for operation in Description.own.operations {
                #expect(round.met[operation.id] == operation.statuses, "\(operation.id)")
            }
        }
    }

    private func refusals(_ round: Round) async throws {
        for (method, path, json) in Self.requests {
            let refused = try await round.ask(method, path, json: json, token: nil, expect: 401)
            #expect(refused.headers["www-authenticate"] == "Bearer")
            if !path.contains("/player/j"), !path.contains("/player/l") {
                try await round.ask(method, path, json: json, token: "nothing", expect: 403)
            }
        }
    }

    private func sessions(_ round: Round) async throws {
        let one = #"{"id":"one","location":"europe","image":"waiter"}"#
        try await round.ask("POST", "/session", json: one, expect: 201)
        try await round.ask("POST", "/session", json: one, expect: 409)
        try await round.ask("POST", "/session", json: #"{"location":"moon","image":"waiter"}"#, expect: 404)
        try await round.ask("POST", "/session", json: "{}", expect: 422)
        try await round.ask("GET", "/session", expect: 200)
        try await round.ask("GET", "/session?all=maybe", expect: 422)
        try await round.ask("GET", "/session/one", expect: 200)
        try await round.ask("GET", "/session/none", expect: 404)
        try await round.ask("GET", "/session/one?colour=red", expect: 422)
        let players = #"{"session":"one","players":["ann"]}"#
        try await round.ask("PUT", "/session/player/join", json: players, expect: 200)
        try await round.ask(
            "PUT", "/session/player/join", json: players.replacing("one", with: "none"), expect: 404)
        try await round.ask("PUT", "/session/player/join", json: "{}", expect: 422)
        try await round.ask("DELETE", "/session/player/leave", json: #"{"players":["ann"]}"#, expect: 200)
        try await round.ask("DELETE", "/session/player/leave", json: "{}", expect: 422)
        try await round.ask("GET", "/logs?id=one", expect: 200)
        try await round.ask("GET", "/logs?id=none", expect: 404)
        try await round.ask("GET", "/logs?id=one&follow=1", expect: 422)
        try await round.ask("GET", "/artifacts?session=one&path=/", expect: 404)
        round.fault { $0.whileRunning = .conflict }
        try await round.ask("GET", "/artifacts?session=one&path=/", expect: 409)
        round.fault { _ in }
        try await round.ask("DELETE", "/session/one?colour=red", expect: 422)
        try await round.ask("DELETE", "/session/one", expect: 204)
        try await round.stage.untilEnd("one")
        try await round.ask("DELETE", "/session/one", expect: 409)
        try await round.ask("DELETE", "/session/none", expect: 404)
        try await round.ask("GET", "/artifacts?session=one&path=/", expect: 200)
        try await round.ask("GET", "/artifacts?session=one&path=/&colour=red", expect: 422)
        // Eight host ports, and a session that keeps each.
        var last = 201
        for _ in 0..<9 where last == 201 {
            let waiter = #"{"location":"europe","image":"waiter"}"#
            last = try await round.stage.client.ask("POST", "/session", json: waiter).status
        }
        try await round.ask("POST", "/session", json: #"{"location":"europe","image":"waiter"}"#, expect: 420)
    }

    private func images(_ round: Round) async throws {
        let folder = round.stage.folder + "/images/broken/1.0"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try "{".write(toFile: folder + "/image.json", atomically: false, encoding: .utf8)
        for name in ["player", "none", "broken"] {
            let status = name == "player" ? 200 : name == "none" ? 404 : 500
            try await round.ask("GET", "/available-location/\(name)", expect: status)
            try await round.ask("GET", "/tag/europe/\(name)/1.0", expect: status)
        }
        let run = #"{"location":"europe","image":"broken"}"#
        let broken = try await round.ask("POST", "/session", json: run, expect: 500)
        #expect(try round.stage.object(broken)["code"] as? String == "IMAGE_BROKEN")
        try await round.ask("GET", "/tag//player/1.0", expect: 400)
        try await round.ask("GET", "/available-location/player?colour=red", expect: 422)
        try await round.ask("GET", "/tag/europe/player/1.0?colour=red", expect: 422)
    }

    /// The statuses that only a fault returns, according to the description.
    private func faults(_ round: Round) async throws {
        round.fault { $0.failures = [.init(operation: "session-run", status: 402)] }
        try await round.ask("POST", "/session", json: "{}", expect: 402)
        round.fault { $0.failures = [.init(operation: "leave-session", status: 404)] }
        try await round.ask("DELETE", "/session/player/leave", json: "{}", expect: 404)
        round.fault {
            $0.paddingBytes = 101_000_000
            $0.oversize = .refuse
        }
        // A hundred megabytes are packed first, which takes its time on a busy machine.
        try await round.ask("GET", "/artifacts?session=one&path=/", patience: 300, expect: 413)
        round.fault { _ in }
    }
}
