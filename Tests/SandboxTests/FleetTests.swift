import Foundation
import Testing

@testable import Sandbox

/// Sessions that exist only as numbers.
@Suite struct FleetTests {
    @Test func holdsItsNumberWhileTimePasses() {
        var fleet = Fleet(size: 100, exitsPerSecond: 8, retention: 5000, seed: 1, start: 0)
        #expect(fleet.runningCount == 100)
        #expect(fleet.advance(to: 999).count == 14)
        #expect(fleet.runningCount == 100)
        #expect(fleet.endedCount == 7)
        _ = fleet.advance(to: 10_000)
        #expect(fleet.endedCount == 80)
        #expect(fleet.entries.count == 180)
        #expect(fleet.entries.filter { $0.removed != 0 }.count == 40)
        #expect(fleet.stop(count: 30, at: 10_000).count == 30)
        #expect(fleet.runningCount == 100)
        var again = Fleet(size: 100, exitsPerSecond: 8, retention: 5000, seed: 1, start: 0)
        _ = again.advance(to: 999)
        _ = again.advance(to: 10_000)
        #expect(again.entries.map(\.created) == fleet.entries.map(\.created).prefix(again.entries.count).map { $0 })
    }

    @Test func listsAreTheSameFromChunksAndFromSessions() async throws {
        let change: (inout SandboxConfiguration) -> Void = {
            $0.fleet = SandboxFleet(running: 1000, artifactBytes: 1000)
        }
        try await Stage.with(change) { stage in
            #expect(stage.server.endFleetSessions(300) == 300)
            let running = try await stage.list()
            let all = try await stage.list("?all=true")
            #expect(running.count == 1000)
            #expect(all.count == 1300)
            #expect(Set(all.compactMap { $0["id"] as? String }).count == 1300)
            #expect(all.filter { $0["status"] as? String == "exited" }.count == 300)
            // A filter that every session passes takes the other code path.
            let filtered = try await stage.list("?all=true&filterNot[status]=none")
            #expect(filtered.count == 1300)
            for (one, other) in zip(all, filtered) { #expect(NSDictionary(dictionary: one).isEqual(to: other)) }
            let places = try await stage.list("?location=europe").count + stage.list("?location=us-east").count
            #expect(places == 1000)
            try await stage.start("real", "player")
            try await stage.untilEnd("real")
            #expect(try await stage.list("?all=true").count == 1301)
        }
    }

    @Test func archivesAreProperAndHoldTheSession() async throws {
        let change: (inout SandboxConfiguration) -> Void = {
            $0.fleet = SandboxFleet(running: 20, artifactBytes: 300_000, crashShare: 1)
        }
        try await Stage.with(change) { stage in
            stage.server.endFleetSessions(3)
            let ended = try await stage.list("?all=true").filter { $0["status"] as? String == "exited" }
            #expect(ended.count == 3)
            for entry in ended {
                let id = try #require(entry["id"] as? String)
                let archive = try await stage.client.ask("GET", "/artifacts?session=\(id)&path=/game/Saved")
                #expect(archive.status == 200)
                let names = try stage.tar(["tzf"], archive.body)
                #expect(names.status == 0)
                #expect(
                    names.output == "Saved/Logs/Game.log\nSaved/Logs/Game-backup.log\nSaved/Replays/match.replay\n")
                let log = try stage.tar(["xzOf", "Saved/Logs/Game.log"], archive.body).output
                #expect(log.contains("Session \(id) begins"))
                #expect(log.contains("Critical error"))
                #expect(try stage.tar(["xzOf"], archive.body).output.utf8.count > 290_000)
                let none = try await stage.client.ask("GET", "/artifacts?session=\(id)&path=/none")
                #expect(none.status == 404)
                stage.server.setFaults(Faults { $0.archive = .members }, session: id)
                let members = try await stage.client.ask("GET", "/artifacts?session=\(id)&path=/game/Saved/")
                #expect(try stage.tar(["tzf"], members.body).output == names.output)
                #expect(stage.server.removeContainer(id))
                let gone = try await stage.client.ask("GET", "/artifacts?session=\(id)&path=/game/Saved")
                #expect(gone.status == 404)
            }
        }
    }

    @Test func logsEndWithTheSessionAndAreWhole() async throws {
        let change: (inout SandboxConfiguration) -> Void = {
            $0.fleet = SandboxFleet(running: 4, artifactBytes: 100, logLinesPerSecond: 40, crashShare: 0)
        }
        try await Stage.with(change) { stage in
            let id = try #require(try await stage.list().first?["id"] as? String)
            async let followed = stage.client.ask("GET", "/logs?id=\(id)&follow=true")
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await stage.client.ask("DELETE", "/session/\(id)").status == 204)
            #expect(try await stage.client.ask("DELETE", "/session/\(id)").status == 409)
            let log = try await followed
            #expect(log.ending == .complete)
            #expect(log.body == (try await stage.client.ask("GET", "/logs?id=\(id)")).body)
            let lines = log.text.split(separator: "\n")
            for (index, line) in lines.enumerated().dropFirst() { #expect(line.hasSuffix("seq=\(index)")) }
        }
    }

    @Test func aMixOfFaultsIsKnownBeforehand() async throws {
        let mix = FaultMix(seed: 5, share: 0.6, choices: [Faults { $0.omitStatus = true }])
        let change: (inout SandboxConfiguration) -> Void = {
            $0.fleet = SandboxFleet(running: 200, artifactBytes: 100)
            $0.faultMix = mix
        }
        try await Stage.with(change) { stage in
            let all = try await stage.list("?all=true")
            #expect(all.count == 200)
            for entry in all {
                let id = try #require(entry["id"] as? String)
                #expect((entry["status"] == nil) == (mix.faults(of: id) != nil))
            }
        }
    }

    @Test func theRootHoldsTheWholeArchive() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.fleet = SandboxFleet(running: 2, artifactBytes: 1000) }
        try await Stage.with(change) { stage in
            let id = try #require(try await stage.list().first?["id"] as? String)
            #expect(try await stage.client.ask("DELETE", "/session/\(id)").status == 204)
            for (path, folder) in [
                ("/", "game/Saved/"), ("//", "game/Saved/"), ("/game", "game/Saved/"), ("/game/", "game/Saved/"),
                ("/game/Saved", "Saved/"),
            ] {
                let answer = try await stage.client.ask("GET", "/artifacts?session=\(id)&path=\(path)")
                #expect(answer.status == 200, "\(path): \(answer.text)")
                let names = try stage.tar(["-tzf"], answer.body).output.split(separator: "\n").map(String.init)
                let expected = ["Logs/Game.log", "Logs/Game-backup.log", "Replays/match.replay"].map { folder + $0 }
                #expect(names == expected, "\(path)")
            }
            #expect(try await stage.client.ask("GET", "/artifacts?session=\(id)&path=/other").status == 404)
        }
    }
}
