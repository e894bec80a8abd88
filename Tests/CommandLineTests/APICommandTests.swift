import Foundation
import Testing

/// `salvage api` against the real sandbox: what each operation prints, and how it exits.
@Suite(.serialized) struct APICommandTests {
    @Test func everyOperationPrintsTheObjectThatTheDescriptionNames() throws {
        let sandbox = try SandboxProgram()
        let run = try sandbox.salvage(
            "api", "session-run", "--location", "europe", "--image", "lobby", "--id", "op/1", "--label", "map=Harbour",
            "--label", "empty=", "--env", "MODE=a=b", "--arg", "--players=8", "--restart=false", "--ttl", "30m2h")
        #expect(run.status == 0, "\(run.err)")
        #expect(run.out.hasPrefix(#"{"id":"op/1","host":"127.0.0.1","ports":[{"type":"udp","container":7777,"host":2"#))

        let list = try sandbox.salvage("api", "session-list", "--filter", "map=Harbour", "--filter", "empty")
        #expect(list.objects.count == 1 && list.status == 0, "\(list.err)")
        // The order of the API's description.
        let order = ["id", "image", "tag", "location", "host", "created", "port", "status", "labels", "playerCount"]
        let places = order.map { key in list.out.range(of: "\"\(key)\":")?.lowerBound }
        #expect(!places.contains(nil) && zip(places, places.dropFirst()).allSatisfy { $0.0! < $0.1! }, "\(list.out)")
        #expect(!list.out.contains("MODE"), "the environment must not be shown")
        #expect(try sandbox.salvage("api", "session-list", "--filter", "nolabel").out.isEmpty)
        #expect(try sandbox.salvage("api", "session-list", "--filter", "map=Citadel").out.isEmpty)
        #expect(try sandbox.salvage("api", "session-list", "--filter-not", "map").out.isEmpty)

        let joined = try sandbox.salvage("api", "join-session", "op/1", "ann", "bob")
        #expect(joined.out == #"{"count":2,"players":["ann","bob"]}"# + "\n")
        let described = try sandbox.salvage("api", "describe-session", "op/1")
        #expect(described.out.contains(#""players":{"joined":["ann","bob"],"joinedCount":2}"#), "\(described.out)")
        #expect(try sandbox.salvage("api", "session-list", "--players-gt", "1").objects.count == 1)
        #expect(try sandbox.salvage("api", "session-list", "--players-lt", "2").objects.isEmpty)
        // Those who remain in the session that ann left.
        #expect(try sandbox.salvage("api", "leave-session", "ann").out == #"{"count":1,"players":["ann"]}"# + "\n")
        #expect(try sandbox.salvage("api", "leave-session", "zoe").out == #"{"count":0,"players":["zoe"]}"# + "\n")

        let places2 = try sandbox.salvage("api", "get-available-locations", "lobby")
        #expect(
            places2.out == #"{"id":"europe","ips":["127.0.0.1"]}"# + "\n" + #"{"id":"us-east","ips":["127.0.0.1"]}"#
                + "\n")
        let known = try sandbox.salvage("api", "tag-exists", "europe", "lobby", "1.0")
        #expect(known.out == "{\"exists\":true}\n" && known.status == 0)
        let unknown = try sandbox.salvage("api", "tag-exists", "europe", "lobby", "1.1")
        #expect(unknown.out == "{\"exists\":false}\n" && unknown.status == 1)

