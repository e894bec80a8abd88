import Foundation
import Sandbox
import Testing

/// Follows logs of running sessions with the real program, over real processes.
@Suite(.serialized) struct LiveCommandTests {
    @Test func aRunningSessionIsReadSearchedAndFollowedToItsEnd() async throws {
        let stage = try await LiveStage()
        let watch = try stage.watch()
        try await stage.started("run-1", "talker")
        try await stage.started("limp-1", "limping")
        try await stage.until("lines are stored") {
            try await stage.salvage("logs", "run-1").out.contains("line 5 of run-1")
        }
        try await stage.until("lines of the other are stored") {
            try await stage.salvage("logs", "limp-1").out.contains("alive")
        }
        // Every query, while it runs.
        let grep = try await stage.salvage("grep", "line 3 of run")
        #expect(grep.status == 0 && grep.out.contains("run-1:live/console.log:3:"), "\(grep.out)\(grep.err)")
        #expect(try await stage.salvage("grep", "line 3 of run", "--tag", "1.0", "--since", "1h").status == 0)
        #expect(try await stage.salvage("grep", "line 3 of run", "--tag", "2.0").status == 1)
        let recent = try await stage.salvage("logs", "run-1", "--last", "1h", "-g", "line [12] of", "--json").objects
        #expect(recent.count { $0["type"] as? String == "match" } == 2)
        let all = try await stage.salvage("logs", "run-1", "--json").objects.filter { $0["type"] as? String == "match" }
        #expect(all.allSatisfy { (($0["data"] as? [String: Any])?["submatches"] as? [Any])?.count == 1 })
        let show = try await stage.salvage("show", "limp-1")
        #expect(show.out.contains("running") && show.out.contains("AWeapon::Fire"), "\(show.out)")
        #expect(show.out.contains("salvage logs limp-1 -f"))
        let crashes = try await stage.salvage("crashes", "--json").objects
        #expect(crashes.count == 1 && crashes.first?["running"] as? Bool == true)
        let crash = try #require(crashes.first?["crash"] as? String)
        for name in [crash, String(crash.prefix(6)), "limp-1"] {
            let full = try await stage.salvage("crash", name)
            #expect(full.status == 0 && full.out.contains("running") && full.out.contains("AWeapon::Fire"), "\(full)")
            let same = try await stage.salvage("crash", name, "--json").objects
            #expect(same.count == 1 && same.first?["crash"] as? String == crash)
        }
        #expect(try await stage.salvage("crash", "no-such-crash").status == 1)
        #expect(try await stage.salvage("status").out.contains("the logs of 2 sessions"))
        let around = try await stage.salvage("logs", "limp-1", "--around", "last")
        #expect(around.out.contains("Critical error") && !around.out.contains("alive"), "\(around.out)\(around.err)")

        let follower = try Program.start(["logs", "-f", "run-1"], environment: stage.environment)
        try await Task.sleep(for: .seconds(1))
        #expect(try await stage.salvage("api", "session-stop", "run-1").status == 0)
        let followed = try await stage.wait(follower)
        #expect(followed.status == 0, "\(followed.err)")
        let lines = followed.out.split(separator: "\n")
        #expect(lines.last?.hasSuffix("LogExit: leaving") == true, "\(lines.suffix(2))")
        #expect(Set(lines).count == lines.count)
        try await stage.until("it is harvested") { try await stage.state("run-1") == "harvested" }
        let packed = try await stage.salvage("logs", "run-1").out
        #expect(packed == followed.out)
        #expect(try await stage.stop(watch).status == 0)
        await stage.server.stop()
    }

    @Test func theFollowedLogOfAVanishedContainerIsKeptAndExplained() async throws {
        let stage = try await LiveStage()
        let watch = try stage.watch()
        try await stage.started("gone-1", "talker")
        try await stage.until("lines are stored") {
            try await stage.salvage("logs", "gone-1").out.contains("line 5 of gone-1")
        }
        let before = try await stage.salvage("logs", "gone-1").out
        #expect(stage.server.removeContainer("gone-1"))
        try await stage.until("it is settled") { try await stage.state("gone-1") == "partial" }
        let show = try await stage.salvage("show", "gone-1")
        #expect(show.out.contains("line 5 of gone-1") || show.out.contains("LogTalk"), "\(show.out)")
        let why = try await stage.salvage("why", "gone-1")
        #expect(why.out.contains("logs") && why.out.contains("incomplete") && why.out.contains("gone"), "\(why.out)")
        #expect(try await stage.salvage("status").out.contains("1 partial"))
        #expect(try await stage.salvage("logs", "gone-1").out.hasPrefix(before))
        #expect(try await stage.salvage("grep", "line 3 of gone").status == 0)
        #expect(try await stage.salvage("verify").status == 0)
        _ = try await stage.stop(watch)
        await stage.server.stop()
    }

