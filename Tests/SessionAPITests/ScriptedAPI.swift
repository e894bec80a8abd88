import SessionAPI
import Synchronization

/// The ten operations from a script: fails with each error of a list in turn, then answers.
final class ScriptedAPI: SessionOperations {
    private let script: Mutex<[APIError]>
    private let seen = Mutex<[String]>([])
    private let entries: [SessionEntry]
    private let bytes: [UInt8]

    init(failures: [APIError] = [], entries: [SessionEntry] = [], bytes: [UInt8] = []) {
        script = Mutex(failures)
        self.entries = entries
        self.bytes = bytes
    }

    /// The requests, in order.
    var calls: [String] { seen.withLock { $0 } }

    private func step(_ call: String) throws(APIError) {
        seen.withLock { $0.append(call) }
        if let failure = script.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { throw failure }
    }

    func sessionRun(_ request: SessionRunRequest) async throws(APIError) -> StartedSession {
        try step("run \(request.id ?? "-")")
        return StartedSession(
            id: request.id ?? "", host: "10.0.0.1", ports: [.init(type: "udp", container: 1, host: 2)])
    }

    nonisolated(nonsending) func sessionList(
        _ query: SessionListQuery, entry: (SessionEntry) -> Void
    ) async throws(APIError) -> SessionListSummary {
        // Passes on the entries before it fails, as a truncated list does.
        for session in entries { entry(session) }
        try step("list")
        return SessionListSummary(entries: entries.count)
    }

    func describeSession(_ id: String) async throws(APIError) -> SessionDescription {
        try step("describe \(id)")
        return SessionDescription(session: SessionEntry(id: id), playersJoined: ["p"], playersJoinedCount: 1)
    }

    func sessionStop(_ id: String) async throws(APIError) { try step("stop \(id)") }

    func joinSession(_ session: String, players: [String]) async throws(APIError) -> PlayerRoster {
        try step("join \(session)")
        return PlayerRoster(count: players.count, players: players)
    }

    func leaveSession(players: [String]) async throws(APIError) -> PlayerRoster {
        try step("leave")
        return PlayerRoster(count: 0, players: players)
    }

    func artifacts(session: String, path: String) async throws(APIError) -> ArtifactDownload {
        try step("artifacts \(session) \(path)")
        return ArtifactDownload(body: ByteStream(bytes))
    }

    func availableLocations(image: String) async throws(APIError) -> [AvailableLocation] {
        try step("locations \(image)")
        return [AvailableLocation(id: "europe", ips: ["127.0.0.1"])]
    }

    func tagExists(region: String, image: String, version: String) async throws(APIError) -> Bool {
        try step("tag \(version)")
        return true
    }

    func streamLogs(session: String, follow: Bool) async throws(APIError) -> LogStream {
        try step("logs \(session) \(follow)")
        return LogStream(body: ByteStream(bytes))
    }
}
