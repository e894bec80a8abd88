import Foundation
import Synchronization
import Testing

/// Crashes that a harvest sends to Sentry, against a real server that refuses, hangs and fails.
@Suite(.serialized) struct SentryExportTests {
    /// Sessions that crashed, and the server that takes envelopes.
    private final class Stage {
        let fleet: NotifyStage
        let server: AnsweringServer
        private let shared: Shared

        init(_ sessions: [String], _ first: [AnsweringServer.Answer] = [], hangs: Bool = false) throws {
            fleet = try NotifyStage(sessions: sessions)
            let state = Shared(first, hangs)
            shared = state
            server = try AnsweringServer { _ in state.next() }
            let dsn = server.url.replacing("://", with: "://\(NotifyStage.secret)@") + "/77"
            try fleet.write(dsn + "\n", to: "dsn")
        }

        deinit {
            shared.release()
            server.stop()
        }

        func release() { shared.release() }

        /// Configures the export; `{folder}` is where the DSN is.
        func configure(_ export: String = "{dsn_file: '{folder}/dsn'}") throws {
            try fleet.configure()
            let path = fleet.scratch.path("salvage.yaml")
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let added = "export:\n  sentry: \(export.replacing("{folder}", with: fleet.scratch.url.path))\n"
            try (text + added).write(toFile: path, atomically: true, encoding: .utf8)
        }

        /// The events that arrived, by id.
        func events() throws -> [String: Int] {
            var found: [String: Int] = [:]
            for request in server.requests {
                #expect(String(decoding: request.path, as: UTF8.self) == "/api/77/envelope/")
                let file = fleet.scratch.path("envelope.gz")
                try Data(request.body).write(to: URL(fileURLWithPath: file))
                let lines = try shell("gzip -dc '\(file)'").out.split(separator: "\n")
                let line = try #require(lines.dropFirst(2).first)
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                let event = try #require(object as? [String: Any])
                let id = try #require(event["event_id"] as? String)
                found[id, default: 0] += 1
            }
            return found
        }

        /// The service as `status` reports it.
        func service() throws -> [String: Any] {
            let status = try fleet.salvage("status", "--json").objects.first
            return (status?["exports"] as? [[String: Any]])?.first ?? [:]
        }

        /// What `why` says of a session's crashes.
        func exports(_ session: String) throws -> [[String: Any]] {
            try fleet.salvage("why", session, "--json").objects.first?["exports"] as? [[String: Any]] ?? []
        }
    }

    /// The answers that are left, and whether requests hang.
    private final class Shared: Sendable {
        private let answers: Mutex<[AnsweringServer.Answer]>
        private let isHanging: Mutex<Bool>

        init(_ answers: [AnsweringServer.Answer], _ hangs: Bool) {
            self.answers = Mutex(answers)
            isHanging = Mutex(hangs)
        }

        func release() { isHanging.withLock { $0 = false } }

        func next() -> AnsweringServer.Answer {
            for _ in 0..<1200 where isHanging.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.05) }
            return answers.withLock { $0.isEmpty ? .init(body: []) : $0.removeFirst() }
        }
    }

    @Test func everyCrashIsSentOnceAlthoughTheServerFailsFirst() throws {
        let stage = try Stage(
            ["s1", "s2"],
            [
                .init(status: 500, body: Array("oops \(NotifyStage.secret)".utf8)),
                .init(status: 429, body: [], headers: ["X-Sentry-Rate-Limits: 1:error:key"]),
            ])
        try stage.configure()
        let harvest = try stage.fleet.salvage("harvest")
        #expect(harvest.status == 0, "\(harvest.err)")
        #expect(harvest.err.contains("trying again: HTTP 500: oops [redacted]"), "\(harvest.err)")
        #expect(try stage.events().count == 2)
        let sent = try #require(try stage.exports("s1").first)
        #expect(sent["state"] as? String == "sent" && sent["service"] as? String == "sentry")
        #expect(try stage.events()[sent["event"] as? String ?? ""] != nil)
        #expect(try stage.service()["sent"] as? Int == 2 && stage.service()["waiting"] as? Int == 0)
        #expect(try stage.fleet.salvage("status").out.contains("export    sentry: 2 crashes sent, 0 waiting"))
        #expect(try stage.fleet.salvage("show", "s2").out.contains("sent to Sentry"))
        let requests = stage.server.requests.count
        try stage.fleet.salvage("harvest")
        try stage.fleet.salvage("reindex")
        #expect(stage.server.requests.count == requests, "nothing is sent again")
        #expect(try stage.exports("s1").first?["state"] as? String == "sent", "also after a reindex")
    }

    @Test func onlyTheFirstOfASignatureIfTheConfigurationSaysSo() throws {
        let stage = try Stage(["s1", "s2", "s3"])
        try stage.configure("{dsn_file: '{folder}/dsn', on: new}")
        try stage.fleet.salvage("harvest")
        #expect(try stage.events().count == 1)
    }

    @Test func whatAKilledDaemonWasSendingIsSentByTheNext() throws {
        let stage = try Stage(["s1", "s2"], hangs: true)
        try stage.configure()
        let watch = try stage.fleet.watch()
        try stage.fleet.until("a request is there") { !stage.server.requests.isEmpty }
        try stage.fleet.until("both wait") { try stage.service()["waiting"] as? Int == 2 }
        watch.end(by: SIGKILL)
        stage.release()
        #expect(try stage.exports("s1").map { $0["state"] as? String } == ["waiting"])
        let next = try stage.fleet.watch()
        try stage.fleet.until("both are sent") { try stage.service()["sent"] as? Int == 2 }
        next.end()
        let events = try stage.events()
        #expect(events.count == 2 && events.values.reduce(0, +) <= 3, "the one in flight may come twice: \(events)")
    }

    @Test func aRefusedKeyPausesAndIsSaid() throws {
        let stage = try Stage(["s1"], [.init(status: 401, body: Array("unknown key".utf8))])
        try stage.configure()
        try stage.fleet.salvage("harvest", "--max-runtime", "5s")
        #expect(try (stage.service()["paused"] as? String)?.contains("HTTP 401: unknown key") == true)
        #expect(try stage.fleet.salvage("status").out.contains("1 waiting; paused: HTTP 401"))
        try stage.fleet.salvage("harvest")
        #expect(try stage.service()["sent"] as? Int == 1, "the next run tries at once")
    }
}
