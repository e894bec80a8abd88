public import SessionModel

/// The ten operations, retried after temporary failures.
///
/// - session-run is retried only when no session can have been started: the server refused with 420 or 429, or no
///   connection was made. The id is chosen before the first attempt, so all attempts use the same one.
/// - session-list is retried until the first entry was passed on, artifacts and stream-logs until their head arrives.
///   Later failures are left to the caller, who knows what has been received.
/// - When an earlier attempt of session-stop may have reached the server, 409 (already ended) is success, because that
///   attempt may have ended the session. 404 stays an error: the id may be wrong.
/// - Cancelling the task ends an attempt or a wait at once.
public struct RetryingSessionAPI<Base: SessionOperations>: SessionOperations {
    /// Carries out each attempt.
    public let base: Base
    /// How often and how long operations are retried.
    public let policy: RetryPolicy

    let random: @Sendable () -> Double
    let sleep: @Sendable (Duration) async throws -> Void

    /// Retries the operations of `base`, which the caller still has to shut down.
    public init(_ base: Base, policy: RetryPolicy = RetryPolicy()) {
        self.init(base, policy: policy, random: { .random(in: 0..<1) }, sleep: { try await Task.sleep(for: $0) })
    }

    init(
        _ base: Base, policy: RetryPolicy, random: @escaping @Sendable () -> Double,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.base = base
        self.policy = policy
        self.random = random
        self.sleep = sleep
    }

    /// Returns the same operations with a time limit for all attempts of a call together; streams must end within it.
    public func limited(to limit: Duration) -> RetryingSessionAPI {
        var policy = policy
        policy.total = min(policy.total, limit)
        return RetryingSessionAPI(base.limited(to: limit), policy: policy, random: random, sleep: sleep)
    }

    /// session-run, retried only when no session can have been started.
    public func sessionRun(_ request: SessionRunRequest) async throws(APIError) -> StartedSession {
        let request = request.identified()
        return try await repeated { (base, _) async throws(APIError) in try await base.sessionRun(request) }
    }

    /// session-list, retried until the first entry was passed on.
    nonisolated(nonsending) public func sessionList(
        _ query: SessionListQuery, entry: (SessionEntry) -> Void
    ) async throws(APIError) -> SessionListSummary {
        var handedOver = false
        return try await repeated(
            while: { !handedOver },
            { (base, _) async throws(APIError) in
                try await base.sessionList(query) { session in
                    handedOver = true
                    entry(session)
                }
            })
    }

    /// describe-session.
    public func describeSession(_ id: String) async throws(APIError) -> SessionDescription {
        try await repeated { (base, _) async throws(APIError) in try await base.describeSession(id) }
    }

    /// session-stop; 409 is success when an earlier attempt may have stopped the session.
    public func sessionStop(_ id: String) async throws(APIError) {
        try await repeated { (base, mayHaveActed) async throws(APIError) in
            do throws(APIError) {
                try await base.sessionStop(id)
            } catch {
                guard error.kind == .conflict, mayHaveActed else { throw error }
            }
        }
    }

    /// join-session.
    public func joinSession(_ session: String, players: [String]) async throws(APIError) -> PlayerRoster {
        try await repeated { (base, _) async throws(APIError) in try await base.joinSession(session, players: players) }
    }

    /// leave-session. After a retry the count leaves out sessions from which an earlier attempt already removed these
    /// players.
    public func leaveSession(players: [String]) async throws(APIError) -> PlayerRoster {
        try await repeated { (base, _) async throws(APIError) in try await base.leaveSession(players: players) }
    }

    /// artifacts, retried until the head arrives.
    public func artifacts(session: String, path: String) async throws(APIError) -> ArtifactDownload {
        try await repeatedHead(.artifacts, session) { try await $0.artifacts(session: session, path: path) }
    }

    /// get-available-locations.
    public func availableLocations(image: String) async throws(APIError) -> [AvailableLocation] {
        try await repeated { (base, _) async throws(APIError) in try await base.availableLocations(image: image) }
    }

    /// tag-exists.
    public func tagExists(region: String, image: String, version: String) async throws(APIError) -> Bool {
        try await repeated { (base, _) async throws(APIError) in
            try await base.tagExists(region: region, image: image, version: version)
        }
    }

    /// stream-logs, retried until the head arrives.
    public func streamLogs(session: String, follow: Bool) async throws(APIError) -> LogStream {
        try await repeatedHead(.streamLogs, session) { try await $0.streamLogs(session: session, follow: follow) }
    }
}
