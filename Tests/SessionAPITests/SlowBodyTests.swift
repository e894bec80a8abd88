import Foundation
import SessionAPI
import Testing

/// Bodies that keep moving and never end.
@Suite struct SlowBodyTests {
    private func list(
        _ configure: (inout SessionAPIClient.Configuration) -> Void,
        _ answer: @escaping @Sendable (RawServer.Peer) -> Void
    ) async throws -> (entries: Int, error: APIError?) {
        try await withServer { _, peer in
            answer(peer)
            return .close
        } configure: {
            configure(&$0)
        } _: { client, _ in
            var entries = 0
            do throws(APIError) {
                _ = try await client.sessionList { _ in entries += 1 }
                return (entries, nil)
            } catch {
                return (entries, error)
            }
        }
    }

    private static let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

    @Test(.timeLimit(.minutes(3))) func aListThatTricklesEndsAtItsLimit() async throws {
        let (entries, error) = try await list {
            $0.listTimeout = .milliseconds(500)
        } _: { peer in
            peer.write(Self.head + #"{"sessions":[{"id":"a"}"#)
            while peer.write(" ") { Thread.sleep(forTimeInterval: 0.05) }
        }
        #expect(entries <= 1)
        #expect(error?.kind == .timeout)
        #expect(error?.description.contains("was not complete after") == true, "\(String(describing: error))")
    }

    @Test(.timeLimit(.minutes(3))) func aListThatNeverEndsEndsAtItsSize() async throws {
        let (entries, error) = try await list {
            $0.maximumList = 1 << 20
        } _: { peer in
            peer.write(Self.head + #"{"sessions":[{"id":"a"}"#)
            let many = String(repeating: #",{"id":"b"}"#, count: 1000)
            while peer.write(many) {}
        }
        #expect(entries > 1000)
        #expect(error?.kind == .invalidAnswer)
        #expect(error?.description.contains("larger than 1048576 bytes") == true, "\(String(describing: error))")
    }

    @Test(.timeLimit(.minutes(3))) func aBodyThatHardlyMovesIsGivenUpAndItsBytesAreKept() async throws {
        try await withServer { _, peer in
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while peer.write("x") { Thread.sleep(forTimeInterval: 0.02) }
            return .close
        } configure: {
            // Longer than a busy machine keeps the peer from its next byte.
            $0.stallTimeout = .seconds(10)
            $0.slowestBody = 1000
        } _: { client, _ in
            let (bytes, error) = await collect(try await client.artifacts(session: "a", path: "/p").body)
            #expect(!bytes.isEmpty && bytes.allSatisfy { $0 == UInt8(ascii: "x") })
            #expect(error?.kind == .timeout)
            #expect(
                error?.description.contains("fewer than 1000 bytes per second") == true, "\(String(describing: error))")
        }
    }

    @Test(.timeLimit(.minutes(3))) func anAnswerThatTricklesEndsAtItsLimit() async throws {
        try await withServer { _, peer in
            peer.write(Self.head + #"{"session":"#)
            while peer.write(" ") { Thread.sleep(forTimeInterval: 0.05) }
            return .close
        } configure: {
            $0.answerTimeout = .milliseconds(500)
        } _: { client, _ in
            let error = await failure { () async throws(APIError) in try await client.describeSession("a") }
            #expect(error?.kind == .timeout, "\(String(describing: error))")
        }
    }

    @Test(.timeLimit(.minutes(3))) func aListThatIsAlwaysReadyCanBeCancelled() async throws {
        try await withServer { _, peer in
            peer.write(Self.head + #"{"sessions":[{"id":"a"}"#)
            let many = String(repeating: #",{"id":"b"}"#, count: 10_000)
            while peer.write(many) {}
            return .close
        } _: { client, _ in
            let (entries, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            let task = Task { () -> APIError? in
                await failure { () async throws(APIError) in
                    try await client.sessionList { _ in continuation.yield() }
                }
            }
            for await _ in entries { break }
            task.cancel()
            #expect(await task.value?.kind == .cancelled)
        }
    }
}
