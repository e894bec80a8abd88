import Foundation
import Testing

/// Messages about crashes, against a real server that fails, hangs and refuses.
@Suite(.serialized) struct NotifyCommandTests {
    private static let webhook = "{name: a, type: webhook, url_file: '{folder}/a.url', burst: 0s}"

    @Test func aNewCrashIsToldOnceAlthoughTheServerFailsFirst() throws {
        let hook = NotifyStage.Hook([
            .init(status: 500, body: Array("oops \(NotifyStage.secret)".utf8)),
            .init(status: 429, body: [], headers: ["Retry-After: 1"]),
        ])
        let stage = try NotifyStage(hooks: ["a": hook])
        try stage.configure(Self.webhook)
        let harvest = try stage.salvage("harvest")
        #expect(harvest.status == 0, "\(harvest.err)")
        #expect(harvest.err.contains("channel 'a' did not take 1 event, trying again: HTTP 500: oops [redacted]"))
        #expect(hook.messages.count == 3, "\(hook.messages)")
        let ids = hook.messages.map { $0.map { $0["id"] as? String } }
        #expect(Set(ids).count == 1, "the same event each time: \(ids)")
        let event = try #require(hook.messages.last?.first)
        #expect(event["event"] as? String == "new")
        #expect(event["session"] as? String == "s1" && event["image"] as? String == "arena")
        #expect(event["tag"] as? String == "1.4.0" && event["location"] as? String == "eu")
        let frames = try #require(event["frames"] as? [String])
        #expect(frames.first?.contains("main.tick at /app/main.go:10") == true, "\(frames)")
        let signature = try #require(event["signature_id"] as? String)
        #expect(event["link"] as? String == "https://salvage.studio.example/signatures/\(signature)")
        let crash = try #require(event["crash"] as? String)
        #expect(event["command"] as? String == "salvage crash \(crash)")
        #expect(try stage.salvage("crash", crash).status == 0)
        try stage.salvage("harvest")
        #expect(hook.messages.count == 3, "nothing is told twice")
        let channel = try #require(try stage.channels()["a"])
        #expect(channel["waiting"] as? Int == 0 && channel["delivered"] as? Int == 1)
        #expect(!stage.journal.contains(NotifyStage.secret))
    }

