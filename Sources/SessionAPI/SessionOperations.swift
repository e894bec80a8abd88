public import SessionModel

/// The ten operations of the Session API.
///
/// ``SessionAPIClient`` sends them over HTTP, ``RetryingSessionAPI`` retries them after temporary failures, and your
/// own type can replace a server in tests: every model and stream has a public initializer.
public protocol SessionOperations: Sendable {
    /// session-run: starts a session.
    func sessionRun(_ request: SessionRunRequest) async throws(APIError) -> StartedSession

    /// session-list: passes on each session as it arrives.
    /// - Parameters:
    ///   - query: which sessions.
    ///   - entry: called for each session in the server's order.
    /// - Returns: the number of sessions, and which entries are damaged.
    /// - Throws: possibly after some entries, when the list is truncated. A session that is missing from such a list
    ///   may still exist.
    nonisolated(nonsending) func sessionList(
        _ query: SessionListQuery, entry: (SessionEntry) -> Void
    ) async throws(APIError) -> SessionListSummary

    /// describe-session: everything the API knows about one session.
    func describeSession(_ id: String) async throws(APIError) -> SessionDescription

    /// session-stop: sends SIGTERM to a session.
    func sessionStop(_ id: String) async throws(APIError)

    /// join-session: registers players with a session.
    func joinSession(_ session: String, players: [String]) async throws(APIError) -> PlayerRoster

    /// leave-session: removes players from the sessions they are in.
    func leaveSession(players: [String]) async throws(APIError) -> PlayerRoster

    /// artifacts: starts the download of one file or folder of an ended session's container.
    /// - Returns: the response head; the bytes arrive as the body is iterated.
    func artifacts(session: String, path: String) async throws(APIError) -> ArtifactDownload

    /// get-available-locations: where an image can be hosted now.
    func availableLocations(image: String) async throws(APIError) -> [AvailableLocation]

    /// tag-exists: whether a version of an image is available in a region.
    func tagExists(region: String, image: String, version: String) async throws(APIError) -> Bool

    /// stream-logs: what a session wrote to stdout and stderr.
    /// - Parameters:
    ///   - session: the session's id.
    ///   - follow: whether to keep the stream open until the session ends; false ends after what has been written so
    ///     far.
    func streamLogs(session: String, follow: Bool) async throws(APIError) -> LogStream

    /// Returns the same operations, each with a time limit from its start to the end of its response; a shorter limit
    /// that is already set stays. The default implementation returns `self` without a limit.
    func limited(to limit: Duration) -> Self
}

extension SessionOperations {
    /// Returns `self` without a limit.
    public func limited(to limit: Duration) -> Self { self }

    /// session-list: passes on each running session as it arrives.
    /// - Parameter entry: called for each session in the server's order.
    nonisolated(nonsending) public func sessionList(
        entry: (SessionEntry) -> Void
    ) async throws(APIError) -> SessionListSummary {
        try await sessionList(SessionListQuery(), entry: entry)
    }

    /// session-list: returns all sessions in memory. For long lists use the form that passes them on one by one.
    /// - Parameter query: which sessions; running ones by default.
    /// - Throws: when the list is truncated or malformed.
    public func sessionList(_ query: SessionListQuery = SessionListQuery()) async throws(APIError) -> SessionList {
        var sessions: [SessionEntry] = []
        let summary = try await sessionList(query) { sessions.append($0) }
        return SessionList(sessions: sessions, rejected: summary.rejected)
    }

    /// stream-logs: what a session has written so far.
    /// - Parameter session: the session's id.
    public func streamLogs(session: String) async throws(APIError) -> LogStream {
        try await streamLogs(session: session, follow: false)
    }
}
