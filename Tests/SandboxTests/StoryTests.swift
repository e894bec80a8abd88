import Foundation
import Sandbox
import Testing

/// Real processes behind the real API.
@Suite struct StoryTests {
    @Test func startListDescribeLogsArtifact() async throws {
        try await Stage.with { stage in
            let started = try stage.object(
                await stage.start("one", "player", #""env":{"MAP":"Harbour"},"labels":{"mode":"duel"}"#))
            #expect(started["id"] as? String == "one")
            let ports = try #require(started["ports"] as? [[String: Any]])
            #expect(ports.allSatisfy { (20_000...30_000).contains($0["host"] as? Int ?? 0) })
            let log = try await stage.untilEnd("one")
            #expect(log.ending == .complete)
            #expect(log.text.contains("session one map Harbour\n"))
            #expect(log.text.contains("an Error: on the other stream\n"))
            #expect(try await stage.client.ask("GET", "/logs?id=one").body == log.body)

            #expect(try await stage.list().isEmpty)
            let entry = try #require(try await stage.list("?all=true").first)
            #expect(entry["status"] as? String == "exited")
            #expect(entry["image"] as? String == "player")
            #expect(entry["tag"] as? String == "1.0")
            let labels = try #require(entry["labels"] as? [String: String])
            #expect(labels["tags"] == #"{"mode":"duel"}"#)
            #expect(labels["env"]?.contains(#""GAMEYE_SESSION_ID":"one""#) == true)
            #expect(labels["env"]?.contains(#""MAP":"Harbour""#) == true)
            #expect(labels["gameye"]?.contains(#""region":"europe""#) == true)
            let created = try #require(entry["created"] as? Double)
            #expect(created > 1_600_000_000_000)

            let archive = try await stage.client.ask("GET", "/artifacts?session=one&path=/game/Saved")
            #expect(archive.status == 200)
            #expect(archive.ending == .complete)
            #expect(archive.headers["content-type"] == "application/x-tar")
            #expect(archive.headers["content-length"] == nil)
            let listing = try stage.tar(["tzf"], archive.body)
            #expect(listing.status == 0)
            #expect(
                listing.output.split(separator: "\n") == [
                    "Saved/", "Saved/Crashes/", "Saved/Logs/", "Saved/Logs/Game.log", "Saved/noise.bin",
                    "Saved/outside", "Saved/passwd",
                ])
            #expect(try stage.tar(["xzOf", "Saved/Logs/Game.log"], archive.body).output == "session one\n")
            let noise = try await stage.client.ask("GET", "/artifacts?session=one&path=/game/Saved/noise.bin")
            #expect(try stage.tar(["tzf"], noise.body).output == "noise.bin\n")
        }
    }

    @Test func aCrashLeavesARealCoreInTheArchive() async throws {
        guard try String(contentsOfFile: "/proc/sys/kernel/core_pattern", encoding: .utf8) == "core\n" else {
            print("skipped: core_pattern is not relative, so a core dump does not land in the session's root")
            return
        }
        try await Stage.with { stage in
            try await stage.start("crash", "crasher")
            try await stage.untilEnd("crash")
            #expect(stage.server.report("crash")?.signal == 11)
            #expect(try await stage.status("crash") == "exited")
            let archive = try await stage.client.ask("GET", "/artifacts?session=crash&path=/game/Saved")
            let core = try stage.tar(["xzOf", "Saved/Crashes/core"], archive.body)
            #expect(core.status == 0)
            #expect(core.output.hasPrefix("\u{7f}ELF"))
        }
    }

    @Test func aTtlTellsToLeaveAndThenKills() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.minute = 0.5 }
        try await Stage.with(change) { stage in
            try await stage.start("polite", "waiter", #""ttl":"1m""#)
            try await stage.untilEnd("polite")
            // By its own handler, or by the signal itself if the machine was too slow to install one.
            let report = try #require(stage.server.report("polite"))
            #expect(report.signal == 15 || (report.signal == 0 && report.exitCode == 0))
        }
        try await Stage.with { stage in
            try await stage.start("deaf", "stubborn")
            #expect(
                try await stage.eventually { try await stage.client.ask("GET", "/logs?id=deaf").text == "deaf\n" })
            #expect(try await stage.client.ask("DELETE", "/session/deaf").status == 204)
            try await stage.untilEnd("deaf")
            #expect(stage.server.report("deaf")?.signal == 9)
        }
    }

    @Test func stopSendsTermOnce() async throws {
        try await Stage.with { stage in
            try await stage.start("w", "waiter")
            #expect(try await stage.status("w") == "running")
            let running = try await stage.eventually {
                try await stage.client.ask("GET", "/logs?id=w").text == "waiting\n"
            }
            #expect(running)
            #expect(try await stage.client.ask("DELETE", "/session/w").status == 204)
            #expect(try await stage.untilEnd("w").text == "waiting\nleaving\n")
            #expect(try await stage.client.ask("DELETE", "/session/w").status == 409)
            #expect(try await stage.client.ask("DELETE", "/session/none").status == 404)
        }
    }

    @Test func aFailureIsRestartedUnderTheSameId() async throws {
        try await Stage.with { stage in
            try await stage.start("f", "flaky", #""restart":true"#)
            #expect(try await stage.untilEnd("f").text == "recovered\n")
            #expect(stage.server.report("f")?.restarts == 2)
            #expect(stage.server.report("f")?.exitCode == 0)
        }
    }

    @Test func restartingIsShown() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.restartDelay = 3600 }
        try await Stage.with(change) { stage in
            try await stage.start("f", "flaky", #""restart":true"#)
            #expect(try await stage.eventually { try await stage.status("f") == "restarting" })
            #expect(try await stage.list().isEmpty)
            #expect(try await stage.list("?all=true").count == 1)
            #expect(try await stage.client.ask("GET", "/artifacts?session=f&path=/").status == 404)
        }
    }

    @Test func theContainerGoesWhenTheRetentionHasPassed() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.retention = 0.3 }
        try await Stage.with(change) { stage in
            try await stage.start("one", "player")
            try await stage.untilEnd("one")
            let root = try #require(stage.server.report("one")).root
            #expect(try await stage.eventually { stage.server.report("one")?.removed == true })
            #expect(try await stage.eventually { !FileManager.default.fileExists(atPath: root) })
            let answer = try await stage.client.ask("GET", "/artifacts?session=one&path=/game/Saved")
            #expect(answer.status == 404)
            #expect(answer.text.contains("container is gone"))
            #expect(try await stage.status("one") == nil)
            #expect(try await stage.list("?all=true").isEmpty)
            #expect(try await stage.client.ask("GET", "/logs?id=one").status == 404)
            // The id is free again.
            try await stage.start("one", "player")
        }
    }

    @Test func aFollowedLogComesWhileItGrows() async throws {
        try await Stage.with { stage in
            try await stage.start("w", "waiter")
            // The session runs until it is stopped, so this returns only if lines are sent before the end.
            let early = try await stage.client.ask("GET", "/logs?id=w&follow=true", stopAfter: 8)
            #expect(early.text == "waiting\n")
            #expect(try await stage.status("w") == "running")
            try await stage.start("t", "talker")
            let all = try await stage.untilEnd("t")
            #expect(all.text == (1...6).map { "line \($0)\n" }.joined())
        }
    }

    @Test func pathsStayInsideTheRoot() async throws {
        try await Stage.with { stage in
            try await stage.start("one", "player")
            try await stage.untilEnd("one")
            for path in [
                "/../../../../../../etc/passwd", "/game/Saved/outside/passwd", "/game/Saved/outside/",
                "/proc/self/root/etc/passwd", "game/Saved", "//etc/passwd", "/game/%00/etc", "/game/Saved/passwd/",
            ] {
                let answer = try await stage.client.ask("GET", "/artifacts?session=one&path=\(path)")
                #expect(answer.status == 404, "\(path)")
            }
            // Up from the root is the root.
            let up = try await stage.client.ask("GET", "/artifacts?session=one&path=/../../game/Saved/Logs")
            #expect(try stage.tar(["tzf"], up.body).output == "Logs/\nLogs/Game.log\n")
            // A link as such is given as a link.
            let link = try await stage.client.ask("GET", "/artifacts?session=one&path=/game/Saved/passwd")
            #expect(try stage.tar(["tvzf"], link.body).output.contains("passwd -> ../../"))
        }
    }

    @Test func stoppingTheServerStopsTheChildren() async throws {
        try await Stage.with { stage in
            try await stage.start("deaf", "stubborn")
            let sessions = try await stage.client.ask("GET", "/_sandbox/sessions")
            let listing = try #require(
                try JSONSerialization.jsonObject(with: Data(sessions.body)) as? [[String: Any]])
            let pid = try #require(listing.first?["pid"] as? Int)
            #expect(kill(pid_t(pid), 0) == 0)
            await stage.server.stop()
            #expect(try await stage.eventually { kill(pid_t(pid), 0) != 0 })
        }
    }

    @Test func playersJoinAndLeave() async throws {
        try await Stage.with { stage in
            try await stage.start("w", "waiter")
            let joined = try await stage.client.ask(
                "PUT", "/session/player/join", json: #"{"session":"w","players":["ann","bob","ann"]}"#)
            #expect(try stage.object(joined)["count"] as? Int == 2)
            #expect(try await stage.list("?playerCount[gt]=1").count == 1)
            #expect(try await stage.list("?playerCount[lt]=2").isEmpty)
            let left = try await stage.client.ask(
                "DELETE", "/session/player/leave", json: #"{"players":["ann"]}"#)
            #expect(try stage.object(left)["count"] as? Int == 1)
            #expect(try await stage.list().first?["playerCount"] as? Int == 1)
        }
    }

    @Test func listsAreFiltered() async throws {
        try await Stage.with { stage in
            try await stage.start("w", "waiter", #""labels":{"mode":"duel"}"#)
            try await stage.start("p", "player")
            try await stage.untilEnd("p")
            let queries = [
                ("?all=true", 2), ("?all=true&image=player", 1), ("?location=us-east", 0), ("?tag=1.0", 1),
                ("?filter[mode]=duel", 1), ("?filter[mode]=Duel", 0), ("?all=true&filterNot[status]=exited", 1),
                ("?host=127.0.0.1", 1), ("?host=10.0.0.1", 0), ("?all=false", 1),
            ]
            for (query, count) in queries {
                #expect(try await stage.list(query).count == count, "\(query)")
            }
        }
    }
}
