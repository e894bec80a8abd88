import Foundation
import Testing

extension ServerSuites {
    /// `symbols fetch` against servers that speak debuginfod, and some that misbehave.
    @Suite(.enabled(if: CrashStage.possible, "no gcc, or core dumps go elsewhere on this machine"), .serialized)
    struct SymbolFetchTests {
        /// A store with a crash that waits for the symbols of its program.
        private struct Stage {
            let crash: CrashStage
            let identity: String

            init() throws {
                crash = try CrashStage()
                try #require(try crash.ingest("s", tag: "1.0", try crash.core("a", "weapon")).status == 0)
                let missing = try crash.salvage("symbols", "missing", "--json").objects
                let server = try #require(missing.first { $0["module"] as? String == "server" })
                identity = try #require(server["build_id"] as? String)
            }

            func fetch(_ urls: String, _ words: String..., config: String? = nil) throws -> Program.Outcome {
                var environment = ["SALVAGE_STORE": crash.store, "DEBUGINFOD_URLS": urls]
                if let config {
                    let path = crash.scratch.path("salvage.yaml")
                    try config.write(toFile: path, atomically: true, encoding: .utf8)
                    environment["SALVAGE_CONFIG"] = path
                }
                return try Program.run(["symbols", "fetch", "--json"] + words, environment: environment)
            }

            func bytes(_ file: String) throws -> [UInt8] {
                [UInt8](try Data(contentsOf: URL(fileURLWithPath: crash.scratch.path(file))))
            }

            var signature: String? { get throws { try crash.signatures()["s"] } }
        }

        private static func path(_ request: AnsweringServer.Request) -> String {
            String(decoding: request.path, as: UTF8.self)
        }

        @Test func whatAServerHasNamesTheCrash() throws {
            let stage = try Stage()
            let executable = try stage.bytes("a/server")
            let debug = try stage.bytes("a/server.debug")
            let identity = stage.identity
            let server = try AnsweringServer { request in
                switch Self.path(request) {
                case "/buildid/\(identity)/executable": .init(body: executable)
                case "/buildid/\(identity)/debuginfo":
                    .init(status: 302, body: [], headers: ["Location: /elsewhere/debug"])
                case "/elsewhere/debug": .init(body: debug)
                default: .notFound
                }
            }
            defer { server.stop() }
            let refused = try stage.fetch(server.url)
            #expect(refused.status == 64 && refused.err.contains("--allow-network"), "\(refused.err)")
            #expect(server.requests.isEmpty)
            let outcome = try stage.fetch("ima:enforcing \(server.url)/", "--allow-network")
            #expect(outcome.status == 0, "\(outcome.out)\(outcome.err)")
            let report = try #require(outcome.objects.first)
            #expect(report["found"] as? Int == 1, "\(report)")
            #expect((report["symbols"] as? [String: Any])?["signatures"] as? Int == 1, "\(report)")
            #expect(try stage.signature == "weapon_damage")
            let frames = try stage.crash.salvage("crash", "s", "--json").objects.first?["frames"] as? [[String: Any]]
            #expect(frames?.first?["line"] is Int)
            // Nothing but build ids left the machine.
            for request in server.requests {
                let path = Self.path(request)
                #expect(path.hasPrefix("/buildid/") || path == "/elsewhere/debug", "\(path)")
                #expect(
                    request.query.isEmpty && request.body.isEmpty && !request.head.contains("server"), "\(request.head)"
                )
            }
        }

        @Test func theConfigurationAllowsAndBounds() throws {
            let stage = try Stage()
            let executable = try stage.bytes("a/server.full")
            let server = try AnsweringServer { request in
                Self.path(request).hasSuffix("/executable") ? .init(body: executable) : .notFound
            }
            defer { server.stop() }
            let small = try stage.fetch(
                "", config: "symbols: {debuginfod: {allowed: true, urls: [\(server.url)], max_size: 4KiB}}\n")
            #expect(small.status == 3 && small.err.contains("larger than 4096 bytes"), "\(small.out)\(small.err)")
            let none = try stage.fetch(
                server.url, config: "symbols: {debuginfod: {allowed: true, urls_from_environment: false}}\n")
            #expect(none.status == 1 && none.err.contains("no symbol server"), "\(none.err)")
            let fine = try stage.fetch(server.url, config: "symbols: {debuginfod: {allowed: true}}\n")
            #expect(fine.objects.first?["found"] as? Int ?? 0 > 0, "\(fine.out)\(fine.err)")
            #expect(try stage.signature == "weapon_damage")
        }

        @Test func anotherBuildsFileIsRefused() throws {
            let stage = try Stage()
            let other = try stage.bytes("b/server.full")
            let page = Array("<html>not an ELF file, but with status 200</html>".utf8)
            let before = try stage.signature
            let server = try AnsweringServer { request in
                .init(body: Self.path(request).hasSuffix("/executable") ? other : page)
            }
            defer { server.stop() }
            let outcome = try stage.fetch(server.url, "--allow-network")
            #expect(outcome.status == 3 && outcome.err.contains("another build id"), "\(outcome.out)\(outcome.err)")
            #expect(outcome.err.contains("not an ELF file"), "\(outcome.err)")
            #expect(try stage.signature == before)
            #expect(try stage.crash.salvage("symbols", "list").status == 1)
        }

