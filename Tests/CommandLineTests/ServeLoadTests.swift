import Foundation
import Glibc
import Testing

extension ServerSuites {
    /// `salvage serve` with clients that are slow, leave, stay or send much.
    @Suite(.serialized) struct ServeLoadTests {
        @Test func aRequestWithoutAnEndIsCutOff() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            try stage.start()
            let descriptor = try stage.connect()
            defer { close(descriptor) }
            ServeStage.send(descriptor, Array("GET / HTTP/1.1\r\nHost: local".utf8))
            // Ends when the server closes the connection, long before the test's own patience.
            let started = Date()
            _ = ServeStage.read(descriptor)
            #expect(Date().timeIntervalSince(started) < 110)
        }

        @Test func connectionsOnWhichNobodySendsDoNotKeepOthersOut() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            try stage.start()
            var slow: [Int32] = []
            defer { for descriptor in slow { close(descriptor) } }
            for _ in 0..<600 {
                let descriptor = try stage.connect()
                ServeStage.send(descriptor, Array("GET /api/v1/status HTTP/1.1\r\nHo".utf8))
                slow.append(descriptor)
            }
            for _ in 0..<20 { #expect(try stage.get("/api/v1/status").status == 200) }
        }

        @Test func aSearchEndsWhenItsClientGoes() throws {
            let stage = try ServeStage()
            let lines = (0..<300_000).map { "line \($0) of a log that is longer than any buffer on its way\n" }
            try stage.ingest("s1", lines.joined())
            try stage.start()
            let found = try stage.get("/api/v1/grep?q=line%20299999%20")
            #expect(found.status == 200 && found.header("Content-Type") == "application/x-ndjson")
            let messages = found.body.split(separator: "\n")
            #expect(messages.count == 4 && messages.last?.contains(#""type":"summary""#) == true, "\(found.body)")
            // Four clients that read nothing take all places.
            var clients: [Int32] = []
            for _ in 0..<4 {
                let descriptor = try stage.connect()
                ServeStage.send(descriptor, ServeStage.request("GET", "/api/v1/grep?q=line"))
                _ = ServeStage.read(descriptor) { $0.contains("\r\n\r\n") }
                clients.append(descriptor)
            }
            let refused = try stage.get("/api/v1/grep?q=hello")
            #expect(refused.status == 503 && refused.header("Retry-After") != nil, "\(refused.head)")
            #expect(try stage.get("/api/v1/status").status == 200)
            for descriptor in clients { close(descriptor) }
            // They have gone: their searches end, and others may search.
            var status = 503
            for _ in 0..<600 where status == 503 {
                status = try stage.get("/api/v1/grep?q=nothing").status
                if status == 503 { usleep(100_000) }
            }
            #expect(status == 200)
        }

        @Test func symbolsAreUploadedByWhoMay() throws {
            let programs: [String] = ["/bin/bash", "/usr/bin/env"]
            let program = try #require(programs.first { FileManager.default.isReadableFile(atPath: $0) })
            let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: program)))
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            let (file, tokens) = try stage.tokens("read", "upload")
            try stage.start("--tokens", file)
            func put(_ body: [UInt8], _ token: String) throws -> ServeStage.Answer {
                try stage.send(
                    "PUT", "/api/v1/symbols",
                    ["Authorization": "Bearer \(token)", "Content-Type": "application/octet-stream"], body: body)
            }
            #expect(try put([1, 2, 3], tokens[0]).status == 403)
            let text = try put(Array("not an executable\n".utf8), tokens[1])
            #expect(text.status == 400 && text.object["code"] as? String == "no_symbols", "\(text.body)")
            let added = try put(bytes, tokens[1])
            #expect(added.status == 200 && added.object["added"] as? Int == 1, "\(added.body)")
            #expect(try stage.get("/api/v1/symbols", token: tokens[1]).items.count == 1)
            // Nothing of the transfer stays.
            let left = try FileManager.default.contentsOfDirectory(atPath: stage.store).filter {
                $0.hasPrefix(".serve-")
            }
            #expect(left.isEmpty)
        }

        @Test func aNewCrashIsAnEventAndABundleIsAnArchive() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", ServeStage.crashLog("AWeapon::Fire"))
            try stage.start()
            let descriptor = try stage.connect()
            defer { close(descriptor) }
            ServeStage.send(descriptor, ServeStage.request("GET", "/api/v1/events"))
            _ = ServeStage.read(descriptor) { $0.contains("retry:") }
            // The feed begins with its first look, which shows in its first heartbeat at the latest.
            _ = ServeStage.read(descriptor) { $0.contains(": alive") }
            try stage.ingest("s2", ServeStage.crashLog("UInventory::Drop"))
            let events = ServeStage.read(descriptor) { $0.contains("event: new") && $0.contains("UInventory::Drop") }
            #expect(events.contains("event: new") && events.contains(#""session":"s2""#), "\(events)")
            let missed = try stage.get("/api/v1/events?after=0&limit=2")
            #expect(missed.body.components(separatedBy: "event: ").count == 3, "\(missed.body)")
            let bundle = try stage.send("HEAD", "/api/v1/sessions/s1/bundle")
            #expect(bundle.status == 200 && bundle.header("Content-Type") == "application/gzip")
            let archive = try shell(
                "curl -s http://127.0.0.1:\(stage.port)/api/v1/sessions/s1/bundle | tar tzf - | grep -c Game.log")
            if try shell("command -v curl").status == 0 { #expect(archive.out.hasPrefix("1"), "\(archive.out)") }
        }

        @Test func sigtermEndsItThoughClientsStay() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            try stage.start()
            let idle = try stage.connect()
            let listening = try stage.connect()
            defer { for descriptor in [idle, listening] { close(descriptor) } }
            ServeStage.send(listening, ServeStage.request("GET", "/api/v1/events"))
            _ = ServeStage.read(listening) { $0.contains("retry:") }
            #expect(stage.stop() == 0)
            #expect(ServeStage.read(idle).isEmpty)
        }
    }
}
