import Foundation
import SessionAPI
import Testing

/// Which responses are a success, and what they must contain.
@Suite struct AnswerTests {
    private static let run = SessionRunRequest(location: "l", image: "i", id: "mine")

    private typealias Asked = @Sendable (SessionAPIClient) async throws(APIError) -> Void

    private static let operations: [(APIOperation, good: String, Asked)] = [
        (
            .sessionRun, #"{"id":"s","host":"h","ports":[]}"#,
            { (c) async throws(APIError) in _ = try await c.sessionRun(run) }
        ),
        (.sessionList, #"{"sessions":[]}"#, { (c) async throws(APIError) in _ = try await c.sessionList() }),
        (.describeSession, #"{"id":"s"}"#, { (c) async throws(APIError) in _ = try await c.describeSession("s") }),
        (.sessionStop, "", { (c) async throws(APIError) in try await c.sessionStop("s") }),
        (
            .joinSession, #"{"count":1,"players":["p"]}"#,
            { (c) async throws(APIError) in
                _ = try await c.joinSession("s", players: ["p"])
            }
        ),
        (
            .leaveSession, #"{"count":0,"players":["p"]}"#,
            { (c) async throws(APIError) in
                _ = try await c.leaveSession(players: ["p"])
            }
        ),
        (.artifacts, "archive", { (c) async throws(APIError) in _ = try await c.artifacts(session: "s", path: "/p") }),
        (
            .availableLocations, #"{"locations":[]}"#,
            { (c) async throws(APIError) in
                _ = try await c.availableLocations(image: "i")
            }
        ),
        (
            .tagExists, #"{"exists":false}"#,
            { (c) async throws(APIError) in
                _ = try await c.tagExists(region: "r", image: "i", version: "v")
            }
        ),
        (.streamLogs, "log", { (c) async throws(APIError) in _ = try await c.streamLogs(session: "s") }),
    ]

    private func answered(
        _ status: String, _ headers: [String] = [], _ body: String, _ call: Asked
    ) async throws -> APIError? {
        try await withServer { _, peer in
            if status.hasPrefix("204") {
                peer.write("HTTP/1.1 204 No Content\r\n\r\n")
            } else {
                peer.respond(status, headers, body)
            }
            return .keepOpen
        } _: { client, _ in
            await failure { () async throws(APIError) in try await call(client) }
        }
    }

    @Test func eachOperationTakesItsOwnStatusesAlone() async throws {
        #expect(Self.operations.count == APIOperation.allCases.count)
        let promised: [APIOperation: Set<Int>] = [.sessionRun: [200, 201], .sessionStop: [200, 204]]
        for (operation, good, call) in Self.operations {
            for status in [200, 201, 202, 203, 204, 206, 226] {
                let error = try await answered("\(status) OK", ["Retry-After: 3"], status == 204 ? "" : good, call)
                if promised[operation, default: [200]].contains(status) {
                    #expect(error == nil, "\(operation) \(status): \(error as Any)")
                } else {
                    #expect(error?.kind == .invalidAnswer && error?.status == status, "\(operation) \(status)")
                    #expect(error?.message.contains("\(status)") == true)
                    if status != 204 {
                        #expect(error?.retryAfter == 3)
                        if !good.isEmpty { #expect(error?.bodyExcerpt == good) }
                    }
                    #expect(error?.isRetryable == (operation != .sessionRun))
                }
            }
        }
    }

    @Test func anErrorUnderAStatusOfSuccessIsAnError() async throws {
        let envelope =
            #"{"statusCode":503,"code":"BUSY","message":"later","details":"d","path":"/x","timestamp":"t","identifier":"trace-9"}"#
        for (operation, _, call) in Self.operations {
            let error = try await answered("200 OK", ["Content-Type: application/json"], envelope, call)
            #expect(error?.kind == .invalidAnswer, "\(operation): \(error as Any)")
            #expect(error?.status == 200 && error?.code?.rawValue == "BUSY" && error?.identifier == "trace-9")
            #expect(error?.message.hasSuffix("contains an error of status 503: later") == true && error?.details == "d")
            #expect(error?.innerStatus == 503 && error?.isRetryable == (operation != .sessionRun))
        }
        let other = try await answered("202 Accepted", [], envelope, Self.operations[0].2)
        #expect(other?.kind == .invalidAnswer && other?.code?.rawValue == "BUSY" && other?.status == 202)
        // A status below 400 or without a message is no error, nor is an unknown field.
        for body in [
            #"{"id":"s","statusCode":200,"code":"OK"}"#, #"{"id":"s","statusCode":500}"#, #"{"id":"s","code":"X"}"#,
        ] {
            #expect(try await answered("200 OK", [], body, Self.operations[2].2) == nil)
        }
    }

    @Test func aDownloadThatIsJSONIsHandedOverWhole() async throws {
        let body = #"{"statusCode":200,"players":"# + String(repeating: "[1,2,3],", count: 20_000) + "0}"
        for text in [#"{"a":1}"#, body] {
            try await withServer { _, peer in
                peer.respond("200 OK", ["Content-Type: application/json"], text)
                return .keepOpen
            } _: { client, _ in
                let (bytes, error) = await collect(try await client.artifacts(session: "s", path: "/p").body)
                #expect(bytes == Array(text.utf8) && error == nil)
            }
        }
        try await withServer { _, peer in
            peer.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"a\":")
            return .close
        } _: { client, _ in
            let (bytes, error) = await collect(try await client.artifacts(session: "s", path: "/p").body)
            #expect(bytes == Array("{\"a\":".utf8) && error?.kind == .truncated)
        }
    }

    @Test func aFieldThatIsMissingIsNamedAndNeverMadeUp() async throws {
        let cases: [(APIOperation, String, String)] = [
            (.sessionRun, "{}", "lacks the field host"), (.sessionRun, #"{"host":"h"}"#, "lacks the field ports"),
            (.sessionRun, #"{"host":"","ports":[]}"#, "field host is empty"),
            (.sessionRun, #"{"host":null,"ports":[]}"#, "field host is null"),
            (.sessionRun, #"{"host":"h","ports":[{"type":"tcp","container":1}]}"#, "lacks the field ports[0].host"),
            (.sessionRun, #"{"host":"h","ports":{}}"#, "field ports has another type"),
            (.sessionRun, #"{"id":5,"host":"h","ports":[]}"#, "field id has another type"),
            (
                .sessionRun, #"{"host":"h","ports":[{"type":"tcp","container":1,"host":0}]}"#,
                "ports[0].host is not a valid port"
            ),
            (.sessionList, "{}", "no field sessions"), (.describeSession, "{}", "lacks the field id"),
            (.describeSession, #"{"id":""}"#, "field id"), (.describeSession, "[]", "not a JSON object"),
            (.describeSession, "", "is empty"), (.describeSession, "null", "not a JSON object"),
            (.describeSession, "{", "not valid JSON"), (.joinSession, #"{"players":[]}"#, "lacks the field count"),
            (.joinSession, #"{"count":1}"#, "lacks the field players"),
            (.leaveSession, #"{"count":"1","players":[]}"#, "field count has another type"),
            (.availableLocations, "{}", "lacks the field locations"),
            (.availableLocations, #"{"locations":[{"id":"a"}]}"#, "lacks the field locations[0].ips"),
            (.availableLocations, #"{"locations":[{"ips":[]}]}"#, "lacks the field locations[0].id"),
            (.availableLocations, #"{"locations":[{"id":"a","ips":[1]}]}"#, "field locations[0].ips[0]"),
            (.tagExists, "{}", "lacks the field exists"),
            (.tagExists, #"{"exists":"yes"}"#, "field exists has another"),
        ]
        for (operation, body, words) in cases {
            let call = try #require(Self.operations.first { $0.0 == operation }).2
            let error = try await answered("200 OK", [], body, call)
            #expect(error?.kind == .invalidAnswer, "\(operation) \(body)")
            #expect(error?.message.contains(words) == true, "\(operation) \(body): \(error?.message ?? "")")
            if operation == .sessionRun { #expect(error?.mayHaveActed == true && error?.isRetryable == false) }
        }
    }

    @Test func aStartedSessionAlwaysHasAnID() async throws {
        let answers = [
            #"{"host":"h","ports":[]}"#, #"{"id":"theirs","host":"h","ports":[]}"#,
            #"{"id":null,"host":"h","ports":[]}"#,
        ]
        for (index, answer) in answers.enumerated() {
            try await withServer { _, peer in
                peer.respond("201 Created", [], answer)
                return .keepOpen
            } _: { client, server in
                let started = try await client.sessionRun(SessionRunRequest(location: "l", image: "i"))
                let sent = try #require(
                    try JSONSerialization.jsonObject(with: Data(server.requests[0].body.utf8)) as? [String: Any])
                let made = try #require(sent["id"] as? String)
                let form = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/
                #expect(made.wholeMatch(of: form) != nil, "\(made)")
                #expect(started.id == (index == 1 ? "theirs" : made))
                #expect(try await client.sessionRun(SessionRunRequest(location: "l", image: "i")).id != made)
            }
        }
    }

    @Test func whatMayHaveStartedASessionIsNotCalledRetryable() async throws {
        let answers: [(String, Bool)] = [
            ("HTTP/1.1 420 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", true),
            ("HTTP/1.1 429 Many\r\nContent-Length: 0\r\n\r\n", true),
            ("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", false),
            ("HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n", false),
            ("HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"host\"", false),
            ("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", false), ("", false), ("SSH-2.0\r\n", false),
        ]
        for (text, isRetryable) in answers {
            try await withServer { _, peer in
                peer.write(text)
                return .close
            } _: { client, _ in
                let error = await failure { () async throws(APIError) in try await client.sessionRun(Self.run) }
                #expect(
                    error?.isRetryable == isRetryable && error?.mayHaveActed == !isRetryable, "\(text) \(error as Any)")
                #expect(error?.session == "mine")
                if !isRetryable {
                    #expect(error?.hint?.contains("check session mine with the operation describe-session") == true)
                }
                if text.contains("Retry-After") {
                    #expect(
                        error?.hint == "try again in a few seconds or in another location; "
                            + "the server says to wait 7 s before retrying")
                }
            }
        }
        try await withServer { _, peer in
            peer.waitForClose()
            return .close
        } configure: {
            $0.headTimeout = .milliseconds(300)
        } _: { client, _ in
            let error = await failure { () async throws(APIError) in try await client.sessionRun(Self.run) }
            #expect(error?.kind == .timeout && error?.mayHaveActed == true && error?.isRetryable == false)
        }
    }

    @Test func theIdentifierIsSaidOnce() {
        var error = APIError(
            .server, operation: .describeSession, session: "s", status: 500, code: .init(rawValue: "X"), message: "m",
            identifier: "trace-1")
        #expect(error.summary == "describe-session of s: 500 X m")
        #expect(error.description == "describe-session of s: 500 X m (identifier trace-1)")
        error.message = "failed, see trace-1"
        #expect(error.description == "describe-session of s: 500 X failed, see trace-1")
    }
}
