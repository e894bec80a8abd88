import Foundation
import Glibc
import Testing

extension ServerSuites {
    /// `salvage serve` and requests that are made to deceive it, and what it says when the store is not there.
    @Suite(.serialized) struct ServeAttackTests {
        private static let form = ["Content-Type": "application/x-www-form-urlencoded"]

        @Test func aRequestThatAProxyMayReadInAnotherWayIsRefused() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            try stage.start()
            let two = try stage.send("GET", "/api/v1/status", ["Host": "localhost\r\nHost: evil.example"])
            #expect(two.status == 400 && two.object["code"] as? String == "two_hosts", "\(two.head)")
            let descriptor = try stage.connect()
            defer { close(descriptor) }
            let status = "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n"
            ServeStage.send(
                descriptor, Array("\(status)Transfer-Encoding: xchunked\r\n\r\n\(status)Connection: close\r\n\r\n".utf8)
            )
            let answers = ServeStage.read(descriptor)
            #expect(answers.hasPrefix("HTTP/1.1 400") && !answers.contains("HTTP/1.1 200"), "\(answers)")
        }

        @Test func aBodyThatIsNotWhatItsHeadersSayIsAMistakeOfTheClient() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", ServeStage.crashLog("AWeapon::Fire"))
            let (file, tokens) = try stage.tokens("triage")
            try stage.start("--tokens", file)
            for size in ["g", "-1", "0x4", "FFFFFFFFFFFFFFFFF"] {
                let descriptor = try stage.connect()
                defer { close(descriptor) }
                let head = [
                    "PATCH /api/v1/signatures/s1 HTTP/1.1", "Host: localhost", "Authorization: Bearer \(tokens[0])",
                    "Content-Type: application/json", "Transfer-Encoding: chunked", "Connection: close",
                ]
                ServeStage.send(
                    descriptor, Array((head.joined(separator: "\r\n") + "\r\n\r\n\(size)\r\n{}\r\n0\r\n\r\n").utf8))
                let answer = ServeStage.read(descriptor)
                #expect(answer.hasPrefix("HTTP/1.1 400") && answer.contains("bad_body"), "\(size): \(answer)")
            }
        }

        @Test func bodiesThatDoNotArriveDoNotKeepOthersOut() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            let (file, tokens) = try stage.tokens("read")
            try stage.start("--tokens", file)
            var slow: [Int32] = []
            defer { for descriptor in slow { close(descriptor) } }
            let head = "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
            for _ in 0..<400 {
                let descriptor = try stage.connect()
                ServeStage.send(
                    descriptor, Array("\(head)Content-Type: application/x-www-form-urlencoded\r\n\r\ntoken".utf8))
                slow.append(descriptor)
            }
            for _ in 0..<20 { #expect(try stage.get("/api/v1/status", token: tokens[0]).status == 200) }
        }

        @Test func whoSignedOutIsOutThoughTheCookieWasCopied() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            let (file, tokens) = try stage.tokens("read")
            try stage.start("--tokens", file)
            let text = try stage.send(
                "POST", "/sign-in", ["Content-Type": "text/plain"], body: Array("token=\(tokens[0])".utf8))
            #expect(text.status == 415)
            let answer = try stage.send("POST", "/sign-in", Self.form, body: Array("token=\(tokens[0])".utf8))
            let cookie = try #require(answer.header("Set-Cookie")).prefix { $0 != ";" }
            // A neighboring name can add a cookie of its own.
            let sent = ["Cookie": "salvage_session=planted; \(cookie)"]
            let identity = try stage.send("GET", "/api/v1/identity", sent)
            let token = try #require(identity.object["form_token"] as? String)
            let out = try stage.send(
                "POST", "/sign-out", Self.form.merging(sent) { old, _ in old },
                body: Array("form_token=\(token)".utf8))
            #expect(out.status == 303 && out.header("Set-Cookie")?.contains("Max-Age=0") == true)
            #expect(try stage.send("GET", "/api/v1/identity", sent).status == 401)
        }

        @Test func aTokenFileThatOthersMayReadLetsNobodyIn() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            let (file, tokens) = try stage.tokens("read")
            try stage.start("--tokens", file)
            #expect(try stage.get("/api/v1/status", token: tokens[0]).status == 200)
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
            #expect(try stage.get("/api/v1/status", token: tokens[0]).status == 401)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
            // The signal that asks for a reload does not end it.
            stage.send(signal: SIGHUP)
            #expect(try stage.get("/api/v1/status", token: tokens[0]).status == 200)
            #expect(stage.stop() == 0)
        }

        @Test func aProxyNamesOneUser() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            try stage.start("--user-header", "X-Forwarded-User", "--proxy", "127.0.0.1")
            func identity(_ headers: [String: String]) throws -> ServeStage.Answer {
                try stage.send("GET", "/api/v1/identity", headers)
            }
            #expect(try identity(["X-Forwarded-User": "ada"]).object["name"] as? String == "ada")
            let two = try identity(["X-Forwarded-User": "ada\r\nX-Forwarded-User: eve"])
            #expect(two.status == 400 && two.object["code"] as? String == "two_users", "\(two.body)")
            // What the user showed the proxy may be passed on.
            #expect(try identity(["X-Forwarded-User": "ada", "Authorization": "Basic YTpi"]).status == 200)
            #expect(try identity([:]).status == 401)
            let foreign = try ServeStage()
            try foreign.ingest("s1", "hello\n")
            try foreign.start("--user-header", "X-Forwarded-User", "--proxy", "10.0.0.1")
            #expect(try foreign.send("GET", "/api/v1/identity", ["X-Forwarded-User": "ada"]).status == 401)
        }

        @Test func aStoreThatIsNotThereIsNoEmptyList() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", ServeStage.crashLog("AWeapon::Fire"))
            try stage.start()
            let lists = ["sessions", "crashes", "signatures", "builds", "symbols", "symbols/missing", "grep?q=hello"]
            for path in lists { #expect(try stage.get("/api/v1/\(path)").status == 200, "\(path)") }
            try FileManager.default.moveItem(atPath: stage.store, toPath: stage.store + ".away")
            for path in lists {
                let answer = try stage.get("/api/v1/\(path)")
                #expect(answer.status == 503 && answer.header("Retry-After") != nil, "\(path): \(answer.body)")
            }
            try FileManager.default.moveItem(atPath: stage.store + ".away", toPath: stage.store)
            let catalog = stage.store + "/catalog.sqlite"
            try FileManager.default.moveItem(atPath: catalog, toPath: catalog + ".away")
            try Data(repeating: 0x5A, count: 8192).write(to: URL(fileURLWithPath: catalog))
            let damaged = try stage.get("/api/v1/sessions")
            #expect(damaged.status == 503 && damaged.object["code"] as? String == "catalog_corrupt", "\(damaged.body)")
            try FileManager.default.removeItem(atPath: catalog)
            try FileManager.default.moveItem(atPath: catalog + ".away", toPath: catalog)
            #expect(try stage.get("/api/v1/sessions").items.count == 1)
        }

        @Test func linesOfAllSessionsComeInTheOrderOfTheirTime() throws {
            let stage = try ServeStage()
            for (session, seconds) in [("s1", [1, 4]), ("s2", [2, 3])] {
                try stage.ingest(
                    session, seconds.map { "[2026.11.21-01.00.0\($0):000][1]LogGame: tick \($0)\n" }.joined())
            }
            try stage.start()
            func ticks(_ order: String) throws -> [String] {
                try stage.get("/api/v1/grep?q=tick&sort=\(order)").body.split(separator: "\n")
                    .filter { $0.contains(#""type":"match""#) }
                    .compactMap { line in line.firstRange(of: "tick ").map { String(line[$0.upperBound...].prefix(1)) }
                    }
            }
            #expect(try ticks("time") == ["1", "2", "3", "4"])
            #expect(try ticks("time_reversed") == ["4", "3", "2", "1"])
            #expect(try stage.get("/api/v1/grep?q=tick&sort=path").status == 400)
        }
    }
}
