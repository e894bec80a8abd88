import Foundation
import SessionAPI
import Testing

@Suite struct ClientErrorTests {
    private func describe(_ status: String, _ headers: [String] = [], _ body: String) async throws -> APIError {
        try await withServer { _, peer in
            peer.respond(status, headers, body)
            return .keepOpen
        } _: { client, _ in
            try #require(await failure { () async throws(APIError) in try await client.describeSession("sess/1") })
        }
    }

    @Test func statusesBecomeKinds() async throws {
        let kinds: [(String, APIError.Kind, Bool)] = [
            ("400 Bad Request", .badRequest, false), ("401 Unauthorized", .unauthorized, false),
            ("402 Payment Required", .quota, false), ("403 Forbidden", .forbidden, false),
            ("404 Not Found", .notFound, false), ("409 Conflict", .conflict, false),
            ("420 Enhance Your Calm", .capacity, true),
            ("422 Unprocessable", .unprocessable, false), ("429 Too Many", .rateLimited, true),
            ("500 Internal", .server, true), ("502 Bad Gateway", .server, true), ("503 Unavailable", .server, true),
            ("504 Timeout", .server, true), ("599 Odd", .server, true), ("302 Found", .unexpectedStatus, false),
            ("418 Teapot", .unexpectedStatus, false), ("408 Request Timeout", .unexpectedStatus, true),
        ]
        for (status, kind, retryable) in kinds {
            let error = try await describe(status, [], #"{"code":"SOMETHING_ELSE","message":"m"}"#)
            #expect(error.kind == kind, "\(status)")
            #expect(error.isRetryable == retryable, "\(status)")
            #expect(error.status == Int(status.prefix(3)))
            #expect(error.session == "sess/1")
            #expect(error.operation == .describeSession)
        }
    }

    @Test func theFullEnvelope() async throws {
        let error = try await describe(
            "422 Unprocessable", [],
            #"{"statusCode":422,"code":"INVALID_REQUEST","message":"bad","details":"d","path":"/session","identifier":"trace-1","timestamp":"2026-01-01T00:00:00Z","violations":[{"field":"id","description":"too long"}],"new":1}"#
        )
        #expect(
            error
                == APIError(
                    .unprocessable, operation: .describeSession, session: "sess/1", status: 422,
                    code: .init(rawValue: "INVALID_REQUEST"), message: "bad", details: "d", path: "/session",
                    identifier: "trace-1", timestamp: "2026-01-01T00:00:00Z",
                    violations: [.init(field: "id", description: "too long")]))
        #expect(error.description == "describe-session of sess/1: 422 INVALID_REQUEST bad (identifier trace-1)")
    }