    @Test func whatWasFollowedSurvivesAKill() async throws {
        let stage = try await LiveStage()
        var watch = try stage.watch()
        try await stage.started("kill-1", "talker")
        for round in 1...3 {
            try await stage.until("lines are stored") {
                try await stage.salvage("logs", "kill-1").out.contains("line \(round * 20) of kill-1")
            }
            _ = try await stage.stop(watch, by: SIGKILL)
            let kept = try await stage.salvage("logs", "kill-1").out
            #expect(kept.contains("line \(round * 20) of kill-1"))
            watch = try stage.watch()
            try await stage.until("more lines are stored") {
                try await stage.salvage("logs", "kill-1").out.utf8.count > kept.utf8.count
            }
            #expect(try await stage.salvage("logs", "kill-1").out.hasPrefix(kept))
        }
        _ = try await stage.stop(watch, by: SIGKILL)
        let kept = try await stage.salvage("logs", "kill-1").out
        // The container is removed while nothing runs; only what is in the store is left.
        #expect(stage.server.removeContainer("kill-1"))
        watch = try stage.watch()
        try await stage.until("it is settled") { try await stage.state("kill-1") == "partial" }
        #expect(try await stage.salvage("logs", "kill-1").out.hasPrefix(kept))
        #expect(try await stage.salvage("logs", "kill-1", "-g", "line").out.split(separator: "\n").count > 60)
        _ = try await stage.stop(watch)
        await stage.server.stop()
    }

    @Test(arguments: [
        (#"{"docker_frames": true}"#, ""),
        (#"{"follow_hangs": true}"#, ""),
        (#"{"logs_after_exit": "empty"}"#, "followed_log_longer"),
        (#"{"stall_at": 700, "stall_seconds": 60, "body_operations": ["stream-logs"]}"#, ""),
    ])
    func theLogIsWholeWhatever(_ fault: String, _ flag: String) async throws {
        let stage = try await LiveStage()
        let watch = try stage.watch()
        try await stage.started("odd-1", "talker", faults: fault.contains("stall") ? nil : fault)
        try await stage.until("lines are stored") { try await stage.salvage("logs", "odd-1").out.contains("line 9 of") }
        if fault.contains("stall") {
            // The stream stalls; it is cut and reopened, and continues once the fault is removed.
            try await setFault(fault, "odd-1", stage)
            try await Task.sleep(for: .seconds(2))
            try await setFault("{}", "odd-1", stage)
        }
        try await stage.until("more lines are stored") {
            try await stage.salvage("logs", "odd-1").out.contains("line 60 of")
        }
        #expect(try await stage.salvage("api", "session-stop", "odd-1").status == 0)
        try await stage.until("it is settled") {
            let state = try await stage.state("odd-1")
            return state == "harvested" || state == "partial"
        }
        let lines = try await stage.salvage("logs", "odd-1", "-g", "LogTalk").out.split(separator: "\n")
        let numbers = lines.compactMap { $0.split(separator: " ").dropFirst(2).first.flatMap { Int($0) } }
        #expect(numbers == Array(1...(numbers.last ?? 1)) && numbers.count >= 60, "\(numbers.suffix(3))")
        let why = try await stage.salvage("why", "odd-1").out
        #expect(flag.isEmpty || why.contains(flag), "\(why)")
        _ = try await stage.stop(watch)
        await stage.server.stop()
    }

    private func setFault(_ fault: String, _ session: String, _ stage: LiveStage) async throws {
        let url = try #require(URL(string: stage.url + "/_sandbox/faults"))
        let body = #"{"session": "\#(session)", "faults": \#(fault)}"#
        let outcome = try await offPool { try shell("curl -sf -X POST -d '\(body)' \(url.absoluteString)") }
        try #require(outcome.status == 0)
    }

    @Test func aSessionThatIsNotFollowedIsSaidToBe() async throws {
        let stage = try await LiveStage()
        try await stage.started("quiet-1", "talker")
        #expect(try await stage.salvage("harvest").status == 0)
        let logs = try await stage.salvage("logs", "-f", "quiet-1")
        #expect(logs.status == 1 && logs.err.contains("not followed") && logs.err.contains("stream-logs"))
        await stage.server.stop()
    }
}
