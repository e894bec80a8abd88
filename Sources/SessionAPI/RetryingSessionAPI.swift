/// The ten operations with those attempts repeated that failed in passing.
///
/// - session-run is repeated only where no session can have been started: the server refused with 420 or 429, or no
///   connection was made. The id is settled before the first attempt, so all attempts carry the same.
/// - session-list is repeated until the first entry has been handed over, artifacts and stream-logs until their head has
///   come. What breaks off later is the reader's, who knows what it has.
/// - A session-stop that is repeated after an attempt which may have reached the server takes 409 (it has ended already)
///   for success, because the earlier attempt may have ended it. 404 stays an error: it may be a wrong id.
/// - A cancellation of the task ends an attempt or a wait at once.
public struct RetryingSessionAPI<Base: SessionOperations>: SessionOperations {
    /// What carries out each attempt.
    public let base: Base
    /// How often and how long is tried.
    public let policy: RetryPolicy

    let random: @Sendable () -> Double
    let sleep: @Sendable (Duration) async throws -> Void

    /// Repeats the operations of `base`, which stays the caller's to shut down.
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

    /// The same with all attempts of a call together bounded to a time, and streams to their end.
    public func limited(to limit: Duration) -> RetryingSessionAPI {
        var policy = policy
        policy.total = min(policy.total, limit)
        return RetryingSessionAPI(base.limited(to: limit), policy: policy, random: random, sleep: sleep)
    }

    /// session-run, repeated only where no session can have been started.
    public func sessionRun(_ request: SessionRunRequest) async throws(APIError) -> StartedSession {
        let request = request.identified()
        return try await repeated { (base, _) async throws(APIError) in try await base.sessionRun(request) }
    }

    /// session-list, repeated until the first entry has been handed over.
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

    /// session-stop; 409 is success where an earlier attempt may have stopped the session.
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

    /// leave-session. The count of a repeated call does not count sessions that an earlier attempt already emptied of these
    /// players.
    public func leaveSession(players: [String]) async throws(APIError) -> PlayerRoster {
        try await repeated { (base, _) async throws(APIError) in try await base.leaveSession(players: players) }
    }

    /// artifacts, repeated until the head has come.
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

    /// stream-logs, repeated until the head has come.
    public func streamLogs(session: String, follow: Bool) async throws(APIError) -> LogStream {
        try await repeatedHead(.streamLogs, session) { try await $0.streamLogs(session: session, follow: follow) }
    }
}