        @Test func whatNoServerHasIsNotAskedForAgainOnTheSameDay() throws {
            let stage = try Stage()
            let server = try AnsweringServer { _ in .notFound }
            defer { server.stop() }
            let first = try stage.fetch(server.url, "--allow-network")
            #expect(first.status == 1 && first.objects.first?["absent"] as? Int ?? 0 > 0, "\(first.out)\(first.err)")
            let asked = server.requests.count
            #expect(asked > 0)
            #expect(try stage.fetch(server.url, "--allow-network").status == 1)
            #expect(server.requests.count == asked)
            // Another server may have it.
            let second = try AnsweringServer { _ in .notFound }
            defer { second.stop() }
            #expect(try stage.fetch(second.url, "--allow-network").status == 1)
            #expect(second.requests.count == asked)
        }

        @Test(arguments: [StubbornServer.Manner.endless, .trickling, .silent])
        func aServerThatDoesNotEndIsLeft(_ manner: StubbornServer.Manner) throws {
            let stage = try Stage()
            let server = try StubbornServer(manner)
            defer { server.stop() }
            let outcome = try stage.fetch(
                server.url,
                config: "symbols: {debuginfod: {allowed: true, timeout: 1s, max_size: 1MiB}}\n")
            #expect(outcome.status == 3 && outcome.err.contains("symbol_server"), "\(outcome.out)\(outcome.err)")
            let left = Scratch.listing(stage.crash.store + "/symbols")
            #expect(!left.contains { $0.contains(".fetched") }, "\(left)")
        }

        @Test func aRedirectToAnotherSchemeIsNotFollowed() throws {
            let stage = try Stage()
            let server = try AnsweringServer { _ in
                .init(status: 302, body: [], headers: ["Location: file:///etc/passwd"])
            }
            defer { server.stop() }
            let outcome = try stage.fetch(server.url, "--allow-network")
            #expect(outcome.status == 3 && outcome.err.contains("not followed"), "\(outcome.out)\(outcome.err)")
        }
    }

    /// `symbols add --to` against a server that records what it is sent.
    @Suite(.enabled(if: CrashStage.possible, "no gcc, or core dumps go elsewhere on this machine"), .serialized)
    struct SymbolUploadTests {
        private static let added =
            #"{"added":1,"added_bytes":10,"known":0,"skipped":0,"without_build_id":[],"crashes":2,"signatures":1,"awaiting_symbols":0}"#

        @Test func filesAreSentWithTheToken() throws {
            let stage = try CrashStage()
            let server = try AnsweringServer { _ in .json(Self.added) }
            defer { server.stop() }
            let outcome = try Program.run(
                [
                    "symbols", "add", stage.scratch.path("a"), stage.scratch.path("server.c"), "--to", server.url + "/",
                    "--json",
                ],
                environment: ["SALVAGE_TOKEN": "t0ken"])
            #expect(outcome.status == 0, "\(outcome.out)\(outcome.err)")
            let report = try #require(outcome.objects.first)
            #expect(report["added"] as? Int == 3 && report["crashes"] as? Int == 6, "\(report)")
            #expect(report["skipped"] as? Int == 1)
            let requests = server.requests
            #expect(requests.count == 3)
            let files = try ["server", "server.debug", "server.full"].map {
                [UInt8](try Data(contentsOf: URL(fileURLWithPath: stage.scratch.path("a/" + $0))))
            }
            #expect(Set(requests.map(\.body)) == Set(files))
            for request in requests {
                #expect(request.head.hasPrefix("PUT /api/v1/symbols HTTP/1.1\r\n"), "\(request.head)")
                #expect(request.head.lowercased().contains("authorization: bearer t0ken\r\n"), "\(request.head)")
            }
            // The own store was not touched.
            #expect(!FileManager.default.fileExists(atPath: stage.store))
        }

        @Test func aRefusalSaysWhyAndNeverShowsTheToken() throws {
            let stage = try CrashStage()
            let server = try AnsweringServer { _ in
                .init(
                    status: 403,
                    body: Array(#"{"error":true,"code":"forbidden","message":"the role upload is missing"}"#.utf8))
            }
            defer { server.stop() }
            let file = stage.scratch.path("a/server.debug")
            let words = ["symbols", "add", file, "--to", server.url]
            let refused = try Program.run(words, environment: ["SALVAGE_TOKEN": "t0ken"])
            #expect(refused.status == 77 && refused.err.contains("the role upload is missing"), "\(refused.err)")
            #expect(!refused.err.contains("t0ken"))
            let none = try Program.run(words)
            #expect(none.status == 77 && none.err.contains("SALVAGE_TOKEN"), "\(none.err)")
            let token = stage.scratch.path("token")
            try "t0ken\n".write(toFile: token, atomically: true, encoding: .utf8)
            try shell("chmod 644 '\(token)'")
            let open = try Program.run(words + ["--token-file", token])
            #expect(open.status == 77 && open.err.contains("chmod 600"), "\(open.err)")
            let bad = try Program.run(["symbols", "add", file, "--to", "ftp://x"])
            #expect(bad.status == 64, "\(bad.err)")
            let gone = try Program.run(
                ["symbols", "add", file, "--to", "http://127.0.0.1:1"], environment: ["SALVAGE_TOKEN": "t0ken"])
            #expect(gone.status == 75 && gone.err.contains("did not answer"), "\(gone.err)")
        }
    }
}