        #expect(try sandbox.salvage("api", "stream-logs", "op/1").out == "hello from op/1\n")
        let stopped = try sandbox.salvage("api", "session-stop", "op/1")
        #expect(stopped.status == 0 && stopped.out.isEmpty)
        try sandbox.ended("op/1")
        #expect(try sandbox.salvage("api", "stream-logs", "--follow", "op/1").out == "hello from op/1\nleaving\n")
        let file = sandbox.scratch.path("saved.tar.gz")
        #expect(try sandbox.salvage("api", "artifacts", "op/1", "/game/Saved", "-o", file).status == 0)
        #expect(try shell("tar xzOf \(file) Saved/Logs/Game.log").out == "log of op/1\n")
        // It has ended: a conflict is an error that a retry does not change.
        #expect(try sandbox.salvage("api", "session-stop", "op/1").status == 2)
    }

    @Test func whatIsNotThereExitsWithOne() throws {
        let sandbox = try SandboxProgram()
        for arguments in [
            ["describe-session", "none"], ["session-stop", "none"], ["join-session", "none", "ann"],
            ["artifacts", "none", "/game", "-o", sandbox.scratch.path("x")], ["stream-logs", "none"],
            ["get-available-locations", "none"], ["tag-exists", "europe", "none", "1"],
            ["session-run", "--location", "moon", "--image", "lobby"],
            ["session-run", "--location", "europe", "--image", "none"],
            ["session-run", "--location", "europe", "--image", "lobby", "--version", "9"],
        ] {
            let outcome = try Program.run(
                ["api"] + arguments, environment: ["SALVAGE_API_URL": sandbox.url, "GAMEYE_API_TOKEN": "sandbox"])
            #expect(
                outcome.status == 1 && outcome.err.contains("404"), "\(arguments): \(outcome.status) \(outcome.err)")
        }
    }

    /// What the API's description forbids is not sent: there is no server, and the exit code is that of a usage error.
    @Test(arguments: [
        ["session-run", "--location", "", "--image", "i"], ["session-run", "--location", "l", "--image", ""],
        ["session-run", "--location", "l", "--image", "i", "--id", ""],
        ["session-run", "--location", "l", "--image", "i", "--env", "B="],
        ["session-run", "--location", "l", "--image", "i", "--env", "=B"],
        ["session-run", "--location", "l", "--image", "i", "--env", "B"],
        ["session-run", "--location", "l", "--image", "i", "--env", "A=1", "--env", "A=1"],
        ["session-run", "--location", "l", "--image", "i", "--label", "A=1", "--label", "A=1"],
        ["session-run", "--location", "l", "--image", "i", "--arg", ""],
        ["session-run", "--location", "l", "--image", "i", "--ttl", "30s"],
        ["session-run", "--location", "l", "--image", "i", "--ttl", ""],
        ["session-run", "--location", "l", "--image", "i", "--restart=maybe"],
        ["session-list", "--filter", ""], ["session-list", "--filter", "=v"],
        ["session-list", "--url", "http://127.0.0.1:1", "--server", "sandbox"],
        ["session-list", "--server", "moon"], ["session-list", "--url", "nonsense"],
        ["session-list", "--url", "http://127.0.0.1:65536"], ["session-list", "--url", "http://127.0.0.1:0"],
        ["session-list", "--url", "http://127.0.0.1:"], ["session-list", "--url", "http://[::1]x"],
        ["session-list", "--url", "http://127.0.0.1:99999999999999999999"], ["session-list", "--filter", "0=y"],
        ["artifacts", "s", "/p", "-o", ""],
        ["describe-session", ""], ["session-stop", ""], ["join-session", "", "ann"], ["stream-logs", ""],
        ["artifacts", "s", "", "-o", "/dev/null"], ["artifacts", "s", "game/Saved", "-o", "/dev/null"],
        ["get-available-locations", ""], ["tag-exists", "europe", "", "1"],
    ])
    func whatTheDescriptionForbidsIsRefusedBeforeSending(_ arguments: [String]) throws {
        // With a token and without one.
        for token in [["GAMEYE_API_TOKEN": "t"], [:]] {
            let outcome = try Program.run(
                ["api"] + arguments,
                environment: token.merging(["SALVAGE_API_URL": "http://127.0.0.1:1"]) { first, _ in first })
            #expect(outcome.status == 64, "\(arguments): \(outcome.status) \(outcome.err)")
        }
    }

    @Test func theFlagsNameTheServer() throws {
        let sandbox = try SandboxProgram()
        func list(_ arguments: String...) throws -> Program.Outcome {
            try Program.run(
                ["api", "session-list"] + arguments,
                environment: ["SALVAGE_API_URL": "http://127.0.0.1:1", "GAMEYE_API_TOKEN": "sandbox"])
        }
        #expect(try list().status == 75)
        #expect(try list("--url", sandbox.url).status == 0)
        #expect(try list("--url", sandbox.url + "/").status == 0)
        // A wrong address is not a busy server.
        let elsewhere = try list("--url", sandbox.url + "/v2")
        #expect(elsewhere.status == 2 && elsewhere.err.contains("--url"), "\(elsewhere.err)")
        let help = try Program.run(["api", "session-list", "--help"]).out
        for address in [
            "https://api.sandbox-gameye.gameye.net", "https://api.production-gameye.gameye.net",
            "https://api.gameye.io",
        ] {
            #expect(help.replacingOccurrences(of: "\n", with: "").contains(address), "\(help)")
        }
    }

    @Test func anIdIsMadeUpAndPrinted() throws {
        let sandbox = try SandboxProgram()
        let run = try sandbox.salvage("api", "session-run", "--location", "europe", "--image", "brief")
        let id = try #require(run.objects.first?["id"] as? String)
        let form = try NSRegularExpression(
            pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        #expect(form.firstMatch(in: id, range: NSRange(id.startIndex..., in: id)) != nil, "\(id)")
        try sandbox.ended(id)
    }
}