    @Test func envelopesThatLackFieldsOrHaveOtherTypes() async throws {
        let sparse = try await describe("404 Not Found", [], #"{"code":"NOT_FOUND"}"#)
        #expect(sparse.code?.rawValue == "NOT_FOUND")
        #expect(sparse.message == "not found")
        #expect(sparse.details == nil && sparse.identifier == nil && sparse.violations.isEmpty)
        let odd = try await describe(
            "400 Bad", [],
            #"{"code":17,"message":["a","b"],"details":null,"violations":[{"field":1},5,{}],"identifier":{}}"#)
        #expect(odd.code?.rawValue == "17")
        #expect(odd.message == "a; b")
        #expect(odd.violations == [.init(field: "1", description: "")])
        #expect(try await describe("500 X", [], #"{"error":{"message":"inner"}}"#).message == "inner")
        #expect(try await describe("500 X", [], #"{"error":"plain"}"#).message == "plain")
        let foreign = try await describe("503 X", [], #"{"fault":{"x":1}}"#)
        #expect(foreign.message == "the service is unavailable")
        #expect(foreign.bodyExcerpt == #"{"fault":{"x":1}}"#)
    }

    @Test func bodiesThatAreNotJSON() async throws {
        let page = "<html>\r\n  <head><title>502 Bad Gateway</title></head>\n<body>\u{1B}[31mnginx\u{7}</body></html>"
        let error = try await describe("502 Bad Gateway", ["Content-Type: text/html"], page)
        #expect(error.kind == .server)
        #expect(error.message == "bad gateway")
        #expect(
            error.bodyExcerpt
                == #"<html> <head><title>502 Bad Gateway</title></head> <body>\u{1b}[31mnginx\u{7}</body></html>"#)
        #expect(try await describe("500 X", [], "").bodyExcerpt == nil)
        let long = try await describe("500 X", [], String(repeating: "ab ", count: 100_000))
        #expect((long.bodyExcerpt?.utf8.count ?? 0) < 450)
    }

    @Test func retryAfterInItsForms() async throws {
        func wait(_ headers: [String]) async throws -> Double? {
            try await describe("429 Too Many", headers, "{}").retryAfter
        }
        #expect(try await wait([]) == nil)
        #expect(try await wait(["Retry-After: 7"]) == 7)
        #expect(try await wait(["Retry-After: 1.5"]) == 1.5)
        #expect(try await wait(["Retry-After: -3"]) == nil)
        #expect(try await wait(["Retry-After: soon"]) == nil)
        #expect(try await wait(["Retry-After: nan"]) == nil)
        #expect(try await wait(["Retry-After: 99999999999"]) == 86_400)
        let dates = ["Date: Sun, 06 Nov 1994 08:49:37 GMT", "Retry-After: Sun, 06 Nov 1994 08:50:07 GMT"]
        #expect(try await wait(dates) == 30)
        #expect(try await wait(["Retry-After: Sun, 06 Nov 1994 08:50:07 GMT"]) == 0)
    }

    @Test func noErrorHoldsTheToken() async throws {
        let echo = "you sent \(testToken) and \(testToken)!"
        let bodies = [
            echo, #"{"code":"\#(testToken)","message":"\#(echo)","details":"\#(echo)","path":"/\#(testToken)"}"#,
            #"{"message":"token-that\u002dmust-not-be-seen","violations":[{"field":"\#(testToken)"}]}"#,
            String(repeating: "x", count: 390) + testToken, "<html>" + echo, #"{"x":"\#(echo)"}"#,
        ]
        for body in bodies {
            let error = try await describe("401 Unauthorized", ["X-Echo: \(testToken)"], body)
            var dumped = ""
            dump(error, to: &dumped)
            for text in [dumped, error.description, String(reflecting: error)] {
                #expect(!text.contains(testToken))
                #expect(!text.contains("token-that-must"))
            }
        }
    }

    @Test func successesThatAreNotWhatWasPromised() async throws {
        let page = try await describe("200 OK", ["Content-Type: text/html"], "<html>login</html>")
        #expect(page.kind == .invalidAnswer)
        #expect(page.bodyExcerpt == "<html>login</html>")
        let empty = try await describe("200 OK", [], "{}")
        #expect(empty.kind == .invalidAnswer)
        #expect(empty.message == "the response lacks the field id")
    }

    @Test func answersBeyondTheLimitAreNotTakenIn() async throws {
        try await withServer { _, peer in
            peer.respond("200 OK", [], #"{"id":""# + String(repeating: "a", count: 300_000) + #""}"#)
            return .keepOpen
        } configure: {
            $0.maximumAnswer = 100_000
        } _: { client, _ in
            let error = await failure { () async throws(APIError) in try await client.describeSession("a") }
            #expect(error?.kind == .invalidAnswer)
        }
    }
}

@Suite struct ClientStreamTests {
    private func download(
        configure: (inout SessionAPIClient.Configuration) -> Void = { _ in },
        _ answer: @escaping @Sendable (RawServer.Peer) -> Void
    ) async throws -> (bytes: [UInt8], error: APIError?) {
        try await withServer { _, peer in
            answer(peer)
            return .close
        } configure: {
            configure(&$0)
        } _: { client, _ in
            await collect(try await client.artifacts(session: "a", path: "/p").body)
        }
    }

    @Test func framingsOfABody() async throws {
        let ok = "HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\n"
        let bodies = [
            ok + "Content-Length: 5\r\n\r\nhello",
            ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            ok + "Connection: close\r\n\r\nhello", "HTTP/1.0 200 OK\r\n\r\nhello",
        ]
        for (index, body) in bodies.enumerated() {
            try await withServer { _, peer in
                peer.write(body)
                return .close
            } _: { client, _ in
                let download = try await client.artifacts(session: "a", path: "/p")
                let framings: [BodyHead.Framing] = [.length(5), .chunked, .untilClose, .untilClose]
                #expect(download.head.framing == framings[index])
                if index < 3 { #expect(download.head.contentType == "application/x-tar") }
                let (bytes, error) = await collect(download.body)
                #expect(bytes == Array("hello".utf8))
                #expect(error == nil)
            }
        }
    }

    @Test func bodiesThatAreCutDeliverWhatCameAndThenFail() async throws {
        let ok = "HTTP/1.1 200 OK\r\n"
        let cut = [
            ok + "Content-Length: 500\r\n\r\nhello", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            ok + "Transfer-Encoding: chunked\r\n\r\n50\r\nhello",
            ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        ]
        for text in cut {
            for reset in [false, true] {
                let (bytes, error) = try await download { peer in
                    peer.write(text)
                    guard reset else { return }
                    // A reset discards what the client has not read yet.
                    Thread.sleep(forTimeInterval: 0.5)
                    peer.reset()
                }
                #expect(bytes == Array("hello".utf8), "\(text) reset \(reset)")
                #expect(error?.kind == .truncated, "\(text) reset \(reset): \(String(describing: error))")
                #expect(error?.isRetryable == true)
            }
        }
    }

    @Test func chunksThatAreNotChunks() async throws {
        let (bytes, error) = try await download { peer in
            peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            // The HTTP parser drops data that arrives in one piece with the damage.
            Thread.sleep(forTimeInterval: 0.5)
            peer.write("zz\r\n")
            peer.waitForClose()
        }
        #expect(bytes == Array("hello".utf8))
        #expect(error?.kind == .invalidAnswer)
    }

    @Test func answersThatAreNotHTTP() async throws {
        for text in ["SSH-2.0-OpenSSH_9.2\r\n", "\u{0}\u{1}\u{2}", "HTTP/1.1 abc\r\n\r\n", ""] {
            try await withServer { _, peer in
                peer.write(text)
                return .close
            } _: { client, _ in
                let error = await failure { () async throws(APIError) in try await client.describeSession("a") }
                #expect(
                    error?.kind == .invalidAnswer || error?.kind == .network, "\(text): \(String(describing: error))")
            }
        }
    }

    @Test func aBodyThatStallsTimesOut() async throws {
        let (bytes, error) = try await download {
            $0.stallTimeout = .milliseconds(200)
        } _: { peer in
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello")
            peer.waitForClose()
        }
        #expect(bytes == Array("hello".utf8))
        #expect(error?.kind == .timeout)
    }

    @Test func aSlowBodyThatMovesDoesNot() async throws {
        let (bytes, error) = try await download {
            $0.stallTimeout = .seconds(20)
            $0.headTimeout = .seconds(5)
        } _: { peer in
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")
            for _ in 0..<8 {
                Thread.sleep(forTimeInterval: 0.8)
                peer.write("x")
            }
        }
        #expect(bytes.count == 8)
        #expect(error == nil)
    }

    @Test func aSlowReaderIsNotTakenForAStall() async throws {
        try await withServer { _, peer in
            peer.respond("200 OK", [], String(repeating: "x", count: 4 << 20))
            return .close
        } configure: {
            $0.stallTimeout = .seconds(8)
        } _: { client, _ in
            var count = 0
            for try await chunk in try await client.artifacts(session: "a", path: "/p").body {
                if count == 0 { try await Task.sleep(for: .seconds(9)) }
                count += chunk.count
            }
            #expect(count == 4 << 20)
        }
    }

    @Test func noAnswerTimesOut() async throws {
        try await withServer { _, peer in
            peer.waitForClose()
            return .close
        } configure: {
            $0.headTimeout = .milliseconds(200)
        } _: { client, _ in
            let error = await failure { () async throws(APIError) in try await client.describeSession("a") }
            #expect(error?.kind == .timeout)
        }
    }

    @Test func cancellingEndsATransferAsCancelled() async throws {
        try await withServer { _, peer in
            peer.write("HTTP/1.1 200 OK\r\n\r\nhello")
            peer.waitForClose()
            return .close
        } _: { client, _ in
            for follow in [true, false] {
                let task = Task { () -> APIError? in
                    await failure { () async throws(APIError) in
                        for try await _ in try await client.streamLogs(session: "a", follow: follow) {}
                    }
                }
                try await Task.sleep(for: .milliseconds(200))
                task.cancel()
                #expect(await task.value?.kind == .cancelled)
            }
        }
    }

    @Test func aBodyIsNotReadAheadOfItsReader() async throws {
        let sent = Counter()
        try await withServer { _, peer in
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: \(256 << 20)\r\n\r\n")
            let block = [UInt8](repeating: 0, count: 1 << 20)
            for _ in 0..<256 {
                guard peer.write(block) else { break }
                sent.add(1)
            }
            return .close
        } _: { client, _ in
            let download = try await client.artifacts(session: "a", path: "/p")
            var iterator = download.body.makeAsyncIterator()
            _ = try await iterator.next()
            try await Task.sleep(for: .milliseconds(500))
            // Socket buffers of both sides hold a few MiB at most; the rest must still be at the server.
            #expect(sent.value < 64)
            _ = try await iterator.next()
        }
    }

    @Test func listsThatAreCutOrNotLists() async throws {
        let cases: [(String, APIError.Kind)] = [
            (#"{"sessions":[{"id":"a"},{"id"#, .truncated), ("<html>", .invalidAnswer), (#"{"x":1}"#, .invalidAnswer),
            (#"{"sessions":[{"id":"a"},]]"#, .invalidAnswer),
        ]
        for (body, kind) in cases {
            try await withServer { _, peer in
                peer.respond("200 OK", [], body)
                return .close
            } _: { client, _ in
                let error = await failure { () async throws(APIError) in try await client.sessionList() }
                #expect(error?.kind == kind, "\(body)")
            }
        }
        try await withServer { _, peer in
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + #"{"sessions":[{"id":"a"},{"id":"b"},"#)
            Thread.sleep(forTimeInterval: 0.05)
            return .close
        } _: { client, _ in
            var ids: [String] = []
            let error = await failure { () async throws(APIError) in try await client.sessionList { ids.append($0.id) }
            }
            #expect(error?.kind == .truncated)
            #expect(ids.first == "a")
        }
    }

    @Test func dockerFramesInALogAreTakenOut() async throws {
        try await withServer { _, peer in
            peer.write("HTTP/1.1 200 OK\r\n\r\n")
            for text in ["one\n", "two\n"] {
                let frame: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 4] + Array(text.utf8)
                for byte in frame {
                    peer.write([byte])
                    Thread.sleep(forTimeInterval: 0.002)
                }
            }
            return .close
        } _: { client, _ in
            var log: [UInt8] = []
            for try await chunk in try await client.streamLogs(session: "a") { log += chunk.bytes }
            #expect(String(decoding: log, as: UTF8.self) == "one\ntwo\n")
        }
    }
}
