// Both in one file: no name of the library is one of Foundation's.
import Foundation
import SessionAPI
import Testing

/// A caller's code, written against `some SessionOperations`.
private func playersOfRunningSessions(_ api: some SessionOperations) async throws(APIError) -> [String: Int] {
    var players: [String: Int] = [:]
    for session in try await api.sessionList().sessions {
        players[session.id] = try await api.describeSession(session.id).playersJoinedCount
    }
    return players
}

@Suite struct MockTests {
    @Test func ownCodeRunsAgainstAMock() async throws {
        let mock = ScriptedAPI(entries: [SessionEntry(id: "a"), SessionEntry(id: "b")])
        #expect(try await playersOfRunningSessions(mock) == ["a": 1, "b": 1])
        #expect(mock.calls == ["list", "describe a", "describe b"])
        let any: any SessionOperations = mock
        #expect(try await any.limited(to: .seconds(1)).tagExists(region: "r", image: "i", version: "v"))
        // Foundation's own operations are still called so.
        let operation: Operation = BlockOperation {}
        #expect(!operation.isFinished)
        #expect(APIOperation(rawValue: "artifacts") == .artifacts)
    }

    @Test func streamsCanBeMadeFromAnything() async throws {
        let mock = ScriptedAPI(bytes: Array("archive".utf8))
        let download = try await mock.artifacts(session: "a", path: "/p")
        #expect(download.head.status == 200 && download.head.contentType == "application/x-tar")
        #expect(await collect(download.body).bytes == Array("archive".utf8))

        let arrays = AsyncStream<[UInt8]> { continuation in
            for piece in ["one ", "", "two"] { continuation.yield(Array(piece.utf8)) }
            continuation.finish()
        }
        #expect(await collect(ByteStream(arrays)).bytes == Array("one two".utf8))

        let chunks = AsyncStream<BodyChunk> { continuation in
            continuation.yield(BodyChunk("text".utf8))
            continuation.yield(BodyChunk(Data([1, 2])))
            continuation.finish()
        }
        #expect(await collect(ByteStream(chunks)).bytes == Array("text".utf8) + [1, 2])
    }

    @Test func streamsThatFail() async throws {
        struct Odd: Error {}
        let given = APIError(.timeout, operation: .streamLogs, session: "s", message: "slow")
        for (thrown, kind) in [
            (given as any Error, APIError.Kind.timeout), (Odd(), .truncated), (CancellationError(), .cancelled),
        ] {
            let pieces = AsyncThrowingStream<[UInt8], any Error> { continuation in
                continuation.yield([1, 2, 3])
                continuation.finish(throwing: thrown)
            }
            let (bytes, error) = await collect(ByteStream(pieces, operation: .streamLogs, session: "s"))
            #expect(bytes == [1, 2, 3] && error?.kind == kind)
            #expect(error?.operation == .streamLogs && error?.session == "s")
        }
    }

    @Test func framesAreTakenOutOfAMocksLogToo() async throws {
        let framed: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 3] + Array("one".utf8)
        var log: [UInt8] = []
        for try await chunk in LogStream(body: ByteStream(framed)) { log += chunk.bytes }
        #expect(log == Array("one".utf8))
    }

    @Test func everyModelCanBeMade() {
        #expect(StartedSession(id: "a", host: "h").ports.isEmpty)
        #expect(PlayerRoster(count: 1, players: ["p"]).count == 1)
        #expect(AvailableLocation(id: "europe").ips.isEmpty)
        #expect(BodyHead(framing: .length(5)).contentLength == 5)
        let damage = DamagedEntry(position: 1, offset: 0, id: nil, reason: "r", wasTaken: false)
        let summary = SessionListSummary(entries: 2, rejected: 1, damaged: [damage], bytes: 10)
        #expect(summary.damaged == [damage] && summary.mended == 0)
        #expect(SessionDescription(session: SessionEntry(id: "a")).playersJoined == nil)
    }
}