/// `salvage api` against scripted servers: errors as text, fields and exit codes.
@Suite struct APIErrorTests {
    private static let envelope = #"""
        {"statusCode":$S,"code":"SERVER_Word","message":"It is so.","details":"More of it.","path":"/session/s-1",
        "timestamp":"2026-11-29T10:00:00Z","identifier":"trace-77",
        "violations":[{"field":"ttl","description":"is odd"}]}
        """#

    private func answering(
        _ status: Int, _ body: String, headers: [String] = [], _ arguments: [String]
    ) throws -> (Program.Outcome, AnsweringServer) {
        let server = try AnsweringServer { _ in .init(status: status, body: Array(body.utf8), headers: headers) }
        defer { server.stop() }
        let outcome = try Program.run(
            arguments, environment: ["SALVAGE_API_URL": server.url, "GAMEYE_API_TOKEN": "sandbox"])
        return (outcome, server)
    }

    @Test(arguments: [
        (400, 2), (401, 77), (402, 2), (403, 77), (404, 1), (409, 2), (420, 75), (422, 2), (429, 75), (500, 75),
        (503, 75),
        (302, 2), (418, 2),
    ])
    func errorsAreFieldsWithJSON(_ status: Int, _ exit: Int) throws {
        let body = Self.envelope.replacingOccurrences(of: "$S", with: "\(status)")
        let (outcome, _) = try answering(status, body, ["--json", "api", "describe-session", "s-1"])
        #expect(Int(outcome.status) == exit, "\(outcome.err)")
        let error = try #require(
            JSONSerialization.jsonObject(with: Data(outcome.err.utf8)) as? [String: Any], "\(outcome.err)")
        #expect(error["code"] as? String == "SERVER_Word" && error["status"] as? Int == status)
        #expect(error["identifier"] as? String == "trace-77" && error["details"] as? String == "More of it.")
        #expect(error["path"] as? String == "/session/s-1" && error["timestamp"] as? String == "2026-11-29T10:00:00Z")
        #expect(error["session"] as? String == "s-1" && error["operation"] as? String == "describe-session")
        let violations = try #require(error["violations"] as? [[String: String]])
        #expect(violations == [["field": "ttl", "description": "is odd"]])
        #expect(outcome.err.components(separatedBy: "trace-77").count == 2, "\(outcome.err)")
        let (text, _) = try answering(status, body, ["api", "describe-session", "s-1"])
        #expect(text.err.components(separatedBy: "trace-77").count == 2, "said once: \(text.err)")
        #expect(text.err.contains("ttl: is odd") && text.err.contains("It is so."), "\(text.err)")
    }

    /// A call that may have started something must not look retryable.
    @Test(arguments: [(420, 75), (429, 75), (500, 2), (502, 2), (504, 2), (402, 2), (404, 1), (409, 2), (422, 2)])
    func aStartThatMayHaveHappenedIsNotToBeRepeated(_ status: Int, _ exit: Int) throws {
        let start = ["api", "session-run", "--location", "l", "--image", "i"]
        let (outcome, _) = try answering(status, "{}", start)
        #expect(Int(outcome.status) == exit, "\(outcome.err)")
    }

    @Test(arguments: [
        (201, #"{"id":"a"}"#), (201, #"{"id":"a","host":"h"}"#), (201, #"{"id":"a","ports":[]}"#),
        (202, #"{"id":"a","host":"h","ports":[]}"#), (201, "{}"), (201, ""), (204, ""),
        (200, #"{"statusCode":500,"code":"INTERNAL_ERROR","message":"m","identifier":"t-1"}"#),
        (201, #"{"id":"a","host":"h","ports":[{"type":"udp"}]}"#),
    ])
    func anAnswerThatIsNoStartedSessionIsNotShownAsOne(_ status: Int, _ body: String) throws {
        let (outcome, _) = try answering(status, body, ["api", "session-run", "--location", "l", "--image", "i"])
        #expect(outcome.status == 2 && outcome.out.isEmpty, "\(outcome.status) \(outcome.out) \(outcome.err)")
        if body == "{}" {
            #expect(!outcome.err.contains("not valid JSON") && outcome.err.contains("host"), "\(outcome.err)")
        }
    }

    @Test func theMadeUpIdIsInTheRequestAndInTheError() throws {
        let (outcome, server) = try answering(
            502, "<html></html>", ["--json", "api", "session-run", "--location", "l", "--image", "i"])
        let request = try #require(server.requests.first)
        let sent = try #require(JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any])
        let id = try #require(sent["id"] as? String)
        let error = try #require(JSONSerialization.jsonObject(with: Data(outcome.err.utf8)) as? [String: Any])
        #expect(id.count == 36 && error["session"] as? String == id, "\(outcome.err)")
        #expect(server.requests.count == 1)
    }

    @Test(arguments: [420, 429, 503])
    func theTimeThatAServerAsksForIsShown(_ status: Int) throws {
        let (outcome, _) = try answering(
            status, "{}", headers: ["Retry-After: 37"], ["api", "session-run", "--location", "l", "--image", "i"])
        #expect(outcome.err.contains("37 s"), "\(outcome.err)")
        let (json, _) = try answering(
            status, "{}", headers: ["Retry-After: 37"], ["--json", "api", "session-list"])
        let error = try #require(JSONSerialization.jsonObject(with: Data(json.err.utf8)) as? [String: Any])
        #expect(error["retry_after"] as? Double == 37, "\(json.err)")
    }

    /// The token is `sandbox`: an id that holds it is the caller's own.
    @Test(arguments: ["sandbox-1", "sandbox", "my-sandbox"])
    func anIdThatHoldsTheTokenIsShown(_ id: String) throws {
        let body = #"{"statusCode":404,"code":"C","message":"No session \#(id), token sandbox!"}"#
        let (outcome, _) = try answering(404, body, ["--json", "api", "describe-session", id])
        let error = try #require(JSONSerialization.jsonObject(with: Data(outcome.err.utf8)) as? [String: Any])
        #expect(error["session"] as? String == id)
        #expect((error["message"] as? String)?.contains("No session \(id),") == true, "\(outcome.err)")
        if id != "sandbox" { #expect(!outcome.err.contains("token sandbox!"), "\(outcome.err)") }
    }

    /// Only that list names the sessions that exited.
    @Test(arguments: [(402, 2), (422, 2), (503, 75)])
    func aPassWithoutTheListOfAllSessionsIsNoSuccess(_ status: Int, _ exit: Int) throws {
        let scratch = try Scratch()
        let server = try AnsweringServer { request in
            request.query["all"] == nil
                ? .json(#"{"sessions":[]}"#) : .init(status: status, body: Array(#"{"message":"no"}"#.utf8))
        }
        defer { server.stop() }
        let outcome = try Program.run(
            ["harvest", "--quiet"],
            environment: [
                "SALVAGE_API_URL": server.url, "GAMEYE_API_TOKEN": "a-secret", "SALVAGE_STORE": scratch.path("store"),
            ])
        #expect(Int(outcome.status) == exit && outcome.err.contains("\(status)"), "\(outcome.status) \(outcome.err)")
    }

    @Test func anErrorUnderAStatusOfSuccessIsAsFinalAsItsOwnStatus() throws {
        for (inner, exit) in [("404", 2), ("\"409\"", 2), ("401", 2), ("503", 75)] {
            let body = "{\"statusCode\":\(inner),\"code\":\"X\",\"message\":\"no\",\"identifier\":\"i-1\"}"
            for arguments in [["describe-session", "s"], ["session-stop", "s"], ["session-list"]] {
                let (outcome, _) = try answering(200, body, ["api"] + arguments)
                #expect(Int(outcome.status) == exit && outcome.out.isEmpty, "\(inner) \(arguments): \(outcome.err)")
                #expect(outcome.err.contains("contains an error of status"), "\(outcome.err)")
            }
        }
        for (status, body) in [(200, "<html>portal</html>"), (202, ""), (200, #"{"message":"no"}"#)] {
            #expect(try answering(status, body, ["api", "session-stop", "s"]).0.status != 0)
        }
        #expect(try answering(200, "", ["api", "session-stop", "s"]).0.status == 0)
    }

    @Test func aStartWhoseConnectionBrokeSaysWhereToLook() throws {
        let server = try AnsweringServer { _ in .init(status: 0, body: []) }
        defer { server.stop() }
        let outcome = try Program.run(
            ["api", "session-run", "--location", "l", "--image", "i", "--id", "mine-1"],
            environment: ["SALVAGE_API_URL": server.url, "GAMEYE_API_TOKEN": "a-secret"])
        #expect(
            outcome.status == 2 && outcome.err.contains("with salvage api describe-session mine-1 "), "\(outcome.err)")
    }

    @Test(arguments: [(402, 2), (404, 2), (422, 2), (400, 2), (302, 2), (401, 77), (403, 77), (500, 75), (429, 75)])
    func aListThatIsRefusedEndsAHarvestAsItIs(_ status: Int, _ exit: Int) throws {
        let scratch = try Scratch()
        let body = Self.envelope.replacingOccurrences(of: "$S", with: "\(status)")
        let server = try AnsweringServer { _ in .init(status: status, body: Array(body.utf8)) }
        defer { server.stop() }
        let outcome = try Program.run(
            ["--json", "harvest", "--max-runtime", "20s"],
            environment: [
                "SALVAGE_API_URL": server.url, "GAMEYE_API_TOKEN": "a-secret", "SALVAGE_STORE": scratch.path("store"),
            ])
        #expect(Int(outcome.status) == exit, "\(outcome.status) \(outcome.err)")
        let error = try #require(
            outcome.err.split(separator: "\n").compactMap {
                (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any]
            }.last, "\(outcome.err)")
        #expect(error["status"] as? Int == status && error["identifier"] as? String == "trace-77", "\(outcome.err)")
        // A permanent error is requested once for each of the two lists.
        if [400, 402, 404, 422].contains(status) { #expect(server.requests.count == 2, "\(server.requests.count)") }
    }
}
