import SessionAPI
import Synchronization

/// A mock for tests of your own code: it keeps sessions in memory and responds at once.
final class MockServer: SessionOperations {
    private let sessions = Mutex<[String: SessionDescription]>([:])

    func sessionRun(_ request: SessionRunRequest) async throws(APIError) -> StartedSession {
        try request.check()
        let id = request.id ?? "mock-1"
        let isTaken = sessions.withLock { sessions in
            if sessions[id] != nil { return true }
            let labels = SessionLabels(tags: LabelSet(request.labels ?? [:]))
            sessions[id] = SessionDescription(
                session: SessionEntry(
                    id: id, image: request.image, tag: request.version ?? "1.0", location: request.location,
                    host: "192.0.2.1", status: .running, labels: labels),
                playersJoined: [], playersJoinedCount: 0)
            return false
        }
        if isTaken {
            throw APIError(.conflict, operation: .sessionRun, session: id, status: 409, message: "the id is taken")
        }
        return StartedSession(id: id, host: "192.0.2.1", ports: [.init(type: "udp", container: 7777, host: 30_001)])
    }

    nonisolated(nonsending) func sessionList(
        _ query: SessionListQuery, entry: (SessionEntry) -> Void
    ) async throws(APIError) -> SessionListSummary {
        let all = sessions.withLock { $0.values.map(\.session).sorted { $0.id < $1.id } }
        for session in all { entry(session) }
        return SessionListSummary(entries: all.count)
    }

    func describeSession(_ id: String) async throws(APIError) -> SessionDescription {
        try known(id, .describeSession)
    }

    func sessionStop(_ id: String) async throws(APIError) {
        guard try known(id, .sessionStop).session.status != .exited else {
            throw APIError(.conflict, operation: .sessionStop, session: id, status: 409, message: "it has ended")
        }
        sessions.withLock { $0[id]?.session.status = .exited }
    }

    func joinSession(_ session: String, players: [String]) async throws(APIError) -> PlayerRoster {
        let joined = (try known(session, .joinSession).playersJoined ?? []) + players
        set(joined, in: session)
        return PlayerRoster(count: joined.count, players: players)
    }

    func leaveSession(players: [String]) async throws(APIError) -> PlayerRoster {
        var remaining = 0
        for (id, description) in sessions.withLock({ $0 }) {
            let joined = description.playersJoined ?? []
            guard joined.contains(where: players.contains) else { continue }
            let rest = joined.filter { !players.contains($0) }
            set(rest, in: id)
            remaining += rest.count
        }
        return PlayerRoster(count: remaining, players: players)
    }

    func artifacts(session: String, path: String) async throws(APIError) -> ArtifactDownload {
        _ = try known(session, .artifacts)
        return ArtifactDownload(body: ByteStream(Array("an archive".utf8)))
    }

    func availableLocations(image: String) async throws(APIError) -> [AvailableLocation] {
        [AvailableLocation(id: "nowhere", ips: ["192.0.2.1"])]
    }

    func tagExists(region: String, image: String, version: String) async throws(APIError) -> Bool { true }

    func streamLogs(session: String, follow: Bool) async throws(APIError) -> LogStream {
        _ = try known(session, .streamLogs)
        let pieces = AsyncStream<[UInt8]> { continuation in
            for piece in ["the match ", "begins\nit ends\n"] { continuation.yield(Array(piece.utf8)) }
            continuation.finish()
        }
        return LogStream(body: ByteStream(pieces, operation: .streamLogs, session: session))
    }

    private func known(_ id: String, _ operation: APIOperation) throws(APIError) -> SessionDescription {
        guard let session = sessions.withLock({ $0[id] }) else {
            throw APIError(.notFound, operation: operation, session: id, status: 404, message: "no such session")
        }
        return session
    }

    private func set(_ players: [String], in id: String) {
        sessions.withLock { sessions in
            sessions[id]?.playersJoined = players
            sessions[id]?.playersJoinedCount = players.count
        }
    }
}
