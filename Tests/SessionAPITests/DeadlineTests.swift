import Foundation
import SessionAPI
import Testing

/// A call ends within its time limit, wherever it hangs.
@Suite struct DeadlineTests {
    private func overdue(
        _ handler: @escaping @Sendable (RawServer.Request, RawServer.Peer) -> RawServer.Next,
        _ call: (SessionAPIClient) async throws(APIError) -> Void
    ) async throws -> APIError? {
        try await withServer(handler) {
            $0.callTimeout = .milliseconds(300)
        } _: { client, _ in
            await failure { () async throws(APIError) in try await call(client) }
        }
    }

    private func described(_ client: SessionAPIClient) async throws(APIError) {
        _ = try await client.describeSession("s")
    }

    @Test(.timeLimit(.minutes(1))) func aHeadThatDoesNotCome() async throws {
        let error = try await overdue { _, peer in
            peer.waitForClose()
            return .close
        } _: { (client) async throws(APIError) in
            try await described(client)
        }
        #expect(
            error?.kind == .timeout && error?.message.contains("did not finish within 0.3 seconds") == true,
            "\(error as Any)")
        #expect(error?.mayHaveActed == true)
    }

    @Test(.timeLimit(.minutes(1))) func bodiesThatDoNotEnd() async throws {
        let handler: @Sendable (RawServer.Request, RawServer.Peer) -> RawServer.Next = { _, peer in
            peer.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            // A byte now and then: it never stalls.
            while peer.write(" ") { Thread.sleep(forTimeInterval: 0.02) }
            return .close
        }
        for operation in [
            APIOperation.describeSession, .sessionList, .sessionStop, .artifacts, .streamLogs, .sessionRun,
        ] {
            for follow in operation == .streamLogs ? [true, false] : [false] {
                let error = try await overdue(handler) { (client) async throws(APIError) in
                    try await Self.carryOut(operation, client, follow)
                }
                #expect(error?.kind == .timeout, "\(operation): \(error as Any)")
            }
        }
    }

    private static func carryOut(
        _ operation: APIOperation, _ client: SessionAPIClient, _ follow: Bool
    ) async throws(APIError) {
        switch operation {
        case .sessionRun: _ = try await client.sessionRun(SessionRunRequest(location: "l", image: "i"))
        case .sessionList: _ = try await client.sessionList()
        case .sessionStop: try await client.sessionStop("s")
        case .artifacts: for try await _ in try await client.artifacts(session: "s", path: "/p").body {}
        case .streamLogs: for try await _ in try await client.streamLogs(session: "s", follow: follow) {}
        default: _ = try await client.describeSession("s")
        }
    }

    @Test(.timeLimit(.minutes(1))) func aTokenThatDoesNotCome() async throws {
        let server = RawServer { _, _ in .close }
        // A source that ignores cancellation and time.
        var configuration = SessionAPIClient.Configuration(baseURL: server.url) {
            await withCheckedContinuation { continuation in
                Thread {
                    Thread.sleep(forTimeInterval: 40)
                    continuation.resume(returning: "late")
                }.start()
            }
        }
        configuration.callTimeout = .milliseconds(200)
        let client = try SessionAPIClient(configuration)
        let run = SessionRunRequest(location: "l", image: "i")
        let error = await failure { () async throws(APIError) in try await client.sessionRun(run) }
        #expect(error?.kind == .timeout && error?.mayHaveActed == false && error?.isRetryable == true)
        #expect(error?.message.contains("still waiting for the token") == true)
        configuration.callTimeout = nil
        let patient = try SessionAPIClient(configuration)
        let task = Task { await failure { () async throws(APIError) in try await patient.describeSession("s") } }
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        #expect(await task.value?.kind == .cancelled)
        #expect(server.requests.isEmpty)
        await client.shutdown()
        await patient.shutdown()
        server.stop()
    }

    @Test(.timeLimit(.minutes(1))) func aLimitForSingleCallsSharesTheConnections() async throws {
        try await withServer { request, peer in
            guard request.target == "/session/slow" else {
                peer.respond("200 OK", [], #"{"id":"a"}"#)
                return .keepOpen
            }
            peer.waitForClose()
            return .close
        } _: { client, server in
            let quick = client.limited(to: .milliseconds(300))
            for _ in 0..<5 {
                _ = try await client.describeSession("a")
                _ = try await client.limited(to: .seconds(50)).describeSession("a")
            }
            #expect(server.connections == 1)
            #expect(
                await failure { () async throws(APIError) in try await quick.describeSession("slow") }?.kind == .timeout
            )
            // A limit that is longer than one set before changes nothing.
            let longer = quick.limited(to: .seconds(600))
            #expect(
                await failure { () async throws(APIError) in try await longer.describeSession("slow") }?.kind
                    == .timeout)
            _ = try await client.describeSession("a")
        }
    }

    @Test func connectionsOutliveTheClientTheyWereMadeFor() async throws {
        let server = RawServer { _, peer in
            peer.respond("200 OK", [], #"{"id":"a"}"#)
            return .keepOpen
        }
        var client: SessionAPIClient? = try SessionAPIClient(.init(baseURL: server.url) { testToken })
        let derived = try #require(client).limited(to: .seconds(60))
        client = nil
        for _ in 0..<3 { #expect(try await derived.describeSession("a").session.id == "a") }
        await derived.shutdown()
        server.stop()
    }
}
