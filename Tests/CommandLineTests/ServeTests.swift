import Foundation
import Glibc
import Testing

extension ServerSuites {
    /// `salvage serve`: who is let in, and what the API answers.
    @Suite(.serialized) struct ServeTests {
        @Test func itListensForOthersOnlyWithTokensOrAProxy() throws {
            let stage = try ServeStage()
            let open = try Program.run(["serve", "--store", stage.store, "--listen", "0.0.0.0:0"])
            #expect(open.status == 64 && open.err.contains("--tokens"), "\(open.err)")
            let believing = try Program.run(
                ["serve", "--store", stage.store, "--listen", "0.0.0.0:0", "--user-header", "X-Forwarded-User"])
            #expect(believing.status == 64 && believing.err.contains("--proxy"), "\(believing.err)")
            let (file, _) = try stage.tokens("read")
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
            let readable = try Program.run(["serve", "--store", stage.store, "--tokens", file])
            #expect(readable.status == 64 && readable.err.contains("mode 644"), "\(readable.err)")
        }

        @Test func aTokenDecidesWhatItsOwnerMayDo() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", ServeStage.crashLog("AWeapon::Fire"))
            let (file, tokens) = try stage.tokens("read", "read,triage")
            try stage.start("--tokens", file)
            let missing = try stage.get("/api/v1/sessions")
            #expect(missing.status == 401 && missing.header("WWW-Authenticate") == "Bearer")
            #expect(missing.object["code"] as? String == "not_signed_in" && missing.object["error"] as? Bool == true)
            #expect(try stage.get("/api/v1/sessions", token: "salvage_wrong").status == 401)
            let sessions = try stage.get("/api/v1/sessions", token: tokens[0])
            #expect(sessions.status == 200 && sessions.items.first?["session"] as? String == "s1")
            let signature = try #require(
                try stage.get("/api/v1/signatures", token: tokens[0]).items.first?["id"] as? String)
            func decide(_ token: String) throws -> ServeStage.Answer {
                try stage.json(
                    "PATCH", "/api/v1/signatures/\(signature)", #"{"state":"fixed","fixed_in":"2.0","note":"done"}"#,
                    ["Authorization": "Bearer \(token)"])
            }
            #expect(try decide(tokens[0]).status == 403)
            let decided = try decide(tokens[1])
            #expect(decided.status == 200 && decided.object["state"] as? String == "fixed", "\(decided.body)")
            let other = try stage.send("DELETE", "/api/v1/sessions", ["Authorization": "Bearer \(tokens[0])"])
            #expect(other.status == 405 && other.header("Allow") == "GET, HEAD")
            // A removed token is refused at once.
            try "later read 0123456789abcdefghij\n".write(toFile: file, atomically: false, encoding: .utf8)
            #expect(try stage.get("/api/v1/sessions", token: tokens[0]).status == 401)
        }

        @Test func whoSignedInHasACookieAndWritesWithItsFormToken() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", ServeStage.crashLog("AWeapon::Fire"))
            let (file, tokens) = try stage.tokens("read,triage")
            try stage.start("--tokens", file, "--public-address", "https://salvage.example")
            #expect(try stage.get("/sessions").header("Location")?.contains("/sign-in?next=%2Fsessions") == true)
            let form = ["Content-Type": "application/x-www-form-urlencoded"]
            let refused = try stage.send("POST", "/sign-in", form, body: Array("token=wrong&next=/sessions".utf8))
            #expect(refused.status == 401)
            let answer = try stage.send(
                "POST", "/sign-in", form, body: Array("token=\(tokens[0])&next=//evil.example".utf8))
            #expect(answer.status == 303 && answer.header("Location") == "/")
            let cookie = try #require(answer.header("Set-Cookie"))
            for word in ["HttpOnly", "SameSite=Strict", "Secure", "Max-Age=43200"] { #expect(cookie.contains(word)) }
            let sent = ["Cookie": String(cookie.prefix { $0 != ";" })]
            let identity = try stage.send("GET", "/api/v1/identity", sent)
            #expect(identity.status == 200 && identity.object["name"] as? String == "user0")
            let token = try #require(identity.object["form_token"] as? String)
            func note(_ more: [String: String]) throws -> ServeStage.Answer {
                try stage.json(
                    "PATCH", "/api/v1/signatures/s1", #"{"note":"seen"}"#, sent.merging(more) { old, _ in old })
            }
            #expect(try note([:]).object["code"] as? String == "no_form_token")
            #expect(try note(["X-Salvage-Token": String(token.reversed())]).status == 403)
            let foreign = try note(["X-Salvage-Token": token, "Origin": "https://evil.example"])
            #expect(foreign.object["code"] as? String == "bad_origin")
            #expect(
                try note(["X-Salvage-Token": token, "Sec-Fetch-Site": "cross-site"]).object["code"] as? String
                    == "bad_origin")
            let ours = try note([
                "X-Salvage-Token": token, "Origin": "https://salvage.example", "Sec-Fetch-Site": "same-origin",
            ])
            #expect(ours.status == 200, "\(ours.body)")
            let forged = String(sent["Cookie", default: ""].dropLast()) + "0"
            #expect(try stage.send("GET", "/api/v1/identity", ["Cookie": forged + "0"]).status == 401)
        }

        @Test func tooManyWrongTokensAreRefusedForAWhile() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            let (file, tokens) = try stage.tokens("read")
            try stage.start("--tokens", file)
            for _ in 0..<10 { #expect(try stage.get("/api/v1/status", token: "wrong").status == 401) }
            let refused = try stage.get("/api/v1/status", token: tokens[0])
            #expect(refused.status == 429 && refused.header("Retry-After") != nil)
        }

        @Test func aNameThatIsNotTheServersIsRefused() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            try stage.start("--allow-host", "crashes.studio.example")
            for host in ["evil.example", "10.0.0.1", "localhost.evil.example:80", ""] {
                let answer = try stage.send("GET", "/api/v1/status", ["Host": host])
                #expect([400, 403].contains(answer.status), "\(host): \(answer.head)")
            }
            for host in ["localhost", "127.0.0.1:\(stage.port)", "[::1]", "Crashes.Studio.Example"] {
                #expect(try stage.send("GET", "/api/v1/status", ["Host": host]).status == 200, "\(host)")
            }
        }

        @Test func everyResponseTellsTheBrowserWhatItMayDo() throws {
            let stage = try ServeStage()
            try stage.ingest("s1", "hello\n")
            try stage.start()
            for path in ["/", "/api/v1/status", "/nothing", "/api/v1/nothing", "/api/v1/sessions/s1/log"] {
                let answer = try stage.get(path)
                #expect(answer.header("Content-Security-Policy")?.contains("default-src 'none'") == true, "\(path)")
                #expect(answer.header("X-Content-Type-Options") == "nosniff")
                #expect(answer.header("Referrer-Policy") == "same-origin")
                #expect(answer.header("Cross-Origin-Resource-Policy") == "same-origin")
                #expect(answer.header("Cache-Control") != nil)
            }
            let log = try stage.get("/api/v1/sessions/s1/log")
            #expect(log.status == 200 && log.body.contains("hello"))
            #expect(log.header("Content-Disposition")?.hasPrefix("attachment; filename=\"s1.log\"") == true)
        }

        @Test(arguments: ["a/b", "../x", "..", "~x", "a b", "späce é", "100%2F", "a?b#c"])
        func anyIdIsASession(id: String) throws {
            let stage = try ServeStage()
            try stage.ingest(id, "hello\n")
            try stage.start()
            var allowed = CharacterSet.alphanumerics.intersection(CharacterSet(charactersIn: "\u{21}"..."\u{7e}"))
            allowed.insert(charactersIn: "-._~")
            let escaped = id == ".." || id.hasPrefix("~") ? "~" + id : id
            let segment = try #require(escaped.addingPercentEncoding(withAllowedCharacters: allowed))
            let answer = try stage.get("/api/v1/sessions/\(segment)")
            #expect(answer.status == 200 && answer.object["session"] as? String == id, "\(segment): \(answer.body)")
            let files = try stage.get("/api/v1/sessions/\(segment)/files").items
            #expect(files.compactMap { $0["kind"] as? String }.sorted() == ["directory", "log"])
            #expect(try stage.get("/api/v1/sessions/\(segment)/ledger").status == 200)
        }

        @Test func aFileIsReadByRanges() throws {
            let stage = try ServeStage()
            let text = (0..<5000).map { "line \($0)\n" }.joined()
            try stage.ingest("s1", text)
            try stage.start()
            let files = try stage.get("/api/v1/sessions/s1/files").items
            let file = try #require(files.first { $0["kind"] as? String == "log" })
            let folder = try #require(files.first { $0["kind"] as? String == "directory" }?["n"] as? Int)
            #expect(try stage.get("/api/v1/sessions/s1/files/\(folder)").object["code"] as? String == "not_a_file")
            let number = try #require(file["n"] as? Int)
            let path = "/api/v1/sessions/s1/files/\(number)"
            let whole = try stage.get(path)
            #expect(whole.status == 200 && whole.body == text && whole.header("Accept-Ranges") == "bytes")
            #expect(whole.header("Content-Type") == "application/octet-stream")
            let part = try stage.send("GET", path, ["Range": "bytes=5-9"])
            #expect(part.status == 206 && part.body == String(text.dropFirst(5).prefix(5)))
            #expect(part.header("Content-Range") == "bytes 5-9/\(text.utf8.count)")
            #expect(try stage.send("GET", path, ["Range": "bytes=-3"]).body == String(text.suffix(3)))
            let outside = try stage.send("GET", path, ["Range": "bytes=99999999-"])
            #expect(outside.status == 416 && outside.header("Content-Range") == "bytes */\(text.utf8.count)")
            let tag = try #require(whole.header("ETag"))
            #expect(try stage.send("GET", path, ["If-None-Match": tag]).status == 304)
            #expect(try stage.send("GET", path, ["Range": "bytes=0-1", "If-Range": "\"other\""]).status == 200)
            let head = try stage.send("HEAD", path)
            #expect(head.status == 200 && head.header("Content-Length") == "\(text.utf8.count)" && head.body.isEmpty)
            #expect(try stage.get("/api/v1/sessions/s1/files/99").status == 404)
        }

        @Test func listsArePagedAndMistakesAreErrors() throws {
            let stage = try ServeStage()
            for index in 0..<5 { try stage.ingest("s\(index)", ServeStage.crashLog("AWeapon::Fire")) }
            try stage.start()
            var seen: [String] = []
            var next: String? = ""
            while let cursor = next {
                let page = try stage.get("/api/v1/sessions?limit=2" + (cursor.isEmpty ? "" : "&cursor=\(cursor)"))
                #expect(page.status == 200 && page.items.count <= 2)
                seen += page.items.compactMap { $0["session"] as? String }
                next = page.object["next"] as? String
            }
            #expect(seen.count == 5 && Set(seen).count == 5)
            #expect(try stage.get("/api/v1/crashes?limit=3").items.count == 3)
            let before = try stage.get("/api/v1/signatures/s0/before?within=5s")
            let lines = before.items.first?["lines"] as? [String] ?? []
            #expect(lines.joined().contains("LogInit: hello"), "\(before.body)")
            for path in [
                "sessions?imag=x", "sessions?since=soon", "sessions?cursor=x", "sessions?limit=0", "grep",
                "grep?q=%5B", "stats?by=minute&by=hour", "sessions?tag=", "sessions?since=",
            ] {
                let answer = try stage.get("/api/v1/" + path)
                #expect(answer.status == 400 && answer.object["hint"] is String, "\(path): \(answer.body)")
            }
            #expect(try stage.get("/api/v1/sessions/s").object["code"] as? String == "ambiguous_session")
            #expect(try stage.get("/api/v1/sessions/s").status == 409)
            #expect(try stage.get("/api/v1/sessions/nobody").status == 404)
            let document = try stage.get("/api/v1/openapi.json")
            #expect(document.object["openapi"] as? String == "3.1.0")
        }
    }
}
