import Foundation
import JSON
import Testing

@testable import Sandbox

/// The environment and arguments of a session's process.
@Suite struct EnvironmentTests {
    /// The environment that the kernel gave the process, a variable a line.
    private static let script = "tr '\\0' '\\n' < /proc/$$/environ"

    private func environment(_ stage: Stage, _ id: String) async throws -> [(String, String)] {
        try await stage.untilEnd(id).text.split(separator: "\n").map { line in
            let halves = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(halves[0]), halves.count > 1 ? String(halves[1]) : "")
        }
    }

    @Test func eachNameComesOnceAndTheUpperLayerWins() async throws {
        let change: (inout SandboxConfiguration) -> Void = { $0.locations = ["europe=frankfurt"] }
        try await Stage.with(change) { stage in
            try stage.image(
                "env", script: Self.script,
                json: #"""
                    {"env": {"PATH": "/image:/usr/bin:/bin", "MODE": "image", "ONLY": "image", "EMPTY": "",
                             "SANDBOX_ROOT": "/image", "GAMEYE_HOST": "image"}}
                    """#)
            try await stage.start(
                "one", "env",
                #""env":{"MODE":"request","PATH":"/request:/usr/bin:/bin","GAMEYE_SESSION_ID":"x","SANDBOX_ROOT":"/r"}"#
            )
            let given = try await environment(stage, "one")
            let root = try #require(stage.server.report("one")).root
            #expect(
                Dictionary(given, uniquingKeysWith: { one, _ in one + " twice" }) == [
                    "PATH": "/request:/usr/bin:/bin", "MODE": "request", "ONLY": "image", "EMPTY": "",
                    "SANDBOX_ROOT": root, "GAMEYE_HOST": "127.0.0.1", "GAMEYE_SESSION_ID": "one",
                    "GAMEYE_LOCATION": "frankfurt", "GAMEYE_PORT_UDP_7777": "20000",
                ])
            let entry = try stage.object(try await stage.client.ask("GET", "/session/one"))
            let labels = try #require(entry["labels"] as? [String: String])
            let shown = try #require(labels["env"])
            let expected = JSONValue.strings(given).utf8
            #expect(Array(shown.utf8) == expected)
        }
    }

    @Test func withoutAnythingThereIsAPath() async throws {
        try await Stage.with { stage in
            try stage.image("env", script: Self.script)
            try await stage.start("one", "env")
            let given = try await environment(stage, "one")
            #expect(given.filter { $0.0 == "PATH" }.map(\.1) == ["/usr/local/bin:/usr/bin:/bin"])
            #expect(given.count { $0.0 == "SANDBOX_ROOT" } == 1)
        }
    }

    @Test func namesAreBytes() {
        let merged = SessionEnvironment.merged([
            [("\u{e9}", "1"), ("A", "1")], [("e\u{301}", "2"), ("A", "2")], [("B", "3"), ("A", "3")],
        ])
        #expect(merged.map(\.0.utf8.count) == [2, 1, 3, 1])
        #expect(merged.map(\.1) == ["1", "3", "2", "3"])
    }

    @Test func whatAProcessCannotBeGivenIsRefused() async throws {
        try await Stage.with { stage in
            for (field, json) in [
                ("env.A=B", #""env":{"A=B":"c"}"#), ("env.", #""env":{"":"c"}"#), ("env.=", #""env":{"=":"c"}"#),
                ("env.A\0", #""env":{"A\u0000":"c"}"#), ("env.A", #""env":{"A":"b\u0000"}"#),
                ("env.A", #""env":{"A":""}"#), ("env.A", #""env":{"A":"1","A":"2"}"#),
                ("args[0]", #""args":["a\u0000b"]"#), ("args[1]", #""args":["a",""]"#), ("id", #""id":"a\u0000""#),
                ("id", #""id":"""#), ("ttl", #""ttl":"5s""#), ("labels.a", #""labels":{"a":"1","a":"1"}"#),
                ("image", #""image":"waiter""#),
            ] {
                let answer = try await stage.client.ask(
                    "POST", "/session", json: #"{"location":"europe","image":"player",\#(json)}"#)
                #expect(answer.status == 422, "\(json): \(answer.text)")
                #expect(try stage.violations(answer) == [field], "\(json)")
            }
            #expect(try await stage.list("?all=true").isEmpty)
            // The kernel rejects an argument of this length.
            let long = String(repeating: "a", count: 300_000)
            let answer = try await stage.client.ask(
                "POST", "/session", json: #"{"location":"europe","image":"player","args":["\#(long)"]}"#)
            #expect(answer.status == 422)
            #expect(try stage.violations(answer) == ["args"])
        }
    }
}