    @Test func aHangingChannelDelaysNoOtherAndIsToldLater() throws {
        let slow = NotifyStage.Hook(hangs: true)
        let fast = NotifyStage.Hook()
        let stage = try NotifyStage(hooks: ["a": slow, "b": fast])
        try stage.configure(
            "{name: a, type: webhook, url_file: '{folder}/a.url', burst: 0s, timeout: 500ms}",
            "{name: b, type: webhook, url_file: '{folder}/b.url', burst: 0s}")
        #expect(try stage.salvage("harvest", "--max-runtime", "5s").status == 0)
        #expect(fast.messages.count == 1)
        let waiting = try #require(try stage.channels()["a"])
        #expect(waiting["waiting"] as? Int == 1)
        #expect(waiting["last_error"] as? String == "no response within 500 ms")
        #expect(
            try stage.salvage("status").out.contains(
                "notify    a: 1 event undelivered, last error: no response within 500 ms"))
        slow.release()
        // The second try of the first run waits for its time.
        for _ in 0..<10 where try stage.channels()["a"]?["waiting"] as? Int != 0 { try stage.salvage("harvest") }
        #expect(try stage.channels()["a"]?["delivered"] as? Int == 1)
        #expect(fast.messages.count == 1)
    }

    @Test func whatAKilledDaemonQueuedIsDeliveredByTheNext() throws {
        let hook = NotifyStage.Hook()
        let stage = try NotifyStage(sessions: ["s1", "s2"], hooks: ["a": hook])
        try stage.configure("{name: a, type: webhook, url_file: '{folder}/a.url', burst: 10m}")
        let watch = try stage.watch()
        try stage.until("it is queued") { stage.journal.contains("\"record\":\"queued\"") }
        watch.end(by: SIGKILL)
        #expect(hook.messages.isEmpty)
        // As a write that the kill interrupted would leave it.
        let handle = try #require(FileHandle(forWritingAtPath: stage.store + "/notify/outbox.jsonl"))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"record":"queued","ev"#.utf8))
        try handle.close()
        try stage.configure(Self.webhook)
        let next = try stage.watch()
        try stage.until("it is delivered") { !hook.messages.isEmpty }
        try stage.until("nothing waits") { try stage.channels()["a"]?["waiting"] as? Int == 0 }
        next.end()
        #expect(next.said.contains("its last line was cut off"), "\(next.said)")
        let ids = hook.messages.flatMap { $0.compactMap { $0["id"] as? String } }
        #expect(ids.count == 1 && Set(ids).count == 1, "both sessions have the same new signature: \(ids)")
        try stage.salvage("harvest")
        #expect(hook.messages.count == 1)
    }

    @Test func whatIsRefusedIsGivenUpAfterThreeTries() throws {
        let answers = [AnsweringServer.Answer](repeating: .init(status: 404, body: Array("no hook".utf8)), count: 9)
        let hook = NotifyStage.Hook(answers)
        let stage = try NotifyStage(hooks: ["a": hook])
        try stage.configure(Self.webhook)
        let harvest = try stage.salvage("harvest")
        #expect(hook.messages.count == 3)
        #expect(harvest.err.contains("channel 'a' gave up 1 event: HTTP 404: no hook"), "\(harvest.err)")
        let channel = try #require(try stage.channels()["a"])
        #expect(channel["given_up"] as? Int == 1 && channel["waiting"] as? Int == 0)
    }

    @Test func aCommandGetsTheEventsAndNoToken() throws {
        let stage = try NotifyStage(hooks: [:])
        let script =
            "#!/bin/sh\necho \"$@\" >> '\(stage.scratch.path("arguments"))'\nenv > '\(stage.scratch.path("env"))'\n"
        try stage.write(
            script
                + "[ -e '\(stage.scratch.path("tried"))' ] || { touch '\(stage.scratch.path("tried"))'; echo busy; exit 7; }\n"
                + "cat > '\(stage.scratch.path("input"))'\n", to: "page", mode: 0o700)
        try stage.configure("{name: pager, type: command, command: ['{folder}/page', --from, 'a b; $(id)'], burst: 0s}")
        let harvest = try stage.salvage("harvest")
        #expect(harvest.err.contains("channel 'pager' did not take 1 event, trying again: exit code 7: busy"))
        let input = try Data(contentsOf: URL(fileURLWithPath: stage.scratch.path("input")))
        let object = try #require(try JSONSerialization.jsonObject(with: input) as? [String: Any])
        #expect((object["events"] as? [[String: Any]])?.first?["event"] as? String == "new")
        let words = try String(contentsOfFile: stage.scratch.path("arguments"), encoding: .utf8)
        #expect(words == "--from a b; $(id)\n--from a b; $(id)\n", "no shell read the arguments")
        let environment = try String(contentsOfFile: stage.scratch.path("env"), encoding: .utf8)
        #expect(environment.contains("SALVAGE_CHANNEL=pager") && !environment.contains("GAMEYE_API_TOKEN"))
    }

    @Test func aBadSecretFileIsNamedAndNothingIsLost() throws {
        let hook = NotifyStage.Hook()
        let stage = try NotifyStage(hooks: ["a": hook])
        try stage.configure(Self.webhook)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: stage.scratch.path("a.url"))
        let test = try stage.salvage("notify", "test", "a")
        #expect(test.status == 2)
        #expect(test.err.contains("is accessible to others than its owner") && test.err.contains("chmod 600"))
        let harvest = try stage.salvage("harvest", "--max-runtime", "8s")
        #expect(harvest.status == 0 && harvest.err.contains("channel 'a' cannot be used"), "\(harvest.err)")
        #expect(try stage.channels()["a"]?["waiting"] as? Int == 1)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: stage.scratch.path("a.url"))
        for _ in 0..<10 where hook.messages.isEmpty { try stage.salvage("harvest") }
        #expect(hook.messages.count == 1)
    }

    @Test func aTestPrintsTheAnswer() throws {
        let hook = NotifyStage.Hook([.init(status: 200, body: Array("ok \(NotifyStage.secret)".utf8))])
        let discord = NotifyStage.Hook([.init(status: 400, body: Array(#"{"message":"bad embed"}"#.utf8))])
        let stage = try NotifyStage(hooks: ["a": hook, "b": discord])
        try stage.configure(
            "{name: a, type: slack, url_file: '{folder}/a.url'}", "{name: b, type: discord, url_file: '{folder}/b.url'}"
        )
        let good = try stage.salvage("notify", "test", "a")
        #expect(good.status == 0 && good.out == "delivered to 'a': HTTP 200: ok [redacted]\n", "\(good.out)\(good.err)")
        #expect(hook.objects.first?["blocks"] != nil)
        let bad = try stage.salvage("notify", "test", "b")
        #expect(bad.status == 2 && bad.err.contains(#"did not take the test: HTTP 400: {"message":"bad embed"}"#))
        #expect((discord.objects.first?["allowed_mentions"] as? [String: Any])?["parse"] as? [String] == [])
        let unknown = try stage.salvage("notify", "test", "c")
        #expect(unknown.status == 64 && unknown.err.contains("use one of: a, b"), "\(unknown.err)")
        let list = try stage.salvage("notify", "list")
        #expect(list.status == 0 && list.out.contains("slack") && list.out.contains("new returned lost"), "\(list.out)")
        #expect(!stage.journal.contains("record"), "a test goes past the outbox")
    }

    @Test func anAddressInTheConfigurationIsRefused() throws {
        let stage = try NotifyStage()
        try stage.configure("{name: a, type: slack, url: 'https://hooks.example/\(NotifyStage.secret)'}")
        let outcome = try stage.salvage("notify", "list")
        #expect(outcome.status == 64 && outcome.err.contains("url_file"), "\(outcome.err)")
    }

    @Test func theDaemonLogsAndCountsEachCrash() throws {
        let hook = NotifyStage.Hook()
        let stage = try NotifyStage(hooks: ["a": hook])
        try stage.configure(Self.webhook)
        let watch = try stage.watch("--metrics", "127.0.0.1:0")
        try stage.until("the crash is logged") { watch.said.contains("; salvage crash ") }
        #expect(watch.said.contains("session s1 crashed: "), "\(watch.said)")
        #expect(watch.said.contains("(new) in arena 1.4.0, eu; salvage crash "), "\(watch.said)")
        let port = watch.said.components(separatedBy: "metrics on port ").last?.prefix { $0.isNumber } ?? "0"
        try stage.until("the message is delivered") {
            try shell("curl -s http://127.0.0.1:\(port)/metrics").out.contains(
                "salvage_notifications_delivered_total{channel=\"a\"} 1\n")
        }
        let metrics = try shell("curl -s http://127.0.0.1:\(port)/metrics").out
        #expect(metrics.contains("salvage_crashes_total{image=\"arena\",tag=\"1.4.0\",location=\"eu\"} 1\n"))
        #expect(metrics.contains("salvage_new_signatures_total 1\n"))
        let index = try shell("curl -s http://127.0.0.1:\(port)/").out
        #expect(index == "salvage watch: /metrics (Prometheus), /healthz\n")
        if try shell("command -v promtool").status == 0 {
            let verdict = try shell("curl -s http://127.0.0.1:\(port)/metrics | promtool check metrics 2>&1")
            #expect(verdict.status == 0 && verdict.out.isEmpty, "\(verdict.out)")
        } else {
            print("skipped: promtool is not installed")
        }
        watch.end()
    }
}
